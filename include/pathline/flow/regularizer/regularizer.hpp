/// \file
/// What a regularizer is: a running cost of the path. Each is one more row of the state, integrated beside the sample;
/// the error norm does not see it, so that a regularizer does not change the steps of a forward solve.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/flow/path/path_point.hpp>

#include <concepts>

namespace pathline {

/// A running cost with its weight in the loss.
///
/// - `weight`: factor of the mean cost in the loss; the row itself carries none.
/// - `evaluate(at, cost)`: overwrites cost (1 × n), the rate at which each sample's cost grows.
/// - `pullback(at, cost_bar, bar)`: adds to the blocks of bar what cost_bar (1 × n) sends back.
/// - `needs`, where it reads more than t, Z and F: `static constexpr PathQuantities needs{.tangents = true};`.
template <class R, class Scalar = double>
concept Regularizer = requires(const R regularizer, const PathPoint<Scalar>& at, RowRef<Scalar> cost,
                               ConstRowRef<Scalar> cost_bar, PathPointBar<Scalar>& bar) {
  { regularizer.weight } -> std::convertible_to<double>;
  regularizer.evaluate(at, cost);
  regularizer.pullback(at, cost_bar, bar);
};

}  // namespace pathline
