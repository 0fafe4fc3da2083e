/// \file
/// Pieces of C++ text: numbers that read back to the same bits, arrays, comments, names.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/io/number_text.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>

namespace pathline::io::detail {

template <Real Scalar>
inline constexpr const char* scalar_name = std::same_as<Scalar, float> ? "float" : "double";

/// A literal of the scalar's type, correctly rounded by every compiler to the same bits.
template <Real Scalar>
[[nodiscard]] std::string literal(Scalar value) {
  std::string text = format_number(value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return std::same_as<Scalar, float> ? text + "f" : text;
}

/// `inline constexpr TYPE NAME[N] = {…};`, which must not be empty.
template <Real Scalar>
[[nodiscard]] std::string array_text(const std::string& type, const std::string& name,
                                     std::type_identity_t<View<const Scalar>> values) {
  constexpr std::size_t width = 118;
  std::string text = "inline constexpr " + type + " " + name + "[" + std::to_string(values.size()) + "] = {\n";
  std::string line = "   ";
  for (Index j = 0; j < values.cols(); ++j)
    for (Index i = 0; i < values.rows(); ++i) {
      const std::string number =
          " " + literal(values(i, j)) + (i + j + 2 == values.rows() + values.cols() ? "};" : ",");
      if (line.size() + number.size() > width) {
        text += line + "\n";
        line = "   ";
      }
      line += number;
    }
  return text + line + "\n";
}

/// Each line of the text as a comment, whatever it ends with.
[[nodiscard]] inline std::string comment_text(const std::string& text) {
  std::string result;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::replace_if(
        line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; }, ' ');
    const std::size_t end = line.find_last_not_of(' ');
    line = end == std::string::npos ? "" : line.substr(0, end + 1);
    if (!line.empty() && line.back() == '\\') line += " //";  // a comment must not go on in the next line
    result += line.empty() ? "//\n" : "// " + line + "\n";
  }
  return result;
}

/// \throws ArgumentError unless `name` can name a namespace in C++17.
inline void require_identifier(const std::string& what, const std::string& name) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_", digits = "0123456789";
  constexpr std::string_view reserved =
      " alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t class compl "
      "const "
      "const_cast constexpr continue decltype default delete do double dynamic_cast else enum explicit export extern "
      "false float for friend goto if inline int long main mutable namespace new noexcept not not_eq nullptr operator "
      "or "
      "or_eq private protected public register reinterpret_cast return short signed sizeof static static_assert "
      "static_cast std struct switch template this thread_local throw true try typedef typeid typename union unsigned "
      "using virtual void volatile wchar_t while xor xor_eq ";
  const std::string expected =
      "a C++ identifier, such as sensor_flow: letters, digits and _, no digit first, no keyword";
  bool good = !name.empty() && letters.find(name[0]) != std::string_view::npos;
  for (const char c : name) good = good && (letters.find(c) != std::string_view::npos || digits.find(c) != digits.npos);
  good = good && name[0] != '_' && name.find("__") == std::string::npos;  // reserved for compilers
  if (!good || reserved.find(" " + name + " ") != std::string_view::npos)
    throw ArgumentError(what, "\"" + name + "\"", expected);
}

}  // namespace pathline::io::detail
