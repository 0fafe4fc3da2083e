/// \file
/// Tables of numbers into text files that read_csv() reads; io/csv.hpp.
///
///     io::write_csv("samples.csv", {"eruptions", "waiting"}, flow.sample(1000, rng));
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/io/csv.hpp>
#include <pathline/io/csv/csv_cells.hpp>
#include <pathline/io/csv/csv_text.hpp>
#include <pathline/io/number_text.hpp>
#include <pathline/io/replace_file.hpp>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

namespace pathline::io {

namespace detail {

/// Refuses names that the reader would take for data.
inline void require_names(const std::vector<std::string>& names) {
  for (const std::string& name : names)
    if (is_number(name, '.'))
      throw ArgumentError("write_csv: header", shown(name),
                          "names that are no numbers, so that they cannot be taken for data; or no names at all");
  if (std::none_of(names.begin(), names.end(),
                   [](const std::string& name) { return is_name(name) && !is_missing(name); }))
    throw ArgumentError("write_csv: header", shown(names.front()),
                        "a name that begins with a letter, so that it cannot be taken for data; or no names at all");
}

}  // namespace detail

/// Writes X (d × n) as n rows of d numbers under a header. Reading gives the same bits back: each number has the fewest
/// digits that do. Without names, read it with `{.header = CsvHeader::absent}`: a first row of 0, 1, … can be names as
/// well.
///
/// \param names      d names, none of them a number and one that begins with a letter; or none for no header.
/// \param separator  Between cells; ' ' for a blank.
/// \throws ShapeError for another number of names.
/// \throws ArgumentError for names that could be taken for data, and for a separator that numbers or quotes need.
/// \throws DataError when X is empty or not finite.
template <class Derived>
void write_csv(std::ostream& out, const std::vector<std::string>& names, const Eigen::MatrixBase<Derived>& X,
               char separator = ',') {
  const Eigen::Ref<const Batch<typename Derived::Scalar>> data(X.derived());
  require_finite("write_csv: data", data);
  detail::check_separators("write_csv", {.separator = separator});
  if (!names.empty()) {
    require_rows("write_csv: data", data.rows(), Index(names.size()));
    detail::require_names(names);
  }
  const std::string between(1, separator);
  for (std::size_t i = 0; i < names.size(); ++i)
    out << (i == 0 ? "" : between) << detail::csv_cell(names[i], separator);
  if (!names.empty()) out << '\n';
  for (Index j = 0; j < data.cols(); ++j)
    for (Index i = 0; i < data.rows(); ++i)
      out << format_number(data(i, j)) << (i + 1 == data.rows() ? '\n' : separator);
}

/// The same into a file, which replace_file() keeps whole.
///
/// \throws FileError when the file cannot be written; as above. The old file is then as it was.
template <class Derived>
void write_csv(const std::filesystem::path& path, const std::vector<std::string>& names,
               const Eigen::MatrixBase<Derived>& X, char separator = ',') {
  replace_file("write_csv", path, [&](std::ostream& out) { write_csv(out, names, X, separator); });
}

}  // namespace pathline::io
