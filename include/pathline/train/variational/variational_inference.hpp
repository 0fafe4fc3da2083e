/// \file
/// Variational inference: a `Cnf` q learns to be an unnormalised density p̃ by the reverse divergence KL(q ‖ p̃ / ∫p̃),
/// which needs no samples of it, only log p̃ and its gradient.
///
///     Cnf flow(Mlp<double, Tanh>(2, {32, 32}, rng));
///     VariationalInference inference(flow, Banana{});
///     fit(inference, {.iterations = 1500, .batch = 256}, rng, Adam{.learning_rate = 5e-3}, Cosine{});
///     const auto sample = importance_sample(flow, Banana{}, 10'000, rng);   // with diagnostics, and the evidence
///
/// Base points ε are carried to samples x by one solve, which gives log q(x) as well; the loss is the mean of
/// log q(x) - log p̃(x), the negative of the evidence's lower bound (ELBO), in nats. docs/maths.md, section 15;
/// Rezende & Mohamed 2015.
#pragma once

#include <pathline/core/data_ref.hpp>
#include <pathline/core/errors.hpp>
#include <pathline/core/message.hpp>
#include <pathline/core/policies.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/flow/end_time/end_time.hpp>
#include <pathline/flow/flow_likelihood.hpp>
#include <pathline/flow/flow_training.hpp>
#include <pathline/flow/likelihood.hpp>
#include <pathline/gradient/backpropagation.hpp>
#include <pathline/ode/batch/per_sample.hpp>
#include <pathline/ode/explicit/explicit_tableau.hpp>
#include <pathline/train/solver_check.hpp>
#include <pathline/train/variational/reverse_kl_loss.hpp>
#include <pathline/train/variational/sampling_parts.hpp>
#include <pathline/train/variational/target_check.hpp>
#include <pathline/train/variational/target_density.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace pathline {

/// The exact gradient of the loss that was computed: through the samples, and through log q at fixed samples.
struct TotalDerivative {};

/// The gradient through the samples alone, at fixed log q ("sticking the landing": Roeder, Wu & Duvenaud 2017). The
/// part that is left out, the score function, has expectation 0, so that both agree in the mean. This one has no
/// variance where the flow is the target; away from it, it may have more. The score of q comes from the solve that
/// makes the samples, by one pullback for each of its evaluations; the way back then needs no trace, nor memory for
/// one. It differs from the derivative of the computed numbers by the error of the solver. The score is a part of the
/// state, and counts in the error norm of an adaptive solver.
struct PathDerivative {};

template <class P>
using IsVariationalGradient = std::bool_constant<std::same_as<P, TotalDerivative> || std::same_as<P, PathDerivative>>;

namespace detail {

template <class F>
concept FlowOfParts = requires(F& flow) {
  PartsAccess::parts(flow).base;
  PartsAccess::parts(flow).evaluation_solver;
};
template <class F>
inline constexpr bool is_stack = [] {
  if constexpr (FlowOfParts<F>)
    return std::remove_cvref_t<decltype(PartsAccess::parts(std::declval<F&>()))>::stacked;
  else
    return false;
}();
template <class Gradient>
inline constexpr bool plain_backpropagation = false;
template <class Storage>
inline constexpr bool plain_backpropagation<Backpropagation<Storage, NoStepCost>> = true;
template <class F>
inline constexpr bool carries_scores = [] {
  if constexpr (FlowOfParts<F>) {
    using Parts = std::remove_cvref_t<decltype(PartsAccess::parts(std::declval<F&>()))>;
    return plain_backpropagation<typename Parts::Gradient> && ExplicitMethod<typename Parts::Method> &&
           !EachSampleControl<typename Parts::Control>;
  } else {
    return true;
  }
}();
template <class F>
struct DataScalarOfParts {
  using type = double;
};
template <FlowOfParts F>
struct DataScalarOfParts<F> {
  using type = typename F::DataScalar;
};

/// One readable line for each call that cannot work.
template <class Flow, class Target, class... Policies>
struct VariationalCheck {
  static constexpr bool flow = FlowOfParts<Flow> && !is_stack<Flow>;
  static constexpr bool target = TargetDensity<Target, typename DataScalarOfParts<Flow>::type>;
  static constexpr bool path = (std::same_as<Policies, PathDerivative> || ...);
  static constexpr bool usable = flow && target && (!path || carries_scores<Flow>);
  static constexpr bool value = true;
  static_assert(FlowOfParts<Flow>, "VariationalInference: the first argument must be a Cnf");
  static_assert(
      !is_stack<Flow>,
      "VariationalInference: a FieldStack is not solved back to the data in training: give the Cnf one field");
  static_assert(!FlowOfParts<Flow> || target,
                "VariationalInference: the target needs log_density(X, log_p) and score(X, X_bar), or "
                "log_density_and_score(X, log_p, X_bar), for the flow's data, float or double");
  static_assert((IsVariationalGradient<Policies>::value && ...),
                "VariationalInference: a policy is none of: TotalDerivative, PathDerivative");
  static_assert(sizeof...(Policies) <= 1, "VariationalInference: more than one of TotalDerivative, PathDerivative");
  static_assert(!path || carries_scores<Flow>,
                "VariationalInference: PathDerivative takes an explicit solver without PerSample, and Backpropagation "
                "without a cost of the steps");
};

}  // namespace detail

/// The objective of variational inference for a flow: `Trainable`, so that `fit` takes it in the flow's place. Its data
/// are base points of the flow, d × n, with their context below, in the scalar of the flow's data, so that the context
/// is not rounded before its transform: `fit` with `IterationOptions` (train/variational/fit_variational.hpp) draws
/// fresh points for each iteration. The flow itself changes, and answers as any other afterwards.
///
/// Solver, trace, gradient method and regularizers are those of the flow's training, and so is its `LikelihoodWeight`.
/// An end-time policy takes no part. With an estimated trace the gradient is right in the mean.
///
/// \tparam Target    `TargetDensity` of the flow's data. It is kept by value.
/// \tparam Policies  `TotalDerivative` (the default) or `PathDerivative`.
template <class Flow, class Target, class... Policies>
class VariationalInference {
  using Check = detail::VariationalCheck<Flow, Target, Policies...>;
  static_assert(Check::value);
  using Usable = std::conditional_t<detail::FlowOfParts<Flow> && !detail::is_stack<Flow>, Flow,
                                    Cnf<detail::NotAField>>;  // once the line above has been said
  using Parts = std::remove_cvref_t<decltype(detail::PartsAccess::parts(std::declval<Usable&>()))>;
  static constexpr bool path_derivative = Check::path && Check::usable;
  using Turned = detail::SamplingParts<Parts, path_derivative>;
  using Training = detail::FlowTraining<Turned>;
  using Loss = detail::ReverseKlLoss<Parts, Target, path_derivative>;

 public:
  using Scalar = typename Parts::Scalar;
  using DataScalar = typename Parts::DataScalar;  ///< Of the flow's data, which the target sees, and of base points.

  /// Scratch of repeated training iterations: with the same shapes, the second one allocates nothing but what the
  /// target and the transform's pullback do (that of a `Chain` does).
  struct Memory {
    typename Training::Memory training;
    typename Loss::Memory samples;
    Batch<DataScalar> points;  ///< Some of the last mini-batch, by which the solver is checked after training.
    template <class Visit>
    void state(Visit& visit) {
      visit("points", points);
    }
  };

  /// Refers to the flow, which must outlive it.
  explicit VariationalInference(Flow& flow, Target target, const Policies&... /*gradient*/)
      : flow_(flow), target_(std::move(target)) {
    if constexpr (Check::usable && !TargetOfRows<Target, DataScalar>)
      if (flow.context_rows() > 0)
        throw ArgumentError("VariationalInference: rows that the target of a conditional flow reads", "none",
                            "log_density_and_score(X, log_p, X_bar, rows), whose rows hold the context");
  }

  [[nodiscard]] const Target& target() const noexcept { return target_; }
  /// Samples 0, 1, … of a draw of the base density, d × n.
  [[nodiscard]] Batch<DataScalar> base_points(Index count, const Draw& draw) const {
    Batch<Scalar> Z(dim(), count);
    parts().base.sample(draw, 0, Z);
    require_finite("VariationalInference: a draw of the base density", Z);
    return Z.template cast<DataScalar>();
  }

  // What `fit` asks of a flow.
  [[nodiscard]] decltype(auto) parameters() { return flow_.parameters(); }
  [[nodiscard]] decltype(auto) parameters() const { return std::as_const(flow_).parameters(); }
  [[nodiscard]] Index dim() const { return flow_.dim(); }
  [[nodiscard]] Index context_rows() const { return flow_.context_rows(); }
  [[nodiscard]] Index data_rows() const { return flow_.data_rows(); }
  [[nodiscard]] const Flow& trained_model() const noexcept { return flow_; }

  /// log q - log p̃ of the sample of each base point of Z ((d + c) × n), 1 × n, by the flow's `EvaluationSolver`. Its
  /// mean over draws of the base density is the loss, the negative ELBO. A target that reads row ids is given 0, 1, …,
  /// the columns of Z, and not the ids of a source: give such a target its numbers by the context.
  /// \throws ShapeError, DataError on bad points; SolveError when a solve fails.
  [[nodiscard]] Row<Scalar> losses(ConstDataRef<DataScalar> Z) const {
    check("VariationalInference::losses: base points", Z);
    const auto [X, log_q] = samples(Z);
    Batch<DataScalar> score(X.rows(), X.cols());
    Row<DataScalar> log_p(X.cols());
    std::vector<Index> ids(std::size_t(X.cols()));
    std::iota(ids.begin(), ids.end(), Index(0));
    detail::evaluate_target<Target, DataScalar>(target_, X, log_p, score, {ids, context_of(Z)});
    return log_q - log_p.template cast<Scalar>();
  }

  [[nodiscard]] TrainingLoss<Scalar> make_training_loss() const { return {}; }

  /// Loss and gradient by base points Z ((d + c) × n). In the result, `negative_log_likelihood` is the mean of
  /// log q - log p̃, nats, and `context_gradient` is through the flow alone: how the target depends on the context it
  /// knows itself.
  /// \param ids     n row ids: the noise of an estimated trace depends on them, and so may the target.
  /// \param draw    Names that noise.
  /// \param result  Overwritten; keeps its buffers, as memory does.
  /// \throws ShapeError, DataError on bad points, or where the target is no finite number; SolveError when a solve
  ///         fails.
  void value_and_gradient(ConstDataRef<DataScalar> Z, std::span<const Index> ids, const Draw& draw, Memory& memory,
                          TrainingLoss<Scalar>& result) const {
    value_and_gradient(Z, ids, Vector<Scalar>(), draw, memory, result);
  }
  /// The same with a factor for each row (n finite numbers, or none: all 1): the loss is Σ_j w_j loss_j / n.
  void value_and_gradient(ConstDataRef<DataScalar> Z, std::span<const Index> ids, ConstVectorRef<Scalar> weights,
                          const Draw& draw, Memory& memory, TrainingLoss<Scalar>& result) const {
    check("VariationalInference::value_and_gradient: base points", Z);
    require_columns("VariationalInference::value_and_gradient: base points", Z.cols(), Index(ids.size()));
    if (weights.size() > 0) {
      require_columns("VariationalInference::value_and_gradient: weights", weights.size(), Z.cols());
      require_finite("VariationalInference::value_and_gradient: weights", weights);
    }
    memory.samples.resize(dim(), Z.cols(), Loss::transforms);
    look_back_at(Z, memory);
    const Turned turned(parts());
    const Loss loss(parts(), target_, ids, context_of(Z), memory.samples);
    Training(turned).run(Z, {ids, {weights.data(), std::size_t(weights.size())}}, draw, loss,
                         parts().likelihood_weight.weight, memory.training, result);
  }

  /// Has `training_warnings` look at these base points, as value_and_gradient does with its own. `Distributed` gives
  /// those of the whole mini-batch, of which each rank computes a part.
  void look_back_at(ConstDataRef<DataScalar> Z, Memory& memory) const {
    memory.points = Z.leftCols(std::min<Index>(Z.cols(), 100));
  }

  /// What `fit` says after the last epoch, by base points of the last mini-batch: of the solver's accuracy, and of a
  /// score that is not the gradient (of a target in double that reads no rows); and of parts that take no part.
  [[nodiscard]] std::vector<std::string> training_warnings(const Memory& memory) const {
    std::vector<std::string> warnings;
    if (!std::same_as<typename Parts::EndTime, FixedEndTime>)
      warnings.push_back(
          "VariationalInference: the flow's end-time policy takes no part: samples are at the data's "
          "time");
    if (memory.points.cols() == 0) return warnings;
    Batch<DataScalar> rows = memory.points;
    Row<Scalar> log_q;
    const auto refinement = flow_.refinement();
    (void)detail::compare_solvers(
        dim(), warnings, refinement.change,
        [&] {
          auto [X, log_prob] = samples(memory.points);
          rows.topRows(dim()) = X;
          log_q = log_prob;
          return detail::solver_check<Scalar>(log_q, flow_.refined_log_prob(rows));
        },
        [&](const SolverCheck& check) {
          return detail::solver_warning(check, "sampled", refinement.change, refinement.advice);
        });
    if constexpr (std::same_as<DataScalar, double> && !TargetOfRows<Target, double>)
      if (log_q.size() > 0)
        detail::warn_of_score(target_, rows.topLeftCorner(dim(), std::min<Index>(rows.cols(), 20)), warnings);
    if constexpr (Parts::has_evaluation_solver)
      (void)detail::compare_solvers(
          dim(), warnings, "the solver of training",
          [&] { return detail::solver_check<Scalar>(flow_.log_prob_by_training_solver(rows), log_q); },
          [&](const SolverCheck& check) { return detail::training_solver_warning(check, "sampled"); });
    return warnings;
  }

 private:
  [[nodiscard]] const Parts& parts() const { return detail::PartsAccess::parts(std::as_const(flow_)); }
  void check(const char* what, ConstBatchRef<DataScalar> Z) const {
    parts().check_parameters();
    require_batch_rows(what, Z.rows(), Z.cols(), data_rows());
    require_finite(what, Z);
    if constexpr (!std::same_as<Scalar, DataScalar>)
      if (const double most = double(Z.topRows(dim()).cwiseAbs().maxCoeff()); most > std::numeric_limits<Scalar>::max())
        throw DataError({what, " has a number of absolute value ", most, ", beyond those of the flow's scalar"});
  }
  [[nodiscard]] Batch<Scalar> rounded_points(ConstBatchRef<DataScalar> Z) const {
    return Z.topRows(dim()).template cast<Scalar>();
  }
  [[nodiscard]] View<const DataScalar> context_of(ConstBatchRef<DataScalar> Z) const {
    return View<const DataScalar>(Z).bottomRows(context_rows());
  }
  // Of base points with their context ((d + c) × n).
  [[nodiscard]] SamplesWithLogProb<Scalar, DataScalar> samples(ConstBatchRef<DataScalar> Z) const {
    typename Parts::Rounding scratch;
    return detail::FlowLikelihood<typename Parts::Evaluating>(parts()).samples(
        rounded_points(Z), parts().context_of(View<const DataScalar>(Z), scratch));
  }

  Flow& flow_;
  Target target_;
};

}  // namespace pathline
