/// \file
/// An affine map in Taylor mode: every order for itself, A = W X + U S with S packed as X is, and b on the values only.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/nn/layer/affine.hpp>

namespace pathline::detail {

/// X (in × (1+r)n) and S (s × (1+r)n) to A (out × (1+r)n).
template <Real Scalar>
void taylor_apply(const Affine<Scalar>& affine, ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S,
                  ConstBatchRef<Scalar> X, Index n, BatchRef<Scalar> A, Workspace<Scalar>& workspace) {
  const Index side = affine.side_rows(), moving = X.cols() - n;
  affine.apply(theta, S.leftCols(n), X, n, A, workspace);
  if (side == 0 || moving == 0) return;
  const ConstBatchMap<Scalar> U(theta.data(), affine.out_rows(), side);  // θ = [U | W | b]
  A.rightCols(moving).noalias() += U * S.topRows(side).rightCols(moving);
}

/// Given A_bar (out × (1+r)n): overwrites X_bar, adds to S_bar (s × (1+r)n) and theta_bar.
template <Real Scalar>
void taylor_apply_pullback(const Affine<Scalar>& affine, ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S,
                           ConstBatchRef<Scalar> X, Index n, ConstBatchRef<Scalar> A_bar, BatchRef<Scalar> X_bar,
                           BatchRef<Scalar> S_bar, VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) {
  const Index side = affine.side_rows(), moving = X.cols() - n;
  affine.pullback(theta, S.leftCols(n), X, n, A_bar, X_bar, S_bar.leftCols(n), theta_bar, workspace);
  if (side == 0 || moving == 0) return;
  const ConstBatchMap<Scalar> U(theta.data(), affine.out_rows(), side);
  BatchMap<Scalar> U_bar(theta_bar.data(), affine.out_rows(), side);
  U_bar.noalias() += A_bar.rightCols(moving) * S.topRows(side).rightCols(moving).transpose();
  S_bar.topRows(side).rightCols(moving).noalias() += U.transpose() * A_bar.rightCols(moving);
}

}  // namespace pathline::detail
