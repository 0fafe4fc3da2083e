/// \file
/// Where mini-batches come from: rows of a data set in a new order each epoch (`fit` makes that of a batch), fresh
/// samples of a density, or a source of the user's own.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <numeric>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace pathline {

/// What `value_and_gradient` of a model takes at a time.
template <class Data, Real Scalar>
struct MiniBatch {
  Data data;                          ///< Of n samples; a reference or a view, or a value.
  std::span<const Index> samples;     ///< n numbers, which name the noise of each sample.
  std::span<const Scalar> factors{};  ///< Of the samples' losses, n numbers; none: all 1.
};

/// A source is a const description. What changes is in its `Memory`, which one call of `fit` makes and keeps; a
/// checkpoint keeps what `Memory::state(visit)` names (HasState).
/// - `samples()`: how many make an epoch. `fit` cuts them into mini-batches of `FitOptions::batch`.
/// - `start_epoch(rng, memory)`: before the first mini-batch of an epoch; an order, say.
/// - `batch(first, count, rng, memory)`: a `MiniBatch` of samples first, …, first + count - 1 of the epoch, valid until
///   the next call. Its data are whatever the model's `value_and_gradient` takes.
/// - `settings(visit)`, where a checkpoint is to find out that the source is another one (HasSettings).
/// - `number_of(sample)`, where a sample of a mini-batch has another number in the user's data: for messages.
template <class S>
concept BatchSource = requires(const S& source, Index i, Rng& rng, typename S::Memory& memory) {
  requires std::default_initializable<typename S::Memory>;
  { source.samples() } -> std::convertible_to<Index>;
  source.start_epoch(rng, memory);
  { source.batch(i, i, rng, memory).samples } -> std::convertible_to<std::span<const Index>>;
  source.batch(i, i, rng, memory).data;
  source.batch(i, i, rng, memory).factors.empty();
};

/// New samples in every mini-batch, so that nothing can be learned by heart:
///
///     FreshSamples source([&](Index n, const Draw& draw) { return sample_toy<float>(density, n, draw); }, 25'600);
///
/// \tparam Sampler  sampler(n, draw) returns a batch of n samples, which the draw decides.
template <class Sampler>
class FreshSamples {
  static_assert(std::is_invocable_v<const Sampler&, Index, const Draw&>,
                "FreshSamples: the sampler is called as sampler(n, draw), with a pathline::Index and a const "
                "pathline::Draw&, and returns a batch of n samples");
  using Samples = std::remove_cvref_t<std::invoke_result_t<const Sampler&, Index, const Draw&>>;

 public:
  struct Memory {
    Samples data;
    std::vector<Index> samples;
    template <class Visit>
    void state(Visit& /*visit*/) const {}  // nothing outlives a mini-batch
  };

  /// \param samples  In an epoch.
  FreshSamples(Sampler sampler, Index samples) : sampler_(std::move(sampler)), samples_(samples) {}

  [[nodiscard]] Index samples() const noexcept { return samples_; }
  void start_epoch(Rng& /*rng*/, Memory& /*memory*/) const {}
  [[nodiscard]] MiniBatch<const Samples&, typename Samples::Scalar> batch(Index /*first*/, Index count, Rng& rng,
                                                                          Memory& memory) const {
    memory.data = sampler_(count, rng.draw());
    require_columns("FreshSamples: a mini-batch of the sampler", memory.data.cols(), count);
    memory.samples.resize(std::size_t(count));
    std::iota(memory.samples.begin(), memory.samples.end(), Index(0));
    return {memory.data, memory.samples, {}};
  }

 private:
  Sampler sampler_;
  Index samples_;
};

}  // namespace pathline
