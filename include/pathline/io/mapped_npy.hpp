/// \file
/// A numpy file of more numbers than memory holds: some samples at a time.
///
///     io::MappedNpy<float> data("x.npy");
///     Batch<float> X = data.samples(0, 1000);  // the first thousand, d × 1000
///     fit(flow, ShuffledSource(data, {.epoch = 1'000'000}), validation, {.epochs = 20}, rng);
///
/// For training take `NpyRows` (io/npy_rows.hpp) unless the numbers are of another type: what was looked at of a mapped
/// file counts as the program's memory until the system needs it, and a file that another program shortens ends it.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/io/format/any_number.hpp>
#include <pathline/io/format/mapped_file.hpp>
#include <pathline/io/format/npy_header.hpp>
#include <pathline/io/format/tensor_type.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

namespace pathline::io {

/// Files as parse_npy_table() reads them. The file stays open and must not be shortened while this lives; what is
/// asked for is converted anew each time. A `RowSet` (train/source/row_set.hpp).
template <Real S>
class MappedNpy {
 public:
  using Scalar = S;

  /// \throws FileError when the file cannot be read; FormatError for whatever is no such file.
  explicit MappedNpy(const std::filesystem::path& path)
      : source_("MappedNpy: " + path.string()),
        file_("MappedNpy", path),
        array_(detail::parse_npy_header(file_.bytes(), file_.bytes().size(), source_)) {}

  /// d, the numbers of a sample.
  [[nodiscard]] Index dim() const noexcept { return array_.dim; }
  /// n, the number of samples.
  [[nodiscard]] Index size() const noexcept { return array_.samples; }

  /// Samples first, …, first + count - 1, d × count. A NaN stays one.
  /// \throws ArgumentError for samples that are not there; DataError for a number that Scalar does not hold.
  [[nodiscard]] Batch<Scalar> samples(Index first, Index count) const {
    require_samples(first, count);
    Batch<Scalar> X(dim(), count);
    for (Index j = 0; j < count; ++j) copy(first + j, X, j);
    return X;
  }
  /// Overwrites X (d × m) with the samples first, …, first + m - 1.
  /// \throws As above; ShapeError unless X has d rows.
  void read(Index first, BatchRef<Scalar> X) const {
    require_rows("MappedNpy::read: X", X.rows(), dim());
    require_samples(first, X.cols());
    if (const std::optional<ConstBatchMap<Scalar>> as_they_lie = view()) {
      for (Index j = 0; j < X.cols(); ++j) X.col(j) = as_they_lie->col(first + j);
    } else {
      for (Index j = 0; j < X.cols(); ++j) copy(first + j, X, j);
    }
  }

  /// The samples of these numbers, from 0, d × their count: a mini-batch.
  /// \throws As above.
  [[nodiscard]] Batch<Scalar> samples(std::span<const Index> numbers) const {
    for (const Index number : numbers)
      if (number < 0 || number >= size())
        throw ArgumentError(source_ + ": number of a sample", number, "one from 0 to " + std::to_string(size() - 1));
    Batch<Scalar> X(dim(), Index(numbers.size()));
    for (std::size_t j = 0; j < numbers.size(); ++j) copy(numbers[j], X, Index(j));
    return X;
  }

  /// All samples as they lie in the file, d × n, without a copy; nothing when they do not lie there as a batch of this
  /// scalar: another type or byte order, or Fortran's order. What it looks at lives as long as this.
  [[nodiscard]] std::optional<ConstBatchMap<Scalar>> view() const {
    const char* const start = file_.bytes().data() + array_.start;
    const bool same_type = array_.type == detail::tensor_type<Scalar>() && array_.order == std::endian::native;
    const bool same_order = !array_.column_major || array_.dim == 1;
    if (!same_type || !same_order || reinterpret_cast<std::uintptr_t>(start) % alignof(Scalar) != 0)
      return std::nullopt;
    return ConstBatchMap<Scalar>(reinterpret_cast<const Scalar*>(start), dim(), size());
  }

 private:
  void require_samples(Index first, Index count) const {
    if (first < 0 || count < 0 || count > size() || first > size() - count)
      throw ArgumentError(source_ + ": samples",
                          "the " + std::to_string(count) + " from " + std::to_string(first) + " on",
                          "some of the " + std::to_string(size()) + " from 0 on");
  }
  template <class Samples>
  void copy(Index sample, Samples& X, Index j) const {
    for (Index i = 0; i < X.rows(); ++i) {
      const detail::AnyNumber number = array_.number(file_.bytes(), i, sample);
      const std::optional<Scalar> value = detail::number_as<Scalar>(number);
      if (!value)
        throw DataError({source_, ": number ", i, " of sample ", sample, " is ", detail::number_text(number),
                         ", expected one that the type holds; take MappedNpy<double>"});
      X(i, j) = *value;
    }
  }

  std::string source_;
  detail::MappedFile file_;
  detail::NpyArray array_;
};

}  // namespace pathline::io
