/// \file
/// Steps of several mini-batches: a policy of `fit`, for batches whose gradient does not fit into memory at once, or
/// sources that give small ones.
///
///     fit(flow, X, {.epochs = 100, .batch = 64}, rng, Accumulate{.batches = 8});   // steps as of 512 rows
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/train/optimizer.hpp>

#include <cstddef>

namespace pathline {

/// A step takes the mean gradient of `batches` mini-batches, of fewer at the end of an epoch; each counts by its rows,
/// so that loss and gradient are those of one mini-batch of all of them, to rounding, also of rows with weights. They
/// share one draw, unless their samples have the same numbers, as those of `FreshSamples` do. The steps of an adaptive
/// solver and couplings are those of each mini-batch.
///
/// `Cnf` cuts a mini-batch into chunks by itself, and keeps the records of one chunk a thread: a larger
/// `FitOptions::batch` takes little more memory, and needs no policy.
struct Accumulate {
  Index batches = 1;  ///< Of a step.

  static constexpr bool accumulates = true;
  template <class Visit>
  void settings(Visit& visit) const {
    visit("batches", batches);
  }
  void check() const {
    detail::require_setting(batches >= 1, "Accumulate: batches", double(batches), "at least 1 mini-batch");
  }

  /// Adds a mini-batch that is this share of its step; the first one replaces what was there. The gradient with
  /// respect to the context, a column a sample, has none of a step.
  template <class Loss>
  static void add(double share, const Loss& part, bool first, Loss& sum) {
    using Scalar = typename decltype(sum.gradient)::Scalar;
    if (first) {
      sum = part;
      if constexpr (requires { sum.context_gradient.resize(0, 0); }) sum.context_gradient.resize(0, 0);
      if constexpr (requires { sum.step_cost; }) sum.step_cost *= share;
      sum.loss *= share;
      detail::scale<Scalar>(Scalar(share), sum.gradient);
      if constexpr (requires { sum.negative_log_likelihood; }) sum.negative_log_likelihood *= share;
      if constexpr (requires { sum.costs; })
        for (auto& cost : sum.costs) cost *= share;
      return;
    }
    sum.loss += share * part.loss;
    if constexpr (requires { sum.step_cost; }) sum.step_cost += share * part.step_cost;
    detail::axpy<Scalar>(Scalar(share), part.gradient, sum.gradient);
    if constexpr (requires { sum.negative_log_likelihood; })
      sum.negative_log_likelihood += share * part.negative_log_likelihood;
    if constexpr (requires { sum.costs; })
      for (std::size_t i = 0; i < sum.costs.size(); ++i) sum.costs[i] += share * part.costs[i];
    sum.solves += part.solves;
    sum.forward += part.forward;
    sum.backward += part.backward;
  }
};

}  // namespace pathline
