// Reversible methods as solvers: orders, evaluations, errors under step control.
#include <pathline/ode/reversible/reversible_methods.hpp>

#include <pathline/ode/explicit/fixed_step_tableaux.hpp>
#include <pathline/ode/explicit/tableaux.hpp>
#include <pathline/ode/solve.hpp>

#include <support/catch.hpp>
#include <support/orders.hpp>

#include <cmath>
#include <ratio>
#include <type_traits>
#include <utility>
#include <vector>

namespace pathline {
namespace {

using State = Eigen::Vector2d;

static_assert(EmbeddedMethod<Reversible<Dopri5>> && !EmbeddedMethod<Reversible<Rk4>> && EmbeddedMethod<ReversibleHeun>);
static_assert(SteppingMethod<Reversible<Dopri5>> && SteppingMethod<ReversibleHeun>);
static_assert(!ExplicitMethod<Reversible<Dopri5>> && !ImplicitMethod<Reversible<Dopri5>>);

}  // namespace

TEMPLATE_TEST_CASE("A reversible method converges with its order, forward and backward", "[ode][reversible][order]",
                   (Reversible<Euler, std::ratio<1, 2>>), (Reversible<Heun, std::ratio<1>>),
                   (Reversible<BogackiShampine, std::ratio<1, 2>>), (Reversible<Rk4, std::ratio<1, 2>>),
                   (Reversible<Dopri5, std::ratio<1, 2>>), ReversibleHeun) {
  const auto [t0, t1] = GENERATE(std::pair{0.0, 2.0}, std::pair{2.0, 0.0});
  const double slope = std::log2(global_error<TestType>(10, t0, t1) / global_error<TestType>(20, t0, t1));
  CHECK(slope == Approx(TestType::order).margin(0.25));
}

// The order shows when λ^n has become small: after some hundred steps.
TEST_CASE("With weak coupling a reversible method converges with its order too", "[ode][reversible][order]") {
  const auto slope = []<class Method>(Method, Index steps) {
    return std::log2(global_error<Method>(steps, 0, 2) / global_error<Method>(2 * steps, 0, 2));
  };
  CHECK(slope(Reversible<Euler>{}, 1280) == Approx(1).margin(0.1));
  CHECK(slope(Reversible<BogackiShampine>{}, 320) == Approx(3).margin(0.2));
}

TEST_CASE("A reversible method takes two steps of its explicit one", "[ode][reversible]") {
  CoupledProblem rhs;
  State y = CoupledProblem::exact(0);
  const std::vector<double> times{0, 1};
  Stepper<Reversible<Rk4>, State> stepper;
  CHECK(integrate(Reversible<Rk4>{}, FixedSteps(10), rhs, y, times, stepper).evaluations == 80);
  Stepper<ReversibleHeun, State> heun;
  CHECK(integrate(ReversibleHeun{}, FixedSteps(10), rhs, y, times, heun).evaluations == 11);
}

// The estimate is that of one step from z. A weak coupling lets the two states drift apart, which costs a factor of 5
// to 25 here beside the explicit method, whose error is 2 to 5 tolerances.
TEMPLATE_TEST_CASE("Step control of a reversible method follows the tolerance", "[ode][reversible]", Reversible<Dopri5>,
                   (Reversible<Dopri5, std::ratio<1, 2>>), (Reversible<BogackiShampine, std::ratio<999, 1000>>),
                   ReversibleHeun) {
  const double most = std::is_same_v<TestType, Reversible<Dopri5, std::ratio<1, 2>>> ? 10 : 70;
  for (const double tolerance : {1e-4, 1e-6}) {
    const State end = solve(CoupledProblem{}, CoupledProblem::exact(0), 0, 2, TestType{},
                            PiController{.rtol = tolerance, .atol = tolerance});
    CAPTURE(tolerance);
    CHECK((end - CoupledProblem::exact(2)).norm() < most * tolerance);
  }
}

}  // namespace pathline
