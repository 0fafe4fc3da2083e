/// \file
/// Tables of numbers in text files. A row of the file is a sample, so it becomes a column of the batch. They are
/// written by io/write_csv.hpp.
///
///     Batch<float> X = io::read_csv<float>("faithful.csv", {.columns = {"eruptions", "waiting"}});
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/message.hpp>
#include <pathline/core/types.hpp>
#include <pathline/io/csv/csv_advice.hpp>
#include <pathline/io/csv/csv_cells.hpp>
#include <pathline/io/csv/csv_header.hpp>
#include <pathline/io/csv/csv_text.hpp>
#include <pathline/io/csv_options.hpp>
#include <pathline/io/file_path.hpp>
#include <pathline/io/number_text.hpp>
#include <pathline/io/read_text.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pathline::io {

namespace detail {

/// The numbers of a table, row by row; for float rounded to it.
struct CsvNumbers {
  std::vector<CsvColumn> columns;
  std::vector<double> values;
  bool has_header = false;
  Index skipped = 0;
};

template <class = void>
[[gnu::cold]] inline void check_separators(const std::string& source, const CsvOptions& options) {
  const auto separator = static_cast<unsigned char>(options.separator);
  if (options.decimal != '.' && options.decimal != ',')
    throw ArgumentError(pathline::detail::message({source, ": decimal"}), shown(std::string_view(&options.decimal, 1)),
                        "\".\" or \",\"");
  if (options.separator == options.decimal && options.decimal == ',')
    throw ArgumentError(pathline::detail::message({source, ": separator"}), "\",\" and decimal too",
                        "two different characters, such as \";\" and \",\"");
  if (is_letter(options.separator) || is_digit(options.separator) || (separator < 32 && separator != '\t') ||
      std::string_view("\"+-.").find(options.separator) != std::string_view::npos)
    throw ArgumentError(pathline::detail::message({source, ": separator"}),
                        shown(std::string_view(&options.separator, 1)),
                        "a character that is no letter and no part of a number, a quote or a line end");
}

/// Says what a cell is in place of a finite number, and what to do.
template <class = void>
[[noreturn, gnu::cold]] inline void refuse_cell(const CsvReader& reader, std::string_view text,
                                                const std::vector<std::string>& cells, const CsvColumn& column,
                                                const CsvOptions& options, const CsvNumbers& table, bool in_float) {
  const std::string& cell = cells[column.index];
  const std::string layout = layout_advice(text, reader.rest(), options);
  std::string_view advice = layout;
  if (advice.empty() && cell.empty() && column.index > 0 && column.index + 1 == cells.size() && options.columns.empty())
    advice = "if each line ends in a separator, remove it, or choose other columns";
  if (advice.empty() && !is_missing(cells[0]) && (cells[0].starts_with('#') || cells[0].starts_with('%')))
    advice = "remove lines of comment";
  if (advice.empty()) advice = cell_advice(cell, options, in_float);
  if (advice.empty()) advice = "correct or remove the line, or choose other columns";
  const bool names = !table.has_header && options.header == CsvHeader::detect && reader.line() == 1;
  // In the first row, a column of text rather than a mistake: which columns are left?
  const bool first_row = table.values.size() < table.columns.size() && options.columns.empty();
  std::string numbers;
  for (std::size_t i = 0; first_row && i < cells.size() && i < 20; ++i)
    if (is_number(cells[i], options.decimal)) numbers += pathline::detail::message({numbers.empty() ? "" : ",", i + 1});
  if (is_missing(cell) || !is_name(cell)) numbers.clear();
  throw DataError({reader.place(), ", column ", shown(column.name), " is ", cell.empty() ? "empty" : shown(cell),
                   ", expected a finite number; ", advice,
                   names ? "; if the line names the columns, set header to present" : "",
                   numbers.empty() ? "" : "; it has numbers in columns ", numbers});
}

/// Says that a row has another number of cells than the first, and what to do.
template <class = void>
[[noreturn, gnu::cold]] inline void refuse_row(const CsvReader& reader, std::string_view text,
                                               const std::vector<std::string>& cells, std::size_t width,
                                               const CsvOptions& options) {
  const std::string_view first = text.substr(0, 1);
  const std::string layout = layout_advice(text, reader.rest(), options);
  std::string_view advice = layout;
  if (advice.empty() && (first == "#" || first == "%" || cells[0].starts_with('#'))) advice = "remove lines of comment";
  if (advice.empty() && width > 1 && cells.size() == width + 1)
    advice = cells.back().empty() ? "remove the separator at the end of the line"
                                  : "check the separator and quotes; a number with a comma has two cells, a column of "
                                    "row names needs a name too";
  if (advice.empty() && width == 1)
    advice = "remove lines above the names, or check the separator, quotes and commas within numbers";
  if (advice.empty()) advice = "check the separator and quotes";
  throw DataError({reader.place(), " has ", cells.size(), cells.size() == 1 ? " cell" : " cells", ", expected ", width,
                   " as in the first line; ", advice});
}

/// How many different numbers there are.
template <class = void>
[[nodiscard, gnu::cold]] inline std::size_t count_different(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  std::size_t different = 0;
  for (std::size_t i = 0; i < values.size(); ++i) different += i == 0 || values[i] != values[i - 1] ? 1 : 0;
  return different;
}

/// Refuses a column whose numbers float cannot tell apart: x + ε with ε far below x.
///
/// \param exact  The numbers of the table in double.
/// \throws DataError when different numbers become one, and rounding moves one by more than a thousandth of the
///         column's standard deviation.
template <class = void>
[[gnu::cold]] inline void require_float_holds(const std::string& source, const CsvNumbers& table,
                                              const std::vector<double>& exact) {
  // Loops rather than Eigen's expressions, which would be compiled wherever the header is included.
  const std::size_t d = table.columns.size();
  for (std::size_t i = 0; i < d; ++i) {
    std::vector<double> before, after;
    double largest = 0, moved = 0;
    for (std::size_t j = i; j < exact.size(); j += d) {
      before.push_back(exact[j]);
      after.push_back(table.values[j]);
      largest = std::max(largest, std::abs(exact[j]));
      moved = std::max(moved, std::abs(exact[j] - table.values[j]));
    }
    if (moved == 0) continue;
    double sum = 0, squares = 0;  // of the distance from the first, in units of the largest: of equal numbers exactly 0
    for (const double x : before) {
      const double distance = x / largest - before[0] / largest;
      sum += distance;
      squares += distance * distance;
    }
    const double n = double(before.size()), variance = squares / n - (sum / n) * (sum / n);
    if (moved / largest <= 1e-3 * std::sqrt(std::max(variance, 0.0))) continue;
    const std::size_t different = count_different(before), kept = count_different(after);
    if (kept == different) continue;
    throw DataError({source, ", column ", shown(table.columns[i].name), " keeps ", kept, " of ", different,
                     " different numbers in float, expected rounding below a thousandth of its standard deviation; "
                     "read it as double"});
  }
}

template <class = void>
[[nodiscard]] inline CsvNumbers parse_csv_numbers(std::string_view text, const CsvOptions& options,
                                                  const std::string& source, bool in_float) {
  check_separators(source, options);
  require_text(source, text);
  CsvReader reader(source, text, options.separator);
  std::vector<std::string> cells, header;
  if (!reader.next(cells)) throw DataError({source, " is empty, expected at least one row of numbers"});
  const std::size_t width = cells.size();
  if (width == 0)
    throw DataError({reader.place(), " is blank, expected a header or a row of numbers; remove the line"});
  if (lower_case(cells[0]).starts_with("sep="))
    throw DataError({reader.place(), " is ", shown(cells[0]),
                     ", Excel's word for the separator; remove the first line, and set separator"});
  CsvNumbers table;
  table.has_header = has_header(reader, cells, options);
  bool more = true;
  if (table.has_header) {
    header = cells;
    more = reader.next(cells);
  }
  try {
    table.columns = find_columns(source, options.columns, header, width);
  } catch (const ArgumentError& error) {  // because of another separator?
    const std::string advice = layout_advice(text, text, options);
    if (advice.empty()) throw;
    throw DataError({error.what(), "; ", advice});
  }

  std::vector<double> exact;  // before they are rounded to float
  Index blank_line = 0, blank_lines = 0;
  for (; more; more = reader.next(cells)) {
    if (cells.empty()) {
      if (blank_lines++ == 0) blank_line = reader.line();
      continue;
    }
    if (blank_lines > 0 && !options.skip_missing)
      throw DataError({source, ", line ", blank_line,
                       " is blank, expected a row of numbers; remove the line, or set skip_missing"});
    table.skipped += std::exchange(blank_lines, 0);
    if (cells.size() != width) refuse_row(reader, text, cells, width, options);
    bool missing = false;
    for (const CsvColumn& column : table.columns)
      missing = missing || (options.skip_missing && is_missing(cells[column.index]));
    if (missing) {
      ++table.skipped;
      continue;
    }
    for (const CsvColumn& column : table.columns) {
      const std::string& cell = cells[column.index];
      const std::optional<double> number = csv_value<double>(cell, options.decimal);
      std::optional<double> value = number;
      if (in_float) {  // from the text: rounding twice may give another number
        const std::optional<float> rounded = csv_value<float>(cell, options.decimal);
        value = rounded ? std::optional<double>(*rounded) : std::nullopt;
      }
      if (!value || !std::isfinite(*value)) refuse_cell(reader, text, cells, column, options, table, in_float);
      table.values.push_back(*value);
      if (in_float) exact.push_back(*number);
    }
  }
  if (table.values.empty() && table.skipped > 0)
    throw DataError({source, " has a missing number in each of its ", table.skipped,
                     " rows, expected at least one row of numbers; choose other columns"});
  if (table.values.empty())
    throw DataError({source, " has a header and no rows, expected at least one row of numbers"});
  if (in_float) require_float_holds(source, table, exact);
  return table;
}

template <Real Scalar>
[[nodiscard]] Table<Scalar> table_of(const CsvNumbers& numbers) {
  Table<Scalar> table;
  for (const CsvColumn& column : numbers.columns) table.names.push_back(column.name);
  const Index d = Index(numbers.columns.size());
  table.data =
      ConstBatchMap<pathline::detail::Double<Scalar>>(numbers.values.data(), d, Index(numbers.values.size()) / d)
          .template cast<Scalar>();
  table.has_header = numbers.has_header;
  table.skipped = numbers.skipped;
  return table;
}

}  // namespace detail

/// The table that `text` holds; `source` is what messages call it. Cells may be quoted ("" is a quote), spaces around
/// them do not count, lines end in \n, \r\n or \r, blank lines at the end are skipped. Only chosen columns must be
/// numbers. Whether the first line names the columns is decided by the rules in io/csv/csv_header.hpp.
///
/// \throws DataError for an empty text, a header alone, a first line that can be names or data, rows of unequal length,
///         cells that are not finite numbers (says line, column and what to do), text in another encoding, and for
///         float a column whose spread it cannot hold.
/// \throws ArgumentError for a column that is not there (lists those that are), can be two, or is asked for twice, and
///         for a separator that numbers or quotes need.
template <Real Scalar>
[[nodiscard]] Table<Scalar> parse_csv_table(std::string_view text, const CsvOptions& options = {},
                                            const std::string& source = "parse_csv") {
  return detail::table_of<Scalar>(detail::parse_csv_numbers(text, options, source, std::same_as<Scalar, float>));
}

/// The table in a file, see parse_csv_table().
///
/// \throws FileError when it cannot be read; as parse_csv_table().
template <Real Scalar>
[[nodiscard]] Table<Scalar> read_csv_table(const FilePath& path, const CsvOptions& options = {}) {
  return parse_csv_table<Scalar>(detail::read_text("read_csv", path), options, "read_csv: " + path.string());
}

/// The numbers in a file, d × n for d chosen columns of n rows.
///
/// \throws As read_csv_table().
template <Real Scalar>
[[nodiscard]] Batch<Scalar> read_csv(const FilePath& path, const CsvOptions& options = {}) {
  return read_csv_table<Scalar>(path, options).data;
}

}  // namespace pathline::io
