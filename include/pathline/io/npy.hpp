/// \file
/// Tables of numbers in numpy's files. A row of the array is a sample, so it becomes a column of the batch, as a row of
/// a text file does: an array of shape (n, d) is a batch d × n, one of shape (n) a batch 1 × n.
///
///     Batch<float> X = io::read_npy<float>("x.npy");
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/io/csv.hpp>
#include <pathline/io/csv/csv_header.hpp>
#include <pathline/io/csv/csv_text.hpp>
#include <pathline/io/csv_options.hpp>
#include <pathline/io/format/any_number.hpp>
#include <pathline/io/format/byte_order.hpp>
#include <pathline/io/format/mapped_file.hpp>
#include <pathline/io/format/npy_header.hpp>
#include <pathline/io/replace_file.hpp>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <filesystem>
#include <ios>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace pathline::io {

namespace detail {

/// Says which number it is, and what to do.
[[noreturn]] inline void refuse_npy_number(const std::string& source, const AnyNumber& number, Index i, Index j,
                                           const char* expected) {
  throw DataError(
      {source, ": number ", i + 1, " of row ", j + 1, " is ", number_text(number), ", expected ", expected});
}

/// Options that say how text is read are refused rather than passed over.
inline void require_no_text_options(const std::string& source, const CsvOptions& options) {
  const CsvOptions defaults;
  const char* const other = options.separator != defaults.separator ? "separator"
                            : options.decimal != defaults.decimal   ? "decimal"
                            : options.header != defaults.header     ? "header"
                                                                    : nullptr;
  if (other != nullptr)
    throw ArgumentError(source + ": " + other, "set", "the default: the file holds no text, and names no columns");
}

[[nodiscard]] inline CsvNumbers parse_npy_numbers(std::string_view bytes, const CsvOptions& options,
                                                  const std::string& source, bool in_float) {
  require_no_text_options(source, options);
  const NpyArray array = parse_npy_header(bytes, bytes.size(), source);
  if (array.samples == 0 || array.dim == 0)
    throw DataError({source, " has shape ", shape_text(array.shape), ", expected at least one row of numbers"});
  CsvNumbers table;
  table.columns = find_columns(source, options.columns, {}, std::size_t(array.dim));
  std::vector<double> exact;  // before they are rounded to float
  std::vector<double> row(table.columns.size());
  for (Index j = 0; j < array.samples; ++j) {
    bool missing = false;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const auto column = Index(table.columns[i].index);
      const AnyNumber number = array.number(bytes, column, j);
      const std::optional<double> value = number_as<double>(number);
      if (!value) refuse_npy_number(source, number, column, j, "a whole number that double holds");
      row[i] = *value;
      missing = missing || std::isnan(row[i]);
      if (options.skip_missing && std::isnan(row[i])) continue;
      if (!std::isfinite(row[i]))
        refuse_npy_number(source, number, column, j,
                          "a finite number; remove the row, choose other columns, or leave out rows with a NaN by "
                          "skip_missing");
      if (in_float && !number_as<float>(number))
        refuse_npy_number(source, number, column, j, "a number that float holds; read it as double");
    }
    table.skipped += missing ? 1 : 0;
    if (missing) continue;
    for (const double value : row) {
      if (in_float) exact.push_back(value);
      table.values.push_back(in_float ? double(float(value)) : value);
    }
  }
  if (table.values.empty())
    throw DataError({source, " has a NaN in each of its ", table.skipped,
                     " rows, expected at least one row of numbers; choose other columns"});
  if (in_float) require_float_holds(source, table, exact);
  return table;
}

}  // namespace detail

/// The table that the bytes of a numpy file hold; `source` is what messages call it. Versions 1.0 to 3.0 of the format,
/// C's and Fortran's order, either byte order; floats of 2, 4 and 8 bytes, whole numbers, and truth as 0 and 1. Its
/// columns have numbers and no names.
///
/// \param options  `columns` ("2" or "#2") and `skip_missing` (leaves out rows with a NaN); the others belong to text.
/// \throws FormatError for whatever is no such file, for other types, and for another number of dimensions.
/// \throws DataError for no rows, numbers that are not finite or that Scalar does not hold (says which), and for float
///         a column whose spread it cannot hold.
/// \throws ArgumentError for a column that is not there or is asked for twice, and for options of text.
template <Real Scalar>
[[nodiscard]] Table<Scalar> parse_npy_table(std::string_view bytes, const CsvOptions& options = {},
                                            const std::string& source = "parse_npy") {
  return detail::table_of<Scalar>(detail::parse_npy_numbers(bytes, options, source, std::same_as<Scalar, float>));
}

/// The table in a file, see parse_npy_table().
///
/// \throws FileError when it cannot be read; as parse_npy_table().
template <Real Scalar>
[[nodiscard]] Table<Scalar> read_npy_table(const std::filesystem::path& path, const CsvOptions& options = {}) {
  const detail::MappedFile file("read_npy", path);
  return parse_npy_table<Scalar>(file.bytes(), options, "read_npy: " + path.string());
}

/// The numbers in a file, d × n for d chosen columns of n rows.
///
/// \throws As read_npy_table().
template <Real Scalar>
[[nodiscard]] Batch<Scalar> read_npy(const std::filesystem::path& path, const CsvOptions& options = {}) {
  return read_npy_table<Scalar>(path, options).data;
}

/// Writes X (d × n) as an array of shape (n, d) of its scalar, which numpy.load() and read_npy() read.
///
/// \throws DataError when X is empty or not finite.
template <class Derived>
void write_npy(std::ostream& out, const Eigen::MatrixBase<Derived>& X) {
  using Scalar = typename Derived::Scalar;
  static_assert(Real<Scalar>, "write_npy: X is a matrix of float or double; X.cast<double>() makes one");
  if constexpr (Real<Scalar>) {
    const Eigen::Ref<const Batch<Scalar>> data(X.derived());
    require_finite("write_npy: data", data);
    out << detail::npy_header(std::same_as<Scalar, float> ? "<f4" : "<f8", data.cols(), data.rows());
    std::vector<std::byte> row(std::size_t(data.rows()) * sizeof(Scalar));
    for (Index j = 0; j < data.cols(); ++j) {
      for (Index i = 0; i < data.rows(); ++i)
        detail::store_number(data(i, j), row.data() + std::size_t(i) * sizeof(Scalar));
      out.write(reinterpret_cast<const char*>(row.data()), std::streamsize(row.size()));
    }
  }
}

/// The same into a file, which replace_file() keeps whole.
///
/// \throws FileError when the file cannot be written; as above. The old file is then as it was.
template <class Derived>
void write_npy(const std::filesystem::path& path, const Eigen::MatrixBase<Derived>& X) {
  replace_file("write_npy", path, [&](std::ostream& out) { write_npy(out, X); });
}

}  // namespace pathline::io
