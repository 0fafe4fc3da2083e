/// \file
/// Products with a matrix of two or three rows, which the first and the last layer of a planar field have.
///
/// Eigen's matrix kernel works on panels of 24 × 4 (float, AVX); with two rows most of a panel is padding. A product
/// with a vector for each row is faster up to three rows: at 2 × 64 by 64 × 120 in float by 2.4 to 7, with four rows it
/// is even. Which way is taken depends on the layer's sizes alone, not on the number of samples.
#pragma once

#include <pathline/core/types.hpp>

namespace pathline::detail {

constexpr Index narrow_rows = 3;

/// C += A B, row by row if C has few rows.
template <class Target, class Left, class Right>
void add_narrow_product(Target&& C, const Left& A, const Right& B) {
  if (C.rows() > narrow_rows) {
    C.noalias() += A * B;
  } else {
    for (Index i = 0; i < C.rows(); ++i) C.row(i).noalias() += A.row(i) * B;
  }
}

/// C = A B, row by row if C has few rows.
template <class Target, class Left, class Right>
void set_narrow_product(Target&& C, const Left& A, const Right& B) {
  if (C.rows() > narrow_rows) {
    C.noalias() = A * B;
  } else {
    for (Index i = 0; i < C.rows(); ++i) C.row(i).noalias() = A.row(i) * B;
  }
}

/// C += A Bᵀ, row by row or column by column if C has few of them.
template <class Target, class Left, class Right>
void add_narrow_outer_product(Target&& C, const Left& A, const Right& B) {
  if (C.cols() > narrow_rows || C.rows() <= narrow_rows) {
    add_narrow_product(C, A, B.transpose());
  } else {
    for (Index j = 0; j < C.cols(); ++j) C.col(j).noalias() += A * B.row(j).transpose();
  }
}

}  // namespace pathline::detail
