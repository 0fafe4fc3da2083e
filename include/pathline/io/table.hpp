/// \file
/// Tables of numbers in a file of any kind, which its extension names.
///
///     Batch<double> X = io::read_table<double>("x.npy").data;
///     io::write_table("samples.csv", flow.sample(1000, rng), {"x", "y"});
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/io/csv.hpp>
#include <pathline/io/csv/csv_cells.hpp>
#include <pathline/io/csv/csv_text.hpp>
#include <pathline/io/csv_options.hpp>
#include <pathline/io/npy.hpp>
#include <pathline/io/write_csv.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace pathline::io {

enum class TableFormat {
  csv,  ///< .csv, .txt, .dat, .data: text, commas between cells.
  tsv,  ///< .tsv, .tab: text, tabs between cells.
  npy   ///< .npy: numpy's array.
};

/// What the extension of a file means, in capitals or not.
///
/// \param caller  Opens the message: "read_table".
/// \throws ArgumentError for another one, or none: lists those that are known.
[[nodiscard]] inline TableFormat table_format(const std::string& caller, const std::filesystem::path& path) {
  const std::string extension = detail::lower_case(path.extension().string());
  for (const std::string_view text : {".csv", ".txt", ".dat", ".data"})
    if (extension == text) return TableFormat::csv;
  if (extension == ".tsv" || extension == ".tab") return TableFormat::tsv;
  if (extension == ".npy") return TableFormat::npy;
  throw ArgumentError(
      caller + ": extension of " + path.string(), detail::shown(extension),
      "one of .csv, .txt, .dat, .data, .tsv, .tab, .npy; functions for one format, such as read_csv, take any name");
}

/// The table in a file, see parse_csv_table() and parse_npy_table(). In .tsv and .tab, cells are separated by tabs
/// unless another separator than ',' is set.
///
/// \throws ArgumentError for an unknown extension; as read_csv_table() and read_npy_table().
template <Real Scalar>
[[nodiscard]] Table<Scalar> read_table(const std::filesystem::path& path, CsvOptions options = {}) {
  const TableFormat format = table_format("read_table", path);
  if (format == TableFormat::npy) return read_npy_table<Scalar>(path, options);
  if (format == TableFormat::tsv && options.separator == ',') options.separator = '\t';
  return read_csv_table<Scalar>(path, options);
}

/// Writes X (d × n) as a table of n rows, see write_csv() and write_npy().
///
/// \param names  Of the d columns, or none. An array of numpy holds no names: there they are left out.
/// \throws ArgumentError for an unknown extension; as write_csv() and write_npy().
template <class Derived>
void write_table(const std::filesystem::path& path, const Eigen::MatrixBase<Derived>& X,
                 const std::vector<std::string>& names = {}) {
  static_assert(Real<typename Derived::Scalar>,
                "write_table: X is a matrix of float or double; X.cast<double>() makes one");
  if constexpr (Real<typename Derived::Scalar>) {
    const TableFormat format = table_format("write_table", path);
    if (format == TableFormat::npy) {
      if (!names.empty()) require_rows("write_table: data", X.rows(), Index(names.size()));
      write_npy(path, X);
    } else {
      write_csv(path, names, X, format == TableFormat::tsv ? '\t' : ',');
    }
  }
}

}  // namespace pathline::io
