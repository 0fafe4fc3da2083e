/// \file
/// Numbers to text and back, whatever the locale of the program. What is written reads back as the same bits.
#pragma once

#include <pathline/core/types.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <ios>  // std::locale too: <locale> itself has dates and money, which take a compiler 40 ms
#include <limits>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>

namespace pathline::io {

namespace detail {

/// [sign] digits [. digits] [e [sign] digits], with a digit before or after the point.
[[nodiscard]] inline bool is_decimal(std::string_view text) {
  std::size_t at = 0;
  const auto skip_any = [&](std::string_view set) {
    const std::size_t first = at;
    at = std::min(text.find_first_not_of(set, at), text.size());
    return at - first;
  };
  const auto skip_one = [&](std::string_view set) {
    const bool found = at < text.size() && set.find(text[at]) != std::string_view::npos;
    at += found ? 1 : 0;
    return found;
  };
  constexpr std::string_view digits = "0123456789";
  skip_one("+-");
  std::size_t mantissa = skip_any(digits);
  if (skip_one(".")) mantissa += skip_any(digits);
  if (mantissa == 0) return false;
  if (!skip_one("eE")) return at == text.size();
  skip_one("+-");
  return skip_any(digits) > 0 && at == text.size();
}

/// Slow, but everywhere: some standard libraries have no std::from_chars for floating point.
template <Real Scalar>
[[nodiscard]] std::optional<Scalar> parse_by_stream(std::string_view text) {
  if (!is_decimal(text)) return std::nullopt;
  std::istringstream stream{std::string(text)};
  stream.imbue(std::locale::classic());
  Scalar value = 0;
  stream >> value;
  // The text is a number, so only its size can be wrong, and some libraries report one that is too small as a failure.
  if (stream.fail() && std::abs(value) > 1) return std::nullopt;
  return value;
}

template <Real Scalar>
[[nodiscard]] std::string format_by_stream(Scalar value) {
  std::ostringstream stream;
  stream.imbue(std::locale::classic());
  stream.precision(std::numeric_limits<Scalar>::max_digits10);
  stream << value;
  return stream.str();
}

}  // namespace detail

/// The number that the whole of `text` is, in decimal notation with a point; nothing when it is none or too large.
/// `nan` and `inf` are numbers; a number too small for the scalar is zero. Spaces are not skipped.
template <Real Scalar>
[[nodiscard]] std::optional<Scalar> parse_number(std::string_view text) {
  std::string_view digits = text;
  if (digits.size() > 1 && digits[0] == '+' && digits[1] != '-') digits.remove_prefix(1);
#if defined(__cpp_lib_to_chars) && __cpp_lib_to_chars >= 201611L
  Scalar value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (end != digits.data() + digits.size()) return std::nullopt;
  if (error == std::errc::result_out_of_range) {  // Too small or too large?
    const std::optional<double> number = detail::parse_by_stream<double>(digits);
    if (!number || std::abs(*number) > double(std::numeric_limits<Scalar>::max())) return std::nullopt;
    return Scalar(*number);
  }
  if (error != std::errc{}) return std::nullopt;
  return value;
#else
  std::string_view magnitude = digits;
  if (magnitude.size() > 1 && magnitude[0] == '-') magnitude.remove_prefix(1);
  const Scalar sign = magnitude.size() == digits.size() ? Scalar(1) : Scalar(-1);
  for (const char* nan : {"nan", "NaN", "NAN"})
    if (magnitude == nan) return std::numeric_limits<Scalar>::quiet_NaN();
  for (const char* infinity : {"inf", "Inf", "INF", "infinity", "Infinity"})
    if (magnitude == infinity) return sign * std::numeric_limits<Scalar>::infinity();
  return detail::parse_by_stream<Scalar>(digits);
#endif
}

/// The shortest text that parse_number() reads as the same bits.
template <Real Scalar>
[[nodiscard]] std::string format_number(Scalar value) {
#if defined(__cpp_lib_to_chars) && __cpp_lib_to_chars >= 201611L
  char text[32];  // The longest double, -2.2250738585072014e-308, has 24 characters.
  const auto [end, error] = std::to_chars(text, text + sizeof text, value);
  return {text, end};
#else
  return detail::format_by_stream(value);
#endif
}

}  // namespace pathline::io
