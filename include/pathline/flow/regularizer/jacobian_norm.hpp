/// \file
/// The Frobenius norm of the Jacobian as a running cost (RNODE, Finlay et al. 2020).
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/flow/path/path_point.hpp>
#include <pathline/flow/regularizer/squared_norms.hpp>

namespace pathline {

/// ∫ ‖J‖²_F dt, by the trace's own tangents: Σ_j w_j ‖J v_j‖², which is exact with `ExactTrace` and unbiased with
/// estimators by noise. docs/maths.md, section 11.
///
/// RNODE's paper weighs this very integral, with ‖εᵀJ‖² of the same mean: a paper's λ_J is a weight of λ_J here. Its
/// code takes the mean over components: a code's coefficient c is a weight of c / d.
/// Does not compile with `ClosedFormTrace`, which leaves no tangents.
struct JacobianNorm {
  static constexpr PathQuantities needs{.tangents = true};
  double weight = 1.0;

  template <Real Scalar>
  void evaluate(const PathPoint<Scalar>& at, RowRef<Scalar> cost) const {
    detail::fill<Scalar>(cost, 0);
    for (Index j = 0; j < at.tangents(); ++j) detail::add_squared_norms<Scalar>(at.weights[j], at.JV_of(j), cost);
  }
  template <Real Scalar>
  void pullback(const PathPoint<Scalar>& at, ConstRowRef<Scalar> cost_bar, PathPointBar<Scalar>& bar) const {
    for (Index j = 0; j < at.tangents(); ++j)
      detail::add_scaled_columns<Scalar>(Scalar(2) * at.weights[j], cost_bar, at.JV_of(j), bar.JV_of(j));
  }
};

}  // namespace pathline
