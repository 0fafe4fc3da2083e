/// \file
/// One training iteration of a flow: chunks of a mini-batch forward through its blocks, their losses, and back.
#pragma once

#include <pathline/core/apply_to.hpp>
#include <pathline/core/chunks.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/slots.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/flow/flow_parts.hpp>
#include <pathline/flow/flow_solves.hpp>
#include <pathline/flow/likelihood.hpp>
#include <pathline/flow/path/with_field_on_path.hpp>
#include <pathline/flow/statistics/row_moments.hpp>
#include <pathline/gradient/interpolated_outputs.hpp>
#include <pathline/gradient/per_sample/sample_backpropagation.hpp>
#include <pathline/gradient/side_inputs.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/errors.hpp>
#include <pathline/ode/statistics.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace pathline::detail {

/// Refers to the parts of the flow, which must outlive it.
template <class Parts>
class FlowTraining {
  using Method = typename Parts::Method;
  using Regularizers = typename Parts::Regularizers;
  using ByControl = GradientByControl<typename Parts::Gradient, typename Parts::Control>;
  using Gradient = typename ByControl::type;
  using TrainingDynamics = typename Parts::template Dynamics<typename Parts::Trace, Regularizers>;

 public:
  using Scalar = typename Parts::Scalar;
  using DataScalar = typename Parts::DataScalar;

  struct Memory {
    using Block = typename Gradient::template Memory<TrainingDynamics, Method>;
    struct Thread {
      Slots<Block> blocks;  ///< Of each block of the flow, from its way out to its way back.
    };
    struct Chunk {
      Vector<Scalar> gradient;  // of θ, then of the chunk's context
      double negative_log_likelihood = 0, step_cost = 0;
      std::array<double, std::tuple_size_v<Regularizers> + 1> costs{};
      Statistics forward, backward;
      std::vector<RowMoments> moments;  // of what each normalisation took in
      typename Parts::Rounding rounding;
    };
    Slots<Thread> threads;
    Slots<Chunk> chunks;
    Index used_chunks = 0;  ///< By the last iteration.
    RowMoments moments;     ///< Scratch for their sum.
    typename Parts::Rounding rounding;
  };

  /// Whether a loss has a fourth argument for row ids and weights.
  template <class Loss>
  static constexpr bool reads_rows =
      std::is_invocable_v<const Loss&, const Batch<Scalar>&, BatchMap<Scalar>&,
                          decltype(std::declval<BatchMap<Scalar>&>().row(0)), const LossRows<Scalar>&>;

  explicit FlowTraining(const Parts& parts) : parts_(parts) {}

  /// Loss and gradient of raw data X ((d + c) × n), as `Cnf::value_and_gradient` says.
  template <class Loss>
  void run(ConstBatchRef<DataScalar> X, const LossRows<Scalar>& samples, const Draw& draw, const Loss& loss,
           double likelihood_weight, Memory& memory, TrainingLoss<Scalar>& result) const {
    const Index widest = parts_.widest_chunk(X.cols(), parts_.tangents_of(parts_.trace));
    memory.threads.grow_to(std::size_t(thread_count(parts_.threads.number)));
    const auto chunks = std::size_t(chunk_count(X.cols(), widest));
    memory.chunks.grow_to(chunks);
    memory.used_chunks = Index(chunks);
    const View<const Scalar> context = parts_.context_of(X, memory.rounding);
    for_each_chunk(X.cols(), widest, parts_.threads.number, [&](Index i, ColumnChunk chunk, int thread) {
      const auto work = [&] {
        train_chunk(X, context, samples, draw, loss, chunk, memory.threads[std::size_t(thread)],
                    memory.chunks[std::size_t(i)]);
      };
      relabel_failures(work, [&](SolveFailure& at) { name_sample(at, chunk); });
    });
    sum_chunks(X.cols(), widest, likelihood_weight, memory, result);
    parts_.pull_back_context(X, result.context_gradient, memory.rounding);
  }

  /// What normalisation `gap` of the flow took in during the last iteration, merged in chunk order.
  static const RowMoments& moments_of(Index gap, Index d, Memory& memory) {
    memory.moments.clear(d);
    for (Index i = 0; i < memory.used_chunks; ++i)
      memory.moments.merge(memory.chunks[std::size_t(i)].moments[std::size_t(gap)]);
    return memory.moments;
  }

 private:
  // What the blocks of a chunk share.
  template <class Loss>
  struct Job {
    const Loss& loss;
    const Draw& draw;
    double batch;
    LossRows<Scalar> samples;
    SideInputs<Scalar> side;
    BatchMap<Scalar> log_det, y_bar;
    typename Memory::Thread& thread;
    typename Memory::Chunk& chunk;
  };

  // Parts may carry the score of a density along (train/variational): rows between the log-determinant and the costs.
  static constexpr bool carries_score = requires(const Parts& parts) { parts.score_rows(); };
  [[nodiscard]] Index state_rows() const {
    Index rows = parts_.field.dim() + 1 + Index(std::tuple_size_v<Regularizers>);
    if constexpr (carries_score) rows += parts_.score_rows();
    return rows;
  }

  template <class Loss>
  void train_chunk(View<const DataScalar> X, View<const Scalar> context, const LossRows<Scalar>& samples,
                   const Draw& draw, const Loss& loss, ColumnChunk columns, typename Memory::Thread& thread,
                   typename Memory::Chunk& chunk) const {
    const Index d = parts_.field.dim(), n = columns.count, rows = state_rows();
    thread.blocks.grow_to(std::size_t(parts_.blocks()));
    typename Memory::Block& first = thread.blocks[0];
    typename Workspace<Scalar>::Frame frame(first.workspace);
    const View<Scalar> y = first.steppers.at(rows, n).y;
    const auto of_chunk = [&](auto numbers) {
      return numbers.empty() ? numbers : numbers.subspan(std::size_t(columns.first), std::size_t(n));
    };
    const LossRows<Scalar> chunk_samples{of_chunk(samples.ids), of_chunk(samples.weights)};
    Job<Loss> job{loss,
                  draw,
                  double(X.cols()),
                  chunk_samples,
                  parts_.side_inputs(context, columns),
                  frame.batch(1, n),
                  frame.batch(rows, n),
                  thread,
                  chunk};
    try {
      parts_.to_coordinates(X.block(0, columns.first, d, n), y.topRows(d), View<Scalar>(job.log_det), chunk.rounding);
    } catch (const DomainError& error) {
      throw error.counted_from(columns.first);
    }
    fill<Scalar>(y.bottomRows(rows - d), 0);
    if constexpr (carries_score) parts_.start_score(y);
    chunk.gradient.resize(parts_.field.parameters().size() + job.side.context_size());
    fill<Scalar>(chunk.gradient, 0);
    chunk.forward = chunk.backward = Statistics{};
    chunk.step_cost = 0;
    if constexpr (Parts::normalizes) chunk.moments.resize(std::size_t(parts_.blocks() + 1));
    through_block(0, job);
  }

  // Block b out, all later blocks out and back, then block b back: its record and tangents live until then. The state
  // is in the block's slot; the cotangents y_bar are those after the last block at first, before the first
  // one at last.
  template <class Loss>
  void through_block(Index b, Job<Loss>& job) const {
    typename Memory::Block& memory = job.thread.blocks[std::size_t(b)];
    Batch<Scalar>& y = memory.steppers.at(job.y_bar.rows(), job.y_bar.cols()).y;
    const auto& block = parts_.block(b);
    const typename Workspace<Scalar>::Unchanged unchanged(memory.workspace, parts_.field.parameters());
    const Draw draw = Parts::block_draw(job.draw, b);
    const double end = parts_.end_time.training_end(draw, parts_.time.data, parts_.time.base);
    const auto out_and_back = [&](const auto& on_path) {
      const TrainingDynamics dynamics(on_path, parts_.regularizers, job.side);
      solve_out_and_back(dynamics, end, b, y, memory, job);
    };
    through_normalization(b, y, memory.workspace, job, [&] {
      with_field_on_path(block, parts_.trace, draw, job.samples.ids, job.side, parts_.time.data,
                         View<const Scalar>(y).topRows(parts_.field.dim()), memory.workspace, out_and_back);
    });
  }

  template <class Loss>
  void solve_out_and_back(const TrainingDynamics& dynamics, double end, Index b, Batch<Scalar>& y,
                          typename Memory::Block& memory, Job<Loss>& job) const {
    const std::array<double, 2> ends{parts_.time.data, end};
    const std::span<const double> times(ends);
    const Gradient& gradient_method = ByControl::of(parts_.gradient);
    job.chunk.forward += gradient_method.forward(parts_.method, parts_.control, dynamics, y, times, no_outputs, memory);
    if (b + 1 < parts_.blocks()) {
      job.thread.blocks[std::size_t(b + 1)].steppers.at(y.rows(), y.cols()).y = y;
      through_block(b + 1, job);
    } else {
      through_normalization(b + 1, y, memory.workspace, job, [&] { set_cotangents(y, job); });
    }
    // A block's dynamics know its own θ and the context, which all blocks read.
    const Index context = job.side.context_size(), own = dynamics.parameter_count() - context;
    typename Workspace<Scalar>::Frame frame(memory.workspace);
    const View<Scalar> theta_bar = frame.scalars(own + context), y_bar = job.y_bar;
    fill<Scalar>(theta_bar, 0);
    if constexpr (requires { memory.step_cost; }) {  // each sample bears its share of its chunk's steps
      const Scalar step_share = Scalar(total_weight(job.samples) / job.batch);
      job.chunk.step_cost += double(step_share * memory.step_cost);
      job.chunk.backward += gradient_method.backward(parts_.method, parts_.control, dynamics, times, no_outputs, y_bar,
                                                     theta_bar, memory, step_share);
    } else {
      job.chunk.backward += gradient_method.backward(parts_.method, parts_.control, dynamics, times, no_outputs, y_bar,
                                                     theta_bar, memory);
    }
    const View<Scalar> gradient = job.chunk.gradient;
    copy<Scalar>(theta_bar.head(own), gradient.segment(parts_.block_offset(b), own));
    add<Scalar>(theta_bar.tail(context), gradient.tail(context));
  }

  // Normalisation `gap`, in front of block `gap`, around what follows; just that where the flow has none.
  template <class Loss, class Then>
  void through_normalization(Index gap, Batch<Scalar>& y, Workspace<Scalar>& workspace, Job<Loss>& job,
                             Then&& then) const {
    if constexpr (Parts::normalizes) {
      typename Workspace<Scalar>::Frame frame(workspace);
      BatchMap<Scalar> Z = frame.batch(parts_.field.dim(), y.cols());
      copy<Scalar>(View<const Scalar>(y).topRows(Z.rows()), Z);
      const std::span<const Scalar> weights = job.samples.weights;
      job.chunk.moments[std::size_t(gap)].set(Z,
                                              [&](Index j) { return weights.empty() || weights[std::size_t(j)] != 0; });
      parts_.field.normalize(gap, y);
      then();
      parts_.field.pullback_normalization(gap, Z, job.y_bar, job.chunk.gradient);
    } else {
      then();
    }
  }

  // Those of the final states y.
  template <class Loss>
  void set_cotangents(const Batch<Scalar>& y, Job<Loss>& job) const {
    fill<Scalar>(job.y_bar, 0);
    if constexpr (reads_rows<Loss>)
      job.chunk.negative_log_likelihood = job.loss(y, job.y_bar, job.log_det.row(0), job.samples);
    else
      job.chunk.negative_log_likelihood = job.loss(y, job.y_bar, job.log_det.row(0));
    Index cost = 0;
    // A cost is counted forward, whichever way time runs.
    const double direction = parts_.time.base < parts_.time.data ? -1 : 1;
    const auto add_cost = [&](const auto& regularizer) {
      const Index row = y.rows() - Index(std::tuple_size_v<Regularizers>) + cost;
      const std::span<const Scalar> weights = job.samples.weights;
      const Scalar cotangent = Scalar(direction / job.batch * double(regularizer.weight));
      double sum = 0;
      for (Index j = 0; j < y.cols(); ++j) {
        const Scalar weight = weights.empty() ? Scalar(1) : weights[std::size_t(j)];
        sum += double(weight) * double(y(row, j));
        job.y_bar(row, j) += cotangent * weight;
      }
      job.chunk.costs[std::size_t(cost++)] = direction / job.batch * sum;
    };
    apply_to(parts_.regularizers, [&](const auto&... regularizer) { (add_cost(regularizer), ...); });
  }

  static double total_weight(const LossRows<Scalar>& samples) {
    double sum = samples.weights.empty() ? double(samples.ids.size()) : 0;
    for (const Scalar weight : samples.weights) sum += double(weight);
    return sum;
  }

  // In chunk order, so that the sum has the same bits for every number of threads.
  void sum_chunks(Index batch, Index widest, double likelihood_weight, const Memory& memory,
                  TrainingLoss<Scalar>& result) const {
    const Index parameters = parts_.field.parameters().size(), chunks = chunk_count(batch, widest),
                c = parts_.context_rows();
    result.gradient.resize(parameters);
    fill<Scalar>(result.gradient, 0);
    result.context_gradient.resize(c, c > 0 ? batch : 0);
    result.negative_log_likelihood = result.step_cost = 0;
    result.costs.assign(std::tuple_size_v<Regularizers>, 0.0);
    result.forward = result.backward = Statistics{};
    result.solves = chunks * parts_.blocks();
    for (Index i = 0; i < chunks; ++i) {
      const typename Memory::Chunk& chunk = memory.chunks[std::size_t(i)];
      const View<const Scalar> gradient = chunk.gradient;
      add<Scalar>(gradient.head(parameters), result.gradient);
      if (c > 0) {
        const ColumnChunk columns = chunk_of(batch, chunks, i);
        copy<Scalar>(View<const Scalar>(chunk.gradient.data() + parameters, c, columns.count),
                     View<Scalar>(result.context_gradient).middleCols(columns.first, columns.count));
      }
      result.negative_log_likelihood += chunk.negative_log_likelihood;
      result.step_cost += chunk.step_cost;
      for (std::size_t r = 0; r < result.costs.size(); ++r) result.costs[r] += chunk.costs[r];
      result.forward += chunk.forward;
      result.backward += chunk.backward;
    }
    result.loss = likelihood_weight * result.negative_log_likelihood + result.step_cost;
    std::size_t r = 0;
    apply_to(parts_.regularizers,
             [&](const auto&... regularizer) { ((result.loss += regularizer.weight * result.costs[r++]), ...); });
  }

  const Parts& parts_;
};

}  // namespace pathline::detail
