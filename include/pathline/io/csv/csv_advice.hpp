/// \file
/// What can be done about a table that cannot be read: other kinds of files, another separator or decimal sign, and the
/// ways to write a number that are none here.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/message.hpp>
#include <pathline/core/types.hpp>
#include <pathline/io/csv/csv_cells.hpp>
#include <pathline/io/csv/csv_text.hpp>
#include <pathline/io/csv_options.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace pathline::io::detail {

/// Refuses what is no text in UTF-8, by its first bytes or a NUL.
/// \throws DataError which says what the file is, and what to do.
template <class = void>
[[gnu::cold]] inline void require_text(const std::string& source, std::string_view text) {
  struct Format {
    const char *bytes, *name, *advice;
  };
  constexpr const char *unpack = "unpack it first", *utf8 = "save it as UTF-8", *export_it = "export it as CSV";
  static constexpr Format formats[] = {
      {"\xFF\xFE", "text in UTF-16", utf8},
      {"\xFE\xFF", "text in UTF-16", utf8},
      {"\x1F\x8B", "a gzip archive", unpack},
      {"BZh91AY", "a bzip2 archive", unpack},
      {"\xFD\x37zXZ", "an xz archive", unpack},
      {"\x28\xB5\x2F\xFD", "a zstd archive", unpack},
      {"PK\x03\x04", "a workbook (xlsx, ods) or a zip archive", "export it as CSV, or unpack it"},
      {"\xD0\xCF\x11\xE0", "an Excel workbook", export_it},
      {"PAR1\x15", "a Parquet file", export_it},
      {"\x89HDF", "an HDF5 file", export_it},
      {"\x93NUMPY", "a NumPy array", "write it by numpy.savetxt with delimiter=\",\""},
      {"SQLite format 3", "a SQLite database", export_it},
      {"%PDF-", "a PDF", export_it},
      {"[{", "JSON", export_it},
      {"{\"", "JSON", export_it},
      {"<!DOCTYPE", "a web page", "download the file itself"},
      {"<!doctype", "a web page", "download the file itself"},
      {"<html", "a web page", "download the file itself"},
      {"@relation", "an ARFF file", "remove all lines up to @data"},
      {"@RELATION", "an ARFF file", "remove all lines up to @DATA"},
      {"version https://git-lfs", "a Git LFS pointer", "fetch the file by git lfs pull"}};
  for (const Format& format : formats)
    if (text.starts_with(format.bytes))
      throw DataError({source, " is ", format.name, ", expected a table in plain text; ", format.advice});
  const std::size_t nul = text.find('\0');
  if (nul == std::string_view::npos) return;
  Index line = 1;
  for (const char c : text.substr(0, nul)) line += c == '\n' ? 1 : 0;
  throw DataError({source, ", line ", line,
                   " has a NUL byte, expected plain text; the file is binary or in UTF-16: save it as UTF-8"});
}

/// The next line of a text that has something on it; removes it there. Quotes are not read: advice need not be exact.
template <class = void>
[[nodiscard]] inline std::string_view take_line(std::string_view& text) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find_first_of("\r\n"));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.find_first_not_of(" \t") != std::string_view::npos) return line;
  }
  return {};
}

/// How a separator is called in a message.
template <class = void>
[[nodiscard, gnu::cold]] inline std::string separator_name(char separator) {
  return separator == ' ' ? "blank (\" \")" : separator == '\t' ? "tab" : shown(std::string_view(&separator, 1));
}

/// The separator and decimal sign by which the first line, the line at hand and the next have equally many cells, at
/// least two, of numbers, names and missing numbers; nothing when these are the reader's own, or there are none.
template <class = void>
[[nodiscard, gnu::cold]] inline std::string layout_advice(std::string_view all, std::string_view rest,
                                                          const CsvOptions& options) {
  for (const char separator : {',', ';', '\t', '|', ' '})
    for (const char decimal : {'.', ','}) {
      if (separator == decimal) continue;
      std::string_view head = all, tail = rest;
      std::size_t width = 0, numbers = 0;
      bool fits = true;
      for (const std::string_view line : {take_line(head), take_line(tail), take_line(tail)}) {
        if (line.empty()) continue;
        CsvReader reader("", line, separator);
        std::vector<std::string> cells;
        try {
          if (!reader.next(cells)) continue;
        } catch (const DataError&) {
          fits = false;
          break;
        }
        fits = fits && cells.size() > 1 && (width == 0 || width == cells.size());
        width = cells.size();
        for (const std::string& cell : cells) {
          const bool number = is_number(cell, decimal);
          numbers += number ? 1 : 0;
          fits = fits && (number || is_missing(cell) || is_name(cell));
        }
      }
      if (!fits || numbers == 0) continue;
      if (separator == options.separator && decimal == options.decimal) return {};
      return pathline::detail::message(
          {"its lines look like cells with the separator ", separator_name(separator),
           decimal == ',' ? " and the decimal sign \",\": set separator and decimal" : ": set separator"});
    }
  return {};
}

/// Whether a cell is several numbers with this character between them.
template <class = void>
[[nodiscard, gnu::cold]] inline bool is_several_numbers(std::string_view cell, char separator) {
  CsvReader reader("", cell, separator);
  std::vector<std::string> parts;
  if (cell.find('"') != std::string_view::npos || !reader.next(parts)) return false;
  for (const std::string& part : parts)
    if (!is_number(part, '.') && !is_number(part, ',')) return false;
  return parts.size() > 1;
}

/// The cell without each occurrence of a part.
template <class = void>
[[nodiscard, gnu::cold]] inline std::string without(std::string_view cell, std::string_view part) {
  std::string text(cell);
  for (std::size_t at; (at = text.find(part)) != std::string::npos;) text.erase(at, part.size());
  return text;
}

/// What is wrong with a cell that is no finite number, and what to do; empty for text that is just text.
template <class = void>
[[nodiscard, gnu::cold]] inline const char* cell_advice(std::string_view cell, const CsvOptions& options,
                                                        bool in_float) {
  const char decimal = options.decimal, other = decimal == '.' ? ',' : '.';
  const std::size_t none = std::string_view::npos;
  if (is_missing(cell)) return "set skip_missing to leave such rows out, correct the line, or choose other columns";
  const std::string point = with_point(cell, decimal);
  const bool in_double = parse_number<double>(point).has_value();
  if (is_decimal(point))
    return in_float && in_double ? "it is too large for float: read it as double"
                                 : "it is too large for double: choose another unit";
  if (in_double) return "infinity is no data: correct or remove the line";
  if (cell.find("\xE2\x88\x92") != none) return "its minus sign is a typographic one: write -";
  if (cell.ends_with('%')) return "write the number without its % sign";
  const std::string lower = lower_case(cell);
  if (lower.find("0x") != none) return "hexadecimal numbers are not read: write it in decimals";
  if (lower == "true" || lower == "false") return "write 1 for true and 0 for false";
  if (cell.starts_with('\'')) return "remove the single quotes";
  const std::string grouped = without(cell, std::string_view(&other, 1));
  const std::size_t signs = cell.size() - grouped.size(), first = cell.find(other);
  const bool by_three = signs > 0 && cell.size() > first + 3 && is_number(grouped, decimal) &&
                        is_whole(cell.substr(first + 1, 3)) && (cell.size() == first + 4 || !is_digit(cell[first + 4]));
  if (by_three && (signs > 1 || cell.find(decimal) != none)) return "remove the separators of thousands";
  if (by_three)
    return other == ',' ? "remove the separators of thousands; if \",\" is the decimal sign, set decimal"
                        : "remove the separators of thousands; if \".\" is the decimal sign, set decimal";
  if (is_number(cell, other)) return other == ',' ? "set decimal to \",\"" : "set decimal to \".\"";
  for (const std::string_view separator : {" ", "'", "_", "\xC2\xA0", "\xE2\x80\xAF", "\xE2\x80\x99"}) {
    const std::size_t at = cell.rfind(separator);
    if (at == none || !is_number(without(cell, separator), decimal)) continue;
    const std::string_view group = cell.substr(at + separator.size());  // of three digits, and a fraction
    if (group.size() >= 3 && is_whole(group.substr(0, 3)) && (group.size() == 3 || !is_digit(group[3])))
      return "remove the separators of thousands";
  }
  const std::size_t exponent = cell.find_first_of("dD");
  if (exponent != none) {
    std::string by_e(cell);
    by_e[exponent] = 'e';
    if (is_number(by_e, decimal))
      return cell[exponent] == 'd' ? "write its exponent with e in place of \"d\""
                                   : "write its exponent with e in place of \"D\"";
  }
  if (is_digit(cell.front()) && cell.find_first_of("-/:", 1) != none && cell.find('e') == none)
    return "a date or time is no number: write it as days or seconds, or choose other columns";
  if (is_several_numbers(cell, ';')) return "if \";\" separates cells, set separator";
  if (is_several_numbers(cell, '\t')) return "if tab separates cells, set separator";
  if (is_several_numbers(cell, '|')) return "if \"|\" separates cells, set separator";
  if (is_several_numbers(cell, ' ')) return "if blank (\" \") separates cells, set separator";
  bool marked = cell.find_first_of("$<>~") == 0;
  for (const char c : cell) marked = marked || is_letter(c);
  const bool currency = cell.starts_with("€") || cell.starts_with("£");
  if (has_digit(cell) && marked && (currency || !is_name(cell)))
    return "write the number alone, without a unit or a sign";
  return "";
}

}  // namespace pathline::io::detail
