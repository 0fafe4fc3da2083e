/// \file
/// What every preset must do: send the right gradient back, and stay a density while it is trained.
#pragma once

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/likelihood.hpp>
#include <pathline/train/adam.hpp>
#include <pathline/train/toy/toy_densities.hpp>

#include <support/density_checks.hpp>
#include <support/differences.hpp>

#include <numeric>
#include <vector>

namespace pathline::test {

[[nodiscard]] inline std::vector<Index> row_ids(Index n) {
  std::vector<Index> ids(static_cast<std::size_t>(n));
  std::iota(ids.begin(), ids.end(), Index(0));
  return ids;
}

/// Greatest relative error of the gradient of a flow in double, by central differences. The flow must take fixed steps:
/// then the loss is a smooth function of the parameters.
template <class Flow>
[[nodiscard]] double gradient_error(const Flow& flow) {
  constexpr Index n = 3;
  const Batch<double> X = sample_toy(ToyDensity::mixture, n, Draw{4, 1});
  const Draw draw{5, 9};
  typename Flow::Memory memory;
  TrainingLoss<double> result, moved_result;
  flow.value_and_gradient(X, row_ids(n), draw, memory, result);
  Flow moved = flow;
  const Vector<double> differences = central_differences(
      [&](const Vector<double>& theta) {
        moved.parameters() = theta;
        moved.value_and_gradient(X, row_ids(n), draw, memory, moved_result);
        return moved_result.loss;
      },
      flow.parameters());
  return max_difference(result.gradient, differences);
}

/// Trains a flow in double by `iterations` steps of Adam on fresh samples of the mixture.
/// \return the training loss before the last step less that before the first.
template <class Flow>
double train_briefly(Flow& flow, Index iterations, double learning_rate) {
  constexpr Index n = 64;
  OptimizerState<double> adam;
  typename Flow::Memory memory;
  TrainingLoss<double> result;
  Rng rng(3);
  double first = 0;
  for (Index i = 0; i < iterations; ++i) {
    const Batch<double> X = sample_toy(ToyDensity::mixture, n, rng.draw());
    flow.value_and_gradient(X, row_ids(n), rng.draw(), memory, result);
    if (i == 0) first = result.loss;
    adam.step(Adam{.learning_rate = learning_rate}, result.gradient, flow.parameters());
  }
  return result.loss - first;
}

/// ∫ exp(log p) over a square that holds all but 1e-5 of the trained density.
template <class Flow>
[[nodiscard]] double total_probability(const Flow& flow) {
  const Grid grid{.half_width = 8, .cells = 16, .fine = 5};
  return integrate_density(grid, flow.log_prob(grid.points())).total;
}

}  // namespace pathline::test
