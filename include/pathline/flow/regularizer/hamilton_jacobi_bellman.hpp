/// \file
/// The residual of the Hamilton–Jacobi–Bellman equation as a running cost (OT-Flow, Onken et al. 2021).
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/flow/path/path_point.hpp>
#include <pathline/math/view_loops.hpp>

#include <cmath>

namespace pathline {

/// R = ∫ |∂Φ/∂t - ½‖∇Φ‖²| dt of a potential field f = -∇Φ: zero where the paths are straight and travelled at constant
/// speed. Onken et al. 2021, equation 7; docs/maths.md, (10.11), also for the sign, which differs between texts.
///
/// The paper's α₂, the third of its code's `alph`, is a weight of α₂ here. The slope at a residual of 0 counts as 0.
/// Needs a `PotentialField` and `ClosedFormTrace`.
struct HamiltonJacobiBellman {
  static constexpr PathQuantities needs{.potential_rate = true};
  double weight = 1.0;

  template <Real Scalar>
  void evaluate(const PathPoint<Scalar>& at, RowRef<Scalar> cost) const {
    for (Index j = 0; j < at.samples(); ++j) cost(j) = std::abs(residual(at, j));
  }
  template <Real Scalar>
  void pullback(const PathPoint<Scalar>& at, ConstRowRef<Scalar> cost_bar, PathPointBar<Scalar>& bar) const {
    for (Index j = 0; j < at.samples(); ++j) {
      const Scalar r = residual(at, j);
      // By a factor of -1, 0 or 1: a branch would be guessed, and wrong half of the time.
      const Scalar signed_bar = Scalar((r > 0) - (r < 0)) * cost_bar(j);
      bar.potential_rate(0, j) += signed_bar;
      for (Index i = 0; i < at.dim(); ++i) bar.F(i, j) += -signed_bar * at.F(i, j);
    }
  }

 private:
  template <Real Scalar>
  static Scalar residual(const PathPoint<Scalar>& at, Index j) {
    const Scalar* const f = at.F.data() + j * at.F.outerStride();
    return at.potential_rate(0, j) - Scalar(0.5) * detail::dot(f, f, at.dim());
  }
};

}  // namespace pathline
