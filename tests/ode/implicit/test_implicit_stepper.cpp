// What the steppers of implicit methods share, by one method of each family.
#include <pathline/ode/implicit/implicit_stepper.hpp>

#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_methods.hpp>
#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_stepper.hpp>
#include <pathline/ode/implicit/fully_implicit/fully_implicit_methods.hpp>
#include <pathline/ode/implicit/fully_implicit/fully_implicit_stepper.hpp>
#include <pathline/ode/implicit/rosenbrock/rosenbrock_methods.hpp>
#include <pathline/ode/implicit/rosenbrock/rosenbrock_stepper.hpp>

#include <support/catch.hpp>
#include <support/ode_problems.hpp>

#include <cmath>
#include <functional>
#include <limits>

namespace pathline {
namespace {

using State = Eigen::Vector2d;

}  // namespace

TEMPLATE_TEST_CASE("A step by hand starts at y, ends at t + h and counts its evaluations", "[ode][implicit]", Kvaerno3,
                   RadauIia5, Rosenbrock23) {
  const State start(1, 2);
  Counted<CoupledProblem> counted;
  AnyRhs<State> rhs(std::ref(counted));
  Stepper<TestType, State> stepper, other;
  stepper.init(rhs, 0.5, start);
  REQUIRE(stepper.step(rhs, 0.5, 0.25));
  CHECK(stepper.y() == start);
  CHECK(stepper.h() == 0.25);
  CHECK(stepper.t_next() == 0.75);
  CHECK(stepper.evaluations() == Index(counted.times.size()));

  other.init(rhs, 0.5, start);
  REQUIRE(other.step(rhs, 0.5, 0.25, 0.75, NoObserver{}));
  CHECK(other.y_next() == stepper.y_next());
  other.reset(start);
  CHECK(other.evaluations() == 0);
}

TEMPLATE_TEST_CASE("Tolerances alone measure an error as a controller of these does", "[ode][implicit]", Kvaerno3,
                   RadauIia5, Rosenbrock23) {
  AnyRhs<State> rhs = CoupledProblem{};
  Stepper<TestType, State> stepper;
  stepper.init(rhs, 0.5, State(1, 2));
  REQUIRE(stepper.step(rhs, 0.5, 0.01));
  const double error = stepper.estimate_error(rhs, 1e-3, 1e-6);
  CHECK((error > 0 && error < 1));
  CHECK(error == stepper.estimate_error(rhs, IController{.rtol = 1e-3, .atol = 1e-6}));
}

TEMPLATE_TEST_CASE("A step that fails has an infinite error where it failed", "[ode][implicit]", Kvaerno3, RadauIia5,
                   Rosenbrock23) {
  AnyRhs<State> rhs = [](double t, const State& y, State& dy) {
    dy = -y;
    if (t > 1) dy(1) = std::numeric_limits<double>::quiet_NaN();
  };
  Stepper<TestType, State> stepper;
  stepper.init(rhs, 0.75, State(1, 2));
  REQUIRE_FALSE(stepper.step(rhs, 0.75, 0.5));
  CHECK(stepper.failed_sample() == 0);
  CHECK(stepper.failed_component() == 1);
  CHECK(stepper.error() == State(0, std::numeric_limits<double>::infinity()));
  CHECK(stepper.estimate_error(rhs, 1, 1) == std::numeric_limits<double>::infinity());
  REQUIRE(stepper.step(rhs, 0.75, 0.125));
  CHECK(std::isfinite(stepper.estimate_error(rhs, 1, 1)));
}

}  // namespace pathline
