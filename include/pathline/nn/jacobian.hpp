/// \file
/// The whole Jacobian of a field, as d directional derivatives.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/nn/layer.hpp>

namespace pathline {

/// V (d × dn): tangent j is e_j for every sample, so that JV is the whole Jacobian.
template <class Scalar>
void set_identity_tangents(View<Scalar> V) {
  const Index d = V.rows(), n = V.cols() / d;
  detail::fill<Scalar>(V, 0);
  for (Index j = 0; j < d; ++j)
    for (Index i = 0; i < n; ++i) V(j, j * n + i) = Scalar(1);
}

/// The Jacobians of a field by d tangents, sample after sample: J (d × dn). S is s × 1 or s × n.
template <VectorField F>
void field_jacobian(const F& field, ConstBatchRef<typename F::Scalar> S, ConstBatchRef<typename F::Scalar> Z,
                    BatchRef<typename F::Scalar> J, Workspace<typename F::Scalar>& workspace) {
  using Scalar = typename F::Scalar;
  const Index d = Z.rows(), n = Z.cols();
  typename Workspace<Scalar>::Frame frame(workspace);
  BatchMap<Scalar> X = frame.batch(d, (1 + d) * n), FJ = frame.batch(d, (1 + d) * n);
  X.leftCols(n) = Z;
  set_identity_tangents(View<Scalar>(X).rightCols(d * n));
  field.linearize(S, X, n, FJ, frame.scalars(field.tape_size(n, d)), workspace);
  for (Index sample = 0; sample < n; ++sample)
    for (Index j = 0; j < d; ++j) J.col(sample * d + j) = FJ.col((1 + j) * n + sample);
}

}  // namespace pathline
