/// \file
/// One training iteration of a flow: chunks of a mini-batch forward, their losses, and back.
#pragma once

#include <pathline/core/chunks.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/flow_parts.hpp>
#include <pathline/flow/likelihood.hpp>
#include <pathline/flow/with_field_on_path.hpp>
#include <pathline/gradient.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <tuple>
#include <vector>

namespace pathline::detail {

// A failure inside of a chunk counts its columns from the chunk's first.
inline void name_sample(SolveFailure& at, ColumnChunk chunk) {
  if (at.sample >= 0) at.sample += chunk.first;
}

/// Refers to the parts of the flow, which must outlive it.
template <class Parts>
class FlowTraining {
  using Method = typename Parts::Method;
  using Regularizers = typename Parts::Regularizers;
  using Gradient = typename Parts::Gradient;
  using TrainingDynamics = typename Parts::template Dynamics<typename Parts::Trace, Regularizers>;

 public:
  using Scalar = typename Parts::Scalar;

  struct Memory {
    struct Thread {
      typename Gradient::template Memory<TrainingDynamics, Method> gradient;
    };
    struct Chunk {
      Vector<Scalar> gradient;  // of θ, then of the chunk's context
      double negative_log_likelihood = 0, step_cost = 0;
      std::array<double, std::tuple_size_v<Regularizers> + 1> costs{};
      Statistics forward, backward;
    };
    std::vector<Thread> threads;
    std::vector<Chunk> chunks;
  };

  explicit FlowTraining(const Parts& parts) : parts_(parts) {}

  /// Loss and gradient of raw data X ((d + c) × n), as `Cnf::value_and_gradient` says.
  template <class Loss>
  void run(ConstBatchRef<Scalar> X, std::span<const Index> samples, const Draw& draw, const Loss& loss,
           double likelihood_weight, Memory& memory, TrainingLoss<Scalar>& result) const {
    const Index widest = parts_.widest_chunk(parts_.tangents_of(parts_.trace));
    memory.threads.resize(std::max(memory.threads.size(), std::size_t(thread_count(parts_.threads.number))));
    const auto chunks = std::size_t(chunk_count(X.cols(), widest));
    memory.chunks.resize(std::max(memory.chunks.size(), chunks));
    const double end = parts_.end_time.training_end(draw, parts_.time.data, parts_.time.base);
    for_each_chunk(X.cols(), widest, parts_.threads.number, [&](Index i, ColumnChunk chunk, int thread) {
      const auto work = [&] {
        train_chunk(X, samples, draw, end, loss, chunk, memory.threads[std::size_t(thread)],
                    memory.chunks[std::size_t(i)]);
      };
      detail::relabel_failures(work, [&](SolveFailure& at) { name_sample(at, chunk); });
    });
    sum_chunks(X.cols(), widest, likelihood_weight, memory, result);
  }

 private:
  template <class Loss>
  void train_chunk(ConstBatchRef<Scalar> X, std::span<const Index> samples, const Draw& draw, double end,
                   const Loss& loss, ColumnChunk columns, typename Memory::Thread& thread,
                   typename Memory::Chunk& chunk) const {
    const Index d = parts_.field.dim(), n = columns.count, rows = d + 1 + Index(std::tuple_size_v<Regularizers>);
    Workspace<Scalar>& workspace = thread.gradient.workspace;
    typename Workspace<Scalar>::Frame frame(workspace);
    Batch<Scalar>& y = thread.gradient.steppers.at(rows, n).y;
    BatchMap<Scalar> log_det = frame.batch(1, n), y_bar = frame.batch(rows, n);
    try {
      parts_.transform.apply(X.middleCols(columns.first, n).topRows(d), y.topRows(d), log_det.row(0));
    } catch (const DomainError& error) {
      throw error.counted_from(columns.first);
    }
    y.bottomRows(rows - d).setZero();

    const SideInputs<Scalar> side = parts_.side_inputs(X, columns);
    const auto chunk_samples = samples.subspan(std::size_t(columns.first), std::size_t(n));
    const auto run = [&](const auto& on_path) {
      const TrainingDynamics dynamics(on_path, parts_.regularizers, side);
      forward_and_backward(dynamics, end, double(X.cols()), loss, log_det, y, y_bar, thread, chunk);
    };
    detail::with_field_on_path(parts_.field, parts_.trace, draw, chunk_samples, side, parts_.time.data, y.topRows(d),
                               workspace, run);
  }

  template <class Loss>
  void forward_and_backward(const TrainingDynamics& dynamics, double end, double batch, const Loss& loss,
                            const BatchMap<Scalar>& log_det, Batch<Scalar>& y, BatchMap<Scalar>& y_bar,
                            typename Memory::Thread& thread, typename Memory::Chunk& chunk) const {
    const std::array<double, 2> ends{parts_.time.data, end};
    const std::span<const double> times(ends);
    chunk.forward = parts_.gradient.forward(parts_.method, parts_.control, dynamics, y, times, {}, thread.gradient);

    y_bar.setZero();
    chunk.negative_log_likelihood = loss(y, y_bar, log_det.row(0));
    Index cost = 0;
    const double direction = end < parts_.time.data ? -1 : 1;  // a cost is counted forward, whichever way time runs
    const auto add_cost = [&](const auto& regularizer) {
      const Index row = parts_.field.dim() + 1 + cost;
      chunk.costs[std::size_t(cost++)] = direction / batch * y.row(row).template cast<double>().sum();
      y_bar.row(row).array() += Scalar(direction / batch * double(regularizer.weight));
    };
    std::apply([&](const auto&... regularizer) { (add_cost(regularizer), ...); }, parts_.regularizers);
    chunk.gradient.setZero(dynamics.parameter_count());
    if constexpr (requires { thread.gradient.step_cost; }) {  // each sample bears its share of its chunk's steps
      const Scalar step_share = Scalar(double(y.cols()) / batch);
      chunk.step_cost = double(step_share * thread.gradient.step_cost);
      chunk.backward = parts_.gradient.backward(parts_.method, parts_.control, dynamics, times, {}, y_bar,
                                                chunk.gradient, thread.gradient, step_share);
    } else {
      chunk.backward = parts_.gradient.backward(parts_.method, parts_.control, dynamics, times, {}, y_bar,
                                                chunk.gradient, thread.gradient);
    }
  }

  // In chunk order, so that the sum has the same bits for every number of threads.
  void sum_chunks(Index batch, Index widest, double likelihood_weight, const Memory& memory,
                  TrainingLoss<Scalar>& result) const {
    const Index parameters = parts_.field.parameters().size(), chunks = chunk_count(batch, widest),
                c = parts_.context_rows();
    result.gradient.setZero(parameters);
    result.context_gradient.resize(c, c > 0 ? batch : 0);
    result.negative_log_likelihood = result.step_cost = 0;
    result.costs.assign(std::tuple_size_v<Regularizers>, 0.0);
    result.forward = result.backward = Statistics{};
    result.solves = chunks;
    for (Index i = 0; i < chunks; ++i) {
      const typename Memory::Chunk& chunk = memory.chunks[std::size_t(i)];
      result.gradient += chunk.gradient.head(parameters);
      if (c > 0) {
        const ColumnChunk columns = chunk_of(batch, chunks, i);
        result.context_gradient.middleCols(columns.first, columns.count) =
            ConstBatchMap<Scalar>(chunk.gradient.data() + parameters, c, columns.count);
      }
      result.negative_log_likelihood += chunk.negative_log_likelihood;
      result.step_cost += chunk.step_cost;
      for (std::size_t r = 0; r < result.costs.size(); ++r) result.costs[r] += chunk.costs[r];
      result.forward += chunk.forward;
      result.backward += chunk.backward;
    }
    result.loss = likelihood_weight * result.negative_log_likelihood + result.step_cost;
    std::size_t r = 0;
    std::apply([&](const auto&... regularizer) { ((result.loss += regularizer.weight * result.costs[r++]), ...); },
               parts_.regularizers);
  }

  const Parts& parts_;
};

}  // namespace pathline::detail
