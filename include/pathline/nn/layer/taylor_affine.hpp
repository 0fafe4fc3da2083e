/// \file
/// An affine map in Taylor mode: every order for itself, A = W X + U S with S packed as X is, and b on the values only.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/nn/layer/affine.hpp>

namespace pathline::detail {

/// X (in × (1+r)n) and S (s × (1+r)n) to A (out × (1+r)n).
template <Real Scalar>
void taylor_apply(const Affine<Scalar>& affine, View<const Scalar> theta, View<const Scalar> S, View<const Scalar> X,
                  Index n, View<Scalar> A, Workspace<Scalar>& workspace) {
  const Index side = affine.side_rows(), moving = X.cols() - n;
  affine.apply(theta, S.leftCols(n), X, n, A, workspace);
  if (side == 0 || moving == 0) return;
  add_matrix_product<Factor::plain, Factor::plain, Scalar>(affine.U(theta), S.topRows(side).rightCols(moving),
                                                           A.rightCols(moving));
}

/// Given A_bar (out × (1+r)n): overwrites X_bar, adds to S_bar (s × (1+r)n) and theta_bar.
template <Real Scalar>
void taylor_apply_pullback(const Affine<Scalar>& affine, View<const Scalar> theta, View<const Scalar> S,
                           View<const Scalar> X, Index n, View<const Scalar> A_bar, View<Scalar> X_bar,
                           View<Scalar> S_bar, View<Scalar> theta_bar, Workspace<Scalar>& workspace) {
  const Index side = affine.side_rows(), moving = X.cols() - n;
  affine.pullback(theta, S.leftCols(n), X, n, A_bar, X_bar, S_bar.leftCols(n), theta_bar, workspace);
  if (side == 0 || moving == 0) return;
  add_matrix_product<Factor::plain, Factor::transposed, Scalar>(A_bar.rightCols(moving),
                                                                S.topRows(side).rightCols(moving), affine.U(theta_bar));
  add_matrix_product<Factor::transposed, Factor::plain, Scalar>(affine.U(theta), A_bar.rightCols(moving),
                                                                S_bar.topRows(side).rightCols(moving));
}

}  // namespace pathline::detail
