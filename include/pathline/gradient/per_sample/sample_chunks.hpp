/// \file
/// The solves of a `NeuralOde` with `PerSample`: a batch in column chunks, out and back, each sample with steps of its
/// own and an end of its own.
#pragma once

#include <pathline/core/chunks.hpp>
#include <pathline/core/message.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/interpolated_outputs.hpp>
#include <pathline/gradient/ode_chunks.hpp>
#include <pathline/gradient/per_sample/one_by_one_solve.hpp>
#include <pathline/gradient/per_sample/sample_field.hpp>
#include <pathline/gradient/per_sample/sample_solve.hpp>
#include <pathline/gradient/value_and_gradient.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/batch/per_sample.hpp>
#include <pathline/ode/control/error_control.hpp>
#include <pathline/ode/control/step_control.hpp>
#include <pathline/ode/solve_checks.hpp>
#include <pathline/ode/solve_status.hpp>
#include <pathline/ode/statistics.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <numeric>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace pathline::detail {

/// The parts of a neural ODE whose samples have steps of their own.
template <class Parts>
concept StepsOfEach = EachSampleControl<typename Parts::Control>;

/// All samples of a chunk together by an explicit method, one after another by another.
template <class F, class Method, class Control, class Gradient>
struct SolveOfChunk {
  using type = OneByOneSolve<F, Method, Control, Gradient>;
};
template <class F, ExplicitMethod Method, class Control, class Gradient>
struct SolveOfChunk<F, Method, Control, Gradient> {
  using type = SampleSolve<SampleField<F>, Method, Control>;
};

/// What repeated calls keep.
template <StepsOfEach Parts>
struct OdeMemory<Parts> {
  using Scalar = typename Parts::Scalar;
  using Control = std::remove_cvref_t<decltype(std::declval<Parts&>().control.control)>;

  struct Chunk {
    typename SolveOfChunk<typename Parts::Field, typename Parts::Method, Control, typename Parts::Gradient>::type solve;
    Vector<Scalar> parameters_bar;  ///< Of θ.
    Statistics forward, backward;
    Batch<Scalar> initial, context;          ///< Of the chunk's sequences.
    std::vector<std::size_t> first;          ///< Where the states of each sequence begin in the two below, in columns.
    Batch<Scalar> predicted, predicted_bar;  ///< States at all times of all its sequences; they only grow.
    double value = 0;
  };
  std::vector<Chunk> chunks;
  std::size_t used = 0;                             ///< By the last call.
  std::vector<Batch<Scalar>> outputs, outputs_bar;  ///< States at the times, and their cotangents, d × n.
  std::vector<SolveStatus> samples;                 ///< How the last solve() or try_solve() of each sample ended.

  std::span<Chunk> start(std::size_t count) {
    if (chunks.size() < count) chunks.resize(count);
    used = count;
    return used_chunks();
  }
  [[nodiscard]] std::span<Chunk> used_chunks() { return std::span<Chunk>(chunks).first(used); }
};

/// Refers to the parts of the neural ODE, which must outlive it.
template <StepsOfEach Parts>
class OdeChunks<Parts> {
  using Memory = OdeMemory<Parts>;
  using Chunk = typename Memory::Chunk;
  using Method = typename Parts::Method;

 public:
  using Scalar = typename Parts::Scalar;

  explicit OdeChunks(const Parts& parts) : parts_(parts) {}

  /// States of y0 (d × n) at `times` in memory.outputs, NaN where a sample did not come to; memory.samples.
  Statistics try_solve(ConstBatchRef<Scalar> y0, std::span<const double> times, ConstBatchRef<Scalar> context,
                       Memory& memory) const {
    const Index n = y0.cols(), widest = parts_.widest_chunk(n);
    start(y0, times, memory, memory.samples);
    start_threads(chunk_count(n, widest), memory);
    for_each_chunk(n, widest, parts_.threads.number, [&](Index /*i*/, ColumnChunk columns, int thread) {
      Chunk& chunk = memory.chunks[std::size_t(thread)];
      chunk.forward += solve_chunk(y0, times, context, columns, false, memory.outputs, memory.samples, chunk);
    });
    return statistics(memory.used_chunks(), &Chunk::forward);
  }
  Statistics solve(ConstBatchRef<Scalar> y0, std::span<const double> times, ConstBatchRef<Scalar> context,
                   Memory& memory) const {
    const Statistics statistics = try_solve(y0, times, context, memory);
    raise_first(memory.samples);
    return statistics;
  }

  /// The same with a record: states in memory.outputs, zeros in memory.outputs_bar.
  void forward(ConstBatchRef<Scalar> y0, std::span<const double> times, ConstBatchRef<Scalar> context, Memory& memory,
               ValueAndGradient<Scalar>& result) const {
    const Index n = y0.cols(), widest = parts_.widest_chunk(n);
    start(y0, times, memory, result.forward_samples);
    memory.start(std::size_t(chunk_count(n, widest)));
    for_each_chunk(n, widest, parts_.threads.number, [&](Index i, ColumnChunk columns, int /*thread*/) {
      Chunk& chunk = memory.chunks[std::size_t(i)];
      chunk.forward = solve_chunk(y0, times, context, columns, true, memory.outputs, result.forward_samples, chunk);
    });
    memory.outputs_bar.resize(times.size());
    for (Batch<Scalar>& bar : memory.outputs_bar) bar.setZero(y0.rows(), n);
    result.forward = statistics(memory.used_chunks(), &Chunk::forward);
  }

  /// The loss, which is told how the samples ended, or else is not called where one has failed.
  template <class Loss>
  static Scalar value_of(Loss& loss, Memory& memory, const ValueAndGradient<Scalar>& result) {
    if constexpr (LossOfStatuses<Loss, Scalar>) {
      return loss(std::as_const(memory.outputs), memory.outputs_bar, result.forward_samples);
    } else {
      raise_first(result.forward_samples);
      return loss(std::as_const(memory.outputs), memory.outputs_bar);
    }
  }

  /// The way back from memory.outputs_bar.
  void backward(ConstBatchRef<Scalar> y0, std::span<const double> times, Memory& memory,
                ValueAndGradient<Scalar>& result) const {
    const Index d = y0.rows(), n = y0.cols(), c = parts_.context_rows();
    result.initial.resize(d, n);
    result.context.resize(c, c > 0 ? n : 0);
    result.backward_samples = result.forward_samples;
    for_each_chunk(n, parts_.widest_chunk(n), parts_.threads.number, [&](Index i, ColumnChunk columns, int /*thread*/) {
      back_chunk(
          columns, result, memory.chunks[std::size_t(i)], [times](Index /*sample*/) { return times; },
          [&](Index sample, std::size_t k) { return memory.outputs_bar[k].data() + (columns.first + sample) * d; });
    });
    sum(memory.used_chunks(), result);
  }

  /// dL/dt of each of the times, by the states and cotangents of the call before (docs/maths.md, (6.10)); samples that
  /// failed add nothing.
  [[nodiscard]] Vector<double> time_gradient(std::span<const double> times, Memory& memory,
                                             const ValueAndGradient<Scalar>& result) const {
    const Index d = result.initial.rows(), n = result.initial.cols(), widest = parts_.widest_chunk(n);
    Batch<double> shares(Index(times.size()), chunk_count(n, widest));
    for_each_chunk(n, widest, parts_.threads.number, [&](Index i, ColumnChunk columns, int /*thread*/) {
      Chunk& chunk = memory.chunks[std::size_t(i)];
      Workspace<Scalar>& workspace = chunk.solve.workspace();
      const typename Workspace<Scalar>::Unchanged unchanged(workspace, parts_.field.parameters());
      typename Workspace<Scalar>::Frame frame(workspace);
      const View<Scalar> slope = frame.batch(d, columns.count);
      const std::span<Scalar> tape = frame.scalars(chunk.solve.field().evaluation_tape_size(columns.count));
      std::vector<Index> ids(std::size_t(columns.count));
      std::iota(ids.begin(), ids.end(), Index(0));
      for (std::size_t k = 0; k < times.size(); ++k) {
        const std::vector<double> at(ids.size(), times[k]);
        chunk.solve.field().evaluate(at, ids,
                                     View<const Scalar>(memory.outputs[k]).middleCols(columns.first, columns.count),
                                     slope, tape, workspace);
        double sum = 0;
        for (Index j = 0; j < columns.count; ++j) {
          const Index id = columns.first + j;
          if (!result.backward_samples[std::size_t(id)].ok()) continue;
          for (Index row = 0; row < d; ++row) {
            const double bar = double(memory.outputs_bar[k](row, id));
            sum += double(slope(row, j)) * (k == 0 ? bar - double(result.initial(row, id)) : bar);
          }
        }
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

  /// One chunk, whose samples have times of their own. \param status  status(sample, SolveStatus), both numbered within
  /// the whole batch.
  template <class Times, class Output, class Status>
  Statistics solve_chunk(const View<const Scalar>& y0, const View<const Scalar>& context, Index first, bool keep,
                         const Times& times, const Output& output, const Status& status, Chunk& chunk) const {
    return chunk.solve.solve(
        SampleField<typename Parts::Field>(parts_.field, context), parts_.control, parts_.output_times(), keep, y0,
        times, output, [&](Index sample, const SolveStatus& ended) {
          SolveStatus numbered = ended;
          numbered.sample = first + sample;
          if (numbered.outcome == SolveOutcome::bad_input)
            if (const char* fault = fault_of_start(parts_.control.control, y0.col(sample).vector()))
              numbered.subject = message({"NeuralOde: y0 of sample ", first + sample, fault});
          status(first + sample, std::move(numbered));
        });
  }

  /// Writes the cotangents of a chunk's initial states and context into its columns of the result, those of θ into
  /// chunk.parameters_bar. \param bar  bar(sample, i), sample numbered within the chunk, as those of times(sample).
  template <class Times, class Bar>
  void back_chunk(ColumnChunk columns, ValueAndGradient<Scalar>& result, Chunk& chunk, const Times& times,
                  const Bar& bar) const {
    const std::span<SolveStatus> ended =
        std::span<SolveStatus>(result.backward_samples).subspan(std::size_t(columns.first), std::size_t(columns.count));
    chunk.parameters_bar.resize(parts_.field.parameters().size());
    const View<Scalar> all_context(result.context);
    chunk.backward = chunk.solve.back(
        ended, bar, View<Scalar>(result.initial).middleCols(columns.first, columns.count), chunk.parameters_bar,
        all_context.rows() > 0 ? all_context.middleCols(columns.first, columns.count) : all_context);
    for (std::size_t j = 0; j < ended.size(); ++j) {
      ended[j].sample = columns.first + Index(j);
      if (ended[j].ok()) ended[j].t = times(Index(j)).front();
    }
  }

  /// \throws ArgumentError for a control, outputs or times that no sample can follow.
  void require_usable(const View<const Scalar>& y0, std::span<const double> times) const {
    require_interpolation<Method>(parts_.output_times());
    require_times(times);
    require_valid(parts_.control.control);
    Index counted = y0.rows();
    if constexpr (HasErrorRows<typename Parts::Field>) counted = parts_.field.error_rows();
    require_rows_of_control(parts_.control.control, counted);
    require_met_by_rounding(parts_.control.control, y0.topRows(counted).map());
  }

  /// θ's cotangents and counts, in chunk order, so that sums have the same bits for every number of threads.
  static void sum(std::span<const Chunk> chunks, ValueAndGradient<Scalar>& result) {
    result.parameters = chunks.front().parameters_bar;
    for (const Chunk& chunk : chunks.subspan(1)) result.parameters += chunk.parameters_bar;
    result.backward = statistics(chunks, &Chunk::backward);
  }

  static Statistics statistics(std::span<const Chunk> chunks, Statistics Chunk::*which) {
    Statistics sum;
    for (const Chunk& chunk : chunks) sum += chunk.*which;
    return sum;
  }

 private:
  void start(const View<const Scalar>& y0, std::span<const double> times, Memory& memory,
             std::vector<SolveStatus>& samples) const {
    require_usable(y0, times);
    samples.assign(std::size_t(y0.cols()), SolveStatus());
    memory.outputs.resize(times.size());
    for (Batch<Scalar>& states : memory.outputs)
      states.setConstant(y0.rows(), y0.cols(), std::numeric_limits<Scalar>::quiet_NaN());
  }
  Statistics solve_chunk(const View<const Scalar>& y0, std::span<const double> times, const View<const Scalar>& context,
                         ColumnChunk columns, bool keep, std::vector<Batch<Scalar>>& outputs,
                         std::vector<SolveStatus>& samples, Chunk& chunk) const {
    return solve_chunk(
        y0.middleCols(columns.first, columns.count),
        context.rows() > 0 ? context.middleCols(columns.first, columns.count) : context, columns.first, keep,
        [times](Index /*sample*/) { return times; },
        [&](Index sample, std::size_t k, const auto& y) { outputs[k].col(columns.first + sample) = y; },
        [&](Index sample, SolveStatus&& ended) { samples[std::size_t(sample)] = std::move(ended); }, chunk);
  }

  const Parts& parts_;
};

}  // namespace pathline::detail
