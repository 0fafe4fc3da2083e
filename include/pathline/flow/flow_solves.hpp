/// \file
/// A flow's solves without a gradient: a batch through all blocks, in chunks, out to the base or back to the data.
#pragma once

#include <pathline/core/chunks.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/flow/augmented_dynamics.hpp>
#include <pathline/flow/evaluation_parts.hpp>
#include <pathline/flow/path/with_field_on_path.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/per_sample/sample_backpropagation.hpp>
#include <pathline/gradient/side_inputs.hpp>
#include <pathline/gradient/solve_dynamics.hpp>
#include <pathline/gradient/stepper_pool.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/batch/per_sample.hpp>
#include <pathline/ode/errors.hpp>
#include <pathline/ode/statistics.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <numeric>
#include <optional>
#include <span>
#include <tuple>
#include <type_traits>
#include <vector>

namespace pathline::detail {

// A failure inside of a chunk counts its columns from the chunk's first.
inline void name_sample(SolveFailure& at, ColumnChunk chunk) {
  if (at.sample >= 0) at.sample += chunk.first;
}

// What a solve does with the error estimates of its steps: nothing, or it sums their magnitudes.
struct NoErrors {
  static constexpr bool sums = false;
};
template <Real Scalar>
struct SumsErrors {
  static constexpr bool sums = true;
  Batch<Scalar>& sum;  // (d + 1) × n, added to
};

enum class Way { to_base, to_data };

/// Refers to the `EvaluationParts` of the flow and to the solver, an `EvaluationSolver`; both must outlive it.
template <class Parts, class Solver = typename Parts::Evaluator>
class FlowSolves {
  using Method = decltype(Solver::method);
  using Block = typename Parts::Block;

 public:
  using Scalar = typename Parts::Scalar;

  explicit FlowSolves(const Parts& parts) : FlowSolves(parts, parts.evaluation_solver) {}
  FlowSolves(const Parts& parts, const Solver& solver) : parts_(parts), solver_(solver) {}

  /// z alone: Z (d × n) in place, with its context (c × n).
  Statistics path(Batch<Scalar>& Z, View<const Scalar> context, Way way) const {
    return through_blocks(Z, way, [&](const Block& block, Index /*b*/, double from, double to) {
      return solve_chunks(Z, from, to, 0, NoErrors{},
                          [&](Workspace<Scalar>& /*workspace*/, ColumnChunk chunk, auto&& run) {
                            run(FieldDynamics<Block>(block, chunk.count, parts_.side_inputs(context, chunk)));
                          });
    });
  }

  /// z and the log-determinant: y ((d + 1) × n) in place, with its context (c × n). Sample i has the id i.
  template <class Estimator, class Errors>
  Statistics with_trace(Batch<Scalar>& y, View<const Scalar> context, Way way, const Estimator& estimator,
                        const Draw& draw, Errors errors) const {
    std::vector<Index> samples(std::size_t(y.cols()));
    std::iota(samples.begin(), samples.end(), Index(0));
    return through_blocks(y, way, [&](const Block& block, Index b, double from, double to) {
      return solve_chunks(
          y, from, to, evaluation_tangents<Estimator>(block, parts_.tangents_of(estimator)), errors,
          [&](Workspace<Scalar>& workspace, ColumnChunk chunk, auto&& run) {
            const SideInputs<Scalar> side = parts_.side_inputs(context, chunk);
            const std::tuple<> no_regularizers;
            with_field_to_evaluate(
                block, estimator, Parts::block_draw(draw, b),
                std::span<const Index>(samples).subspan(std::size_t(chunk.first), std::size_t(chunk.count)), side, from,
                View<const Scalar>(y).block(0, chunk.first, block.dim(), chunk.count), workspace,
                [&]<class OnPath>(const OnPath& on_path) {
                  run(AugmentedDynamics<OnPath>(on_path, no_regularizers, side));
                });
          });
    });
  }

 private:
  // Blocks and normalisations in their order. `solve_block(block, b, from, to)` moves y through one block.
  template <class SolveBlock>
  Statistics through_blocks(Batch<Scalar>& y, Way way, SolveBlock&& solve_block) const {
    const Index blocks = parts_.blocks();
    const double data = parts_.time.data, base = parts_.time.base;
    Statistics sum;
    if (way == Way::to_base) {
      if constexpr (Parts::normalizes) parts_.field.normalize(0, y);
      for (Index b = 0; b < blocks; ++b) {
        sum += solve_block(parts_.block(b), b, data, base);
        if constexpr (Parts::normalizes) parts_.field.normalize(b + 1, y);
      }
    } else {
      for (Index b = blocks; b-- > 0;) {
        if constexpr (Parts::normalizes) parts_.field.denormalize(b + 1, y);
        sum += solve_block(parts_.block(b), b, base, data);
      }
      if constexpr (Parts::normalizes) parts_.field.denormalize(0, y);
    }
    return sum;
  }

  // Solves the columns of y in chunks, in place. `with_dynamics(workspace, chunk, run)` makes the chunk's dynamics and
  // calls run(dynamics).
  template <class Errors, class WithDynamics>
  Statistics solve_chunks(Batch<Scalar>& y, double from, double to, Index tangents, Errors errors,
                          WithDynamics&& with_dynamics) const {
    const Index widest = parts_.widest_chunk(y.cols(), tangents);
    std::vector<Statistics> statistics(std::size_t(chunk_count(y.cols(), widest)));
    const std::array<double, 2> times{from, to};
    std::vector<OfThread> kept(std::min(std::size_t(thread_count(parts_.threads.number)), statistics.size()));
    for_each_chunk(y.cols(), widest, parts_.threads.number, [&](Index i, ColumnChunk chunk, int thread) {
      OfThread& own = kept[std::size_t(thread)];
      if (!own.unchanged) own.unchanged.emplace(own.workspace, parts_.field.parameters());
      with_dynamics(own.workspace, chunk, [&]<class G>(const G& dynamics) {
        const View<Scalar> columns = View<Scalar>(y).middleCols(chunk.first, chunk.count);
        SolveSlot<Method, Batch<Scalar>>& solve = own.solves.at(columns.rows(), columns.cols());
        copy<Scalar>(columns, solve.y);
        statistics[std::size_t(i)] =
            relabel_failures([&] { return solve_chunk(dynamics, solve, times, chunk, errors, own.workspace); },
                             [&](SolveFailure& at) { name_sample(at, chunk); });
        copy<Scalar>(solve.y, columns);
      });
    });
    Statistics sum;
    for (const Statistics& one : statistics) sum += one;
    return sum;
  }

  // Shared by the chunks that one thread solves, one after another. The parameters do not change while it lives.
  struct OfThread {
    Workspace<Scalar> workspace;
    std::optional<typename Workspace<Scalar>::Unchanged> unchanged;
    StepperPool<Method, Batch<Scalar>> solves;
  };

  template <class G, class Errors>
  Statistics solve_chunk(const G& dynamics, SolveSlot<Method, Batch<Scalar>>& solve, std::span<const double> times,
                         ColumnChunk chunk, Errors errors, Workspace<Scalar>& workspace) const {
    Batch<Scalar>& state = solve.y;
    if constexpr (EachSampleControl<decltype(Solver::control)>) {
      static_assert(!Errors::sums,
                    "Cnf::log_prob_with_error: with PerSample no error estimates are summed: name an EvaluationSolver "
                    "with the controller alone");
      using Solve = SampleBackpropagation<decltype(decltype(Solver::control)::control)>;
      typename Solve::template Memory<G, Method> memory;
      return Solve::solve(solver_.control, dynamics, state, times, memory);
    } else {
      std::conditional_t<Errors::sums, ErrorObserver, NoObserver> observer;
      if constexpr (Errors::sums) observer.sum.setZero(state.rows(), state.cols());
      const Statistics statistics = solve_dynamics<Errors::sums>(solver_.method, solver_.control, dynamics, workspace,
                                                                 state, times, solve.stepper, observer);
      if constexpr (Errors::sums)
        add<Scalar>(observer.sum, View<Scalar>(errors.sum).middleCols(chunk.first, chunk.count));
      return statistics;
    }
  }

  struct ErrorObserver : NoObserver {
    Batch<Scalar> error, sum;
    template <class Stepper>
    void accept(double /*t*/, double /*h*/, const Stepper& stepper) {
      stepper.write_error(error);
      sum += error.cwiseAbs();
    }
  };

  const Parts& parts_;
  const Solver& solver_;
};

}  // namespace pathline::detail
