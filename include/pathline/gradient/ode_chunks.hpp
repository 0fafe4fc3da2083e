/// \file
/// The solves of a `NeuralOde`: a batch in column chunks, out and back.
#pragma once

#include <pathline/core/chunks.hpp>
#include <pathline/core/slots.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/interpolated_outputs.hpp>
#include <pathline/gradient/sequence.hpp>
#include <pathline/gradient/side_inputs.hpp>
#include <pathline/gradient/solve_dynamics.hpp>
#include <pathline/gradient/value_and_gradient.hpp>
#include <pathline/ode/errors.hpp>
#include <pathline/ode/statistics.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace pathline::detail {

/// What repeated calls keep.
template <class Parts>
struct OdeMemory {
  using Scalar = typename Parts::Scalar;
  using ChunkDynamics = FieldDynamics<typename Parts::Field>;

  struct Chunk {
    typename Parts::Gradient::template Memory<ChunkDynamics, typename Parts::Method> gradient;
    std::optional<ChunkDynamics> dynamics;  ///< From the way out to the way back.
    ScheduledOutputs<typename Parts::Method, Batch<Scalar>> writer;
    std::vector<Batch<Scalar>> states, states_bar;  ///< Of the chunk's columns; they only grow in number.
    Vector<Scalar> parameters_bar;                  ///< Of θ and context together.
    double value = 0;                               ///< Its share of the loss.
    Statistics forward, backward;
    SequenceTimes sequence_times;
    Batch<Scalar> context;  ///< Of the chunk's sequences.
  };
  Slots<Chunk> chunks;   ///< Those of the last call, then those that an earlier one has left.
  std::size_t used = 0;  ///< By the last call.
  std::vector<Batch<Scalar>> outputs, outputs_bar;  ///< States at the times, and their cotangents, d × n.

  /// The first `count` chunks, for a new call.
  std::span<Chunk> start(std::size_t count) {
    chunks.grow_to(count);
    used = count;
    return used_chunks();
  }
  [[nodiscard]] std::span<Chunk> used_chunks() { return chunks.first(used); }
  /// The first `count` of a list of batches that only grows.
  static std::span<Batch<Scalar>> first(std::vector<Batch<Scalar>>& list, std::size_t count) {
    if (list.size() < count) list.resize(count);
    return std::span<Batch<Scalar>>(list).first(count);
  }
};

/// Refers to the parts of the neural ODE, which must outlive it.
template <class Parts>
class OdeChunks {
  using Memory = OdeMemory<Parts>;
  using Chunk = typename Memory::Chunk;
  using Method = typename Parts::Method;

 public:
  using Scalar = typename Parts::Scalar;

  explicit OdeChunks(const Parts& parts) : parts_(parts) {}

  /// States of y0 (d × n) at `times` in memory.outputs, without a record.
  Statistics solve(ConstBatchRef<Scalar> y0, std::span<const double> times, ConstBatchRef<Scalar> context,
                   Memory& memory) const {
    const Index n = y0.cols(), widest = parts_.widest_chunk(n), chunks = chunk_count(n, widest);
    const bool whole = chunks == 1;
    start_threads(chunks, memory);
    shape(memory.outputs, times.size(), y0.rows(), whole ? 0 : n);
    for_each_chunk(n, widest, parts_.threads.number, [&](Index /*i*/, ColumnChunk columns, int thread) {
      Chunk& chunk = memory.chunks[std::size_t(thread)];
      const std::span<Batch<Scalar>> states =
          whole ? std::span<Batch<Scalar>>(memory.outputs) : Memory::first(chunk.states, times.size());
      relabel_failures(
          [&] {
            chunk.dynamics.emplace(parts_.field, columns.count, side_inputs(context, columns));
            copy_columns(y0, columns.first, start_of(chunk));
            solve_chunk(times, states, chunk);
          },
          [&](SolveFailure& at) { count_from(columns.first, at); });
      if (!whole) gather(states, columns.first, memory.outputs);
    });
    return statistics(memory.used_chunks(), &Chunk::forward);
  }

  /// Solves with a record: states in memory.outputs, zeros in memory.outputs_bar.
  void forward(ConstBatchRef<Scalar> y0, std::span<const double> times, ConstBatchRef<Scalar> context, Memory& memory,
               ValueAndGradient<Scalar>& result) const {
    const Index n = y0.cols(), widest = parts_.widest_chunk(n), chunks = chunk_count(n, widest);
    const bool whole = chunks == 1;
    memory.start(std::size_t(chunks));
    shape(memory.outputs, times.size(), y0.rows(), whole ? 0 : n);
    for_each_chunk(n, widest, parts_.threads.number, [&](Index i, ColumnChunk columns, int /*thread*/) {
      Chunk& chunk = memory.chunks[std::size_t(i)];
      const std::span<Batch<Scalar>> states =
          whole ? std::span<Batch<Scalar>>(memory.outputs) : Memory::first(chunk.states, times.size());
      relabel_failures(
          [&] {
            chunk.dynamics.emplace(parts_.field, columns.count, side_inputs(context, columns));
            copy_columns(y0, columns.first, start_of(chunk));
            record_chunk(times, states, chunk);
          },
          [&](SolveFailure& at) { count_from(columns.first, at); });
      if (!whole) gather(states, columns.first, memory.outputs);
    });
    shape(memory.outputs_bar, times.size(), y0.rows(), n);
    for (Batch<Scalar>& bar : memory.outputs_bar) std::fill_n(bar.data(), bar.size(), Scalar(0));
    result.forward = statistics(memory.used_chunks(), &Chunk::forward);
  }

  template <class Loss>
  static Scalar value_of(Loss& loss, Memory& memory, const ValueAndGradient<Scalar>& /*result*/) {
    return loss(std::as_const(memory.outputs), memory.outputs_bar);
  }

  /// The way back from memory.outputs_bar; adds the cost of the steps to the value.
  void backward(ConstBatchRef<Scalar> y0, std::span<const double> times, Memory& memory,
                ValueAndGradient<Scalar>& result) const {
    const Index d = y0.rows(), n = y0.cols(), widest = parts_.widest_chunk(n);
    const bool whole = memory.used == 1;
    result.initial.resize(d, n);
    for_each_chunk_back(n, widest, parts_.threads.number, [&](Index i, ColumnChunk columns, int /*thread*/) {
      Chunk& chunk = memory.chunks[std::size_t(i)];
      if (!whole) {
        const std::span<Batch<Scalar>> bars = Memory::first(chunk.states_bar, times.size());
        for (std::size_t k = 0; k < bars.size(); ++k) {
          bars[k].resize(d, columns.count);
          copy_columns(memory.outputs_bar[k], columns.first, bars[k]);
        }
      }
      const std::span<const Batch<Scalar>> bars(whole ? memory.outputs_bar : chunk.states_bar);
      relabel_failures([&] { back_chunk(times, bars.first(times.size()), columns, double(n), result.initial, chunk); },
                       [&](SolveFailure& at) { count_from(columns.first, at); });
    });
    for (const Chunk& chunk : memory.used_chunks())
      if constexpr (has_step_cost) result.value += step_share(chunk, double(n)) * chunk.gradient.step_cost;
    sum(memory.used_chunks(), n, result);
  }

  /// dL/dt of each of the times, by the states and cotangents of the call before (docs/maths.md, (6.10)).
  [[nodiscard]] Vector<double> time_gradient(std::span<const double> times, Memory& memory,
                                             const ValueAndGradient<Scalar>& result) const {
    const Index d = result.initial.rows(), n = result.initial.cols(), widest = parts_.widest_chunk(n);
    Batch<double> shares(Index(times.size()), chunk_count(n, widest));
    for_each_chunk(n, widest, parts_.threads.number, [&](Index i, ColumnChunk columns, int /*thread*/) {
      Chunk& chunk = memory.chunks[std::size_t(i)];
      Workspace<Scalar>& workspace = chunk.gradient.workspace;
      const typename Workspace<Scalar>::Unchanged unchanged(workspace, parts_.field.parameters());
      typename Workspace<Scalar>::Frame frame(workspace);
      const View<Scalar> slope = frame.batch(d, columns.count);
      const std::span<Scalar> tape = frame.scalars(evaluation_tape_size(*chunk.dynamics));
      for (std::size_t k = 0; k < times.size(); ++k) {
        const auto of_chunk = [&](const Batch<Scalar>& all) {
          return View<const Scalar>(all).middleCols(columns.first, columns.count);
        };
        const View<const Scalar> bar = of_chunk(memory.outputs_bar[k]), initial = of_chunk(result.initial);
        chunk.dynamics->evaluate(times[k], of_chunk(memory.outputs[k]), slope, tape, workspace);
        double sum = 0;
        for (Index j = 0; j < columns.count; ++j)
          for (Index row = 0; row < d; ++row)
            sum += double(slope(row, j)) * double(k == 0 ? bar(row, j) - initial(row, j) : bar(row, j));
        shares(Index(k), i) = sum;
      }
    });
    Vector<double> total = Vector<double>::Zero(shares.rows());
    for (Index i = 0; i < shares.cols(); ++i)
      for (Index k = 0; k < shares.rows(); ++k) total(k) += shares(k, i);
    return total;
  }

  /// One slot for each thread, its counts at 0.
  void start_threads(Index chunks, Memory& memory) const {
    const auto slots = std::size_t(std::min<Index>(thread_count(parts_.threads.number), chunks));
    for (Chunk& chunk : memory.start(slots)) chunk.forward = {};
  }

  /// Where the state of a chunk starts: d × columns, of its dynamics.
  static Batch<Scalar>& start_of(Chunk& chunk) {
    return chunk.gradient.steppers.at(chunk.dynamics->rows(), chunk.dynamics->columns()).y;
  }

  /// Solves from start_of(chunk), adds to chunk.forward.
  void solve_chunk(std::span<const double> times, std::span<Batch<Scalar>> states, Chunk& chunk) const {
    const OutputTimes outputs = parts_.output_times();
    require_interpolation<Method>(outputs);
    const typename Workspace<Scalar>::Unchanged unchanged(chunk.gradient.workspace, parts_.field.parameters());
    const OutputSchedule schedule(times, outputs);
    auto& [stepper, y] = chunk.gradient.steppers.at(chunk.dynamics->rows(), chunk.dynamics->columns());
    Workspace<Scalar>& workspace = chunk.gradient.workspace;
    chunk.writer.start(times, states, outputs);
    ScheduledOutputsObserver<Method, Batch<Scalar>> observer(chunk.writer);
    if constexpr (FixedControl<typename Parts::Control> && interpolates<Method>)
      if (outputs == OutputTimes::interpolate) {
        chunk.forward += solve_dynamics<true>(parts_.method, parts_.control, *chunk.dynamics, workspace, y,
                                              schedule.times(), stepper, observer);
        return;
      }
    chunk.forward += solve_dynamics(parts_.method, parts_.control, *chunk.dynamics, workspace, y, schedule.times(),
                                    stepper, observer);
  }

  void record_chunk(std::span<const double> times, std::span<Batch<Scalar>> states, Chunk& chunk) const {
    const typename Workspace<Scalar>::Unchanged unchanged(chunk.gradient.workspace, parts_.field.parameters());
    chunk.forward = parts_.gradient.forward(parts_.method, parts_.control, *chunk.dynamics, start_of(chunk), times,
                                            states, chunk.gradient);
  }

  /// Writes the cotangents of the chunk's initial states into its columns of `initial`, and those of θ and context into
  /// chunk.parameters_bar. \param batch  Columns of the whole batch.
  void back_chunk(std::span<const double> times, std::span<const Batch<Scalar>> bars, ColumnChunk columns, double batch,
                  Batch<Scalar>& initial, Chunk& chunk) const {
    const typename Workspace<Scalar>::Unchanged unchanged(chunk.gradient.workspace, parts_.field.parameters());
    chunk.parameters_bar.resize(chunk.dynamics->parameter_count());
    std::fill_n(chunk.parameters_bar.data(), chunk.parameters_bar.size(), Scalar(0));
    BatchMap<Scalar> y_bar(initial.data() + columns.first * initial.rows(), initial.rows(), columns.count);
    std::fill_n(y_bar.data(), y_bar.size(), Scalar(0));
    if constexpr (has_step_cost)
      chunk.backward = parts_.gradient.backward(parts_.method, parts_.control, *chunk.dynamics, times, bars, y_bar,
                                                chunk.parameters_bar, chunk.gradient, step_share(chunk, batch));
    else
      chunk.backward = parts_.gradient.backward(parts_.method, parts_.control, *chunk.dynamics, times, bars, y_bar,
                                                chunk.parameters_bar, chunk.gradient);
  }

  static constexpr bool has_step_cost = requires(Chunk & chunk) { chunk.gradient.step_cost; };
  /// Each sample bears its share of its chunk's steps.
  static Scalar step_share(const Chunk& chunk, double batch) {
    return Scalar(double(chunk.dynamics->columns()) / batch);
  }

  /// Gradients and counts, in chunk order, so that sums have the same bits for every number of threads.
  void sum(std::span<const Chunk> chunks, Index n, ValueAndGradient<Scalar>& result) const {
    const Index count = parts_.field.parameters().size(), c = parts_.context_rows();
    result.context.resize(c, c > 0 ? n : 0);
    Scalar* to = result.context.data();
    for (const Chunk& chunk : chunks)
      to = std::copy_n(chunk.parameters_bar.data() + count, chunk.parameters_bar.size() - count, to);
    result.parameters.resize(count);
    std::copy_n(chunks.front().parameters_bar.data(), count, result.parameters.data());
    for (std::size_t i = 1; i < chunks.size(); ++i)
      for (Index k = 0; k < count; ++k) result.parameters(k) += chunks[i].parameters_bar(k);
    result.backward = statistics(chunks, &Chunk::backward);
  }

  static Statistics statistics(std::span<const Chunk> chunks, Statistics Chunk::*which) {
    Statistics sum;
    for (const Chunk& chunk : chunks) sum += chunk.*which;
    return sum;
  }

  /// A failure inside of a chunk counts its columns from the chunk's first.
  static void count_from(Index first, SolveFailure& at) {
    if (at.sample >= 0) at.sample += first;
  }

 private:
  /// `count` batches of d × n; where n is 0, they get their shape when they are written.
  static void shape(std::vector<Batch<Scalar>>& list, std::size_t count, Index d, Index n) {
    list.resize(count);
    if (n > 0)
      for (Batch<Scalar>& one : list) one.resize(d, n);
  }
  /// Columns first, first + 1, … of X (d × n) to Y (d × columns).
  static void copy_columns(ConstBatchRef<Scalar> X, Index first, Batch<Scalar>& Y) {
    for (Index j = 0; j < Y.cols(); ++j)
      std::copy_n(X.data() + (first + j) * X.outerStride(), X.rows(), Y.data() + j * Y.rows());
  }
  static void gather(std::span<const Batch<Scalar>> states, Index first, std::vector<Batch<Scalar>>& all) {
    for (std::size_t k = 0; k < states.size(); ++k)
      std::copy_n(states[k].data(), states[k].size(), all[k].data() + first * all[k].rows());
  }
  [[nodiscard]] static SideInputs<Scalar> side_inputs(ConstBatchRef<Scalar> context, ColumnChunk columns) {
    if (context.rows() == 0) return {};
    return SideInputs<Scalar>(
        typename SideInputs<Scalar>::Context(context.data() + columns.first * context.outerStride(), context.rows(),
                                             columns.count, Eigen::OuterStride<>(context.outerStride())));
  }

  const Parts& parts_;
};

}  // namespace pathline::detail
