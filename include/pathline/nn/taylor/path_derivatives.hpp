/// \file
/// The derivatives of a field's solution at a point of it: z' = f, the acceleration z'' = f_t + J f and the jerk z''',
/// with their pullback; what TayNODE penalises (Kelly, Bettencourt, Johnson & Duvenaud 2020, arXiv 2007.04504).
///
/// Derivative m of the path is derivative m - 1 of f along it, so that sweep m of the field in Taylor mode
/// (nn/taylor/taylor.hpp) takes [z z' … z^(m-1)] and appends z^(m). The sweeps
/// compute those again: a layer cannot know its input's next derivative before the last layer has found the one before.
/// docs/maths.md, (9.8).
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/taylor/taylor.hpp>

#include <array>
#include <cstddef>
#include <span>

namespace pathline {

/// The highest derivative of the path that Taylor mode of order 2 reaches: the jerk.
inline constexpr Index highest_path_derivative = 3;

/// Scalars that path_derivatives leaves for its pullback; `count` derivatives of the paths of n samples.
template <TaylorField F>
[[nodiscard]] Index path_derivatives_tape_size(const F& field, Index n, Index count) {
  using Tape = Slices<typename F::Scalar>;
  Index size = Tape::size(field.dim() * n * count) + Tape::size(field.side_rows() * n * count);
  for (Index m = 1; m <= count; ++m) size += Tape::size(field.taylor_tape_size(n, m - 1));
  return size;
}

/// D = [z' z'' …] (d × count·n; count, 1 to 3, is read off D) of the solution of z' = f(t, z) through each column of Z
/// (d × n). S is s × 1 or s × n, as for linearize: time, of rate 1, in its first row, then context, which rests.
/// Writes all of its tape. D must not overlap Z.
template <TaylorField F>
void path_derivatives(const F& field, ConstBatchRef<typename F::Scalar> S, ConstBatchRef<typename F::Scalar> Z,
                      BatchRef<typename F::Scalar> D, std::span<typename F::Scalar> tape,
                      Workspace<typename F::Scalar>& workspace) {
  using Scalar = typename F::Scalar;
  const Index d = Z.rows(), n = Z.cols(), s = field.side_rows(), count = D.cols() / n;
  eigen_assert(count >= 1 && count <= highest_path_derivative && D.cols() == count * n);
  Slices<Scalar> slices(tape);
  BatchMap<Scalar> X = slices.batch(d, count * n), S_path = slices.batch(s, count * n);
  X.leftCols(n) = Z;
  S_path.setZero();
  if (S.cols() == 1)
    for (Index i = 0; i < n; ++i) S_path.col(i) = S.col(0).head(s);
  else
    S_path.leftCols(n) = S.topRows(s);
  if (s > 0 && count > 1) S_path.row(0).segment(n, n).setOnes();

  typename Workspace<Scalar>::Frame frame(workspace);
  BatchMap<Scalar> Y = frame.batch(d, count * n);
  for (Index m = 1; m <= count; ++m) {
    field.taylor(S_path.leftCols(m * n), X.leftCols(m * n), n, Y.leftCols(m * n),
                 slices.scalars(field.taylor_tape_size(n, m - 1)), workspace);
    D.middleCols((m - 1) * n, n) = Y.middleCols((m - 1) * n, n);
    if (m < count) X.middleCols(m * n, n) = Y.middleCols((m - 1) * n, n);
  }
}

/// Given the tape and D_bar (d × count·n), scratch afterwards: adds to Z_bar (d × n), S_bar (s × 1 or s × n) and
/// theta_bar.
template <TaylorField F>
void pullback_path_derivatives(const F& field, std::span<typename F::Scalar> tape, BatchRef<typename F::Scalar> D_bar,
                               BatchRef<typename F::Scalar> Z_bar, BatchRef<typename F::Scalar> S_bar,
                               VectorRef<typename F::Scalar> theta_bar, Workspace<typename F::Scalar>& workspace) {
  using Scalar = typename F::Scalar;
  const Index d = Z_bar.rows(), n = Z_bar.cols(), s = field.side_rows(), count = D_bar.cols() / n;
  eigen_assert(count >= 1 && count <= highest_path_derivative && D_bar.cols() == count * n);
  Slices<Scalar> slices(tape);
  const BatchMap<Scalar> X = slices.batch(d, count * n), S_path = slices.batch(s, count * n);
  std::array<std::span<Scalar>, std::size_t(highest_path_derivative)> sweep_tape;
  for (Index m = 1; m <= count; ++m) sweep_tape[std::size_t(m - 1)] = slices.scalars(field.taylor_tape_size(n, m - 1));

  typename Workspace<Scalar>::Frame frame(workspace);
  BatchMap<Scalar> Y_bar = frame.batch(d, count * n), X_bar = frame.batch(d, count * n);
  BatchMap<Scalar> S_path_bar = frame.batch(s, count * n);
  S_path_bar.setZero();
  for (Index m = count; m >= 1; --m) {  // from the last sweep, whose inputs are the results of those before
    Y_bar.leftCols((m - 1) * n).setZero();
    Y_bar.middleCols((m - 1) * n, n) = D_bar.middleCols((m - 1) * n, n);
    field.taylor_pullback(S_path.leftCols(m * n), X.leftCols(m * n), n, sweep_tape[std::size_t(m - 1)],
                          Y_bar.leftCols(m * n), X_bar.leftCols(m * n), S_path_bar.leftCols(m * n), theta_bar,
                          workspace);
    Z_bar += X_bar.leftCols(n);
    D_bar.leftCols((m - 1) * n) += X_bar.middleCols(n, (m - 1) * n);
  }
  if (S_bar.cols() == 1)
    for (Index i = 0; i < n; ++i) S_bar.col(0).head(s) += S_path_bar.col(i);
  else
    S_bar.topRows(s) += S_path_bar.leftCols(n);
}

}  // namespace pathline
