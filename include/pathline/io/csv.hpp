/// \file
/// Tables of numbers in text files. A row of the file is a sample, so it becomes a column of the batch.
///
///     Batch<float> X = io::read_csv<float>("faithful.csv", {.columns = {"eruptions", "waiting"}});
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/io/csv_text.hpp>
#include <pathline/io/number_text.hpp>
#include <pathline/io/replace_file.hpp>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <ios>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace pathline::io {

/// Whether the first line names the columns. `detect`: it does when one of its cells is text and no number; an empty
/// cell is neither. Say `present` where names look like numbers, `absent` where the first row of data holds text in a
/// column that is not asked for.
enum class CsvHeader { detect, present, absent };

struct CsvOptions {
  std::vector<std::string> columns = {};  ///< By name of the header, else by number from 1 ("2"); empty: all.
  char separator = ',';
  CsvHeader header = CsvHeader::detect;
};

/// Numbers with the names of their columns in the file ("column 2" for one without a name).
template <Real Scalar>
struct Table {
  std::vector<std::string> names;  ///< d of them.
  Batch<Scalar> data;              ///< d × n.
};

namespace detail {

/// Where a column stands in the file, and what messages call it.
struct CsvColumn {
  std::size_t index;
  std::string name;
};

[[nodiscard]] inline bool is_header(const std::vector<std::string>& cells) {
  return std::any_of(cells.begin(), cells.end(),
                     [](const std::string& cell) { return !cell.empty() && !parse_number<double>(cell); });
}

[[nodiscard]] inline std::string name_of(const std::vector<std::string>& header, std::size_t i) {
  return i < header.size() && !header[i].empty() ? header[i] : "column " + std::to_string(i + 1);
}

/// The column that `wanted` names among `width`. `header` is empty when the file has none.
[[nodiscard]] inline CsvColumn find_column(const std::string& source, const std::string& wanted,
                                           const std::vector<std::string>& header, std::size_t width) {
  const auto found = std::find(header.begin(), header.end(), wanted);
  if (found != header.end() && std::find(found + 1, header.end(), wanted) != header.end())
    throw ArgumentError(source + ": column", shown(wanted), "a name that one column has; say its number instead");
  if (found != header.end()) return {std::size_t(found - header.begin()), wanted};
  // Nine digits hold in any integer; a tenth is no column's number.
  std::size_t number = 0;
  if (wanted.size() <= 9 && wanted.find_first_not_of("0123456789") == std::string::npos)
    for (const char digit : wanted) number = 10 * number + std::size_t(digit - '0');
  if (number >= 1 && number <= width) return {number - 1, name_of(header, number - 1)};
  std::string expected;
  for (const std::string& name : header) expected += shown(name) + ", ";
  throw ArgumentError(
      source + ": column", shown(wanted),
      (header.empty() ? "" : "one of " + expected + "or ") + "a number from 1 to " + std::to_string(width));
}

[[nodiscard]] inline std::vector<CsvColumn> find_columns(const std::string& source,
                                                         const std::vector<std::string>& wanted,
                                                         const std::vector<std::string>& header, std::size_t width) {
  std::vector<CsvColumn> columns;
  for (const std::string& name : wanted) columns.push_back(find_column(source, name, header, width));
  if (wanted.empty())
    for (std::size_t i = 0; i < width; ++i) columns.push_back({i, name_of(header, i)});
  return columns;
}

/// A cell that must be a finite number.
template <Real Scalar>
[[nodiscard]] Scalar csv_number(const CsvReader& reader, const CsvColumn& column, const std::string& cell) {
  const std::optional<Scalar> value = parse_number<Scalar>(cell);
  if (value && std::isfinite(*value)) return *value;
  throw DataError(reader.place() + ", column " + shown(column.name) + " is " + (cell.empty() ? "empty" : shown(cell)) +
                  ", expected a finite number; correct or remove the line, or choose other columns");
}

/// The whole of a file.
///
/// \throws FileError when it cannot be read.
[[nodiscard]] inline std::string read_text(const std::string& caller, const std::filesystem::path& path) {
  const auto fail = [&](const std::string& reason) {
    throw FileError(caller + ": cannot read " + path.string() + ": " + reason +
                    "; check the path and the permission to read it");
  };
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) fail("it is a folder");
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) fail(last_failure());
  std::string text;
  char block[1 << 14];
  while (stream.read(block, sizeof block) || stream.gcount() > 0) text.append(block, std::size_t(stream.gcount()));
  if (stream.bad()) fail(last_failure());
  return text;
}

}  // namespace detail

/// The table that `text` holds; `source` is what messages call it. Cells may be quoted ("" is a quote), spaces around
/// them do not count, lines end in \n, \r\n or \r, blank lines at the end are skipped. Only chosen columns must be
/// numbers.
/// \throws DataError for an empty text, a header alone, rows of unequal length, cells that are not finite numbers (says
///         line and column); ArgumentError for a column that is not there (lists those that are) or a separator that
///         numbers or quotes need.
template <Real Scalar>
[[nodiscard]] Table<Scalar> parse_csv_table(std::string_view text, const CsvOptions& options = {},
                                            const std::string& source = "parse_csv") {
  if (std::string_view("\"\r\n+-.0123456789eE").find(options.separator) != std::string_view::npos)
    throw ArgumentError(source + ": separator", detail::shown(std::string_view(&options.separator, 1)),
                        "a character that is no part of a number, a quote or a line end");
  detail::CsvReader reader(source, text, options.separator);
  std::vector<std::string> cells, header;
  if (!reader.next(cells)) throw DataError(source + " is empty, expected at least one row of numbers");
  const std::size_t width = cells.size();
  if (width == 0) throw DataError(reader.place() + " is blank, expected a header or a row of numbers; remove the line");
  bool more = true;
  if (options.header == CsvHeader::present || (options.header == CsvHeader::detect && detail::is_header(cells))) {
    header = cells;
    more = reader.next(cells);
  }
  const std::vector<detail::CsvColumn> columns = detail::find_columns(source, options.columns, header, width);

  std::vector<Scalar> values;
  Index blank_line = 0;
  for (; more; more = reader.next(cells)) {
    if (cells.empty()) {
      if (blank_line == 0) blank_line = reader.line();
      continue;
    }
    if (blank_line != 0)
      throw DataError(source + ", line " + std::to_string(blank_line) +
                      " is blank, expected a row of numbers; remove the line");
    if (cells.size() != width)
      throw DataError(reader.place() + " has " + std::to_string(cells.size()) + " cells, expected " +
                      std::to_string(width) + " as in the first line; check the separator and quotes");
    for (const detail::CsvColumn& column : columns)
      values.push_back(detail::csv_number<Scalar>(reader, column, cells[column.index]));
  }
  if (values.empty()) throw DataError(source + " has a header and no rows, expected at least one row of numbers");

  Table<Scalar> table;
  for (const detail::CsvColumn& column : columns) table.names.push_back(column.name);
  const Index d = Index(columns.size());
  table.data = ConstBatchMap<Scalar>(values.data(), d, Index(values.size()) / d);
  return table;
}

/// The table in a file, see parse_csv_table().
///
/// \throws FileError when it cannot be read; as parse_csv_table().
template <Real Scalar>
[[nodiscard]] Table<Scalar> read_csv_table(const std::filesystem::path& path, const CsvOptions& options = {}) {
  return parse_csv_table<Scalar>(detail::read_text("read_csv", path), options, "read_csv: " + path.string());
}

/// The numbers in a file, d × n for d chosen columns of n rows.
///
/// \throws As read_csv_table().
template <Real Scalar>
[[nodiscard]] Batch<Scalar> read_csv(const std::filesystem::path& path, const CsvOptions& options = {}) {
  return read_csv_table<Scalar>(path, options).data;
}

/// Writes X (d × n) as n rows of d numbers under a header. read_csv() gives the same bits back.
///
/// \param names  d names, one of them no number, or none for no header.
/// \throws ShapeError for another number of names; ArgumentError when all names are numbers; DataError when X is empty
///         or not finite; FileError when the file cannot be written. The old file is then as it was.
template <class Derived>
void write_csv(const std::filesystem::path& path, const std::vector<std::string>& names,
               const Eigen::MatrixBase<Derived>& X) {
  const Eigen::Ref<const Batch<typename Derived::Scalar>> data(X.derived());
  require_finite("write_csv: data", data);
  if (!names.empty()) require_rows("write_csv: data", data.rows(), Index(names.size()));
  if (!names.empty() && !detail::is_header(names))
    throw ArgumentError("write_csv: header", detail::shown(names.front()) + " and other numbers",
                        "a name that is no number, so that it cannot be taken for data; or no names at all");
  replace_file("write_csv", path, [&](std::ostream& out) {
    for (std::size_t i = 0; i < names.size(); ++i) out << (i == 0 ? "" : ",") << detail::csv_cell(names[i]);
    if (!names.empty()) out << '\n';
    for (Index j = 0; j < data.cols(); ++j)
      for (Index i = 0; i < data.rows(); ++i) out << format_number(data(i, j)) << (i + 1 == data.rows() ? '\n' : ',');
  });
}

}  // namespace pathline::io
