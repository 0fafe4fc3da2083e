/// \file
/// Sums and copies of blocks of a few rows: samples, costs and their cotangents, which are rows of taller batches.
///
/// Eigen goes through a block column by column with a loop that is made for long ones. For two or three rows a plain
/// loop of a known length takes a fraction of that time; more rows are left to Eigen.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>

#include <type_traits>

namespace pathline::detail {

/// Calls work with the number of rows: as a constant up to 3, else as an Index.
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

/// Whether with_row_count() has made the number a constant.
template <class Rows>
inline constexpr bool few_rows = !std::is_same_v<std::remove_cvref_t<Rows>, Index>;

/// Σ x² over column j of X; `rows` from with_row_count().
template <class Rows, class Block>
[[nodiscard]] EIGEN_ALWAYS_INLINE typename Block::Scalar squared_norm(Rows rows, const Block& X, Index j) {
  if constexpr (few_rows<Rows>) {
    typename Block::Scalar sum(0);
    for (Index i = 0; i < rows; ++i) sum += X(i, j) * X(i, j);
    return sum;
  } else {
    return X.col(j).squaredNorm();
  }
}

/// Column j of Y += factor · that of X.
template <class Rows, class Block, class MutableBlock, class Scalar>
EIGEN_ALWAYS_INLINE void add_column(Rows rows, Scalar factor, const Block& X, MutableBlock& Y, Index j) {
  if constexpr (few_rows<Rows>)
    for (Index i = 0; i < rows; ++i) Y(i, j) += factor * X(i, j);
  else
    Y.col(j) += factor * X.col(j);
}

/// Y = X, of the same shape.
template <Real Scalar>
void copy_rows(View<const Scalar> X, View<Scalar> Y) {
  eigen_assert(X.rows() == Y.rows() && X.cols() == Y.cols());
  with_row_count(X.rows(), [&](auto rows) {
    if constexpr (few_rows<decltype(rows)>)
      for (Index j = 0; j < X.cols(); ++j)
        for (Index i = 0; i < rows; ++i) Y(i, j) = X(i, j);
    else
      Y.map() = X.map();
  });
}

/// Y += factor X.
template <Real Scalar>
void add_rows(std::type_identity_t<Scalar> factor, View<const Scalar> X, View<Scalar> Y) {
  eigen_assert(X.rows() == Y.rows() && X.cols() == Y.cols());
  with_row_count(X.rows(), [&](auto rows) {
    if constexpr (few_rows<decltype(rows)>)
      for (Index j = 0; j < X.cols(); ++j)
        for (Index i = 0; i < rows; ++i) Y(i, j) += factor * X(i, j);
    else
      Y.map() += factor * X.map();
  });
}

}  // namespace pathline::detail
