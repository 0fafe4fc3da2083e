#include <examples/variational/learn.hpp>

#include <pathline/core/clock.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/nn/compose/shallow_mlp.hpp>
#include <pathline/nn/network.hpp>
#include <pathline/train/fit.hpp>
#include <pathline/train/print_progress.hpp>
#include <pathline/train/variational/fit_variational.hpp>

#include <algorithm>
#include <memory>
#include <utility>

namespace examples::variational {

using namespace pathline;

Learned learn(const char* name, const Target& target, const Training& training, Index count) {
  Rng rng(training.seed);
  // The trace is known in closed form, four steps are enough to train by, and densities are by an adaptive solver.
  auto flow = std::make_shared<
      Cnf<Network<ShallowMlp<double, Tanh>>, Rk4, FixedSteps, EvaluationSolver<Dopri5, PiController>, Threads>>(
      Network(ShallowMlp<double, Tanh>(target.dim, {training.width, training.width}), rng), Rk4{}, FixedSteps(4),
      EvaluationSolver{Dopri5{}, PiController{.rtol = 1e-7, .atol = 1e-7}}, Threads{training.threads});
  Index reports = std::min<Index>(50, training.iterations);
  while (training.iterations % reports != 0) --reports;
  const Index every = training.iterations / reports;
  Learned learned;
  learned.losses.resize(2, reports);
  learned.gradient_norms.resize(2, reports);
  const auto record = [&](const EpochReport& report) {
    learned.losses.col(report.epoch - 1) << double(report.epoch * every), report.train_loss;
    learned.gradient_norms.col(report.epoch - 1) << double(report.epoch * every), report.gradient_norm;
  };
  const IterationOptions options{.iterations = training.iterations, .batch = training.batch, .report_every = every};
  const auto run = [&](auto&& inference) {
    return fit(inference, options, rng, Adam{.learning_rate = training.learning_rate},
               Cosine{.final_rate = training.learning_rate / 1000}, record, PrintProgress{.what = name})
        .warnings;
  };
  const double start = seconds_now();
  if (training.path_derivative)
    learned.warnings = run(VariationalInference(*flow, target, PathDerivative{}));
  else
    learned.warnings = run(VariationalInference(*flow, target));
  learned.milliseconds = 1e3 * (seconds_now() - start) / double(options.iterations);
  learned.sample = importance_sample(*flow, target, count, rng);
  learned.log_prob = [flow](const Batch<double>& X) { return flow->log_prob(X); };
  return learned;
}

}  // namespace examples::variational
