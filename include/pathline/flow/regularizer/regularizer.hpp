/// \file
/// Running costs of the path. Each is one more row of the state, integrated beside the sample; the error norm does not
/// see it, so that a regularizer does not change the steps of a forward solve.
#pragma once

#include <pathline/core/few_rows.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/path/path_point.hpp>

#include <concepts>

namespace pathline {

/// A running cost with its weight in the loss.
///
/// - `weight`: factor of the mean cost in the loss; the row itself carries none.
/// - `evaluate(at, cost)`: overwrites cost (1 × n), the rate at which each sample's cost grows.
/// - `pullback(at, cost_bar, bar)`: adds to the blocks of bar what cost_bar (1 × n) sends back.
/// - `reads`, where it reads more than t, Z and F: `static constexpr PathReads reads{.tangents = true};`.
template <class R, class Scalar = double>
concept Regularizer = requires(const R regularizer, const PathPoint<Scalar>& at, RowRef<Scalar> cost,
                               ConstRowRef<Scalar> cost_bar, PathPointBar<Scalar>& bar) {
  { regularizer.weight } -> std::convertible_to<double>;
  regularizer.evaluate(at, cost);
  regularizer.pullback(at, cost_bar, bar);
};

/// Kinetic energy ∫ ½‖f‖² dt, as OT-Flow has it (Onken et al. 2021). RNODE's paper has no half, and its code divides
/// by d as well: a paper's λ_K is a weight of 2 λ_K here, a code's coefficient c a weight of c / d.
/// docs/maths.md, section 11.
struct KineticEnergy {
  double weight = 1.0;

  template <Real Scalar>
  void evaluate(const PathPoint<Scalar>& at, RowRef<Scalar> cost) const {
    detail::with_row_count(at.dim(), [&](auto rows) {
      for (Index j = 0; j < at.samples(); ++j) cost(j) = Scalar(0.5) * detail::squared_norm(rows, at.F, j);
    });
  }
  template <Real Scalar>
  void pullback(const PathPoint<Scalar>& at, ConstRowRef<Scalar> cost_bar, PathPointBar<Scalar>& bar) const {
    detail::with_row_count(at.dim(), [&](auto rows) {
      for (Index j = 0; j < at.samples(); ++j) detail::add_column(rows, cost_bar(j), at.F, bar.F, j);
    });
  }
};

/// The transport cost of OT-Flow, ∫ ½‖f‖² dt: the same integral under the name that it has in optimal transport.
using TransportCost = KineticEnergy;

}  // namespace pathline
