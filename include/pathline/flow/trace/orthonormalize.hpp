/// \file
/// Gram-Schmidt for the tangents of a batch: each sample has k vectors of its own, a column of every block of n.
#pragma once

#include <pathline/core/types.hpp>

#include <type_traits>

namespace pathline {

namespace detail {

/// v -= Q Qᵀ v by the first `count` vectors of one sample, one after another. Twice is enough (Parlett & Kahan): the
/// second pass removes what rounding left in the first, which is ε of what cancelled and not of what remains.
template <Real Scalar, class Column>
void project_out(const BatchMap<Scalar>& Q, Index n, Index sample, Index count, Column&& v) {
  for (int pass = 0; pass < 2; ++pass)
    for (Index j = 0; j < count; ++j) {
      const auto q = Q.col(j * n + sample);
      v -= q.dot(v) * q;
    }
}

}  // namespace detail

/// V (d × mn) -= Q Qᵀ V, sample by sample: what of each sample's m vectors is orthogonal to that sample's vectors in
/// Q (d × kn), which are orthonormal or zero. V and Q do not overlap. Allocates nothing.
template <Real Scalar>
void project_out(const BatchMap<Scalar>& Q, Index n, BatchMap<Scalar> V) {
  for (Index i = 0; i < V.cols(); ++i) detail::project_out(Q, n, i % n, Q.cols() / n, V.col(i));
}

/// Replaces each sample's k vectors in V (d × kn) by orthonormal ones of the same span (modified Gram-Schmidt, twice).
/// A vector of which no more than `tolerance` times its length is left by those before it becomes zero, as does one
/// that is zero or whose squared length is not finite. Allocates nothing.
template <Real Scalar>
void orthonormalize(BatchMap<Scalar> V, Index n, std::type_identity_t<Scalar> tolerance) {
  for (Index i = 0; i < V.cols(); ++i) {
    auto v = V.col(i);
    const Scalar before = v.norm();
    detail::project_out(V, n, i % n, i / n, v);
    const Scalar after = v.norm();
    if (after > tolerance * before)
      v /= after;
    else
      v.setZero();
  }
}

}  // namespace pathline
