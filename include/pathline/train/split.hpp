/// \file
/// Random partitions of a batch's columns: held-out data, and folds of a cross-validation.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>

#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace pathline {

/// The columns of X with these numbers, in this order.
template <class Derived>
[[nodiscard]] Batch<typename Derived::Scalar> columns_of(const Eigen::MatrixBase<Derived>& X,
                                                         std::span<const Index> columns) {
  Batch<typename Derived::Scalar> result(X.rows(), Index(columns.size()));
  for (std::size_t j = 0; j < columns.size(); ++j) result.col(Index(j)) = X.col(columns[j]);
  return result;
}

/// Two parts of a batch.
template <Real Scalar>
struct SplitData {
  Batch<Scalar> rest, held_out;
};

/// The columns of two parts.
struct SplitColumns {
  std::vector<Index> rest, held_out;
};

namespace detail {

/// ⌈fraction · n⌉.
template <class = void>
[[gnu::cold]] inline Index held_out_count(Index n, double fraction) {
  const bool valid = fraction >= 0 && fraction < 1;  // before the conversion: a NaN has no integer
  const Index held_out = valid ? Index(std::ceil(fraction * double(n) - 1e-9)) : n;
  if (held_out >= n)
    throw ArgumentError("split: fraction", fraction, message({"in [0, 1), leaving at least one of ", n, " columns"}));
  return held_out;
}

}  // namespace detail

/// Holds out ⌈fraction · n⌉ of n columns, at random and without putting back.
/// \throws ArgumentError unless 0 <= fraction < 1 leaves at least one column.
template <class = void>
[[nodiscard]] inline SplitColumns split_columns(Index n, double fraction, const Draw& draw) {
  const Index held_out = detail::held_out_count(n, fraction);
  const std::vector<Index> order = permutation(draw, n);
  return {{order.begin() + held_out, order.end()}, {order.begin(), order.begin() + held_out}};
}
/// The same by the generator's next draw, which is not taken when an error is thrown.
template <class = void>
[[nodiscard]] inline SplitColumns split_columns(Index n, double fraction, Rng& rng) {
  (void)detail::held_out_count(n, fraction);
  return split_columns(n, fraction, rng.draw());
}

/// Holds out ⌈fraction · n⌉ columns of a batch. Errors as above.
template <class Derived>
[[nodiscard]] SplitData<typename Derived::Scalar> split(const Eigen::MatrixBase<Derived>& X, double fraction,
                                                        Rng& rng) {
  const SplitColumns columns = split_columns(X.cols(), fraction, rng);
  return {columns_of(X, columns.rest), columns_of(X, columns.held_out)};
}

/// Fold `fold` of `folds` of a cross-validation: held_out is that fold, rest the others. Folds of one draw are
/// disjoint, cover every column, and differ in size by at most one.
/// \throws ArgumentError unless 2 <= folds <= n and 0 <= fold < folds.
template <class Derived>
[[nodiscard]] SplitData<typename Derived::Scalar> fold_of(const Eigen::MatrixBase<Derived>& X, Index fold, Index folds,
                                                          const Draw& draw) {
  if (folds < 2 || folds > X.cols())
    throw ArgumentError("fold_of: folds", folds, "between 2 and " + std::to_string(X.cols()));
  if (fold < 0 || fold >= folds)
    throw ArgumentError("fold_of: fold", fold, "between 0 and " + std::to_string(folds - 1));
  std::vector<Index> in, out;
  const std::vector<Index> order = permutation(draw, X.cols());
  for (std::size_t i = 0; i < order.size(); ++i) (Index(i) % folds == fold ? out : in).push_back(order[i]);
  return {columns_of(X, in), columns_of(X, out)};
}

}  // namespace pathline
