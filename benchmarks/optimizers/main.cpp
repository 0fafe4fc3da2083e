// Optimizers beside each other: benchmarks/run optimizers
//
// 1. A neural ODE by least squares on all its data: Levenberg-Marquardt, L-BFGS and Adam in the same processor time.
// 2. Adam, AdamW, Sgd with momentum, Lion and Muon on mini-batches of three tasks, over six learning rates and three
//    seeds: the test loss at the rate of the lowest mean on other samples, in equal steps. Lion is not in the library
//    and serves for comparison. Flows are judged by an adaptive solver. What a run costs is counted in evaluations of
//    the field, which the clock of a busy machine does not change; what the rule itself adds is the fastest of many
//    steps. With a second argument, so many times the epochs; with a third, one task.
#include <pathline/core/random.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/gradient/neural_ode.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/train/adam.hpp>
#include <pathline/train/fit.hpp>
#include <pathline/train/fit_sequences.hpp>
#include <pathline/train/full_batch/fit_full_batch.hpp>
#include <pathline/train/least_squares/fit_least_squares.hpp>
#include <pathline/train/optimizer/muon.hpp>
#include <pathline/train/schedule.hpp>
#include <pathline/train/sgd.hpp>
#include <pathline/train/toy/toy_densities.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <limits>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

using namespace pathline;

namespace {

double processor_time() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return double(time.tv_sec) + 1e-9 * double(time.tv_nsec);
}

/// Paths of r' = r - r³, angle' = 2, at nine times, with noise.
std::vector<Sequence<double>> cycles(Index count, double noise, std::uint64_t seed) {
  std::vector<Sequence<double>> paths;
  Batch<double> starts(2, count);
  fill<Uniform>(Draw{seed, 0}, 0, starts);
  for (Index j = 0; j < count; ++j) {
    const double angle = 6.2832 * starts(0, j), radius = 0.3 + 1.5 * starts(1, j);
    Sequence<double> path{.times = {}, .states = Batch<double>(2, 9)};
    Batch<double> gaussian(2, 9);
    fill<Gaussian>(Draw{seed, 1 + std::uint64_t(j)}, 0, gaussian);
    for (Index k = 0; k < 9; ++k) {
      const double t = 0.2 * double(k), growth = std::exp(2 * t);
      const double r = radius * std::sqrt(growth / (1 + radius * radius * (growth - 1)));
      path.times.push_back(t);
      path.states.col(k) << r * std::cos(angle + 2 * t), r * std::sin(angle + 2 * t);
      if (k > 0) path.states.col(k) += noise * gaussian.col(k);
    }
    paths.push_back(path);
  }
  return paths;
}

void least_squares() {
  std::printf(
      "mean square of 30 paths, in the processor time of 100 iterations of Levenberg-Marquardt\n"
      "%10s %5s %8s %22s %22s %22s\n",
      "parameters", "seed", "s", "Levenberg-Marquardt", "L-BFGS", "Adam, best of 3 rates");
  const std::vector<Sequence<double>> paths = cycles(30, 0, 11);
  for (const Index width : {8, 16, 64})
    for (const std::uint64_t seed : {1, 2, 3}) {
      Rng rng(seed);
      NeuralOde start(Mlp<double, Tanh>(2, {width}, rng), Dopri5{}, PiController{.rtol = 1e-7, .atol = 1e-8},
                      Threads{1});
      auto ode = start;
      double begin = processor_time();
      const LeastSquaresReport marquardt = fit_full_batch(ode, paths, LevenbergMarquardt{.errors_up_to = 0});
      const double seconds = processor_time() - begin;
      ode = start;
      begin = processor_time();
      LBfgs rule{.memory = 20, .max_iterations = 1 << 30, .max_evaluations = 1 << 30};
      rule.gradient_tolerance = rule.gain_tolerance = 0;
      const MinimizeReport lbfgs = fit_full_batch(
          ode, paths, rule, [&](const MinimizeIteration<double>&) { return processor_time() - begin < seconds; });
      double adam = std::numeric_limits<double>::infinity();
      Index epochs = 0;
      for (const double rate : {0.003, 0.01, 0.03}) {
        const auto train = [&](Index count) {
          ode = start;
          Rng order(5);
          begin = processor_time();
          return fit(ode, paths, {.epochs = count, .batch = 30, .validation_fraction = 0, .validate_every = count},
                     order, Adam{.learning_rate = rate}, Cosine{})
              .best_criterion;
        };
        (void)train(100);
        epochs = Index(100 * seconds / (processor_time() - begin)) + 1;
        adam = std::min(adam, train(epochs));
      }
      std::printf("%10ld %5lu %8.2f %9.1e (%4ld + %4ld) %9.1e (%10ld) %9.1e (%10ld)\n", long(start.parameters().size()),
                  static_cast<unsigned long>(seed), seconds, marquardt.mean_square(),
                  long(marquardt.evaluations - marquardt.jacobians), long(marquardt.jacobians), lbfgs.value,
                  long(lbfgs.evaluations), adam, long(epochs));
      std::fflush(stdout);
    }
  std::printf("in brackets: residuals alone + with the Jacobian; evaluations of value and gradient\n\n");
}

enum class Rule { adam, adamw, sgd, lion, muon };

/// Five rules as one type, so that `fit` is compiled once a task.
struct Trial {
  Rule rule = Rule::adam;
  double learning_rate = 1e-3;
  std::vector<ParameterMatrix> matrices{};

  static constexpr Index moments = 2;

  template <Real Scalar>
  void step(Index t, double rate, ConstVectorRef<Scalar> gradient, VectorRef<Scalar> theta,
            std::span<Vector<Scalar>> memory) const {
    const auto length = Scalar(rate);
    if (rule == Rule::adam) return Adam{}.step<Scalar>(t, rate, gradient, theta, memory);
    if (rule == Rule::adamw) return AdamW{.weight_decay = 0.1}.step<Scalar>(t, rate, gradient, theta, memory);
    if (rule == Rule::sgd) return Sgd{.momentum = 0.9}.step<Scalar>(t, rate, gradient, theta, memory);
    if (rule == Rule::lion) {  // Chen et al. 2023, arXiv 2302.06675, algorithm 2
      theta.array() -= length * (Scalar(0.9) * memory[0] + Scalar(0.1) * gradient).array().sign();
      memory[0] = Scalar(0.99) * memory[0] + Scalar(0.01) * gradient;
      return;
    }
    Muon{.matrices = matrices}.step<Scalar>(t, rate, gradient, theta, memory);
  }
};
static_assert(Optimizer<Trial>);

/// A task's network: its matrices, and how many parameters it has.
struct Shape {
  std::vector<ParameterMatrix> matrices;
  Index parameters;
};

Shape shape_of(Index dim, const std::vector<Index>& hidden) {
  Rng rng(1);
  const Mlp<float, Tanh> field(dim, hidden, rng);
  return {hidden_matrices(field), field.parameters().size()};
}

/// Losses of samples that choose the rate, and of those that judge it; what the run took.
struct Outcome {
  double choice = std::numeric_limits<double>::infinity(), test = choice;
  Index steps = 0, evaluations = 0;  // forward and backward
};

void count_work(const FitReport& report, Outcome& outcome) {
  for (const EpochReport& epoch : report.epochs) {
    outcome.steps += epoch.steps;
    outcome.evaluations += epoch.forward.evaluations + epoch.backward.evaluations;
  }
}

/// Microseconds of one step of the rule alone: the fastest of many.
template <Real Scalar>
double step_time(const Trial& trial, Index parameters) {
  OptimizerState<Scalar> state;
  Vector<Scalar> gradient(parameters), theta = Vector<Scalar>::Zero(parameters);
  fill<Gaussian>(Draw{1, 0}, 0, gradient);
  double fastest = std::numeric_limits<double>::infinity();
  for (int run = 0; run < 200; ++run) {
    const double begin = processor_time();
    for (int i = 0; i < 10; ++i) state.step(trial, 1e-3, gradient, VectorMap<Scalar>(theta.data(), theta.size()));
    fastest = std::min(fastest, (processor_time() - begin) / 10);
  }
  return 1e6 * fastest;
}

/// train(optimizer, seed, share of the epochs) returns an `Outcome`; a rate at which one seed diverges counts as
/// infinite. A rule whose steps cost more or less than Adam's is trained at its best rate a second time, for as long as
/// Adam was: steps cost what their evaluations do, at Adam's time for one, and what the rule does.
template <Real Scalar, class Train>
void compare(const char* task, const Shape& shape, const Train& train) {
  struct Rates {
    Rule rule;
    const char* name;
    double lowest;
  };
  std::printf("%s, %ld parameters\n", task, long(shape.parameters));
  double time_of_evaluation = 0, time_of_adam = 0;  // milliseconds, of Adam's steps
  const auto statistics = [](const double(&tests)[3]) {
    const double mean = (tests[0] + tests[1] + tests[2]) / 3;
    double squares = 0;
    for (const double test : tests) squares += (test - mean) * (test - mean);
    return std::pair(mean, std::sqrt(squares / 2));
  };
  for (const Rates& grid :
       {Rates{Rule::adam, "Adam", 3e-3}, Rates{Rule::adamw, "AdamW", 3e-3}, Rates{Rule::sgd, "Sgd", 3e-3},
        Rates{Rule::lion, "Lion", 3e-4}, Rates{Rule::muon, "Muon", 3e-2}}) {
    double best = std::numeric_limits<double>::infinity(), best_rate = 0;
    double tests[3] = {}, milliseconds = std::numeric_limits<double>::infinity();
    Outcome work;
    bool at_end = false;
    std::printf("  %-6s", grid.name);
    const double factors[] = {1, 10 / 3., 10, 100 / 3., 100, 1000 / 3.};
    for (const double factor : factors) {
      const double rate = factor * grid.lowest;
      double choice = 0, losses[3] = {};
      Outcome outcome;
      for (const std::uint64_t seed : {1, 2, 3}) {
        const double begin = processor_time();
        try {
          outcome = train(Trial{grid.rule, rate, shape.matrices}, seed, 1);
          milliseconds = std::min(milliseconds, 1e3 * (processor_time() - begin) / double(outcome.steps));
        } catch (const Error&) {  // diverged
          outcome = {};
        }
        choice += outcome.choice / 3;
        losses[seed - 1] = outcome.test;
        if (!std::isfinite(outcome.choice)) break;
      }
      std::printf(" %9.4g", choice);
      std::fflush(stdout);
      if (!(choice < best)) continue;
      best = choice;
      best_rate = rate;
      work = outcome;
      at_end = factor == factors[0] || factor == factors[5];
      std::copy_n(losses, 3, tests);
    }
    const Trial best_trial{grid.rule, best_rate, shape.matrices};
    const auto [mean, deviation] = statistics(tests);
    const double evaluations = double(work.evaluations) / double(work.steps),
                 of_rule = step_time<Scalar>(best_trial, shape.parameters);
    std::printf(
        " | %8.4f ± %.4f  (%.4f %.4f %.4f)  rate %.3g%s  %ld steps of %.1f evaluations, %.2f ms; rule %.1f us\n", mean,
        deviation, tests[0], tests[1], tests[2], best_rate, at_end ? ", the end of the grid" : "", long(work.steps),
        evaluations, milliseconds, of_rule);
    if (grid.rule == Rule::adam) {
      time_of_evaluation = (milliseconds - of_rule / 1e3) / evaluations;
      time_of_adam = milliseconds;
    }
    const double share = time_of_adam / (time_of_evaluation * evaluations + of_rule / 1e3);
    if (std::abs(share - 1) < 0.02) continue;
    for (const std::uint64_t seed : {1, 2, 3}) {
      try {
        tests[seed - 1] = train(best_trial, seed, share).test;
      } catch (const Error&) {
        tests[seed - 1] = std::numeric_limits<double>::infinity();
      }
    }
    const auto [in_equal_time, spread] = statistics(tests);
    std::printf("         in Adam's time, %.2f of the epochs: %.4f ± %.4f  (%.4f %.4f %.4f)\n", share, in_equal_time,
                spread, tests[0], tests[1], tests[2]);
    std::fflush(stdout);
  }
}

struct Samples {
  Batch<float> rows;
  double log_density = 0;  // their mean
};
struct Table {
  Samples train, choice, test;
};

Outcome flow_losses(const Table& table, const std::vector<Index>& hidden, const Trial& optimizer, std::uint64_t seed,
                    double epochs) {
  Rng rng(seed);
  // A flow that needs more than 500 steps counts as diverged.
  Cnf flow(Mlp<float, Tanh>(table.train.rows.rows(), hidden, rng), Rk4{}, FixedSteps(8),
           EvaluationSolver{Dopri5{}, PiController{.rtol = 1e-5, .atol = 1e-5, .max_steps = 500}},
           Standardize(table.train.rows), Threads{1});
  Outcome outcome;
  count_work(fit(flow, table.train.rows,
                 {.epochs = std::max<Index>(1, std::llround(epochs)),
                  .batch = 128,
                  .validation_fraction = 0,
                  .solver_check_rows = 0},
                 rng, optimizer, Cosine{}, KeepLast{}),
             outcome);
  const auto kl = [&](const Samples& samples) {
    return samples.log_density - double(flow.log_prob(samples.rows).cast<double>().mean());
  };
  outcome.choice = kl(table.choice);
  outcome.test = kl(table.test);
  return outcome;
}

void first_order(Index longer, std::string_view only) {
  const auto asked = [&](std::string_view task) { return only.empty() || only == task; };
  std::printf(
      "loss of the samples that choose the rate, at six rates from the left, mean of three seeds | test loss at the "
      "best "
      "rate: mean, standard deviation and the three seeds. The first rate is 0.003 (Lion: 0.0003, Muon: 0.03), the "
      "next ones are 10/3 and 3 times the one before. Fastest step of a run, of the rule alone\n");
  const auto gaussians = [](Index n, std::uint64_t number) {
    const Batch<float> X = sample_toy<float>(ToyDensity::eight_gaussians, n, Draw{21, number});
    return Samples{X, double(toy_log_density(ToyDensity::eight_gaussians, X).mean())};
  };
  const Table plane{gaussians(2000, 1), gaussians(2000, 3), gaussians(4000, 2)};
  if (asked("plane"))
    compare<float>("8gaussians, KL in nats", shape_of(2, {32, 32}),
                   [&](const Trial& optimizer, std::uint64_t seed, double share) {
                     return flow_losses(plane, {32, 32}, optimizer, seed, 25 * share * longer);
                   });
  // Three toy densities side by side, mixed by rotations of pairs of rows of two densities.
  const auto mixed = [](Index n, std::uint64_t number) {
    Samples samples{Batch<float>(6, n)};
    Batch<float>& X = samples.rows;
    std::uint64_t seed = 22;
    for (const ToyDensity density : {ToyDensity::moons, ToyDensity::pinwheel, ToyDensity::rings}) {
      const Batch<float> pair = sample_toy<float>(density, n, Draw{seed, number});
      samples.log_density += double(toy_log_density(density, pair).mean());
      X.middleRows(2 * Index(seed++ - 22), 2) = pair;
    }
    for (const auto& [i, j] : {std::pair(0, 2), std::pair(1, 4), std::pair(3, 5)}) {
      const Vector<float> row = X.row(i).transpose();
      X.row(i) = 0.8F * X.row(i) - 0.6F * X.row(j);
      X.row(j) = 0.8F * X.row(j) + 0.6F * row.transpose();
    }
    return samples;
  };
  const Table space{mixed(3000, 1), mixed(2000, 3), mixed(2000, 2)};
  if (asked("space"))
    compare<float>("six-dimensional, KL in nats", shape_of(6, {48, 48}),
                   [&](const Trial& optimizer, std::uint64_t seed, double share) {
                     return flow_losses(space, {48, 48}, optimizer, seed, 12 * share * longer);
                   });
  const std::vector<Sequence<double>> paths = cycles(100, 0.05, 31), choice = cycles(100, 0, 33),
                                      test = cycles(100, 0, 32);
  compare<double>("neural ODE, 1000 x mean square", shape_of(2, {24, 24}),
                  [&](const Trial& optimizer, std::uint64_t seed, double share) {
                    Rng rng(seed);
                    NeuralOde ode(Mlp<double, Tanh>(2, {24, 24}, rng), Dopri5{},
                                  PiController{.rtol = 1e-4, .atol = 1e-4, .max_steps = 500}, Threads{1});
                    Outcome outcome;
                    count_work(fit(ode, paths,
                                   {.epochs = std::max<Index>(1, std::llround(60 * share * longer)),
                                    .batch = 20,
                                    .validation_fraction = 0},
                                   rng, optimizer, Cosine{}, KeepLast{}),
                               outcome);
                    const auto loss = [&](const std::vector<Sequence<double>>& unseen) {
                      const std::vector<Batch<double>> predicted = ode.predict(unseen);
                      double sum = 0;
                      for (std::size_t j = 0; j < unseen.size(); ++j)
                        sum += (predicted[j] - unseen[j].states).squaredNorm();
                      return 1000 * sum / (100. * 16);
                    };
                    outcome.choice = loss(choice);
                    outcome.test = loss(test);
                    return outcome;
                  });
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view part = argc > 1 ? argv[1] : "";
  if (argc > 1 && part != "first-order" && part != "least-squares") {
    std::fprintf(stderr, "usage: optimizers [least-squares | first-order [TIMES THE EPOCHS [plane | space | ode]]]\n");
    return 2;
  }
  if (part != "first-order") least_squares();
  if (part != "least-squares") first_order(argc > 2 ? std::max(1, std::atoi(argv[2])) : 1, argc > 3 ? argv[3] : "");
}
