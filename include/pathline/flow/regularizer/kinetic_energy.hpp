/// \file
/// The kinetic energy of the path as a running cost: what makes paths straight in OT-Flow and RNODE.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/flow/path/path_point.hpp>
#include <pathline/flow/regularizer/squared_norms.hpp>

namespace pathline {

/// Kinetic energy ∫ ½‖f‖² dt, as OT-Flow has it (Onken et al. 2021). RNODE's paper has no half, and its code divides
/// by d as well: a paper's λ_K is a weight of 2 λ_K here, a code's coefficient c a weight of c / d.
/// docs/maths.md, section 11.
struct KineticEnergy {
  double weight = 1.0;

  template <Real Scalar>
  void evaluate(const PathPoint<Scalar>& at, RowRef<Scalar> cost) const {
    detail::fill<Scalar>(cost, 0);
    detail::add_squared_norms<Scalar>(Scalar(0.5), at.F, cost);
  }
  template <Real Scalar>
  void pullback(const PathPoint<Scalar>& at, ConstRowRef<Scalar> cost_bar, PathPointBar<Scalar>& bar) const {
    detail::add_scaled_columns<Scalar>(1, cost_bar, at.F, bar.F);
  }
};

/// The transport cost of OT-Flow, ∫ ½‖f‖² dt: the same integral under the name that it has in optimal transport.
using TransportCost = KineticEnergy;

}  // namespace pathline
