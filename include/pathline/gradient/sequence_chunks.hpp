/// \file
/// The solves of a `NeuralOde` for sequences: a chunk of them is one solve, with outputs at the times of all.
///
/// Outputs that are interpolated (`OutputTimes::interpolate`) cost no steps. Those that steps end at cost at least a
/// step for each different time of the chunk.
#pragma once

#include <pathline/core/chunks.hpp>
#include <pathline/core/types.hpp>
#include <pathline/gradient/ode_chunks.hpp>
#include <pathline/gradient/sequence.hpp>
#include <pathline/gradient/side_inputs.hpp>
#include <pathline/gradient/value_and_gradient.hpp>
#include <pathline/ode/errors.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace pathline::detail {

/// Refers to the parts of the neural ODE, which must outlive it.
template <class Parts>
class SequenceChunks {
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
    chunks_.start_threads(chunk_count(n, widest), memory);
    for_each_chunk(n, widest, parts_.threads.number, [&](Index /*i*/, ColumnChunk columns, int thread) {
      Chunk& chunk = memory.chunks[std::size_t(thread)];
      const std::span<const Index> some = numbers_of(which, columns);
      prepare(sequences, some, chunk);
      const std::span<Batch<Scalar>> states = Memory::first(chunk.states, chunk.sequence_times.times.size());
      relabel_failures([&] { chunks_.solve_chunk(chunk.sequence_times.times, states, chunk); },
                       [&](SolveFailure& at) { Chunks::count_from(columns.first, at); });
      for (Index j = 0; j < columns.count; ++j) {
        const std::size_t m = sequences[std::size_t(some[std::size_t(j)])].times.size();
        Batch<Scalar>& prediction = predictions[std::size_t(columns.first + j)];
        prediction.resize(parts_.field.dim(), Index(m));
        for (std::size_t k = 0; k < m; ++k)
          std::copy_n(column(states[position(chunk, j, k)], j), prediction.rows(),
                      prediction.data() + Index(k) * prediction.rows());
      }
    });
    return predictions;
  }

  /// As `NeuralOde::value_and_gradient` says.
  void value_and_gradient(Sequences sequences, std::span<const Index> which, ConstVectorRef<Scalar> weights,
                          Memory& memory, ValueAndGradient<Scalar>& result) const {
    const auto n = Index(which.size());
    const Index widest = parts_.widest_chunk(n), d = parts_.field.dim();
    memory.start(std::size_t(chunk_count(n, widest)));
    result.initial.resize(d, n);
    for_each_chunk(n, widest, parts_.threads.number, [&](Index i, ColumnChunk columns, int /*thread*/) {
      Chunk& chunk = memory.chunks[std::size_t(i)];
      const std::span<const Index> some = numbers_of(which, columns);
      const std::span<const Scalar> factors(weights.data() + (weights.size() > 0 ? columns.first : 0),
                                            std::size_t(weights.size() > 0 ? columns.count : 0));
      prepare(sequences, some, chunk);
      const std::span<const double> times = chunk.sequence_times.times;
      const std::span<Batch<Scalar>> states = Memory::first(chunk.states, times.size()),
                                     bars = Memory::first(chunk.states_bar, times.size());
      relabel_failures(
          [&] {
            chunks_.record_chunk(times, states, chunk);
            for (Batch<Scalar>& bar : bars) {
              bar.resize(d, columns.count);
              std::fill_n(bar.data(), bar.size(), Scalar(0));
            }
            chunk.value = loss(sequences, some, factors, double(n), states, bars, chunk);
            chunks_.back_chunk(times, bars, columns, double(n), result.initial, chunk);
          },
          [&](SolveFailure& at) { Chunks::count_from(columns.first, at); });
    });
    double value = 0;
    for (const Chunk& chunk : memory.used_chunks()) {
      value += chunk.value;
      if constexpr (Chunks::has_step_cost)
        value += double(Chunks::step_share(chunk, double(n)) * chunk.gradient.step_cost);
    }
    result.value = Scalar(value);
    chunks_.sum(memory.used_chunks(), n, result);
    result.forward = Chunks::statistics(memory.used_chunks(), &Chunk::forward);
  }

 private:
  static std::span<const Index> numbers_of(std::span<const Index> which, ColumnChunk columns) {
    return which.subspan(std::size_t(columns.first), std::size_t(columns.count));
  }
  static const Scalar* column(const Batch<Scalar>& X, Index j) { return X.data() + j * X.rows(); }
  static std::size_t position(const Chunk& chunk, Index j, std::size_t k) {
    return chunk.sequence_times.at[chunk.sequence_times.first[std::size_t(j)] + k];
  }

  /// Times, dynamics and initial states of a chunk.
  void prepare(Sequences sequences, std::span<const Index> which, Chunk& chunk) const {
    const auto sequence = [&](std::size_t j) -> const Sequence<Scalar>& { return sequences[std::size_t(which[j])]; };
    const Index d = parts_.field.dim(), c = parts_.context_rows(), n = Index(which.size());
    chunk.sequence_times.set(which.size(),
                             [&](std::size_t j) -> const std::vector<double>& { return sequence(j).times; });
    chunk.context.resize(c, n);
    for (Index j = 0; j < n; ++j) std::copy_n(sequence(std::size_t(j)).context.data(), c, chunk.context.data() + j * c);
    const typename SideInputs<Scalar>::Context context(chunk.context.data(), c, n, Eigen::OuterStride<>(c));
    chunk.dynamics.emplace(parts_.field, n, SideInputs<Scalar>(context, chunk.sequence_times.starts));
    Batch<Scalar>& y = Chunks::start_of(chunk);
    for (Index j = 0; j < n; ++j) {
      const Sequence<Scalar>& one = sequence(std::size_t(j));
      std::copy_n(one.initial.size() > 0 ? one.initial.data() : one.states.data(), d, y.data() + j * d);
    }
  }

  /// Σ_j w_j E_j / batch over the chunk; adds its cotangents to bars.
  static double loss(Sequences sequences, std::span<const Index> which, std::span<const Scalar> weights, double batch,
                     std::span<const Batch<Scalar>> states, std::span<Batch<Scalar>> bars, const Chunk& chunk) {
    double sum = 0;
    for (Index j = 0; j < Index(which.size()); ++j) {
      const Sequence<Scalar>& sequence = sequences[std::size_t(which[std::size_t(j)])];
      const Index observed = sequence.observed();
      if (observed == 0) continue;
      const double weight = weights.empty() ? 1 : double(weights[std::size_t(j)]);
      const double factor = weight / (double(observed) * batch);
      double squares = 0;
      for_each_observed(sequence, [&](Index i, Index k) {
        const std::size_t at = position(chunk, j, std::size_t(k));
        const Scalar residual = states[at](i, j) - sequence.states(i, k);
        squares += double(residual) * double(residual);
        bars[at](i, j) += Scalar(2 * factor) * residual;
      });
      sum += factor * squares;
    }
    return sum;
  }

  const Parts& parts_;
  Chunks chunks_;
};

}  // namespace pathline::detail
