/// \file
/// The template behind every flow_*.cpp: puts a flow together from its parts, trains it, and hands back its functions.
#pragma once

#include <examples/cnf/flow.hpp>

#include <pathline/flow/cnf.hpp>
#include <pathline/flow/regularizer/kinetic_energy.hpp>
#include <pathline/gradient/adjoint.hpp>
#include <pathline/nn.hpp>
#include <pathline/train/fit.hpp>

#include <memory>
#include <type_traits>
#include <utility>
#include <variant>

namespace examples::cnf {

/// A trace estimator chosen at run time: the concept speaks of numbers of tangents and of filling them, so a choice
/// costs one visit a solve. (A solver or a gradient method chosen so would cost one in every step.)
struct AnyTrace {
  std::variant<pathline::ExactTrace, pathline::Hutchinson<pathline::Rademacher>,
               pathline::Hutchinson<pathline::Gaussian>>
      choice;

  [[nodiscard]] Index tangents(Index d) const {
    return std::visit([d](const auto& trace) { return trace.tangents(d); }, choice);
  }
  [[nodiscard]] double weight(Index d, Index j) const {
    return std::visit([&](const auto& one) { return one.weight(d, j); }, choice);
  }
  template <pathline::Real Scalar>
  void fill(const pathline::Draw& draw, std::span<const Index> samples, pathline::BatchMap<Scalar> V,
            pathline::Workspace<Scalar>& workspace) const {
    std::visit([&](const auto& trace) { trace.fill(draw, samples, V, workspace); }, choice);
  }
};

[[nodiscard]] inline AnyTrace trace_named(const Options& options) {
  if (options.trace == "rademacher") return {pathline::Hutchinson<pathline::Rademacher>{options.probes}};
  if (options.trace == "gaussian") return {pathline::Hutchinson<pathline::Gaussian>{options.probes}};
  return {pathline::ExactTrace{}};
}

namespace detail {

/// Trains `flow` and keeps it alive in the functions of the result.
template <class Flow>
[[nodiscard]] TrainedFlow trained(std::shared_ptr<Flow> flow, const Split& split, const Options& options,
                                  pathline::Rng& rng, const std::function<void(const Epoch&)>& on_epoch) {
  const auto tell = [&on_epoch](const pathline::EpochReport& epoch) {
    on_epoch({int(epoch.epoch), int(epoch.epochs), epoch.train_nll, epoch.validation_loss});
  };
  const pathline::EarlyStopping stopping{.patience = options.patience > 0 ? options.patience : options.epochs};
  TrainedFlow result;
  pathline::FitReport report;
  try {
    report = pathline::fit(*flow, split.train, split.validation, {.epochs = options.epochs, .batch = options.batch},
                           rng, pathline::Adam{.learning_rate = options.learning_rate},
                           pathline::Cosine{.final_rate = 0.02 * options.learning_rate},
                           pathline::ClipByNorm{.max_norm = 10}, stopping, tell);
  } catch (const pathline::TrainingError& error) {
    if (error.report.best_epoch == 0) throw;
    report = error.report;
    result.trouble = error.what();
  }
  double solves = 0;
  for (const pathline::EpochReport& epoch : report.epochs) {
    result.history.push_back({int(epoch.epoch), int(epoch.epochs), epoch.train_nll, epoch.validation_loss});
    result.seconds += epoch.seconds;
    result.training_evaluations += epoch.forward.evaluations + epoch.backward.evaluations;
    solves += double(epoch.evaluations);
  }
  result.warnings = report.warnings;
  result.best_epoch = int(report.best_epoch);
  result.parameters = flow->parameters().size();
  result.evaluations_per_solve = solves / double(report.epochs.size());
  result.log_prob = [flow](const Table& X) -> Values { return flow->log_prob(X).template cast<double>(); };
  result.sample = [flow, rng](Index count) mutable -> Table { return flow->sample(count, rng); };
  result.trajectory = [flow](const Table& X, const std::vector<double>& times) {
    std::vector<Table> states;
    for (const auto& state : flow->trajectory(X, times)) states.push_back(state.template cast<double>());
    return states;
  };
  return result;
}

}  // namespace detail

/// `train_flow` with the solver fixed.
template <class Solver>
[[nodiscard]] TrainedFlow train_flow_with(const Split& split, const Options& options,
                                          const std::function<void(const Epoch&)>& on_epoch) {
  pathline::Rng rng(options.seed);
  const std::vector<Index> hidden(std::size_t(options.depth), Index(options.width));
  const pathline::Mlp<float, pathline::Tanh> field(split.train.rows(), hidden, rng);
  const auto control = [&options] {
    if constexpr (pathline::EmbeddedMethod<Solver>)
      return pathline::PiController{.rtol = options.tolerance, .atol = options.tolerance};
    else
      return pathline::FixedSteps(options.steps);
  }();
  // In double: a time in seconds, or a large identifier, keeps its spread. The network sees float.
  const pathline::Standardize standardize(split.train);
  const auto with = [&](const auto& gradient) {
    auto flow = std::make_shared<decltype(pathline::Cnf(field, trace_named(options), Solver{}, control, gradient,
                                                        standardize, pathline::KineticEnergy{}, pathline::Threads{}))>(
        field, trace_named(options), Solver{}, control, gradient, standardize,
        pathline::KineticEnergy{.weight = options.kinetic_energy}, pathline::Threads{options.threads});
    return detail::trained(std::move(flow), split, options, rng, on_epoch);
  };
  return options.gradient == "adjoint" ? with(pathline::Adjoint{}) : with(pathline::Backpropagation<>{});
}

}  // namespace examples::cnf
