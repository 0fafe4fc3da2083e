/// \file
/// What can be done about a table that cannot be read: other kinds of files, another separator or decimal sign, and the
/// ways to write a number that are none here.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/io/csv_cells.hpp>
#include <pathline/io/csv_options.hpp>
#include <pathline/io/csv_text.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pathline::io::detail {

/// Refuses what is no text in UTF-8, by its first bytes or a NUL.
/// \throws DataError which says what the file is, and what to do.
inline void require_text(const std::string& source, std::string_view text) {
  using namespace std::string_view_literals;
  struct Format {
    std::string_view bytes, name, advice;
  };
  constexpr std::string_view unpack = "unpack it first", utf8 = "save it as UTF-8", export_it = "export it as CSV";
  for (const Format& format :
       {Format{"\xFF\xFE"sv, "text in UTF-16", utf8},
        Format{"\xFE\xFF"sv, "text in UTF-16", utf8},
        Format{"\x1F\x8B"sv, "a gzip archive", unpack},
        Format{"BZh91AY"sv, "a bzip2 archive", unpack},
        Format{"\xFD\x37zXZ"sv, "an xz archive", unpack},
        Format{"\x28\xB5\x2F\xFD"sv, "a zstd archive", unpack},
        Format{"PK\x03\x04"sv, "a workbook (xlsx, ods) or a zip archive", "export it as CSV, or unpack it"},
        Format{"\xD0\xCF\x11\xE0"sv, "an Excel workbook", export_it},
        Format{"PAR1\x15"sv, "a Parquet file", export_it},
        Format{"\x89HDF"sv, "an HDF5 file", export_it},
        Format{"\x93NUMPY"sv, "a NumPy array", "write it by numpy.savetxt with delimiter=\",\""},
        Format{"SQLite format 3"sv, "a SQLite database", export_it},
        Format{"%PDF-"sv, "a PDF", export_it},
        Format{"[{"sv, "JSON", export_it},
        Format{"{\""sv, "JSON", export_it},
        Format{"<!DOCTYPE"sv, "a web page", "download the file itself"},
        Format{"<!doctype"sv, "a web page", "download the file itself"},
        Format{"<html"sv, "a web page", "download the file itself"},
        Format{"@relation"sv, "an ARFF file", "remove all lines up to @data"},
        Format{"@RELATION"sv, "an ARFF file", "remove all lines up to @DATA"},
        Format{"version https://git-lfs"sv, "a Git LFS pointer", "fetch the file by git lfs pull"}})
    if (text.starts_with(format.bytes))
      throw DataError(
          {source, " is ", std::string(format.name), ", expected a table in plain text; ", std::string(format.advice)});
  const std::size_t nul = text.find('\0');
  if (nul == std::string_view::npos) return;
  const auto line = 1 + std::count(text.begin(), text.begin() + std::ptrdiff_t(nul), '\n');
  throw DataError({source, ", line ", line,
                   " has a NUL byte, expected plain text; the file is binary or in UTF-16: save it as UTF-8"});
}

/// The next line of a text that has something on it; removes it there. Quotes are not read: advice need not be exact.
[[nodiscard]] inline std::string_view take_line(std::string_view& text) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find_first_of("\r\n"));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.find_first_not_of(" \t") != std::string_view::npos) return line;
  }
  return {};
}

/// How a separator is called in a message.
[[nodiscard]] inline std::string separator_name(char separator) {
  return separator == ' ' ? "blank (\" \")" : separator == '\t' ? "tab" : shown(std::string_view(&separator, 1));
}

/// The separator and decimal sign by which the first line, the line at hand and the next have equally many cells, at
/// least two, of numbers, names and missing numbers; nothing when these are the reader's own, or there are none.
[[nodiscard]] inline std::string layout_advice(std::string_view all, std::string_view rest, const CsvOptions& options) {
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
      return "its lines look like cells with the separator " + separator_name(separator) +
             (decimal == ',' ? " and the decimal sign \",\": set separator and decimal" : ": set separator");
    }
  return {};
}

/// Whether a cell is several numbers with this character between them.
[[nodiscard]] inline bool is_several_numbers(std::string_view cell, char separator) {
  CsvReader reader("", cell, separator);
  std::vector<std::string> parts;
  return cell.find('"') == std::string_view::npos && reader.next(parts) && parts.size() > 1 &&
         std::all_of(parts.begin(), parts.end(),
                     [](const std::string& part) { return is_number(part, '.') || is_number(part, ','); });
}

/// What is wrong with a cell that is no finite number, and what to do; nothing for text that is just text.
[[nodiscard]] inline std::string cell_advice(std::string_view cell, const CsvOptions& options, bool in_float) {
  const char decimal = options.decimal, other = decimal == '.' ? ',' : '.';
  const auto contains = [&](std::string_view part) { return cell.find(part) != std::string_view::npos; };
  const auto number = [&](const std::string& text) { return is_number(text, decimal); };
  const auto without = [](std::string text, std::string_view part) {
    for (std::size_t at; (at = text.find(part)) != std::string::npos;) text.erase(at, part.size());
    return text;
  };
  const std::string text(cell);
  if (is_missing(cell)) return "set skip_missing to leave such rows out, correct the line, or choose other columns";
  const std::optional<std::string> point = with_point(cell, decimal);
  if (point && is_decimal(*point))
    return in_float && parse_number<double>(*point) ? "it is too large for float: read it as double"
                                                    : "it is too large for double: choose another unit";
  if (point && parse_number<double>(*point)) return "infinity is no data: correct or remove the line";
  if (contains("\xE2\x88\x92")) return "its minus sign is a typographic one: write -";
  if (cell.ends_with('%')) return "write the number without its % sign";
  if (lower_case(cell).find("0x") != std::string::npos) return "hexadecimal numbers are not read: write it in decimals";
  if (lower_case(cell) == "true" || lower_case(cell) == "false") return "write 1 for true and 0 for false";
  if (cell.starts_with('\'')) return "remove the single quotes";
  const std::string one_sign(1, other), own_sign(1, decimal);
  const std::string grouped = without(text, one_sign);
  const std::size_t signs = text.size() - grouped.size();
  const bool by_three = signs > 0 && text.size() > text.find(other) + 3 && number(grouped) &&
                        std::all_of(text.begin() + std::ptrdiff_t(text.find(other)) + 1,
                                    text.begin() + std::ptrdiff_t(text.find(other)) + 4, is_digit);
  if (by_three && (signs > 1 || contains(own_sign))) return "remove the separators of thousands";
  if (by_three)
    return "remove the separators of thousands; if " + shown(one_sign) + " is the decimal sign, set decimal";
  if (is_number(cell, other)) return "set decimal to " + shown(one_sign);
  for (const std::string_view separator : {" ", "'", "_", "\xC2\xA0", "\xE2\x80\xAF", "\xE2\x80\x99"}) {
    const std::size_t at = cell.rfind(separator);
    if (at == std::string_view::npos || !number(without(text, separator))) continue;
    const std::string_view group = cell.substr(at + separator.size());  // of three digits, and a fraction
    if (group.size() >= 3 && is_whole(group.substr(0, 3)) && (group.size() == 3 || !is_digit(group[3])))
      return "remove the separators of thousands";
  }
  const std::size_t exponent = cell.find_first_of("dD");
  if (exponent != std::string_view::npos && number(text.substr(0, exponent) + "e" + text.substr(exponent + 1)))
    return "write its exponent with e in place of " + shown(cell.substr(exponent, 1));
  if (is_digit(cell.front()) && cell.find_first_of("-/:", 1) != std::string_view::npos && !contains("e"))
    return "a date or time is no number: write it as days or seconds, or choose other columns";
  for (const char separator : {';', '\t', '|', ' '})
    if (is_several_numbers(cell, separator))
      return "if " + separator_name(separator) + " separates cells, set separator";
  const bool marked = std::any_of(cell.begin(), cell.end(), is_letter) || cell.find_first_of("$<>~") == 0;
  const bool currency = cell.starts_with("€") || cell.starts_with("£");
  if (cell.find_first_of("0123456789") != std::string_view::npos && marked && (currency || !is_name(cell)))
    return "write the number alone, without a unit or a sign";
  return {};
}

}  // namespace pathline::io::detail
