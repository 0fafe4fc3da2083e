/// \file
/// The residual of the Hamilton–Jacobi–Bellman equation as a running cost (OT-Flow, Onken et al. 2021).
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/flow/path_point.hpp>

#include <cmath>

namespace pathline {

/// R = ∫ |∂Φ/∂t - ½‖∇Φ‖²| dt of a potential field f = -∇Φ: zero where the paths are straight and travelled at constant
/// speed. Onken et al. 2021, equation 7; docs/maths.md, section 10, also for the sign, which differs between texts.
///
/// The paper's α₂, the third of its code's `alph`, is a weight of α₂ here. The slope at a residual of 0 counts as 0.
/// Needs a `PotentialField` and `ClosedFormTrace`.
struct HamiltonJacobiBellman {
  static constexpr PathReads reads{.potential_rate = true};
  double weight = 1.0;

  template <Real Scalar>
  void evaluate(const PathPoint<Scalar>& at, RowRef<Scalar> cost) const {
    for (Index i = 0; i < at.samples(); ++i) cost(i) = std::abs(residual(at, i));
  }
  template <Real Scalar>
  void pullback(const PathPoint<Scalar>& at, ConstRowRef<Scalar> cost_bar, PathPointBar<Scalar>& bar) const {
    for (Index i = 0; i < at.samples(); ++i) {
      const Scalar r = residual(at, i);
      const Scalar signed_bar = r > 0 ? cost_bar(i) : r < 0 ? -cost_bar(i) : Scalar(0);
      bar.potential_rate(0, i) += signed_bar;
      bar.F.col(i) -= signed_bar * at.F.col(i);
    }
  }

 private:
  template <Real Scalar>
  static Scalar residual(const PathPoint<Scalar>& at, Index i) {
    return at.potential_rate(0, i) - Scalar(0.5) * at.F.col(i).squaredNorm();
  }
};

}  // namespace pathline
