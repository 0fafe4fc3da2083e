#include <pathline/train/least_squares/fit_least_squares.hpp>

#include <pathline/core/chunk_settings.hpp>
#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/gradient/backpropagation.hpp>
#include <pathline/gradient/implicit_step_pullback.hpp>
#include <pathline/gradient/neural_ode.hpp>
#include <pathline/gradient/sequence.hpp>
#include <pathline/nn/differentiable.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/ode/batch/per_sample.hpp>
#include <pathline/ode/control/step_control.hpp>
#include <pathline/ode/errors.hpp>
#include <pathline/ode/explicit/tableaux.hpp>
#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_methods.hpp>
#include <pathline/train/full_batch/fit_full_batch.hpp>
#include <pathline/train/full_batch/lbfgs.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace pathline;

namespace {

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

/// y' = -p0 y + p1.
const auto decay_formula = [](const auto& /*t*/, const auto& y, const auto& p, auto& dy) {
  dy[0] = -p[0] * y[0] + p[1];
};
using Decay = decltype(differentiable(decay_formula, 1, Vector<double>()));

Decay decay(double rate, double gain) { return differentiable(decay_formula, 1, Vector<double>{{rate, gain}}); }

/// y(t) = (1 - g) e^(-kt) + g with k = 0.8, g = 0.25 and noise, from y(0) = 1.
std::vector<Sequence<double>> decaying(Index times, double noise) {
  Sequence<double> path{.times = {}, .states = Batch<double>(1, times), .initial = Vector<double>::Ones(1)};
  Batch<double> gaussian(1, times);
  fill<Gaussian>(Draw{3, 1}, 0, gaussian);
  for (Index k = 0; k < times; ++k) {
    const double t = 0.1 * double(k);
    path.times.push_back(t);
    path.states(0, k) = 0.75 * std::exp(-0.8 * t) + 0.25 + noise * gaussian(0, k);
  }
  return {path};
}

/// Spirals with a nonlinear rate, r' = r - r³, angle' = 2, at eight times; a tenth of the entries is missing.
std::vector<Sequence<double>> cycles(Index count) {
  std::vector<Sequence<double>> paths;
  for (Index j = 0; j < count; ++j) {
    const double angle = 2.4 * double(j), radius = 0.3 + 0.25 * double(j % 7);
    Sequence<double> path{.times = {}, .states = Batch<double>(2, 9)};
    for (Index k = 0; k < 9; ++k) {
      const double t = (0.2 + 0.01 * double(j % 3)) * double(k), growth = std::exp(2 * t);
      const double r = radius * std::sqrt(growth / (1 + radius * radius * (growth - 1)));
      path.times.push_back(t);
      path.states.col(k) << r * std::cos(angle + 2 * t), r * std::sin(angle + 2 * t);
      if (k > 0 && (j + k) % 5 == 0) path.states(k % 2, k) = nan_value;
    }
    paths.push_back(path);
  }
  return paths;
}

using SmallNetwork = NeuralOde<Mlp<double, Tanh>, Dopri5, PiController, Backpropagation<>, ChunkWidth, Threads>;

SmallNetwork network(double tolerance, OutputTimes outputs = OutputTimes::step_to, Index width = 0) {
  Rng rng(4);
  return SmallNetwork(Mlp<double, Tanh>(2, {6}, rng), Dopri5{}, PiController{.rtol = tolerance, .atol = tolerance},
                      Backpropagation<>{.outputs = outputs}, ChunkWidth{width}, Threads{width > 0 ? 2 : 1});
}

/// The largest difference of the Jacobian from central differences of the residuals, which both functions write alike.
template <class Ode>
double jacobian_error(Ode ode, const std::vector<Sequence<double>>& paths, double h = 1e-5) {
  detail::OdeResiduals<Ode> residuals(ode, paths);
  const Vector<double> theta = std::as_const(ode).parameters();
  Vector<double> r, plain, up, down;
  Batch<double> J;
  residuals.residuals_and_jacobian(theta, r, J);
  residuals.residuals(theta, plain);
  CHECK((r - plain).cwiseAbs().maxCoeff() < 1e-13);
  double error = 0;
  for (Index q = 0; q < theta.size(); ++q) {
    const Vector<double> step = h * Vector<double>::Unit(theta.size(), q);
    residuals.residuals(theta + step, up);
    residuals.residuals(theta - step, down);
    error = std::max(error, (J.col(q) - (up - down) / (2 * h)).cwiseAbs().maxCoeff());
  }
  return error;
}

}  // namespace

TEST_CASE("The Jacobian of a neural ODE's residuals agrees with central differences", "[train][least_squares]") {
  const std::vector<Sequence<double>> paths = cycles(3);
  // Steps move with θ under step control, by less than the tolerance; h² and ε/h stay below 1e-9.
  CHECK(jacobian_error(network(1e-9), paths) < 1e-7);
  CHECK(jacobian_error(network(1e-9, OutputTimes::interpolate), paths) < 1e-6);
  CHECK(jacobian_error(network(1e-9, OutputTimes::step_to, 2), paths) < 1e-7);
  Rng rng(4);
  const PerSample each(PiController{.rtol = 1e-9, .atol = 1e-9});
  CHECK(jacobian_error(NeuralOde(Mlp<double, Tanh>(2, {6}, rng), Dopri5{}, each), paths) < 1e-7);
}

TEST_CASE("fit_full_batch by Levenberg-Marquardt finds the constants of a decay and their standard errors",
          "[train][least_squares]") {
  constexpr double noise = 0.02;
  const std::vector<Sequence<double>> paths = decaying(21, noise);
  NeuralOde ode(decay(0.2, 0), Dopri5{}, PiController{.rtol = 1e-9, .atol = 1e-9});
  const LeastSquaresReport report = fit_full_batch(ode, paths, LevenbergMarquardt{});
  CHECK(report.converged());
  CHECK(report.warnings.empty());
  CHECK(report.residuals == 21);
  CHECK(report.errors.residual_deviation == Approx(noise).epsilon(0.3));
  const Vector<double> theta = std::as_const(ode).parameters();
  // The same by the closed form y = (1 - p1/p0) e^(-p0 t) + p1/p0.
  const auto closed = differentiable_residuals(21, [&](const auto& p, auto& r) {
    using std::exp;
    const auto level = p[1] / p[0];
    for (Index k = 0; k < 21; ++k)
      r[k] = (1 - level) * exp(-p[0] * paths[0].times[std::size_t(k)]) + level - paths[0].states(0, k);
  });
  Vector<double> other{{0.2, 0.01}};
  const LeastSquaresReport by_formula = minimize(closed, other, LevenbergMarquardt{});
  REQUIRE(by_formula.converged());
  for (Index i = 0; i < 2; ++i) {
    CHECK(theta(i) == Approx(other(i)).epsilon(1e-7));
    CHECK(report.errors.standard_errors(i) == Approx(by_formula.errors.standard_errors(i)).epsilon(1e-6));
  }
  // The truth lies within three standard errors.
  CHECK(std::abs(theta(0) - 0.8) < 3 * report.errors.standard_errors(0));
  CHECK(std::abs(theta(1) - 0.2) < 3 * report.errors.standard_errors(1));

  SECTION("as an implicit method does, by gradients, and L-BFGS on the same loss") {
    NeuralOde stiff(decay(0.2, 0), Kvaerno5{}, PiController{.rtol = 1e-7, .atol = 1e-7});
    // Together, the second sequence would be solved to the times of the first.
    std::vector<Sequence<double>> two = decaying(6, 0);
    two.push_back({.times = {0, 0.33}, .states = Batch<double>::Zero(1, 2), .initial = Vector<double>::Ones(1)});
    CHECK(jacobian_error(stiff, two, 1e-4) < 1e-5);
    CHECK(jacobian_error(NeuralOde(decay(0.2, 0), Kvaerno5{}, FixedSteps(2)), two, 1e-4) < 1e-7);
    NeuralOde by_lbfgs(decay(0.2, 0), Dopri5{}, PiController{.rtol = 1e-9, .atol = 1e-9});
    const LeastSquaresReport implicit = fit_full_batch(stiff, paths, LevenbergMarquardt{.offset_tolerance = 1e-5});
    CHECK(implicit.converged());
    const MinimizeReport same = fit_full_batch(by_lbfgs, paths, LBfgs{});
    CHECK(same.value == Approx(report.mean_square()).epsilon(1e-7));
    for (Index i = 0; i < 2; ++i) {
      CHECK(std::as_const(stiff).parameters()(i) == Approx(theta(i)).epsilon(1e-5));
      CHECK(std::as_const(by_lbfgs).parameters()(i) == Approx(theta(i)).epsilon(1e-3));
    }
    CHECK(report.evaluations < same.evaluations);
  }
  SECTION("and in float, as far as its digits go") {
    std::vector<Sequence<float>> rounded(1);
    rounded[0] = {paths[0].times, paths[0].states.cast<float>(), Vector<float>::Ones(1)};
    NeuralOde narrow(differentiable(decay_formula, 1, Vector<float>{{0.2F, 0}}), Dopri5{},
                     PiController{.rtol = 1e-5, .atol = 1e-6});
    const LeastSquaresReport in_float = fit_full_batch(narrow, rounded, LevenbergMarquardt{.offset_tolerance = 1e-3});
    CHECK(in_float.converged());
    CHECK(std::as_const(narrow).parameters()(0) == Approx(theta(0)).epsilon(2e-3));
  }
}

TEST_CASE("fit_full_batch by Levenberg-Marquardt fits a network below the loss that L-BFGS comes to",
          "[train][least_squares]") {
  const std::vector<Sequence<double>> paths = cycles(6);
  auto by_marquardt = network(1e-6);
  auto by_lbfgs = by_marquardt;
  const LeastSquaresReport report = fit_full_batch(by_marquardt, paths, LevenbergMarquardt{.max_iterations = 15});
  const MinimizeReport other =
      fit_full_batch(by_lbfgs, paths, LBfgs{.max_evaluations = 3 * report.evaluations, .gradient_tolerance = 0});
  CAPTURE(report.evaluations, report.jacobians, report.offset, explain(report.stop), other.evaluations,
          explain(other.stop), other.value, report.mean_square());
  CHECK(report.first_sum / double(report.residuals) == Approx(other.first_value).epsilon(1e-9));  // the same loss
  CHECK(report.mean_square() < 0.5 * other.value);
  Vector<double> r;
  detail::OdeResiduals<decltype(by_marquardt)> residuals(by_marquardt, paths);
  residuals.residuals(std::as_const(by_marquardt).parameters(), r);
  CHECK(r.squaredNorm() == Approx(report.sum));  // the model has the parameters of the report
}

TEST_CASE("fit_full_batch by Levenberg-Marquardt refuses data and leaves the model as it was",
          "[train][least_squares][errors]") {
  NeuralOde ode(decay(0.2, 0.1), Dopri5{}, PiController{});
  std::vector<Sequence<double>> paths = decaying(5, 0);
  // Braces mean L-BFGS.
  static_assert(std::is_same_v<decltype(fit_full_batch(ode, paths, {})), MinimizeReport>);
  static_assert(std::is_same_v<decltype(fit_full_batch(ode, paths, {.max_iterations = 5})), MinimizeReport>);
  const Vector<double> before = std::as_const(ode).parameters();
  SECTION("no observation") {
    paths[0].states.setConstant(nan_value);
    CHECK_THROWS_AS(fit_full_batch(ode, paths, LevenbergMarquardt{}), DataError);
  }
  SECTION("a state of another size") {
    paths[0].states = Batch<double>::Zero(2, 5);
    CHECK_THROWS_AS(fit_full_batch(ode, paths, LevenbergMarquardt{}), ShapeError);
  }
  SECTION("a wrong setting") {
    CHECK_THROWS_WITH(fit_full_batch(ode, paths, LevenbergMarquardt{.max_evaluations = 0}),
                      "LevenbergMarquardt: max_evaluations is 0, expected at least 1");
  }
  SECTION("a first solve that fails") {
    NeuralOde few(decay(0.2, 0.1), Dopri5{}, PiController{.rtol = 1e-12, .atol = 1e-12, .max_steps = 2});
    CHECK_THROWS_AS(fit_full_batch(few, paths, LevenbergMarquardt{}), SolveError);
    CHECK(std::as_const(few).parameters() == before);
  }
  CHECK(std::as_const(ode).parameters() == before);
}
