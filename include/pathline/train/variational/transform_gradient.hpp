/// \file
/// A target's score through a data transform: from raw data, where the target has it, to the flow's coordinates.
/// docs/maths.md, (15.4).
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/flow/transform/transform.hpp>
#include <pathline/math/view_loops.hpp>

#include <cmath>
#include <utility>

namespace pathline::detail {

/// Solves A x = b in place of b by elimination with partial pivoting; A (d × d) is overwritten. For the d of a
/// posterior; an Eigen decomposition allocates, and compiles longer.
template <Real Scalar>
void solve_in_place(View<Scalar> A, Scalar* b) {
  const Index d = A.rows();
  for (Index k = 0; k < d; ++k) {
    Index pivot = k;
    for (Index i = k + 1; i < d; ++i)
      if (std::abs(A(i, k)) > std::abs(A(pivot, k))) pivot = i;
    if (pivot != k) {
      for (Index j = k; j < d; ++j) std::swap(A(k, j), A(pivot, j));
      std::swap(b[k], b[pivot]);
    }
    for (Index i = k + 1; i < d; ++i) {
      const Scalar factor = A(i, k) / A(k, k);
      if (factor == Scalar(0)) continue;
      for (Index j = k + 1; j < d; ++j) A(i, j) -= factor * A(k, j);
      b[i] -= factor * b[k];
    }
  }
  for (Index k = d; k-- > 0;) {
    for (Index j = k + 1; j < d; ++j) b[k] -= A(k, j) * b[j];
    b[k] /= A(k, k);
  }
}

/// Turns a gradient by raw data X into that of the same and log |det ∂z/∂x| by the coordinates z, in place: J^{-T}
/// (gradient + ∂ log |det J|/∂x). A transform that maps by component takes two pullbacks of the batch; any other takes
/// one more of d columns for each sample, and d³/3 operations. `NoTransform` is not for here.
///
/// \param X         d × n, raw.
/// \param gradient  d × n.
/// \param scratch   d × 3n. What other transforms need besides, 3d² numbers, each thread keeps for itself.
template <class Transform, Real Scalar>
void gradient_by_coordinates(const Transform& transform, View<const Scalar> X, View<Scalar> gradient,
                             View<Scalar> scratch) {
  const Index d = X.rows(), n = X.cols();
  const View<Scalar> Z_bar = scratch.leftCols(n), of_log_det = scratch.middleCols(n, n), slopes = scratch.rightCols(n);
  const auto pull_back = [&](View<const Scalar> at, View<const Scalar> cotangent, View<Scalar> out) {
    const Eigen::Ref<const Batch<Scalar>> of = at, bar = cotangent;
    BatchRef<Scalar> result = out;
    transform.pullback(of, bar, result);
  };
  fill<Scalar>(Z_bar, 0);
  pull_back(X, Z_bar, of_log_det);
  add<Scalar>(of_log_det, gradient);
  if constexpr (maps_by_component<Transform>) {
    fill<Scalar>(Z_bar, 1);
    pull_back(X, Z_bar, slopes);
    for (Index j = 0; j < n; ++j)
      for (Index i = 0; i < d; ++i) gradient(i, j) /= slopes(i, j) - of_log_det(i, j);
  } else {
    static thread_local Batch<Scalar> of_sample;  // the sample d times, the identity, Jᵀ
    of_sample.resize(d, 3 * d);
    const View<Scalar> all(of_sample), copies = all.leftCols(d), identity = all.middleCols(d, d), J = all.rightCols(d);
    fill<Scalar>(identity, 0);
    for (Index i = 0; i < d; ++i) identity(i, i) = 1;
    for (Index j = 0; j < n; ++j) {
      for (Index i = 0; i < d; ++i) copy<Scalar>(X.col(j), copies.col(i));
      pull_back(copies, identity, J);
      for (Index i = 0; i < d; ++i) axpy<Scalar>(-1, of_log_det.col(j), J.col(i));
      solve_in_place<Scalar>(J, gradient.data() + j * gradient.stride());
    }
  }
}

}  // namespace pathline::detail
