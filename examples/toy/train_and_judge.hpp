/// \file
/// The template behind every preset_*.cpp: trains a flow, and judges it by another one of the same parameters.
#pragma once

#include <examples/toy/run.hpp>

#include <pathline/core/random.hpp>
#include <pathline/flow/settings.hpp>
#include <pathline/ode/control/step_control.hpp>
#include <pathline/train/fit.hpp>
#include <pathline/train/metric/mmd.hpp>
#include <pathline/train/metric/path_metrics.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace examples::toy {

inline constexpr pathline::PiController judging_control{.rtol = 1e-5, .atol = 1e-5};
inline constexpr pathline::ChunkWidth judging_chunks{.columns = 256};

namespace detail {

using Rows = pathline::Batch<float>;

/// Seeds apart, so that a flow is never judged by the samples of its training.
struct Seeds {
  explicit Seeds(std::uint64_t seed) : training(2 * seed), judging(2 * seed + 1) {}
  pathline::Rng training, judging;
};

/// The rate of the example's schedule, which counts iterations from 0.
struct IterationRate {
  const Schedule& schedule;
  [[nodiscard]] double rate(double /*learning_rate*/, const pathline::TrainingProgress& progress) const {
    return schedule.rate(progress.step - 1);
  }
};

/// Trains flow.parameters() and notes what that took. An epoch is one iteration.
template <class Flow>
void train(Flow& flow, const Run& run, pathline::Rng& rng, const OnIteration& on_iteration, Result& result) {
  const Schedule& schedule = run.schedule;
  const Index per_point = std::max<Index>(1, schedule.iterations / 200);
  double evaluations = 0, solves = 0, sum = 0;
  std::vector<double> curve;
  const auto watch = [&](const pathline::EpochReport& iteration) {
    evaluations += double(iteration.forward.evaluations);
    solves += double(iteration.solves);
    sum += iteration.train_nll;
    const Index counted = (iteration.epoch - 1) % per_point + 1;
    on_iteration(iteration.epoch, sum / double(counted));
    if (counted < per_point) return;
    curve.insert(curve.end(), {double(iteration.epoch), sum / double(counted)});
    sum = 0;
  };
  const auto sample = [&](Index n, const pathline::Draw& draw) {
    return pathline::sample_toy<float>(run.density, n, draw);
  };
  const double start = pathline::seconds_now();
  pathline::fit(flow, pathline::FreshSamples(sample, schedule.batch),
                {.epochs = schedule.iterations, .batch = schedule.batch}, rng, IterationRate{schedule}, watch);
  result.judgement.seconds = pathline::seconds_now() - start;
  result.judgement.training_evaluations = evaluations / solves;
  result.shown.losses = Eigen::Map<const Eigen::MatrixXd>(curve.data(), 2, Index(curve.size()) / 2);
}

template <class Flow>
void judge(const Flow& flow, const Run& run, pathline::Rng& rng, Judgement& judgement) {
  constexpr Index points = 10'000, pairs = 4'000, paths = 1'000;
  const Rows X = pathline::sample_toy<float>(run.density, points, rng.draw());
  const auto likelihood = flow.likelihood(X);
  judgement.nll = pathline::mean_estimate(-likelihood.log_prob);
  if (pathline::has_density(run.density))
    judgement.kl = pathline::kl_estimate(pathline::toy_log_density(run.density, X), likelihood.log_prob);
  const Index chunks = (points + judging_chunks.columns - 1) / judging_chunks.columns;
  judgement.testing_evaluations = double(likelihood.statistics.evaluations) / double(chunks);
  judgement.mmd = pathline::mmd_squared(X.leftCols(pairs), flow.sample(pairs, rng), {.threads = run.threads});
  std::vector<double> times;
  for (int k = 0; k <= 50; ++k) times.push_back(k / 50.);
  const auto some = X.leftCols(paths);
  judgement.straightness = pathline::path_straightness(flow, some, times).value;
  judgement.inverse_error = pathline::inverse_error(flow, some).mean;
  judgement.transport_cost = pathline::transport_cost(flow, some).value;
}

template <class Flow>
void show(const Flow& flow, const Run& run, pathline::Rng& rng, Shown& shown) {
  constexpr Index points = 4'000, cells = 120, paths = 60;
  const Rows X = pathline::sample_toy<float>(run.density, points, rng.draw());
  shown.data = X.cast<double>();
  shown.samples = flow.sample(points, rng).template cast<double>();
  Rows centres(2, cells * cells);
  for (Index j = 0; j < centres.cols(); ++j)
    centres.col(j) << float((2 * (double(j % cells) + 0.5) / cells - 1) * half_width),
        float((2 * (double(j / cells) + 0.5) / cells - 1) * half_width);
  const Eigen::RowVectorXd density = flow.log_prob(centres).template cast<double>().array().exp();
  shown.density = Eigen::Map<const Eigen::MatrixXd>(density.data(), cells, cells).transpose();
  for (int k = 0; k <= 40; ++k) shown.times.push_back(k / 40.);
  for (const Rows& state : flow.trajectory(X.leftCols(paths), shown.times))
    shown.paths.push_back(state.template cast<double>());
}

}  // namespace detail

/// `flow` trains; `judging_flow` is of the same field, by a solver that can be trusted.
template <class Flow, class JudgingFlow>
[[nodiscard]] Result train_and_judge(Flow flow, JudgingFlow judging_flow, const Run& run,
                                     const OnIteration& on_iteration) {
  Result result;
  detail::Seeds seeds(run.seed);
  detail::train(flow, run, seeds.training, on_iteration, result);
  judging_flow.parameters() = flow.parameters();
  detail::judge(judging_flow, run, seeds.judging, result.judgement);
  detail::show(judging_flow, run, seeds.judging, result.shown);
  return result;
}

}  // namespace examples::toy
