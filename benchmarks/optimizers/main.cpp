// Optimizers beside each other: benchmarks/run optimizers
//
// 1. A neural ODE by least squares on all its data: Levenberg-Marquardt, L-BFGS and Adam in the same processor time.
// 2. Adam, AdamW, Lion and Muon on mini-batches of three tasks, over learning rates and seeds: the held-out loss at the
//    rate of the lowest mean. Lion is not in the library, since it does not win here. With a second argument, so many
//    times the epochs.
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

enum class Rule { adam, adamw, lion, muon };

/// Four rules as one type, so that `fit` is compiled once a task.
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
    if (rule == Rule::lion) {  // Chen et al. 2023, arXiv 2302.06675, algorithm 2
      theta.array() -= length * (Scalar(0.9) * memory[0] + Scalar(0.1) * gradient).array().sign();
      memory[0] = Scalar(0.99) * memory[0] + Scalar(0.01) * gradient;
      return;
    }
    Muon{.matrices = matrices}.step<Scalar>(t, rate, gradient, theta, memory);
  }
};
static_assert(Optimizer<Trial>);

std::vector<ParameterMatrix> matrices_of(Index dim, const std::vector<Index>& hidden) {
  Rng rng(1);
  return hidden_matrices(Mlp<float, Tanh>(dim, hidden, rng));
}

/// train(optimizer, seed) returns a held-out loss, infinite where it diverged.
template <class Train>
void compare(const char* task, const std::vector<ParameterMatrix>& matrices, const Train& train) {
  const auto named = {std::pair(Rule::adam, "Adam"), std::pair(Rule::adamw, "AdamW"), std::pair(Rule::lion, "Lion"),
                      std::pair(Rule::muon, "Muon")};
  for (const auto& [rule, name] : named) {
    double best = std::numeric_limits<double>::infinity(), best_rate = 0, spread = 0, seconds = 0;
    for (const double base : {1e-3, 3e-3, 1e-2, 3e-2, 1e-1}) {
      const double rate = rule == Rule::lion ? base / 10 : rule == Rule::muon ? 30 * base : base;
      double sum = 0, squares = 0;
      const double begin = processor_time();
      for (const std::uint64_t seed : {1, 2, 3}) {
        double loss = std::numeric_limits<double>::infinity();
        try {
          loss = train(Trial{rule, rate, matrices}, seed);
        } catch (const Error&) {  // diverged
        }
        sum += loss;
        squares += loss * loss;
      }
      if (!(sum / 3 < best)) continue;
      best = sum / 3;
      best_rate = rate;
      spread = std::sqrt(std::max(0., squares / 3 - best * best) * 1.5);
      seconds = (processor_time() - begin) / 3;
    }
    std::printf("%-22s %-6s %10.5f ± %-9.5f rate %-7g %6.2f s a run\n", task, name, best, spread, best_rate, seconds);
    std::fflush(stdout);
  }
}

double flow_loss(const Batch<float>& train, const Batch<float>& test, const std::vector<Index>& hidden,
                 const Trial& optimizer, std::uint64_t seed, Index epochs) {
  Rng rng(seed);
  Cnf flow(Mlp<float, Tanh>(train.rows(), hidden, rng), Rk4{}, FixedSteps(4), Standardize(train), Threads{1});
  fit(flow, train, {.epochs = epochs, .batch = 128, .solver_check_rows = 0}, rng, optimizer, Cosine{});
  return -double(flow.log_prob(test).mean());
}

void first_order(Index longer) {
  std::printf("held-out loss at the best of five rates: mean and standard deviation of three seeds\n");
  const Batch<float> gaussians = sample_toy<float>(ToyDensity::eight_gaussians, 2000, Draw{21, 1}),
                     more = sample_toy<float>(ToyDensity::eight_gaussians, 4000, Draw{21, 2});
  compare("8gaussians, nats", matrices_of(2, {32, 32}), [&](const Trial& optimizer, std::uint64_t seed) {
    return flow_loss(gaussians, more, {32, 32}, optimizer, seed, 25 * longer);
  });
  // Three toy densities side by side, mixed by a rotation.
  const auto table = [](Index n, std::uint64_t number) {
    Batch<float> X(6, n), turned(6, n);
    X.topRows(2) = sample_toy<float>(ToyDensity::moons, n, Draw{22, number});
    X.middleRows(2, 2) = sample_toy<float>(ToyDensity::pinwheel, n, Draw{23, number});
    X.bottomRows(2) = sample_toy<float>(ToyDensity::rings, n, Draw{24, number});
    for (Index i = 0; i < 6; ++i) turned.row(i) = 0.8F * X.row(i) - 0.6F * X.row((i + 2) % 6);
    return turned;
  };
  const Batch<float> rows = table(3000, 1), more_rows = table(2000, 2);
  compare("6-dimensional, nats", matrices_of(6, {48, 48}), [&](const Trial& optimizer, std::uint64_t seed) {
    return flow_loss(rows, more_rows, {48, 48}, optimizer, seed, 12 * longer);
  });
  const std::vector<Sequence<double>> paths = cycles(100, 0.05, 31), unseen = cycles(100, 0, 32);
  compare("neural ODE, 1000 x MSE", matrices_of(2, {24, 24}), [&](const Trial& optimizer, std::uint64_t seed) {
    Rng rng(seed);
    NeuralOde ode(Mlp<double, Tanh>(2, {24, 24}, rng), Dopri5{}, PiController{.rtol = 1e-4, .atol = 1e-4}, Threads{1});
    (void)fit(ode, paths, {.epochs = 60 * longer, .batch = 20, .validate_every = 60 * longer}, rng, optimizer,
              Cosine{});
    const std::vector<Batch<double>> predicted = ode.predict(unseen);
    double sum = 0;
    for (std::size_t j = 0; j < unseen.size(); ++j) sum += (predicted[j] - unseen[j].states).squaredNorm();
    return 1000 * sum / (100. * 16);
  });
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view part = argc > 1 ? argv[1] : "";
  if (part != "first-order") least_squares();
  if (part != "least-squares") first_order(argc > 2 ? std::max(1, std::atoi(argv[2])) : 1);
}
