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

inline void require_weights(const char* what, const Vector<double>& weights, Index samples) {
  require_rows(what, weights.size(), samples);
  bool positive = false;
  for (Index j = 0; j < samples; ++j) {
    if (!(weights(j) >= 0 && std::isfinite(weights(j))))
      throw DataError(std::string(what) + " is " + number(weights(j)) + " at sample " + std::to_string(j) +
                      ", expected 0 or a positive number");
    positive = positive || weights(j) > 0;
  }
  if (!positive) throw DataError(std::string(what) + " is 0 at every sample, expected a positive one at least");
}

}  // namespace detail

/// Data (d × n) that `fit` is to weigh: a sample of weight 3 counts as three samples do, one of weight 0 is left out.
/// Splits and mini-batches keep weights and samples together. Running statistics (`MovingNormalization`) count every
/// sample of positive weight once.
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

namespace detail {

/// Samples that `fit` trains on or judges by.
template <Real Scalar>
struct FitRows {
  Batch<Scalar> X;
  Vector<double> weights{};      ///< Empty: all are 1.
  std::vector<Index> numbers{};  ///< Which samples of the user's data these are; empty: the same.

  [[nodiscard]] Index number_of(Index sample) const { return numbers.empty() ? sample : numbers[std::size_t(sample)]; }
  [[nodiscard]] double weight(Index sample) const { return weights.size() == 0 ? 1 : weights(sample); }
};

template <class T>
inline constexpr bool is_weighted = false;
template <class Scalar>
inline constexpr bool is_weighted<WeightedData<Scalar>> = true;

template <class Scalar, class Derived>
[[nodiscard]] FitRows<Scalar> fit_rows(const Eigen::MatrixBase<Derived>& data) {
  return {in_scalar<Scalar>(data), {}, {}};
}
template <class Scalar, class Given>
[[nodiscard]] FitRows<Scalar> fit_rows(const WeightedData<Given>& data) {
  return {in_scalar<Scalar>(data.data), data.weights, {}};
}

/// Weights over their sum, which may be too large a number.
[[nodiscard]] inline Vector<double> shares_of(const Vector<double>& weights) {
  const Vector<double> relative = weights / weights.maxCoeff();
  return relative / relative.sum();
}

/// Samples of positive weight, in their order.
template <Real Scalar>
[[nodiscard]] std::vector<Index> counted(const FitRows<Scalar>& rows) {
  std::vector<Index> result;
  for (Index j = 0; j < rows.X.cols(); ++j)
    if (rows.weight(j) > 0) result.push_back(j);
  return result;
}

template <Real Scalar>
[[nodiscard]] FitRows<Scalar> rows_of(const FitRows<Scalar>& rows, std::span<const Index> samples) {
  FitRows<Scalar> result{columns_of(rows.X, samples), {}, {samples.begin(), samples.end()}};
  if (rows.weights.size() > 0) result.weights = rows.weights(result.numbers);
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
  return {rows_of(rows, parts.rest), rows_of(rows, parts.held_out)};
}

}  // namespace detail
}  // namespace pathline
