/// \file
/// The average of the parameters over the last steps of training: it lies nearer to the minimum than any of the steps
/// around it (Polyak & Juditsky 1992), and is what diffusion models and flows are often judged by.
///
///     ExponentialMovingAverage<float> average{.decay = 0.999};
///     fit(flow, X, {.epochs = 200}, rng, average);
///     average.swap(flow);   // the flow has the average, `average` what the flow was left with
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/message.hpp>
#include <pathline/core/types.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/train/fit_report.hpp>
#include <pathline/train/optimizer.hpp>
#include <pathline/train/training_plan.hpp>

#include <algorithm>
#include <cmath>

namespace pathline {

/// A callback of `fit`, and a plain value: after step t of the optimizer
///
///     average = Σ_i d^(t-i) θ_i / Σ_i d^(t-i),  i = 1, …, t,
///
/// with d = decay: the sum m ← d m + (1 - d) θ from 0, corrected for that start by 1 - dᵗ as Adam's moments are (Kingma
/// & Ba 2015, section 3). The parameters that training began with do not count.
///
/// Further calls of `fit` go on with it, and a checkpoint keeps it. After an error it has the steps up to there.
/// Validation is of the parameters themselves: which epoch is the best does not depend on the average, and the flow
/// ends with that epoch's parameters until `swap`.
template <Real Scalar>
struct ExponentialMovingAverage {
  double decay = 0.999;      ///< d: 1 / (1 - d) is about the number of steps that count.
  Index steps = 0;           ///< Seen so far.
  Vector<Scalar> average{};  ///< Empty before the first step.

  static constexpr bool watches_steps = true;

  template <class Visit>
  void settings(Visit& visit) const {
    visit("decay", decay);
  }
  template <class Visit>
  void state(Visit& visit) {
    visit("steps", steps);
    visit("average", average);
  }
  void check() const {
    detail::require_setting(decay >= 0 && decay < 1, "ExponentialMovingAverage: decay", decay,
                            "at least 0 and below 1");
  }

  void operator()(const EpochReport& /*epoch*/) const noexcept {}

  /// \throws ShapeError for parameters of another model.
  void after_step(ConstVectorRef<Scalar> theta) {
    if (steps == 0)
      average.setZero(theta.size());
    else
      require_rows("ExponentialMovingAverage: the model's vector of parameters", theta.size(), average.size());
    ++steps;
    // (1 - d) / (1 - dᵗ), which moves the corrected average as the formula above says; 1 at first.
    const auto share = Scalar((1 - decay) / (1 - std::pow(decay, double(steps))));
    detail::update<Scalar>(
        average, [share](auto mean, auto x) { return mean + share * (x - mean); }, theta);
  }

  /// The average, for an evaluation of your own.
  /// \throws ArgumentError before the first step.
  [[nodiscard]] const Vector<Scalar>& parameters() const {
    if (steps == 0) throw ArgumentError("ExponentialMovingAverage: steps", steps, "at least 1: train with it first");
    return average;
  }

  /// Puts the average into the model, and the model's parameters here. Call it again before training goes on: a
  /// TrainingState refuses a model with other parameters than those it was left with.
  /// \throws ArgumentError before the first step, or for an average that is not finite; ShapeError for another model.
  ///         Nothing has changed then.
  template <class Model>
  void swap(Model& model) {
    const Vector<Scalar>& mean = parameters();
    const auto theta = detail::parameter_span(model);
    require_rows("ExponentialMovingAverage::swap: the model's vector of parameters", Index(theta.size()), mean.size());
    for (Index i = 0; i < mean.size(); ++i)
      if (!(mean(i) - mean(i) == Scalar(0)))
        throw ArgumentError(detail::message({"ExponentialMovingAverage::swap: average(", i, ")"}), double(mean(i)),
                            "a finite number");
    std::swap_ranges(theta.begin(), theta.end(), average.data());
  }
};

}  // namespace pathline
