/// \file
/// The product U s of side inputs for all shapes that they come in; docs/maths.md, (9.1).
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/math/matrix_product.hpp>
#include <pathline/math/view_loops.hpp>

namespace pathline::detail {

/// Y (out × (1+k)n) += U S: S (s × 1) goes to each of the n values, S (s × n or s × (1+k)n) to the columns it has.
template <Real Scalar>
void add_side_product(View<const Scalar> U, View<const Scalar> S, Index n, View<Scalar> Y,
                      Workspace<Scalar>& workspace) {
  if (S.cols() != 1) return add_matrix_product<Factor::plain, Factor::plain, Scalar>(U, S, Y.leftCols(S.cols()));
  typename Workspace<Scalar>::Frame frame(workspace);
  const View<Scalar> column = frame.vector(U.rows());
  fill<Scalar>(column, 0);
  add_matrix_vector<Factor::plain, Scalar>(U, S, column);
  add_to_columns<Scalar>(column, Y.leftCols(n));
}

/// Adds to U_bar (out × s) and to S_bar (shape of S), where `column` holds the sums of the values' rows of Y_bar.
template <Real Scalar>
void pull_back_side_product(View<const Scalar> U, View<const Scalar> S, View<const Scalar> Y_bar,
                            View<const Scalar> column, View<Scalar> U_bar, View<Scalar> S_bar) {
  if (S.cols() != 1) {
    add_matrix_product<Factor::plain, Factor::transposed, Scalar>(Y_bar.leftCols(S.cols()), S, U_bar);
    add_matrix_product<Factor::transposed, Factor::plain, Scalar>(U, Y_bar.leftCols(S.cols()), S_bar);
    return;
  }
  for (Index j = 0; j < U.cols(); ++j) axpy<Scalar>(S(j, 0), column, U_bar.col(j));
  add_matrix_vector<Factor::transposed, Scalar>(U, column, S_bar);
}

}  // namespace pathline::detail
