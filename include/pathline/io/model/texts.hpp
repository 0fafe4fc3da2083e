/// \file
/// Settings and sizes as the texts of a model's file, and back.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/io/number_text.hpp>

#include <charconv>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace pathline::io::detail {

/// "2 64 64".
[[nodiscard]] inline std::string list_text(const std::vector<Index>& numbers) {
  std::string text;
  for (const Index number : numbers) text += (text.empty() ? "" : " ") + std::to_string(number);
  return text;
}

template <class T>
[[nodiscard]] std::string setting_text(const T& value) {
  if constexpr (std::same_as<T, bool>)
    return value ? "true" : "false";
  else if constexpr (std::integral<T>)
    return std::to_string(value);
  else if constexpr (std::floating_point<T>)
    return format_number(value);
  else
    return std::string(value);
}

/// Nothing unless all of the text is a number of the type's range.
template <std::integral T>
[[nodiscard]] std::optional<T> parse_whole(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// What list_text() made of at most 4096 numbers from 0 to `most`, or nothing.
[[nodiscard]] inline std::optional<std::vector<Index>> parse_list(std::string_view text, Index most) {
  std::vector<Index> numbers;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view word = rest.substr(0, rest.find(' '));
    const auto number = parse_whole<Index>(word);
    if (!number || *number < 0 || *number > most || numbers.size() == 4096) return std::nullopt;
    numbers.push_back(*number);
    rest.remove_prefix(word.size() < rest.size() ? word.size() + 1 : word.size());
  }
  if (list_text(numbers) != text) return std::nullopt;
  return numbers;
}

}  // namespace pathline::io::detail
