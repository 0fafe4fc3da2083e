#include <pathline/gradient/multistep/multistep_pullback.hpp>

#include <pathline/gradient/backpropagation.hpp>
#include <pathline/ode/multistep/adams_methods.hpp>

#include <support/catch.hpp>
#include <support/gradient_problem.hpp>

using namespace pathline;
using namespace pathline::test;

// The problem's times are 0, 0.3, 0.3 and 1: the history starts anew at 0.3, where the steps become longer.
TEMPLATE_TEST_CASE("Backpropagation through multistep methods agrees with differences of the solve",
                   "[gradient][backpropagation]", AdamsBashforth<1>, AdamsBashforth<2>, AdamsBashforth<4>,
                   AdamsBashforthMoulton<2>, AdamsBashforthMoulton<4>) {
  const GradientProblem problem;
  const FixedSteps control(7);
  Backpropagation<>::Memory<GradientProblem::G, TestType> memory;
  const auto result = problem.run(Backpropagation<>{}, TestType{}, control, memory);
  const auto loss = [&](const Vector<double>& theta, const Batch<double>& start) {
    GradientProblem moved = problem;
    moved.field.parameters() = theta;
    moved.y0 = start;
    return moved.run(Backpropagation<>{}, TestType{}, control, memory).loss;
  };
  const Vector<double> theta_bar = central_differences(
      [&](const Vector<double>& theta) { return loss(theta, problem.y0); }, problem.field.parameters());
  const Vector<double> y0_bar =
      central_differences([&](const Vector<double>& y) { return loss(problem.field.parameters(), y.reshaped(2, 3)); },
                          problem.y0.reshaped());
  CHECK(max_difference(result.theta_bar, theta_bar) < 1e-8);
  CHECK(max_difference(result.y0_bar.reshaped(), y0_bar) < 1e-8);
  Backpropagation<RecomputeStages>::Memory<GradientProblem::G, TestType> recompute;
  const auto again = problem.run(Backpropagation<RecomputeStages>{}, TestType{}, control, recompute);
  CHECK(again.theta_bar == result.theta_bar);
}

TEST_CASE("Backpropagation pulls each slope of a multistep method back once", "[gradient][backpropagation]") {
  const GradientProblem problem;
  Backpropagation<>::Memory<GradientProblem::G, AdamsBashforth<4>> memory;
  const auto result = problem.run(Backpropagation<>{}, AdamsBashforth<4>{}, FixedSteps(50), memory);
  CHECK(result.backward.evaluations == result.forward.evaluations);
}
