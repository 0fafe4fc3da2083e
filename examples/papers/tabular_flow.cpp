/// \file
/// The three presets, trained by one template. In one file: they share most of what is compiled.
#include <examples/papers/setting.hpp>
#include <examples/papers/tabular_flow.hpp>

#include <pathline/core/random.hpp>
#include <pathline/flow/evaluation.hpp>
#include <pathline/flow/preset/ffjord.hpp>
#include <pathline/flow/preset/ot_flow.hpp>
#include <pathline/flow/preset/rnode.hpp>
#include <pathline/flow/settings.hpp>
#include <pathline/train/fit.hpp>

#include <algorithm>
#include <memory>
#include <utility>

namespace examples::papers {

namespace {

constexpr pathline::Threads one_thread{1};  ///< Processor time is then what training takes, on any machine.
constexpr pathline::ChunkWidth chunk_width{.columns = 128};

template <class Flow>
[[nodiscard]] TrainedFlow train(const char* name, Flow initial, const TabularSet& set, const Recipe& recipe,
                                std::uint64_t seed) {
  const auto flow = std::make_shared<Flow>(std::move(initial));
  const pathline::Batch<float> training = set.train.cast<float>(), validation = set.validation.cast<float>();
  TrainedFlow result(name);
  pathline::Rng rng(seed);
  double seconds = 0, evaluations = 0, solves = 0, start = processor_seconds();
  const auto watch = [&](const pathline::EpochReport& epoch) {
    seconds += processor_seconds() - start;
    evaluations += double(epoch.forward.evaluations);
    solves += double(epoch.solves);
    result.iterations += epoch.steps;
    result.snapshots.push_back({seconds, -double(flow->log_prob(validation).mean()), flow->parameters()});
    if (recipe.on_epoch) recipe.on_epoch(result.snapshots.back().validation_nll);
    start = processor_seconds();
  };
  const pathline::FitReport report =
      pathline::fit(*flow, training, {.epochs = recipe.epochs, .batch = recipe.batch, .validation_fraction = 0}, rng,
                    pathline::Adam{.learning_rate = recipe.learning_rate},
                    pathline::Cosine{.final_rate = 0.02 * recipe.learning_rate}, pathline::ClipByNorm{.max_norm = 20},
                    pathline::KeepLast{}, watch);
  result.warnings = report.warnings;
  result.training_evaluations = evaluations / solves;
  result.judge = [flow, &set](const Snapshot& snapshot) {
    const pathline::Batch<float> rows = set.test.cast<float>();
    flow->parameters() = snapshot.parameters;
    Judgement judgement;
    const double before = processor_seconds();
    const auto likelihood = flow->likelihood(rows);
    const double between = processor_seconds();
    pathline::Rng sampling(17);
    (void)flow->sample(1000, sampling);
    judgement.sample_seconds = processor_seconds() - between;
    judgement.density_seconds = (between - before) * 1000 / double(rows.cols());
    judgement.log_prob = likelihood.log_prob.template cast<double>() + set.log_det;
    const Index chunks = (rows.cols() + chunk_width.columns - 1) / chunk_width.columns;
    judgement.evaluations = double(likelihood.statistics.evaluations) / double(chunks);
    return judgement;
  };
  return result;
}

}  // namespace

TrainedFlow train_ffjord(const TabularSet& set, const Recipe& recipe, std::uint64_t seed) {
  return train("FFJORD",
               pathline::ffjord<float>(
                   {.dim = set.dim(), .hidden = recipe.hidden, .rtol = recipe.rtol, .atol = recipe.atol, .seed = seed},
                   one_thread, chunk_width,
                   pathline::EvaluationSolver{pathline::Dopri5{}, pathline::PiController{.rtol = 1e-5, .atol = 1e-5}}),
               set, recipe, seed);
}

TrainedFlow train_rnode(const TabularSet& set, const Recipe& recipe, std::uint64_t seed) {
  return train("RNODE",
               pathline::rnode<float>({.dim = set.dim(),
                                       .hidden = recipe.hidden,
                                       .kinetic_energy = recipe.weight,
                                       .jacobian_norm = recipe.weight,
                                       .steps = recipe.steps,
                                       .seed = seed},
                                      one_thread, chunk_width),
               set, recipe, seed);
}

TrainedFlow train_ot_flow(const TabularSet& set, const Recipe& recipe, std::uint64_t seed) {
  return train(
      "OT-Flow",
      pathline::ot_flow<float>({.dim = set.dim(), .width = recipe.hidden.front(), .steps = recipe.steps, .seed = seed},
                               one_thread, chunk_width),
      set, recipe, seed);
}

const Snapshot& TrainedFlow::best() const {
  return *std::min_element(snapshots.begin(), snapshots.end(),
                           [](const Snapshot& a, const Snapshot& b) { return a.validation_nll < b.validation_nll; });
}

const Snapshot& TrainedFlow::first_at(double validation_nll) const {
  for (const Snapshot& snapshot : snapshots)
    if (snapshot.validation_nll <= validation_nll) return snapshot;
  return snapshots.back();
}

}  // namespace examples::papers
