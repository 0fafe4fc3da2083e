/// \file
/// Rows of a numpy file that need not fit into memory, for training:
///
///     const io::NpyRows<float> rows("x.npy");  // shape (n, d), float32, as numpy.save writes it
///     fit(flow, ShuffledSource(rows, {.epoch = 1'000'000}), validation, {.epochs = 20}, rng);
///
/// io/mapped_npy.hpp reads some samples of files of any type.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/io/format/npy_header.hpp>
#include <pathline/io/format/positioned_file.hpp>
#include <pathline/io/format/tensor_type.hpp>
#include <pathline/io/format_error.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

namespace pathline::io {

/// A `RowSet` (train/source/row_set.hpp): nothing is kept but the file's header, and what is read goes from the file to
/// where it is wanted. The file stays open, and must not change while this lives.
template <Real S>
class NpyRows {
 public:
  using Scalar = S;

  /// \throws FileError when the file cannot be read; FormatError for whatever is no numpy file, is cut off, holds
  ///         another type than Scalar or another byte order than the machine's, or is in Fortran's order; DataError for
  ///         no rows.
  explicit NpyRows(const std::filesystem::path& path)
      : file_("NpyRows", path), array_(detail::parse_npy_header(file_.start(1 << 16), file_.size(), name())) {
    const auto refuse = [&](const char* what, const std::string& got, const std::string& expected) {
      throw FormatError(name(), 0, what, got, expected);
    };
    const bool single = sizeof(Scalar) == sizeof(float);
    const char* const type = single ? "f4" : "f8";
    if (array_.type != detail::tensor_type<Scalar>()) {
      const bool other = array_.type == detail::tensor_type<float>() || array_.type == detail::tensor_type<double>();
      refuse("type", std::string(type_name(array_.type)),
             std::string(type_name(detail::tensor_type<Scalar>())) +
                 (other ? single ? "; take NpyRows<double>, or in Python" : "; take NpyRows<float>, or in Python"
                        : "; in Python") +
                 " save x.astype('" + type + "')");
    }
    if (array_.order != std::endian::native)
      refuse("byte order", array_.order == std::endian::big ? "big-endian" : "little-endian",
             std::string("that of this machine; in Python, save x.astype('=") + type + "')");
    if (array_.column_major && array_.dim > 1 && array_.samples > 1)
      refuse("fortran_order", "True",
             "False: a row's numbers lie together; in Python, save numpy.ascontiguousarray(x)");
    if (array_.samples == 0 || array_.dim == 0)
      throw DataError({name(), " has shape ", shape_text(array_.shape), ", expected at least one row of numbers"});
  }

  [[nodiscard]] Index dim() const noexcept { return array_.dim; }
  [[nodiscard]] Index size() const noexcept { return array_.samples; }
  /// Overwrites X (d × m) with the rows first, …, first + m - 1.
  /// \throws ShapeError unless X has d rows; ArgumentError for rows that are not there; FileError.
  void read(Index first, BatchRef<Scalar> X) const {
    require_rows("NpyRows::read: X", X.rows(), dim());
    if (first < 0 || first > size() - X.cols())
      throw ArgumentError(name() + ": rows",
                          "the " + std::to_string(X.cols()) + " from " + std::to_string(first) + " on",
                          "some of the " + std::to_string(size()) + " from 0 on");
    const std::size_t row = std::size_t(dim()) * sizeof(Scalar);
    const auto start = array_.start + std::uintmax_t(first) * row;
    if (X.outerStride() == dim() || X.cols() == 1) return file_.read(start, X.data(), row * std::size_t(X.cols()));
    for (Index j = 0; j < X.cols(); ++j) file_.read(start + std::uintmax_t(j) * row, X.col(j).data(), row);
  }

 private:
  [[nodiscard]] const std::string& name() const noexcept { return file_.name(); }

  detail::PositionedFile file_;
  detail::NpyArray array_;
};

}  // namespace pathline::io
