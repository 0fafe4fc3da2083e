/// \file
/// Loss and gradient of one mini-batch of a source, or of the several that make a step.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/ode/errors.hpp>
#include <pathline/train/training_plan.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>

namespace pathline::detail {

/// With its factors, where it has any. A solve that fails names the sample of the user's data.
template <class Flow, class Source, class Mini, class Loss>
void set_loss_of(const Flow& flow, const Source& source, const Mini& batch, const Draw& draw,
                 typename Flow::Memory& memory, Loss& loss) {
  using Factors = ConstVectorMap<typename Flow::Scalar>;
  const auto train = [&] {
    if (batch.factors.empty()) {
      flow.value_and_gradient(batch.data, batch.samples, draw, memory, loss);
    } else if constexpr (requires(const Factors& factors) {
                           Factors(batch.factors.data(), Index{});
                           flow.value_and_gradient(batch.data, batch.samples, factors, draw, memory, loss);
                         }) {
      const Factors factors(batch.factors.data(), Index(batch.factors.size()));
      flow.value_and_gradient(batch.data, batch.samples, factors, draw, memory, loss);
    } else {
      throw ArgumentError("fit: factors of a mini-batch", "given",
                          "none: the model's value_and_gradient takes no weights, or none of this scalar");
    }
  };
  relabel_failures(train, [&](SolveFailure& at) {
    if (at.sample >= 0 && at.sample < Index(batch.samples.size()))
      at.sample = number_in(source, batch.samples[std::size_t(at.sample)]);
  });
}

/// What a mini-batch of a step is computed into, where it has several.
template <class Accumulation, class Flow>
[[nodiscard]] auto loss_of_part([[maybe_unused]] const Flow& flow) {
  if constexpr (Accumulation::accumulates)
    return flow.make_training_loss();
  else
    return TakesEach{};
}

/// Of the samples first, …, first + count - 1 of an epoch, which are a step. see(mini_batch) is called after each of
/// its mini-batches, when `loss` has those up to there. They share a draw, unless they are new samples of the same
/// numbers.
template <class Plan, class Flow, class Source, class Part, class Loss, class See>
void set_loss_of_step(const Plan& plan, const Flow& flow, const Source& source, Index first, Index count, Rng& rng,
                      typename Source::Memory& memory_of_source, typename Flow::Memory& memory,
                      [[maybe_unused]] Part& part, Loss& loss, const See& see) {
  if constexpr (std::same_as<Part, TakesEach>) {
    const auto batch = source.batch(first, count, rng, memory_of_source);
    set_loss_of(flow, source, batch, rng.draw(), memory, loss);
    see(batch);
  } else {
    Draw draw;
    Index first_number = -1;
    for (Index done = 0, size = 0; done < count; done += size) {
      size = std::min(plan.options.batch, count - done);
      const auto batch = source.batch(first + done, size, rng, memory_of_source);
      const Index number = batch.samples.empty() ? 0 : batch.samples.front();
      if (done == 0 || number == first_number) draw = rng.draw();
      if (done == 0) first_number = number;
      set_loss_of(flow, source, batch, draw, memory, part);
      plan.accumulation.add(double(size) / double(count), part, done == 0, loss);
      see(batch);
    }
  }
}

}  // namespace pathline::detail
