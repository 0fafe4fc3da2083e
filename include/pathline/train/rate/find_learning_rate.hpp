/// \file
/// Which learning rate to train with, from one short run at growing rates (Smith, "Cyclical learning rates for training
/// neural networks", WACV 2017, section 3.3):
///
///     const RateCurve curve = find_learning_rate(flow, X, {}, rng);
///     fit(flow, X, {.epochs = 100}, rng, Adam{.learning_rate = curve.suggested});
#pragma once

#include <pathline/core/data_ref.hpp>
#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/errors.hpp>
#include <pathline/train/adam.hpp>
#include <pathline/train/batch_source.hpp>
#include <pathline/train/fit.hpp>
#include <pathline/train/optimizer.hpp>
#include <pathline/train/shuffled_rows.hpp>
#include <pathline/train/step/mini_batch_loss.hpp>
#include <pathline/train/training_plan.hpp>
#include <pathline/train/weighted_data.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace pathline {

struct RateSearch {
  double lowest = 1e-6,
         highest = 1;  ///< Rates of the first step and of the last; between them they grow geometrically.
  Index steps = 200;
  Index batch = 64;  ///< Rows of a mini-batch.
};

/// What a search saw, a number for each step that it took.
struct RateCurve {
  std::vector<double> rates;
  std::vector<double> losses;    ///< Of the mini-batch, before the step.
  std::vector<double> smoothed;  ///< Their exponential average with weights 0.9, corrected for its start.
  double best = std::numeric_limits<double>::quiet_NaN();  ///< The rate at which the smoothed loss was least.
  /// A tenth of it, the usual choice: at the least loss the rate has begun to do harm. NaN, which no optimizer takes,
  /// where the loss never fell below that of the first step: begin at a lower rate.
  double suggested = std::numeric_limits<double>::quiet_NaN();
};

namespace detail {

template <class Flow, class Source, Optimizer O>
[[nodiscard]] RateCurve rate_curve(Flow& flow, const Source& source, const RateSearch& search, Rng rng,
                                   const O& optimizer) {
  using Scalar = typename Flow::Scalar;
  const std::span<Scalar> theta = parameter_span(flow);
  struct Restored {  // also after an error
    std::span<Scalar> theta;
    std::vector<Scalar> before{theta.begin(), theta.end()};
    ~Restored() { std::copy(before.begin(), before.end(), theta.begin()); }
  };
  const Restored restored{theta};
  typename Source::Memory memory_of_source;
  typename Flow::Memory memory;
  auto loss = flow.make_training_loss();
  OptimizerState<Scalar> state;
  RateCurve curve;
  const Index n = source.samples();
  double average = 0, least = 0;
  Index first = n;
  for (Index i = 0; i < search.steps; ++i) {
    if (first >= n) {
      source.start_epoch(rng, memory_of_source);
      first = 0;
    }
    const Index count = std::min(search.batch, n - first);
    try {
      set_loss_of(flow, source, source.batch(first, count, rng, memory_of_source), rng.draw(), memory, loss);
    } catch (const SolveError&) {
      if (i == 0) throw;
      break;  // the end of the curve: the rate is far too high
    }
    first += count;
    if (!std::isfinite(loss.loss) || !all_finite<Scalar>(loss.gradient)) break;
    const double rate = search.lowest * std::pow(search.highest / search.lowest, double(i) / double(search.steps - 1));
    average = 0.9 * average + 0.1 * loss.loss;
    const double smoothed = average / (1 - std::pow(0.9, double(i + 1)));
    if (i > 0 && std::max(smoothed - least, (loss.loss - least) / 4) > 1 + std::abs(least)) break;
    curve.rates.push_back(rate);
    curve.losses.push_back(loss.loss);
    curve.smoothed.push_back(smoothed);
    if (i == 0 || smoothed < least) {
      least = smoothed;
      curve.best = rate;
    }
    state.step(optimizer, rate, loss.gradient, parameter_map<Scalar>(flow));
    if constexpr (requires { flow.after_step(memory); }) flow.after_step(memory);
  }
  if (curve.rates.empty())
    throw DataError(
        "find_learning_rate: the loss or its gradient is not finite before the first step; look at the data's scale "
        "(Standardize) and the field's first parameters");
  if (curve.best > curve.rates.front()) curve.suggested = curve.best / 10;
  return curve;
}

}  // namespace detail

/// Takes steps of the optimizer at rates that grow from `lowest` to `highest`, until the smoothed loss is above its
/// least by 1 + |least|, or that of a mini-batch by four times as much, one is not finite, or a solve fails. Model,
/// optimizer and generator are afterwards as they were.
///
/// \param data  A batch, `with_weights(batch, weights)`, or a batch source.
/// \throws As `fit` before it trains; SolveError or DataError when the first step cannot be taken.
template <class Flow, class Data, Optimizer O = Adam>
[[nodiscard]] RateCurve find_learning_rate(Flow& flow, const Data& data, const RateSearch& search, const Rng& rng,
                                           const O& optimizer = {}) {
  if constexpr (detail::FitCheck<Flow, Data, void, O>::value) {
    const auto require = detail::require_setting;
    require(search.lowest > 0 && std::isfinite(search.lowest), "find_learning_rate: lowest", search.lowest,
            "a positive number");
    require(search.highest > search.lowest && std::isfinite(search.highest), "find_learning_rate: highest",
            search.highest, "above lowest");
    require(search.steps >= 10, "find_learning_rate: steps", double(search.steps), "at least 10");
    require(search.batch >= 1, "find_learning_rate: batch", double(search.batch), "at least 1");
    if constexpr (requires { optimizer.check(); }) optimizer.check();
    detail::require_fit_parameters(flow, "find_learning_rate");
    if constexpr (BatchSource<Data>) {
      require(data.samples() >= 1, "find_learning_rate: samples of the source", double(data.samples()), "at least 1");
      return detail::rate_curve(flow, data, search, rng, optimizer);
    } else {
      using DataScalar = detail::DataScalarOf<Flow>;
      const DataRef<DataScalar> X(detail::batch_of(data));
      const detail::FitRows<DataScalar> rows(X, detail::weights_of(data));
      detail::require_fit_rows(flow, "find_learning_rate: data", X, rows, detail::weights_of(data));
      return detail::rate_curve(flow, detail::ShuffledRows<DataScalar, typename Flow::Scalar>(rows), search, rng,
                                optimizer);
    }
  } else {
    return {};
  }
}

}  // namespace pathline
