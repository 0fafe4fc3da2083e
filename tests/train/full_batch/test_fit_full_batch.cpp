#include <pathline/train/full_batch/fit_full_batch.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/gradient/backpropagation.hpp>
#include <pathline/gradient/neural_ode.hpp>
#include <pathline/gradient/sequence.hpp>
#include <pathline/nn/layer/linear.hpp>
#include <pathline/nn/network.hpp>
#include <pathline/ode/control/step_control.hpp>
#include <pathline/ode/errors.hpp>
#include <pathline/ode/explicit/tableaux.hpp>
#include <pathline/ode/statistics.hpp>
#include <pathline/train/adam.hpp>
#include <pathline/train/fit_sequences.hpp>
#include <pathline/train/schedule.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <vector>

using namespace pathline;

namespace {

constexpr double a = 0.3, b = 1.7;

NeuralOde<Network<Linear<double>>, Tsit5, PiController, Backpropagation<>> linear_ode() {
  Vector<double> theta(6);
  theta << -a, 0.5, -0.5, -a, 0, 0;  // [W | offset], columns of W one after the other
  return NeuralOde(Network<Linear<double>>(Linear<double>(2, 2, 0), theta), Tsit5{},
                   PiController{.rtol = 1e-6, .atol = 1e-6}, Backpropagation<>{.outputs = OutputTimes::interpolate});
}

/// Spirals z(t) = e^(-at) R(bt) z0 at five times.
std::vector<Sequence<double>> spirals() {
  std::vector<Sequence<double>> paths;
  for (const double angle : {0.3, 2.0, 4.5}) {
    Sequence<double> path{.times = {0, 0.3, 0.7, 1.2, 1.8}, .states = Batch<double>(2, 5)};
    for (Index k = 0; k < 5; ++k) {
      const double t = path.times[std::size_t(k)], radius = std::exp(-a * t);
      path.states.col(k) << radius * std::cos(angle + b * t), radius * std::sin(angle + b * t);
    }
    paths.push_back(path);
  }
  return paths;
}

/// A mean of rows, by weighted least squares. Solves "fail" above a bound.
struct Mean {
  using Scalar = double;
  struct Memory {};
  struct Loss {
    double loss = 0;
    Vector<double> gradient{};
    Statistics forward{}, backward{};
    Index solves = 1;
  };
  Vector<double> theta = Vector<double>::Zero(2);
  double bound = std::numeric_limits<double>::infinity();

  [[nodiscard]] Vector<double>& parameters() { return theta; }
  [[nodiscard]] Index data_rows() const { return 2; }
  [[nodiscard]] Loss make_training_loss() const { return {}; }
  [[nodiscard]] Row<double> losses(const Batch<double>& X) const {
    return (X.colwise() - theta).colwise().squaredNorm();
  }
  void value_and_gradient(const Batch<double>& X, std::span<const Index> samples, const Draw& draw, Memory& memory,
                          Loss& loss) const {
    value_and_gradient(X, samples, Vector<double>::Ones(X.cols()), draw, memory, loss);
  }
  void value_and_gradient(const Batch<double>& X, std::span<const Index>, const Vector<double>& weights, const Draw&,
                          Memory&, Loss& loss) const {
    if (theta(0) > bound) {
      SolveFailure at;
      at.sample = 0;
      throw NonFiniteError("the mean", at);
    }
    loss.loss = (losses(X) * weights).value() / double(X.cols());
    loss.gradient = 2 * (theta * weights.sum() - X * weights) / double(X.cols());
  }
};

}  // namespace

TEST_CASE("fit_full_batch comes closer to a linear spiral than Adam with ten times the evaluations",
          "[train][full_batch][sequences]") {
  auto by_lbfgs = linear_ode(), by_adam = linear_ode();
  const std::vector<Sequence<double>> paths = spirals();
  Index seen = 0;
  const MinimizeReport report =
      fit_full_batch(by_lbfgs, paths, LBfgs{}, [&](const MinimizeIteration<double>& iteration) {
        ++seen;
        CHECK(by_lbfgs.parameters() == iteration.parameters);
      });
  CHECK(report.converged());
  CHECK(report.iterations == seen);
  CHECK(by_lbfgs.parameters()(1) == Approx(b).epsilon(1e-5));  // the solver's tolerances are 1e-6
  CHECK(by_lbfgs.parameters()(0) == Approx(-a).epsilon(1e-5));
  Rng rng(5);
  const FitReport adam = fit(by_adam, paths, {.epochs = 10 * report.evaluations, .batch = 3, .validation_fraction = 0},
                             rng, Adam{.learning_rate = 0.05}, Cosine{});
  CAPTURE(report.evaluations, report.value, report.gradient_norm, adam.best_criterion);
  CHECK(adam.epochs.front().train_loss == Approx(report.first_value).epsilon(1e-9));
  CHECK(report.value < 1e-3 * adam.best_criterion);
}

TEST_CASE("fit_full_batch minimises the weighted mean of all rows", "[train][full_batch]") {
  const Batch<double> X{{0, 1, 8}, {2, 4, 8}};
  const Vector<double> weights{{1, 3, 0}};
  Rng rng(5), same(5);
  Mean model;
  CHECK(fit_full_batch(model, with_weights(X, weights), LBfgs{}, rng).value == Approx(0.1875 + 0.75));
  CHECK(model.theta(0) == Approx(0.75));
  CHECK(model.theta(1) == Approx(3.5));
  CHECK(rng != same);  // a draw has been taken

  // Without weights, and with steps that fail.
  Mean bounded{.theta = Vector<double>{{2.5, 4.6}}, .bound = 3.05};  // the first step is as long as 1
  const MinimizeReport report = fit_full_batch(bounded, X, LBfgs{}, rng);
  CHECK(report.refused > 0);
  CHECK(bounded.theta(0) == Approx(3));
  CHECK(bounded.theta(1) == Approx(14.0 / 3));
}

TEST_CASE("fit_full_batch refuses what it cannot train on, and changes nothing", "[train][full_batch][errors]") {
  Rng rng(5), same(5);
  Mean model{.theta = Vector<double>{{4, 4}}, .bound = 3.5};
  const Batch<double> X{{0, 1, 8}, {2, 4, 8}};
  CHECK_THROWS_WITH(fit_full_batch(model, Batch<double>::Zero(3, 4), LBfgs{}, rng),
                    "fit_full_batch: data has 3 rows, expected 2");
  try {
    (void)fit_full_batch(model, with_weights(X, Vector<double>{{0, 1, 1}}), LBfgs{}, rng);
    FAIL("the first solve fails");
  } catch (const SolveError& error) {
    CHECK(error.sample == 1);  // the first of those that count
  }
  CHECK_THROWS_AS(fit_full_batch(model, X, LBfgs{.memory = 0}, rng), ArgumentError);
  CHECK(model.theta == Vector<double>{{4, 4}});
  CHECK(rng == same);

  model.bound = 9;
  struct Interrupted {};
  double least = std::numeric_limits<double>::infinity();
  const auto stop = [&](const MinimizeIteration<double>& iteration) {
    least = iteration.value;
    throw Interrupted{};
  };
  CHECK_THROWS_AS(fit_full_batch(model, X, LBfgs{.curvature = 0.99}, rng, stop), Interrupted);
  CHECK(model.losses(X).mean() == Approx(least));

  auto ode = linear_ode();
  const Vector<double> before = ode.parameters();
  std::vector<Sequence<double>> paths = spirals();
  paths[1].times[1] = -1;
  CHECK_THROWS_WITH(fit_full_batch(ode, paths),
                    "fit_full_batch: sequence 1: times[1] is -1, expected a finite number above times[0], which is 0");
  CHECK(ode.parameters() == before);
}
