#include <pathline/train/fit_sequences.hpp>

#include <pathline/nn/layer/linear.hpp>
#include <pathline/nn/network.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

using namespace pathline;

namespace {

constexpr double a = 0.3, b = 1.7;

NeuralOde<Network<Linear<double>>, Tsit5, PiController, Backpropagation<>> linear_ode(double turn) {
  Vector<double> theta(6);
  theta << -a, turn, -turn, -a, 0, 0;  // [W | offset], columns of W one after the other
  return NeuralOde(Network<Linear<double>>(Linear<double>(2, 2, 0), theta), Tsit5{},
                   PiController{.rtol = 1e-6, .atol = 1e-6}, Backpropagation<>{.outputs = OutputTimes::interpolate});
}

/// Spirals z(t) = e^(-at) R(bt) z0 at 3 to 7 irregular times, with noise, and a fifth of the entries missing.
std::vector<Sequence<double>> spirals(int count, double noise, std::uint64_t seed) {
  std::vector<Sequence<double>> paths;
  for (int j = 0; j < count; ++j) {
    Batch<double> numbers(2, 16), gaussian(2, 16);
    fill<Gaussian>(Draw{seed, std::uint64_t(2 * j)}, 0, gaussian);
    fill<Uniform>(Draw{seed, std::uint64_t(2 * j + 1)}, 0, numbers);
    const Index m = 3 + j % 5;
    Sequence<double> path{.times = {0}, .states = Batch<double>(2, m)};
    path.states.col(0) = gaussian.col(0);
    for (Index k = 1; k < m; ++k) {
      const double t = path.times.back() + 0.05 + 0.5 * numbers(0, k), c = std::exp(-a * t) * std::cos(b * t),
                   s = std::exp(-a * t) * std::sin(b * t);
      path.times.push_back(t);
      path.states(0, k) = c * gaussian(0, 0) - s * gaussian(1, 0) + noise * gaussian(0, k);
      path.states(1, k) = s * gaussian(0, 0) + c * gaussian(1, 0) + noise * gaussian(1, k);
      if (numbers(1, k) < 0.2) path.states(k % 2, k) = std::numeric_limits<double>::quiet_NaN();
    }
    paths.push_back(path);
  }
  return paths;
}

/// Over all observed entries but the first, which is the initial state.
template <class Ode>
double pooled_mean_square(const Ode& ode, const std::vector<Sequence<double>>& paths) {
  const std::vector<Batch<double>> predictions = ode.predict(paths);
  double sum = 0;
  int count = 0;
  for (std::size_t j = 0; j < paths.size(); ++j)
    for (Index k = 1; k < paths[j].states.cols(); ++k)
      for (Index i = 0; i < 2; ++i)
        if (!std::isnan(paths[j].states(i, k))) {
          sum += std::pow(predictions[j](i, k) - paths[j].states(i, k), 2);
          ++count;
        }
  return sum / count;
}

}  // namespace

TEST_CASE("fit recovers a linear field from noisy sequences at irregular times", "[train][sequences]") {
  auto ode = linear_ode(0.5);
  Rng rng(5);
  const FitReport report = fit(ode, spirals(60, 0.02, 1), {.epochs = 60, .batch = 12}, rng, Adam{.learning_rate = 0.05},
                               Cosine{.final_rate = 1e-3});
  CHECK(report.warnings.empty());
  // Noise of 0.02 in some 300 entries of order one leaves about 0.002 in each of six parameters.
  CHECK(ode.parameters()(1) == Approx(b).margin(0.02));
  CHECK(ode.parameters()(0) == Approx(-a).margin(0.02));
  CHECK(report.best_criterion < 2 * 0.02 * 0.02);
  CHECK(report.epochs.front().train_loss > 100 * report.best_criterion);
}

TEST_CASE("fit's loss of sequences is the mean square over all observed entries, whatever the batch",
          "[train][sequences]") {
  const std::vector<Sequence<double>> train = spirals(13, 0.1, 2), validation = spirals(5, 0.1, 3);
  auto ode = linear_ode(1);
  const double train_loss = pooled_mean_square(ode, train), validation_loss = pooled_mean_square(ode, validation);
  Rng rng(5);
  const Index batch = GENERATE(4, 13);
  const FitReport report =
      fit(ode, train, validation, {.epochs = 1, .batch = batch}, rng, Adam{.learning_rate = 1e-12});
  // Batches of 4 are other solves with other steps: the solver's tolerance.
  CHECK(report.epochs.front().train_loss == Approx(train_loss).epsilon(1e-4));
  CHECK(report.best_criterion == Approx(validation_loss).epsilon(1e-4));
}

TEST_CASE("fit trains a neural ODE in float", "[train][sequences]") {
  NeuralOde ode(Network<Linear<float>>(Linear<float>(2, 2, 0), Vector<float>::Zero(6)), Euler{}, FixedSteps(4));
  const Sequence<float> path{.times = {0, 1}, .states = Batch<float>{{0, 1}, {0, 2}}};
  Rng rng(5);
  const FitReport report =
      fit(ode, std::vector(4, path), {.epochs = 1, .validation_fraction = 0}, rng, Adam{.learning_rate = 0.1});
  CHECK(report.epochs.front().train_loss == Approx(2.5));  // it stays at 0, away from (1, 2)
  CHECK(report.best_criterion == Approx(2.21));            // Adam's first step moves each offset by 0.1
}

TEST_CASE("fit refuses unusable sequences and changes nothing", "[train][sequences][errors]") {
  auto ode = linear_ode(1);
  const Vector<double> before = ode.parameters();
  Rng rng(5);
  std::vector<Sequence<double>> paths = spirals(6, 0.1, 2);
  paths[4].times[1] = -1;
  CHECK_THROWS_WITH(fit(ode, paths, {.epochs = 1}, rng),
                    "fit: sequence 4: times[1] is -1, expected a finite number above times[0], which is 0");
  CHECK_THROWS_AS(fit(ode, std::vector<Sequence<double>>{}, {.epochs = 1}, rng), DataError);
  const std::vector<Sequence<double>> alone{{.times = {0}, .states = Batch<double>::Zero(2, 1)}};
  CHECK_THROWS_WITH(fit(ode, alone, {.epochs = 1}, rng),
                    "fit: the sequences hold no observed entry to compare with: a first observation that serves as the "
                    "initial state does not count");
  CHECK(ode.parameters() == before);
}

TEST_CASE("fit warns where steps would end at very many times", "[train][sequences]") {
  NeuralOde ode(linear_ode(b).field(), Tsit5{}, PiController{.rtol = 1e-3});
  Rng rng(5);
  const FitReport report = fit(ode, spirals(40, 0.1, 2), {.epochs = 1, .batch = 4}, rng);
  REQUIRE(report.warnings.size() == 1);
  CHECK(report.warnings.front().find("different times since their start") != std::string::npos);

  // Thirty times since different starts: the differences round to 156 numbers.
  std::vector<Sequence<double>> regular;
  for (int j = 0; j < 40; ++j) {
    Sequence<double> path{.times = {}, .states = Batch<double>::Zero(2, 30)};
    for (int k = 0; k < 30; ++k) path.times.push_back(0.1 * (3 * j + k));
    regular.push_back(path);
  }
  CHECK(fit(ode, regular, {.epochs = 1, .batch = 4}, rng).warnings.empty());
}
