/// \file
/// Data with a weight for each row of the table, and what `fit` makes of its arguments.
///
/// A sample is a column of a batch here as everywhere; its number is counted from 0.
#pragma once

#include <pathline/core/data_ref.hpp>
#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/train/split.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace pathline {

/// What `with_weights` makes. Weights are relative: only their ratios count.
template <Real Scalar>
struct WeightedData {
  Batch<Scalar> data;      ///< d × n
  Vector<double> weights;  ///< n numbers, at least 0.
};

namespace detail {

[[gnu::cold]] inline void require_weights(const char* what, const Vector<double>& weights, Index samples) {
  require_rows(what, weights.size(), samples);
  bool positive = false;
  for (Index j = 0; j < samples; ++j) {
    if (!(weights(j) >= 0 && std::isfinite(weights(j))))
      throw DataError({std::string(what), " is ", weights(j), " at sample ", j, ", expected 0 or a positive number"});
    positive = positive || weights(j) > 0;
  }
  if (!positive) throw DataError({std::string(what), " is 0 at every sample, expected a positive one at least"});
}

}  // namespace detail

/// Data (d × n) that `fit` is to weigh: a sample of weight 3 counts as three samples do, one of weight 0 is left out.
/// Splits and mini-batches keep weights and samples together. Equal weights train as none do, bit by bit. Running
/// statistics (`MovingNormalization`) count every sample of positive weight once.
///
/// \param weights  A row or a column of n numbers.
///
/// \throws ShapeError unless there are n; DataError for one that is negative or not finite, or when all are 0.
template <class X, class W>
[[nodiscard]] WeightedData<typename X::Scalar> with_weights(const Eigen::MatrixBase<X>& data,
                                                            const Eigen::MatrixBase<W>& weights) {
  static_assert(W::IsVectorAtCompileTime, "with_weights: the weights are a row or a column");
  WeightedData<typename X::Scalar> result{data, weights.template cast<double>().reshaped()};
  detail::require_weights("with_weights: weights", result.weights, result.data.cols());
  return result;
}

/// Two parts of data with weights.
template <Real Scalar>
struct SplitWeightedData {
  WeightedData<Scalar> rest, held_out;
};

/// Holds out ⌈fraction · n⌉ of the n samples of positive weight, at random; every sample keeps its weight. Those of
/// weight 0 are in neither part, as where `fit` holds out a fraction itself.
/// \throws ShapeError, DataError for wrong weights, as `with_weights`; ArgumentError unless 0 <= fraction < 1 leaves at
///         least one sample.
template <class Scalar>
[[nodiscard]] SplitWeightedData<Scalar> split(const WeightedData<Scalar>& data, double fraction, Rng& rng) {
  detail::require_weights("split: weights", data.weights, data.data.cols());
  std::vector<Index> used;
  for (Index j = 0; j < data.weights.size(); ++j)
    if (data.weights(j) > 0) used.push_back(j);
  SplitColumns columns = split_columns(Index(used.size()), fraction, rng);
  const auto part = [&](std::vector<Index>& numbers) {
    Vector<double> weights(Index(numbers.size()));
    for (std::size_t j = 0; j < numbers.size(); ++j) {
      numbers[j] = used[std::size_t(numbers[j])];
      weights(Index(j)) = data.weights(numbers[j]);
    }
    return WeightedData<Scalar>{columns_of(data.data, numbers), weights};
  };
  return {part(columns.rest), part(columns.held_out)};
}

namespace detail {

template <class T>
inline constexpr bool is_weighted = false;
template <class Scalar>
inline constexpr bool is_weighted<WeightedData<Scalar>> = true;

template <class Derived>
[[nodiscard]] const Derived& batch_of(const Eigen::MatrixBase<Derived>& data) {
  return data.derived();
}
template <class Scalar>
[[nodiscard]] const Batch<Scalar>& batch_of(const WeightedData<Scalar>& data) {
  return data.data;
}
template <class Derived>
[[nodiscard]] const Vector<double>* weights_of(const Eigen::MatrixBase<Derived>& /*data*/) {
  return nullptr;
}
template <class Scalar>
[[nodiscard]] const Vector<double>* weights_of(const WeightedData<Scalar>& data) {
  return &data.weights;
}

/// Whether they are positive and one number, so that samples count as those without weights do.
[[nodiscard]] inline bool equal_weights(const Vector<double>& weights) {
  if (weights.size() == 0 || !(weights(0) > 0 && std::isfinite(weights(0)))) return false;
  return std::all_of(weights.data(), weights.data() + weights.size(), [&](double w) { return w == weights(0); });
}

/// Samples that `fit` trains on or judges by: columns of the user's batch, which it does not copy.
template <Real Scalar>
class FitRows {
 public:
  /// All columns of X, which outlives this, as do the weights (none: all are 1). Equal ones are left aside: rounding
  /// of their shares would reach the last bits.
  FitRows(const DataRef<Scalar>& X, const Vector<double>* weights)
      : all_(&X), weights_(weights && equal_weights(*weights) ? nullptr : weights) {}
  FitRows(const DataRef<Scalar>&& X, const Vector<double>* weights) = delete;
  /// These columns of them, in this order.
  FitRows(const FitRows& rows, std::vector<Index> columns)
      : all_(rows.all_), weights_(rows.weights_), whole_(false), columns_(std::move(columns)) {}

  [[nodiscard]] Index rows() const { return all_->rows(); }
  [[nodiscard]] Index samples() const { return whole_ ? all_->cols() : Index(columns_.size()); }
  [[nodiscard]] bool weighted() const { return weights_ != nullptr; }
  /// Which sample of the user's data this is.
  [[nodiscard]] Index number_of(Index sample) const { return whole_ ? sample : columns_[std::size_t(sample)]; }
  [[nodiscard]] double weight(Index sample) const { return weights_ ? (*weights_)(number_of(sample)) : 1; }
  /// Its rows() numbers.
  [[nodiscard]] const Scalar* data(Index sample) const {
    return all_->data() + number_of(sample) * all_->outerStride();
  }
  /// All of them as one batch, where they are all columns of the user's.
  [[nodiscard]] bool whole() const { return whole_; }
  [[nodiscard]] const DataRef<Scalar>& all() const { return *all_; }

  /// Copies these samples to the columns of `out`, which has as many.
  void gather(std::span<const Index> of, Batch<Scalar>& out) const {
    Scalar* column = out.data();
    for (const Index sample : of) column = std::copy_n(data(sample), rows(), column);
  }
  [[nodiscard]] Batch<Scalar> gathered(std::span<const Index> of) const {
    Batch<Scalar> result(rows(), Index(of.size()));
    gather(of, result);
    return result;
  }
  /// All of them.
  [[nodiscard]] Batch<Scalar> gathered() const {
    Batch<Scalar> result(rows(), samples());
    for (Index j = 0; j < samples(); ++j) std::copy_n(data(j), rows(), result.data() + j * rows());
    return result;
  }

 private:
  const DataRef<Scalar>* all_;
  const Vector<double>* weights_;
  bool whole_ = true;  // else these columns:
  std::vector<Index> columns_;
};

/// Weights over their sum, for all samples; the sum alone may be too large a number.
template <Real Scalar>
[[nodiscard]] Vector<double> shares_of(const FitRows<Scalar>& rows) {
  Vector<double> weights(rows.samples());
  for (Index j = 0; j < weights.size(); ++j) weights(j) = rows.weight(j);
  const double largest = *std::max_element(weights.data(), weights.data() + weights.size());
  for (Index j = 0; j < weights.size(); ++j) weights(j) /= largest;
  const double sum = weights.sum();
  for (Index j = 0; j < weights.size(); ++j) weights(j) /= sum;
  return weights;
}

/// Samples of positive weight, in their order.
template <Real Scalar>
[[nodiscard]] std::vector<Index> counted(const FitRows<Scalar>& rows) {
  std::vector<Index> result;
  for (Index j = 0; j < rows.samples(); ++j)
    if (rows.weight(j) > 0) result.push_back(j);
  return result;
}

/// As `split`, of the samples of positive weight: those to train on, and those held out.
template <Real Scalar>
[[nodiscard]] std::pair<FitRows<Scalar>, FitRows<Scalar>> split_rows(const FitRows<Scalar>& rows, double fraction,
                                                                     const Draw& draw) {
  const std::vector<Index> used = counted(rows);
  SplitColumns parts = split_columns(Index(used.size()), fraction, draw);
  for (Index& sample : parts.rest) sample = used[std::size_t(sample)];
  for (Index& sample : parts.held_out) sample = used[std::size_t(sample)];
  return {FitRows<Scalar>(rows, std::move(parts.rest)), FitRows<Scalar>(rows, std::move(parts.held_out))};
}

}  // namespace detail
}  // namespace pathline
