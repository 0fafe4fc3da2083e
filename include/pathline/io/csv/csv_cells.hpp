/// \file
/// What a cell of a table holds: a number, a mark that a number is missing, or text.
#pragma once

#include <pathline/io/number_text.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace pathline::io::detail {

[[nodiscard]] inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
/// ASCII letters and all that is beyond ASCII.
template <class = void>
[[nodiscard]] inline bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 128;
}
template <class = void>
[[nodiscard]] inline bool has_digit(std::string_view text) {
  return text.find_first_of("0123456789") != std::string_view::npos;
}
template <class = void>
[[nodiscard]] inline bool is_whole(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

template <class = void>
[[nodiscard, gnu::cold]] inline std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
  return result;
}

/// Whether the cell says that a number is missing, in the ways of R, pandas, Excel, SAS, SQL and UCI's tables.
template <class = void>
[[nodiscard]] inline bool is_missing(std::string_view cell) {
  if (cell.empty()) return true;
  if (cell.size() > 9) return false;
  if (cell.starts_with('#') && (cell.ends_with('!') || cell.ends_with('?'))) return true;  // Excel's #DIV/0! and others
  const std::string text = lower_case(cell);
  for (const std::string_view mark :
       {"na",   "n/a", "n.a.",    "n.d.",    "#n/a",      "#na", "<na>", "nan", "-nan", "nat", "null", "nil",
        "none", "\\n", "missing", "unknown", "undefined", "?",   "*",    ".",   "-",    "--",  "---"})
    if (text == mark) return true;
  return false;
}

/// The text with a point for its decimal sign; empty when it has a point where the decimal sign is a comma, since 1.234
/// may then be a thousand.
template <class = void>
[[nodiscard]] inline std::string with_point(std::string_view cell, char decimal) {
  std::string text(cell);
  if (decimal == '.') return text;
  if (cell.find('.') != std::string_view::npos) return {};
  for (char& c : text)
    if (c == decimal) c = '.';
  return text;
}

/// The number that a cell is, finite or not; nothing when it is none or too large.
template <Real Scalar>
[[nodiscard]] std::optional<Scalar> csv_value(std::string_view cell, char decimal) {
  if (decimal == '.') return parse_number<Scalar>(cell);
  return parse_number<Scalar>(with_point(cell, decimal));
}

/// Whether a cell is written as a number, of whatever size: digits, or infinity.
template <class = void>
[[nodiscard]] inline bool is_number(std::string_view cell, char decimal) {
  const std::string text = with_point(cell, decimal);
  return !is_missing(cell) && (is_decimal(text) || parse_number<double>(text));
}

/// Text with a letter that does not begin as a number does: "x", "-log p" and "µ", but not "1.2.3", "5 kg", "<2", "€5".
template <class = void>
[[nodiscard, gnu::cold]] inline bool is_name(std::string_view cell) {
  const std::size_t first = cell.find_first_not_of("+-.,<>=~'$ ");
  if (first == std::string_view::npos || is_digit(cell[first])) return false;
  bool letter = false, ascii_letter = false;
  for (const char c : cell) {
    letter = letter || is_letter(c);
    ascii_letter = ascii_letter || (is_letter(c) && static_cast<unsigned char>(c) < 128);
  }
  return ascii_letter || (letter && !has_digit(cell));
}

/// A number, or what was meant to be one: "5 kg", "1.2.3".
template <class = void>
[[nodiscard, gnu::cold]] inline bool begins_as_number(std::string_view cell, char decimal) {
  return is_number(cell, decimal) || (!is_name(cell) && has_digit(cell));
}

}  // namespace pathline::io::detail
