/// \file
/// Sums and copies of blocks of a few rows: samples, costs and their cotangents, which lie in taller batches.
///
/// Eigen goes through a block column by column with a loop that is made for long ones. For two or three rows a plain
/// loop of a known length takes a fraction of that time.
#pragma once

#include <pathline/core/types.hpp>

#include <type_traits>

namespace pathline::detail {

/// Calls work with the number of rows, as a constant where it is small.
template <class Work>
EIGEN_ALWAYS_INLINE void with_row_count(Index rows, Work&& work) {
  switch (rows) {
    case 1:
      return work(std::integral_constant<Index, 1>{});
    case 2:
      return work(std::integral_constant<Index, 2>{});
    case 3:
      return work(std::integral_constant<Index, 3>{});
    default:
      return work(rows);
  }
}

/// Y = X.
template <Real Scalar>
void copy_rows(ConstBatchRef<Scalar> X, BatchRef<Scalar> Y) {
  const Index n = X.cols(), x_next = X.outerStride(), y_next = Y.outerStride();
  const Scalar* x = X.data();
  Scalar* y = Y.data();
  with_row_count(X.rows(), [=](auto rows) mutable {
    for (Index j = 0; j < n; ++j, x += x_next, y += y_next)
      for (Index i = 0; i < rows; ++i) y[i] = x[i];
  });
}

/// Y += factor X.
template <Real Scalar>
void add_rows(std::type_identity_t<Scalar> factor, ConstBatchRef<Scalar> X, BatchRef<Scalar> Y) {
  const Index n = X.cols(), x_next = X.outerStride(), y_next = Y.outerStride();
  const Scalar* x = X.data();
  Scalar* y = Y.data();
  with_row_count(X.rows(), [=](auto rows) mutable {
    for (Index j = 0; j < n; ++j, x += x_next, y += y_next)
      for (Index i = 0; i < rows; ++i) y[i] += factor * x[i];
  });
}

/// result(j) = factor · Σ x² over column j of X, a block whose columns are contiguous.
template <class Block, class Scalar = typename Block::Scalar>
void write_squared_norms(std::type_identity_t<Scalar> factor, const Block& X, RowRef<Scalar> result) {
  const Index n = X.cols(), x_next = X.outerStride(), next = result.innerStride();
  const Scalar* x = X.data();
  Scalar* to = result.data();
  with_row_count(X.rows(), [=](auto rows) mutable {
    for (Index j = 0; j < n; ++j, x += x_next, to += next) {
      Scalar sum(0);
      for (Index i = 0; i < rows; ++i) sum += x[i] * x[i];
      *to = factor * sum;
    }
  });
}

/// Y += X diag(factors), column by column; blocks whose columns are contiguous.
template <class Block, class MutableBlock, class Scalar = typename Block::Scalar>
void add_scaled_columns(const Block& X, ConstRowRef<Scalar> factors, MutableBlock& Y) {
  const Index n = X.cols(), x_next = X.outerStride(), y_next = Y.outerStride(), next = factors.innerStride();
  const Scalar *x = X.data(), *factor = factors.data();
  Scalar* y = Y.data();
  with_row_count(X.rows(), [=](auto rows) mutable {
    for (Index j = 0; j < n; ++j, x += x_next, y += y_next, factor += next)
      for (Index i = 0; i < rows; ++i) y[i] += *factor * x[i];
  });
}

}  // namespace pathline::detail
