/// \file
/// The score of a flow, ∇ log p(x): what samplers (Langevin, Hamiltonian Monte Carlo) and Stein's method ask for. It is
/// the gradient of training with x for a parameter: out to the base, its score carried back through the blocks, and
/// through the data transform. docs/maths.md, (7.2).
#pragma once

#include <pathline/core/chunks.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/flow/augmented_dynamics.hpp>
#include <pathline/flow/evaluation_parts.hpp>
#include <pathline/flow/flow_solves.hpp>
#include <pathline/flow/likelihood.hpp>
#include <pathline/flow/path/with_field_on_path.hpp>
#include <pathline/flow/transform/transform.hpp>
#include <pathline/gradient/interpolated_outputs.hpp>
#include <pathline/gradient/per_sample/sample_backpropagation.hpp>
#include <pathline/gradient/side_inputs.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/errors.hpp>

#include <array>
#include <cstddef>
#include <numeric>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

namespace pathline::detail {

/// The gradient method that differentiates log p: costs of the steps are no part of it, and may read the stages of the
/// training solver alone.
template <class Gradient>
[[nodiscard]] auto without_step_cost(const Gradient& gradient) {
  if constexpr (requires { gradient.without_step_cost(); })
    return gradient.without_step_cost();
  else
    return gradient;
}

template <class Gradient>
using GradientOfScore = decltype(without_step_cost(std::declval<const Gradient&>()));

/// Refers to the parts of the flow, which must outlive it.
/// \tparam Gradient  The `GradientOfScore` of its gradient method.
template <class Parts, class Gradient>
class FlowScore {
  using Scalar = typename Parts::Scalar;
  using DataScalar = typename Parts::DataScalar;
  using Dynamics =
      typename Parts::template Dynamics<decltype(Parts::evaluation.estimator), std::tuple<>>;  // as log_prob: no costs
  using ByControl = GradientByControl<Gradient, decltype(Parts::Evaluator::control)>;
  using BlockMemory = typename ByControl::type::template Memory<Dynamics, decltype(Parts::Evaluator::method)>;
  using Result = LogProbWithScore<Scalar, DataScalar>;
  static constexpr bool transform_fits = TransformWithPullback<typename Parts::Transform, DataScalar>;
  static_assert(transform_fits,
                "Cnf::score: the data transform needs pullback(X, Z_bar, X_bar), see flow/transform/transform.hpp");

 public:
  template <class OfTraining>
  FlowScore(const Parts& parts, const OfTraining& gradient) : parts_(parts), gradient_(without_step_cost(gradient)) {}

  /// log p and score of raw data X ((d + c) × n). Sample i has the id i.
  [[nodiscard]] Result run(ConstBatchRef<DataScalar> X) const {
    Result result{Row<Scalar>(X.cols()), Batch<DataScalar>(parts_.field.dim(), X.cols())};
    typename Parts::Rounding rounding;
    const View<const Scalar> context = parts_.context_of(X, rounding);
    std::vector<Index> samples(std::size_t(X.cols()));
    std::iota(samples.begin(), samples.end(), Index(0));
    const Index widest = parts_.widest_chunk(X.cols(), parts_.tangents_of(parts_.evaluation.estimator));
    for_each_chunk(X.cols(), widest, parts_.threads.number, [&](Index /*i*/, ColumnChunk columns, int /*thread*/) {
      const auto ids = std::span<const Index>(samples).subspan(std::size_t(columns.first), std::size_t(columns.count));
      relabel_failures([&] { chunk(X, parts_.side_inputs(context, columns), ids, columns, result); },
                       [&](SolveFailure& at) { name_sample(at, columns); });
    });
    return result;
  }

 private:
  // A chunk on its way through the blocks. The state y goes out, the cotangents y_bar come back.
  struct Job {
    std::span<const Index> samples;
    SideInputs<Scalar> side;
    Draw draw;
    Batch<Scalar> y, y_bar;
    Row<Scalar> log_base;
    std::vector<BlockMemory> memory;
    Vector<Scalar> theta_bar;  // what normalisations add to; not used
  };

  void chunk(View<const DataScalar> X, const SideInputs<Scalar>& side, std::span<const Index> samples,
             ColumnChunk columns, Result& result) const {
    const Index d = parts_.field.dim(), n = columns.count;
    Job job{samples,
            side,
            Rng(parts_.evaluation.seed).draw(),
            Batch<Scalar>(d + 1, n),
            Batch<Scalar>(d + 1, n),
            Row<Scalar>(n),
            std::vector<BlockMemory>(std::size_t(parts_.blocks())),
            Vector<Scalar>::Zero(Parts::normalizes ? parts_.field.parameters().size() : 0)};
    const View<const DataScalar> raw = X.block(0, columns.first, d, n);
    const View<Scalar> log_p = View<Scalar>(result.log_prob).middleCols(columns.first, n), y = job.y;
    typename Parts::Rounding rounding;
    try {
      parts_.to_coordinates(raw, y.topRows(d), log_p, rounding);
    } catch (const DomainError& error) {
      throw error.counted_from(columns.first);
    }
    fill<Scalar>(y.row(d), 0);
    through_block(0, job);
    for (Index j = 0; j < n; ++j) log_p(0, j) += job.log_base(j) + y(d, j);
    if constexpr (transform_fits) {
      Batch<DataScalar> Z_bar(d, n);
      convert<Scalar, DataScalar>(View<const Scalar>(job.y_bar).topRows(d), Z_bar);
      const Eigen::Ref<const Batch<DataScalar>> raw_data = raw, cotangent = View<const DataScalar>(Z_bar);
      BatchRef<DataScalar> score = View<DataScalar>(result.score).middleCols(columns.first, n);
      parts_.transform.pullback(raw_data, cotangent, score);
    }
  }

  // Block b out, all later blocks out and back, then block b back.
  void through_block(Index b, Job& job) const {
    BlockMemory& memory = job.memory[std::size_t(b)];
    const auto& block = parts_.block(b);
    const typename Workspace<Scalar>::Unchanged unchanged(memory.workspace, parts_.field.parameters());
    const std::tuple<> no_regularizers;
    through_normalization(b, job, [&] {
      with_field_on_path(
          block, parts_.evaluation.estimator, Parts::block_draw(job.draw, b), job.samples, job.side, parts_.time.data,
          View<const Scalar>(job.y).topRows(parts_.field.dim()), memory.workspace,
          [&](const auto& on_path) { out_and_back(Dynamics(on_path, no_regularizers, job.side), b, memory, job); });
    });
  }

  void out_and_back(const Dynamics& dynamics, Index b, BlockMemory& memory, Job& job) const {
    const std::array<double, 2> ends{parts_.time.data, parts_.time.base};
    const std::span<const double> times(ends);
    const auto& [method, control] = parts_.evaluation_solver;
    const typename ByControl::type& gradient = ByControl::of(gradient_);
    gradient.forward(method, control, dynamics, job.y, times, no_outputs, memory);
    if (b + 1 < parts_.blocks())
      through_block(b + 1, job);
    else
      through_normalization(b + 1, job, [&] { set_cotangents(job); });
    Vector<Scalar> theta_bar = Vector<Scalar>::Zero(dynamics.parameter_count());
    gradient.backward(method, control, dynamics, times, no_outputs, job.y_bar, theta_bar, memory);
  }

  // Normalisation `gap` around what follows; just that where the flow has none.
  template <class Then>
  void through_normalization(Index gap, Job& job, Then&& then) const {
    if constexpr (Parts::normalizes) {
      const Batch<Scalar> Z = job.y.topRows(parts_.field.dim());
      parts_.field.normalize(gap, job.y);
      then();
      parts_.field.pullback_normalization(gap, Z, job.y_bar, job.theta_bar);
    } else {
      then();
    }
  }

  // Those of log p = log ν(z) + ℓ, whose value is kept as well.
  void set_cotangents(Job& job) const {
    const Index d = parts_.field.dim();
    const View<Scalar> y_bar = job.y_bar;
    const Eigen::Ref<const Batch<Scalar>> Z = View<const Scalar>(job.y).topRows(d);
    RowRef<Scalar> log_base = View<Scalar>(job.log_base);
    BatchRef<Scalar> score = y_bar.topRows(d);
    parts_.base.log_density(Z, log_base);
    parts_.base.score(Z, score);
    fill<Scalar>(y_bar.row(d), 1);
  }

  const Parts& parts_;
  Gradient gradient_;
};

}  // namespace pathline::detail
