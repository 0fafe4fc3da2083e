/// \file
/// The solves of a `NeuralOde` with `PerSample` for sequences: each of them goes through its own times, and none is
/// slowed down by the times of others.
#pragma once

#include <pathline/core/chunks.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/gradient/per_sample/sample_chunks.hpp>
#include <pathline/gradient/sequence.hpp>
#include <pathline/gradient/sequence_chunks.hpp>
#include <pathline/gradient/value_and_gradient.hpp>
#include <pathline/ode/solve_status.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace pathline::detail {

/// Refers to the parts of the neural ODE, which must outlive it.
template <StepsOfEach Parts>
class SequenceChunks<Parts> {
  using Memory = OdeMemory<Parts>;
  using Chunk = typename Memory::Chunk;
  using Chunks = OdeChunks<Parts>;

 public:
  using Scalar = typename Parts::Scalar;
  using Sequences = std::span<const Sequence<Scalar>>;

  explicit SequenceChunks(const Parts& parts) : parts_(parts), chunks_(parts) {}

  /// States at the times of each sequence, d × m each.
  [[nodiscard]] std::vector<Batch<Scalar>> predict(Sequences sequences, std::span<const Index> which) const {
    const auto n = Index(which.size());
    const Index widest = parts_.widest_chunk(n);
    std::vector<Batch<Scalar>> predictions(which.size());
    Memory memory;
    memory.samples.resize(which.size());
    chunks_.start_threads(chunk_count(n, widest), memory);
    for_each_chunk(n, widest, parts_.threads.number, [&](Index /*i*/, ColumnChunk columns, int thread) {
      Chunk& chunk = memory.chunks[std::size_t(thread)];
      const std::span<const Index> some = which.subspan(std::size_t(columns.first), std::size_t(columns.count));
      solve(sequences, some, columns, false, memory.samples, chunk);
      for (std::size_t j = 0; j < some.size(); ++j)
        predictions[std::size_t(columns.first) + j] =
            chunk.predicted.middleCols(Index(chunk.first[j]), Index(sequences[std::size_t(some[j])].times.size()));
    });
    return predictions;
  }

  /// As `NeuralOde::value_and_gradient` says.
  void value_and_gradient(Sequences sequences, std::span<const Index> which, ConstVectorRef<Scalar> weights,
                          Memory& memory, ValueAndGradient<Scalar>& result) const {
    const auto n = Index(which.size());
    const Index widest = parts_.widest_chunk(n), c = parts_.context_rows();
    memory.start(std::size_t(chunk_count(n, widest)));
    result.initial.resize(parts_.field.dim(), n);
    result.context.resize(c, c > 0 ? n : 0);
    result.forward_samples.resize(which.size());
    result.backward_samples.resize(which.size());
    for_each_chunk(n, widest, parts_.threads.number, [&](Index i, ColumnChunk columns, int /*thread*/) {
      Chunk& chunk = memory.chunks[std::size_t(i)];
      const std::span<const Index> some = which.subspan(std::size_t(columns.first), std::size_t(columns.count));
      chunk.forward = solve(sequences, some, columns, true, result.forward_samples, chunk);
      chunk.value = loss(sequences, some, columns, weights, double(n), chunk);
      const auto of_chunk = [&](std::vector<SolveStatus>& samples) {
        return std::span<SolveStatus>(samples).subspan(std::size_t(columns.first), std::size_t(columns.count));
      };
      const std::span<SolveStatus> arrived = of_chunk(result.forward_samples);
      std::copy(arrived.begin(), arrived.end(), of_chunk(result.backward_samples).begin());
      chunks_.back_chunk(
          columns, result, chunk,
          [&](Index j) { return std::span<const double>(sequences[std::size_t(some[std::size_t(j)])].times); },
          [&](Index j, std::size_t k) {
            return chunk.predicted_bar.data() + (Index(chunk.first[std::size_t(j)] + k)) * chunk.predicted_bar.rows();
          });
      raise_first(of_chunk(result.backward_samples));
    });
    double value = 0;
    for (const Chunk& chunk : memory.used_chunks()) value += chunk.value;
    result.value = Scalar(value);
    Chunks::sum(memory.used_chunks(), result);
    result.forward = Chunks::statistics(memory.used_chunks(), &Chunk::forward);
  }

 private:
  /// States at all times into chunk.predicted.
  /// \throws SolveError for the first sequence that failed.
  Statistics solve(Sequences sequences, std::span<const Index> which, ColumnChunk columns, bool keep,
                   std::vector<SolveStatus>& samples, Chunk& chunk) const {
    const auto sequence = [&](Index j) -> const Sequence<Scalar>& {
      return sequences[std::size_t(which[std::size_t(j)])];
    };
    const Index d = parts_.field.dim(), c = parts_.context_rows();
    chunk.initial.resize(d, columns.count);
    chunk.context.resize(c, columns.count);
    chunk.first.clear();
    std::size_t count = 0;
    for (Index j = 0; j < columns.count; ++j) {
      const Sequence<Scalar>& one = sequence(j);
      std::copy_n(one.initial.size() > 0 ? one.initial.data() : one.states.data(), d, chunk.initial.col(j).data());
      std::copy_n(one.context.data(), c, chunk.context.col(j).data());
      chunks_.require_usable(View<const Scalar>(chunk.initial).col(j), one.times);
      chunk.first.push_back(count);
      count += one.times.size();
    }
    if (chunk.predicted.rows() != d || chunk.predicted.cols() < Index(count)) chunk.predicted.resize(d, Index(count));
    const Statistics statistics = chunks_.solve_chunk(
        chunk.initial, chunk.context, columns.first, keep,
        [&](Index j) { return std::span<const double>(sequence(j).times); },
        [&](Index j, std::size_t k, const auto& y) { chunk.predicted.col(Index(chunk.first[std::size_t(j)] + k)) = y; },
        [&](Index sample, SolveStatus&& ended) { samples[std::size_t(sample)] = std::move(ended); }, chunk);
    raise_first(std::span<const SolveStatus>(samples).subspan(std::size_t(columns.first), which.size()));
    return statistics;
  }

  /// Σ_j w_j E_j / batch over the chunk; its cotangents in chunk.predicted_bar.
  static double loss(Sequences sequences, std::span<const Index> which, ColumnChunk columns,
                     ConstVectorRef<Scalar> weights, double batch, Chunk& chunk) {
    chunk.predicted_bar.setZero(chunk.predicted.rows(), chunk.predicted.cols());
    double sum = 0;
    for (std::size_t j = 0; j < which.size(); ++j) {
      const Sequence<Scalar>& sequence = sequences[std::size_t(which[j])];
      const Index observed = sequence.observed();
      if (observed == 0) continue;
      const double weight = weights.size() == 0 ? 1 : double(weights(columns.first + Index(j)));
      const double factor = weight / (double(observed) * batch);
      double squares = 0;
      for_each_observed(sequence, [&](Index i, Index k) {
        const Index at = Index(chunk.first[j]) + k;
        const Scalar residual = chunk.predicted(i, at) - sequence.states(i, k);
        squares += double(residual) * double(residual);
        chunk.predicted_bar(i, at) = Scalar(2 * factor) * residual;
      });
      sum += factor * squares;
    }
    return sum;
  }

  const Parts& parts_;
  Chunks chunks_;
};

}  // namespace pathline::detail
