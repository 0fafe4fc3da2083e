/// \file
/// Which line of a table names its columns, and which column a name or a number means.
///
/// Each cell of the first line is looked at together with the first cell below it that is not missing:
///
/// - The line *names the columns* when all of its cells are names, or when one is and stands above a number, and it has
///   no number itself. A name is text with a letter that does not begin as a number does: "x", but not "5 kg".
/// - It *can be either* when a name above a number stands beside numbers ("x,2019", but also "oops,1.5"), or when its
///   numbers are 0, 1, 2, … as pandas names columns, or years above numbers that are none ("country,1990,2000"). That
///   is an error, unless a chosen column has one of these names.
/// - Else it is *data*: missing numbers are no names, and neither is text above text, as in a column of classes.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/message.hpp>
#include <pathline/core/types.hpp>
#include <pathline/io/csv/csv_cells.hpp>
#include <pathline/io/csv/csv_text.hpp>
#include <pathline/io/csv_options.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pathline::io::detail {

/// Whether `one` is among `all`.
template <class = void>
[[nodiscard, gnu::cold]] inline bool is_among(const std::string& one, const std::vector<std::string>& all) {
  for (const std::string& other : all)
    if (one == other) return true;
  return false;
}

enum class FirstLine { names, data, either };

/// Whether the numbers of a line are 0, 1, 2, …, a 0 alone above a number that is not whole, or years that go up (a
/// single one beside text) above numbers that are not all years.
template <class = void>
[[nodiscard, gnu::cold]] inline bool numbers_as_names(const std::vector<std::string>& cells,
                                                      const std::vector<std::string>& below, char decimal) {
  const auto whole = [](const std::string& cell) { return is_whole(cell) && cell.size() <= 9 ? std::stol(cell) : -1; };
  const auto is_year = [](long value) { return value >= 1900 && value <= 2100; };
  long count = 0, last = -1;
  bool from_zero = true, years = true, fraction_below = false, years_below = true;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (!is_number(cells[i], decimal)) continue;
    const long value = whole(cells[i]);
    from_zero = from_zero && value == count;
    years = years && is_year(value) && value > last;
    fraction_below = fraction_below || (is_number(below[i], decimal) && !is_whole(below[i]));
    years_below = years_below && (below[i].empty() || is_year(whole(below[i])));
    last = value;
    ++count;
  }
  const bool several = count > 1, beside_text = count == 1 && cells.size() > 1;
  return (from_zero && (several || (count == 1 && fraction_below))) ||
         (years && !years_below && (several || beside_text));
}

/// The rules above. `below` has the first cell below each that is not missing, or nothing.
template <class = void>
[[nodiscard, gnu::cold]] inline FirstLine first_line(const std::vector<std::string>& cells,
                                                     const std::vector<std::string>& below, char decimal) {
  bool all_names = true, name_above_number = false, number = false;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const bool is_value = is_number(cells[i], decimal), name = is_name(cells[i]) && !is_missing(cells[i]) && !is_value;
    all_names = all_names && name;
    name_above_number = name_above_number || (name && begins_as_number(below[i], decimal));
    number = number || is_value;
  }
  if ((name_above_number && number) || numbers_as_names(cells, below, decimal)) return FirstLine::either;
  return all_names || name_above_number ? FirstLine::names : FirstLine::data;
}

/// The number of a column, from 1, that "2" or "#2" is; 0 for other text.
template <class = void>
[[nodiscard, gnu::cold]] inline std::size_t column_number(std::string_view wanted) {
  if (wanted.starts_with('#')) wanted.remove_prefix(1);
  if (!is_whole(wanted) || wanted.size() > 9) return 0;  // nine digits hold in any integer
  std::size_t number = 0;
  for (const char digit : wanted) number = 10 * number + std::size_t(digit - '0');
  return number;
}

/// Whether the first line, just read by `reader`, names the columns.
/// \throws DataError when it can be either.
template <class = void>
[[nodiscard, gnu::cold]] inline bool has_header(const CsvReader& reader, const std::vector<std::string>& cells,
                                                const CsvOptions& options) {
  if (options.header != CsvHeader::detect) return options.header == CsvHeader::present;
  std::vector<std::string> below(cells.size()), row;
  std::size_t open = cells.size();
  for (CsvReader ahead = reader; open > 0 && ahead.next(row);)
    for (std::size_t i = 0; i < row.size() && i < below.size(); ++i)
      if (below[i].empty() && !is_missing(row[i])) below[i] = row[i], --open;

  const FirstLine line = first_line(cells, below, options.decimal);
  for (const std::string& wanted : options.columns) {
    const std::size_t number = column_number(wanted);
    const bool can_be_name =
        number == 0 ? line != FirstLine::data || is_name(wanted) : number > cells.size() && line != FirstLine::data;
    if (can_be_name && !wanted.empty() && is_among(wanted, cells)) return true;
  }
  if (line != FirstLine::either) return line == FirstLine::names;
  std::string some;
  for (std::size_t i = 0; i < cells.size() && i < 4; ++i)
    some += pathline::detail::message({i == 0 ? "" : ", ", shown(cells[i])});
  throw DataError({reader.place(), " (", some, cells.size() > 4 ? ", …" : "",
                   ") can be names of columns or a row of data, expected one of them; set header to present or absent, "
                   "or correct the line"});
}

/// The position of a column in the file, and its name in messages.
struct CsvColumn {
  std::size_t index;
  std::string name;
};

template <class = void>
[[nodiscard, gnu::cold]] inline std::string name_of(const std::vector<std::string>& header, std::size_t i) {
  return i < header.size() && !header[i].empty() ? header[i] : pathline::detail::message({"column ", i + 1});
}

/// The column that `wanted` means among `width`. `header` is empty when the file has none. `by_name` prefers the name
/// of a column to its number.
template <class = void>
[[nodiscard, gnu::cold]] inline CsvColumn find_column(const std::string& source, const std::string& wanted,
                                                      const std::vector<std::string>& header, std::size_t width,
                                                      bool by_name) {
  const std::size_t number = column_number(wanted);
  const bool is_column = number >= 1 && number <= width;
  if (is_column && wanted.starts_with('#')) return {number - 1, name_of(header, number - 1)};
  std::size_t named = 0;  // from 1
  std::string expected;
  for (std::size_t i = 0; i < header.size(); ++i) {
    if (wanted.empty() || header[i] != wanted) continue;
    if (named > 0)
      expected = pathline::detail::message(
          {"a name that one column has; say its number instead: \"#", named, "\" or \"#", i + 1, "\""});
    if (named > 0) break;
    named = i + 1;
  }
  if (expected.empty() && named > 0 && is_column && named != number && !by_name)
    expected =
        pathline::detail::message({"a name or a number: it is the name of column ", named, " and the number of ",
                                   shown(name_of(header, number - 1)), "; say \"#", named, "\" or \"#", number, "\""});
  if (expected.empty() && named > 0) return {named - 1, wanted};
  if (expected.empty() && is_column) return {number - 1, name_of(header, number - 1)};
  if (expected.empty()) {
    for (const std::string& name : header)
      expected += pathline::detail::message({expected.empty() ? "one of " : "", shown(name), ", "});
    expected += pathline::detail::message({header.empty() ? "" : "or ", "a number from 1 to ", width});
  }
  throw ArgumentError(pathline::detail::message({source, ": column"}), shown(wanted), expected);
}

/// The chosen columns, or all.
/// \throws ArgumentError for one that is not there, can be two, or is asked for twice.
template <class = void>
[[nodiscard, gnu::cold]] inline std::vector<CsvColumn> find_columns(const std::string& source,
                                                                    const std::vector<std::string>& wanted,
                                                                    const std::vector<std::string>& header,
                                                                    std::size_t width) {
  // "0" and "1" together are names, since no column has the number 0.
  bool by_name = false;
  for (const std::string& one : wanted)
    by_name =
        by_name || (is_whole(one) && (column_number(one) < 1 || column_number(one) > width) && is_among(one, header));
  std::vector<CsvColumn> columns;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    CsvColumn column = find_column(source, wanted[i], header, width, by_name);
    for (std::size_t j = 0; j < i; ++j)
      if (columns[j].index == column.index)
        throw ArgumentError(pathline::detail::message({source, ": column"}),
                            pathline::detail::message({shown(wanted[i]), " as well as ", shown(wanted[j])}),
                            "each column once: these are the same");
    columns.push_back(std::move(column));
  }
  if (wanted.empty())
    for (std::size_t i = 0; i < width; ++i) columns.push_back({i, name_of(header, i)});
  return columns;
}

}  // namespace pathline::io::detail
