/// \file
/// Loss and gradient of one mini-batch of a source.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/ode/errors.hpp>
#include <pathline/train/training_plan.hpp>

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

}  // namespace pathline::detail
