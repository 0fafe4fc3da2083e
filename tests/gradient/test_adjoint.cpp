#include <pathline/gradient/adjoint.hpp>

#include <support/catch.hpp>
#include <support/gradient_problem.hpp>

using namespace pathline;
using namespace pathline::test;

namespace {

double distance_to_backpropagation(double tolerance) {
  const GradientProblem problem;
  const PiController control{.rtol = tolerance, .atol = tolerance, .k_I = 0.3, .k_P = 0.4};  // smooth steps
  Adjoint::Memory<GradientProblem::G, Dopri5> adjoint;
  Backpropagation<>::Memory<GradientProblem::G, Dopri5> backpropagation;
  const auto continuous = problem.run(Adjoint{}, Dopri5{}, control, adjoint);
  const auto discrete = problem.run(Backpropagation<>{}, Dopri5{}, control, backpropagation);
  return std::max(max_difference(continuous.theta_bar, discrete.theta_bar),
                  max_difference(continuous.y0_bar, discrete.y0_bar));
}

}  // namespace

TEST_CASE("Adjoint converges to backpropagation as the tolerance shrinks", "[gradient][adjoint]") {
  const double loose = distance_to_backpropagation(1e-4), tight = distance_to_backpropagation(1e-8),
               tightest = distance_to_backpropagation(1e-11);
  INFO(loose << " " << tight << " " << tightest);
  // The distance is a fraction of the tolerance, 0.004 to 0.4, which depends on where the steps fall.
  CHECK(loose > 1e-7);  // else the comparison would say nothing
  CHECK(loose < 1e-4);
  CHECK(tight < 1e-8);
  CHECK(tightest < 1e-11);
}

TEST_CASE("Adjoint with fixed steps converges at the order of the method", "[gradient][adjoint]") {
  const GradientProblem problem;
  const auto distance = [&](Index steps) {
    Adjoint::Memory<GradientProblem::G, Rk4> adjoint;
    Backpropagation<>::Memory<GradientProblem::G, Rk4> exact;
    const auto a = problem.run(Adjoint{}, Rk4{}, FixedSteps(steps), adjoint);
    const auto b = problem.run(Backpropagation<>{}, Rk4{}, FixedSteps(steps), exact);
    return max_difference(a.theta_bar, b.theta_bar);
  };
  const double order = std::log2(distance(4) / distance(8));
  CHECK(order > 3.6);
  CHECK(order < 4.6);
}

TEST_CASE("Adjoint: the seminorm takes no more steps than the full norm, for the same gradient",
          "[gradient][adjoint]") {
  GradientProblem problem;
  problem.field.parameters() *= 3;
  const PiController control{.rtol = 1e-7, .atol = 1e-7};
  Adjoint::Memory<GradientProblem::G, Dopri5> memory;
  const auto semi = problem.run(Adjoint{.norm = AdjointNorm::seminorm}, Dopri5{}, control, memory);
  const auto full = problem.run(Adjoint{.norm = AdjointNorm::full}, Dopri5{}, control, memory);
  CHECK(semi.backward.accepted + semi.backward.rejected <= full.backward.accepted + full.backward.rejected);
  CHECK(semi.backward != full.backward);  // the option has an effect
  CHECK(max_difference(semi.theta_bar, full.theta_bar) < 1e-5);
}

TEST_CASE("Adjoint adds to the parameters' cotangent", "[gradient][adjoint]") {
  const GradientProblem problem;
  const GradientProblem::G dynamics(problem.field, 3);
  Adjoint::Memory<GradientProblem::G, Dopri5> memory;
  const PiController control;
  Batch<double> y = problem.y0, y_bar = Batch<double>::Ones(2, 3), again = y_bar;
  (void)Adjoint{}.forward(Dopri5{}, control, dynamics, y, problem.times, {}, memory);
  Vector<double> theta_bar = Vector<double>::Zero(problem.field.parameters().size());
  (void)Adjoint{}.backward(Dopri5{}, control, dynamics, problem.times, {}, y_bar, theta_bar, memory);
  const Vector<double> once = theta_bar;
  (void)Adjoint{}.backward(Dopri5{}, control, dynamics, problem.times, {}, again, theta_bar, memory);
  CHECK(max_difference(theta_bar, (2 * once).eval()) < 1e-15);
}

TEST_CASE("Adjoint: a step limit holds on the way back too", "[gradient][adjoint][errors]") {
  GradientProblem problem;
  const GradientProblem::G dynamics(problem.field, 3);
  Adjoint::Memory<GradientProblem::G, Dopri5> memory;
  Batch<double> y = problem.y0, y_bar = Batch<double>::Ones(2, 3);
  (void)Adjoint{}.forward(Dopri5{}, PiController{}, dynamics, y, problem.times, {}, memory);
  Vector<double> theta_bar = Vector<double>::Zero(problem.field.parameters().size());
  CHECK_THROWS_AS(
      Adjoint{}.backward(Dopri5{}, PiController{.max_steps = 1}, dynamics, problem.times, {}, y_bar, theta_bar, memory),
      StepLimitError);
  CHECK(theta_bar.isZero(0));
}
