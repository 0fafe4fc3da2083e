/// \file
/// The product U s of side inputs for all shapes that they come in; docs/maths.md, (9.1).
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>

namespace pathline::detail {

/// Y (out × (1+k)n) += U S: S (s × 1) goes to each of the n values, S (s × n or s × (1+k)n) to the columns it has.
template <Real Scalar>
void add_side_product(const Eigen::Map<const Batch<Scalar>>& U, ConstBatchRef<Scalar> S, Index n, BatchRef<Scalar> Y,
                      Workspace<Scalar>& workspace) {
  if (S.cols() > 1) {
    Y.leftCols(S.cols()).noalias() += U * S;
    return;
  }
  typename Workspace<Scalar>::Frame frame(workspace);
  VectorMap<Scalar> column = frame.vector(U.rows());
  column.noalias() = U * S.col(0);
  Y.leftCols(n).colwise() += column;
}

/// Adds to U_bar (out × s) and to S_bar (shape of S).
template <Real Scalar>
void pull_back_side_product(const Eigen::Map<const Batch<Scalar>>& U, ConstBatchRef<Scalar> S, Index n,
                            ConstBatchRef<Scalar> Y_bar, BatchRef<Scalar> U_bar, BatchRef<Scalar> S_bar,
                            Workspace<Scalar>& workspace) {
  if (S.cols() > 1) {
    U_bar.noalias() += Y_bar.leftCols(S.cols()) * S.transpose();
    S_bar.noalias() += U.transpose() * Y_bar.leftCols(S.cols());
    return;
  }
  typename Workspace<Scalar>::Frame frame(workspace);
  VectorMap<Scalar> column = frame.vector(U.rows());
  column = Y_bar.leftCols(n).rowwise().sum();
  U_bar.noalias() += column * S.col(0).transpose();
  S_bar.col(0).noalias() += U.transpose() * column;
}

}  // namespace pathline::detail
