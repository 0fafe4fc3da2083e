/// \file
/// What most costs are made of: squared lengths of columns, and the cotangents that they send back. In loops over
/// views, which are compiled once a scalar.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/math/view_loops.hpp>

namespace pathline::detail {

/// cost(j) += factor ‖A_j‖², for the columns A_j of A (d × n) and cost (1 × n).
template <Real Scalar>
void add_squared_norms(std::type_identity_t<Scalar> factor, View<const Scalar> A, View<Scalar> cost) {
  for (Index j = 0; j < A.cols(); ++j) {
    const Scalar* const a = A.data() + j * A.stride();
    cost(0, j) += factor * dot(a, a, A.rows());
  }
}

/// Y_j += (factor cost_bar(j)) A_j, for the columns of A and Y (d × n) and cost_bar (1 × n).
template <Real Scalar>
void add_scaled_columns(std::type_identity_t<Scalar> factor, View<const Scalar> cost_bar, View<const Scalar> A,
                        View<Scalar> Y) {
  for (Index j = 0; j < A.cols(); ++j) {
    const Scalar scale = factor * cost_bar(0, j);
    for (Index i = 0; i < A.rows(); ++i) Y(i, j) += scale * A(i, j);
  }
}

}  // namespace pathline::detail
