/// \file
/// Products with a matrix of two or three rows, which the first and the last layer of a planar field have.
///
/// Eigen's matrix kernel works on panels of 24 × 4 (float, AVX); with two rows most of a panel is padding. A product
/// with a vector for each row is faster up to three rows: at 2 × 64 by 64 × 120 in float by 2.4 to 7, with four rows it
/// is even. Which way is taken depends on the layer's sizes alone, not on the number of samples.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/math/matrix_product.hpp>
#include <pathline/math/view_loops.hpp>

namespace pathline::detail {

constexpr Index narrow_rows = 3;

/// C += A B, or A Bᵀ, row by row if C has few rows.
template <Factor Right, Real Scalar>
void add_narrow_product(const View<const Scalar>& A, const View<const Scalar>& B, const View<Scalar>& C) {
  if (C.rows() > narrow_rows) return add_matrix_product<Factor::plain, Right, Scalar>(A, B, C);
  for (Index i = 0; i < C.rows(); ++i) add_matrix_vector<opposite(Right), Scalar>(B, A.row(i), C.row(i));
}

/// C += A Bᵀ, row by row or column by column if C has few of them.
template <Real Scalar>
void add_narrow_outer_product(const View<const Scalar>& A, const View<const Scalar>& B, const View<Scalar>& C) {
  if (C.cols() > narrow_rows || C.rows() <= narrow_rows) return add_narrow_product<Factor::transposed, Scalar>(A, B, C);
  for (Index j = 0; j < C.cols(); ++j) add_matrix_vector<Factor::plain, Scalar>(A, B.row(j), C.col(j));
}

/// C = Aᵀ B, row by row: C has few rows.
template <Real Scalar>
void set_narrow_transposed_product(const View<const Scalar>& A, const View<const Scalar>& B, const View<Scalar>& C) {
  eigen_assert(C.rows() <= narrow_rows);
  fill<Scalar>(C, 0);
  for (Index i = 0; i < C.rows(); ++i) add_matrix_vector<Factor::transposed, Scalar>(B, A.col(i), C.row(i));
}

}  // namespace pathline::detail
