#include <pathline/flow/real_time/step_calibration.hpp>

#include <pathline/flow/cnf.hpp>
#include <pathline/flow/real_time/real_time_flow.hpp>
#include <pathline/nn/mlp.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <limits>

using namespace pathline;

namespace {

/// A flow that bends its paths, by a method of its own, and data for it.
struct Problem {
  Batch<double> X = Batch<double>(2, 70);  // more than one chunk
  Cnf<Mlp<double, Tanh>, Standardize<double>> flow = made();

  Cnf<Mlp<double, Tanh>, Standardize<double>> made() {
    fill<Gaussian>(Draw{1, 0}, 0, X);
    X.row(1) = 100 + (5 * X.row(1) + X.row(0)).array();
    Rng rng(2);
    Cnf result(Mlp<double, Tanh>(2, {8, 8}, rng), Standardize(X));
    result.parameters() *= 1.8;
    return result;
  }
  [[nodiscard]] Batch<double> log_p(const ChosenMethod& method, Index steps) const {
    RealTimeFlow stepped(flow, method, steps);
    Batch<double> result(1, X.cols());
    for (Index j = 0; j < X.cols(); ++j)
      if (!stepped.log_prob(X.col(j), result(0, j))) result(0, j) = std::numeric_limits<double>::quiet_NaN();
    return result;
  }
};

}  // namespace

TEST_CASE("A calibration finds the least evaluations that meet the tolerance, and measures the error",
          "[flow][real-time]") {
  const Problem problem;
  const StepCalibration found = calibrate_steps(problem.flow, problem.X, {.tolerance = 3e-5});
  CHECK(found.samples == 70);
  CHECK(found.tolerance == 3e-5);
  CHECK(found.reference <= 3e-5 / 16);
  INFO(found.method.name << ", " << found.steps << " steps");
  for (const MeasuredError& error : {found.log_prob, found.transform, found.sample}) {
    CHECK(error.max <= 3e-5);
    CHECK(error.rms > 0);
    CHECK(error.rms < error.max);
  }
  // The truth by another solver, with step control: the written error is that of the steps, to the reference's.
  const Row<double> truth =
      Cnf(problem.flow.field(), problem.flow.data_transform(), Dopri5{}, PiController{.rtol = 1e-10, .atol = 1e-10})
          .log_prob(problem.X);
  const auto error_of = [&](Index steps) { return (problem.log_p(found.method, steps) - truth).cwiseAbs().maxCoeff(); };
  CHECK(std::abs(error_of(found.steps) - found.log_prob.max) <= found.reference);
  // No method does with less.
  CHECK_THROWS_AS(
      calibrate_steps(problem.flow, problem.X, {.tolerance = 3e-5, .max_evaluations = found.evaluations() - 1}),
      CalibrationError);
  CHECK(calibrate_steps(problem.flow, problem.X, {.tolerance = 1e-2}).evaluations() < found.evaluations());
}

TEST_CASE("A calibration says what it cannot do", "[flow][real-time][errors]") {
  const Problem problem;
  const Batch<double> few = problem.X.leftCols(2);
  CHECK_THROWS_WITH(
      calibrate_steps(problem.flow, few, {.tolerance = 1e-6, .max_evaluations = 6}),
      ContainsSubstring("calibrate_steps: tolerance is 1e-06, but the least error within 6 evaluations is") &&
          ContainsSubstring("raise tolerance or max_evaluations"));
  CHECK_THROWS_AS(calibrate_steps(problem.flow, few, {.tolerance = 1e-6, .max_evaluations = 6}), CalibrationError);
  CHECK_THROWS_WITH(calibrate_steps(problem.flow, few, {.tolerance = 1e-18}),
                    ContainsSubstring("which may be below what double resolves"));
  CHECK_THROWS_WITH(calibrate_steps(problem.flow, problem.X, {.tolerance = 0}),
                    "calibrate_steps: tolerance is 0, expected a positive number");
  CHECK_THROWS_AS(calibrate_steps(problem.flow, problem.X, {.tolerance = std::nan("")}), ArgumentError);
  CHECK_THROWS_WITH(calibrate_steps(problem.flow, problem.X, {.max_evaluations = 0}),
                    "calibrate_steps: max_evaluations is 0, expected at least 1");
  CHECK_THROWS_AS(calibrate_steps(problem.flow, problem.X.transpose(), {}), ShapeError);
  CHECK_THROWS_AS(calibrate_steps(problem.flow, problem.X.leftCols(0), {}), DataError);
  Batch<double> bad = problem.X;
  bad(1, 7) = std::nan("");
  CHECK_THROWS_WITH(calibrate_steps(problem.flow, bad, {}), ContainsSubstring("component 1 of sample 7"));
}
