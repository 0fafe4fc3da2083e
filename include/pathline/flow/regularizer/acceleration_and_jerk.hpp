/// \file
/// Derivatives of the velocity along the path as running costs: they vanish where paths are straight (TayNODE, Kelly et
/// al. 2020).
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/flow/path/path_point.hpp>
#include <pathline/flow/regularizer/squared_norms.hpp>

namespace pathline {

/// ∫ ‖∂f/∂t + J f‖² dt = ∫ ‖z''‖² dt: the squared acceleration, which is TayNODE's cost of order 2 (there R_2, without
/// a factor: a weight of λ is a weight of λ here; its code takes the mean over components, λ / d).
/// Costs one more directional derivative an evaluation, which is shared with other costs that read it.
/// docs/maths.md, section 11.
struct DirectionalDerivative {
  static constexpr PathQuantities needs{.acceleration = true};
  double weight = 1.0;

  template <Real Scalar>
  void evaluate(const PathPoint<Scalar>& at, RowRef<Scalar> cost) const {
    detail::fill<Scalar>(cost, 0);
    detail::add_squared_norms<Scalar>(1, at.acceleration, cost);
  }
  template <Real Scalar>
  void pullback(const PathPoint<Scalar>& at, ConstRowRef<Scalar> cost_bar, PathPointBar<Scalar>& bar) const {
    detail::add_scaled_columns<Scalar>(2, cost_bar, at.acceleration, bar.acceleration);
  }
};

/// ∫ ‖z'''‖² dt, TayNODE's cost of order 3 (the same conversions). Needs a field in Taylor mode (`TaylorField`:
/// networks of dense, linear and elementwise layers), and three sweeps of it an evaluation.
struct Jerk {
  static constexpr PathQuantities needs{.jerk = true};
  double weight = 1.0;

  template <Real Scalar>
  void evaluate(const PathPoint<Scalar>& at, RowRef<Scalar> cost) const {
    detail::fill<Scalar>(cost, 0);
    detail::add_squared_norms<Scalar>(1, at.jerk, cost);
  }
  template <Real Scalar>
  void pullback(const PathPoint<Scalar>& at, ConstRowRef<Scalar> cost_bar, PathPointBar<Scalar>& bar) const {
    detail::add_scaled_columns<Scalar>(2, cost_bar, at.jerk, bar.jerk);
  }
};

}  // namespace pathline
