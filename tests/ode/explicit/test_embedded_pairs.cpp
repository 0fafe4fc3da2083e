// Every pair here has the orders that it claims: on paper (static_asserts in the header) and in use.
#include <pathline/ode/explicit/embedded_pairs.hpp>

#include <support/catch.hpp>
#include <support/orders.hpp>

#include <cmath>
#include <utility>

namespace pathline {

// A stepper checks its method where it is used; here all are checked.
static_assert(tableau_defect(HeunEuler::tableau) == TableauDefect::none, "HeunEuler: see TableauDefect");
static_assert(tableau_defect(Fehlberg::tableau) == TableauDefect::none, "Fehlberg: see TableauDefect");
static_assert(tableau_defect(CashKarp::tableau) == TableauDefect::none, "CashKarp: see TableauDefect");
static_assert(tableau_defect(Verner65::tableau) == TableauDefect::none, "Verner65: see TableauDefect");

namespace {

static_assert(EmbeddedMethod<HeunEuler> && EmbeddedMethod<Fehlberg> && EmbeddedMethod<CashKarp> &&
              EmbeddedMethod<Verner65>);
static_assert(!first_same_as_last(Fehlberg::tableau) && !first_same_as_last(Verner65::tableau));
static_assert(Stepper<Fehlberg, Eigen::Vector2d>::error_order == 5, "one above the lower of 4(5)");
static_assert(Stepper<Verner65, Eigen::Vector2d>::error_order == 6);

}  // namespace

// Errors of 4e-12 (Verner65) and more, above rounding (1e-14); slopes within 0.12 of the order there.
TEMPLATE_TEST_CASE("A pair converges with its order, forward and backward", "[ode][order]", HeunEuler, Fehlberg,
                   CashKarp, Verner65) {
  const auto [t0, t1] = GENERATE(std::pair{0.0, 3.0}, std::pair{3.0, 0.0});
  const double slope = std::log2(global_error<TestType>(16, t0, t1) / global_error<TestType>(32, t0, t1));
  CHECK(slope == Approx(TestType::tableau.order).margin(0.2));
}

// h = 0.04 and 0.02: errors of 3e-11 and more; the slopes still miss p + 1 by up to 0.12.
TEMPLATE_TEST_CASE("One step of a pair and of its partner is wrong by their orders", "[ode][order]", HeunEuler,
                   Fehlberg, CashKarp, Verner65) {
  constexpr auto T = TestType::tableau;
  CHECK(local_order<TestType>(0.02, T.b) == Approx(T.order + 1).margin(0.2));
  CHECK(local_order<TestType>(0.02, T.b_embedded) == Approx(T.embedded_order + 1).margin(0.2));
}

// Local errors below tol add up over the interval with a factor that the problem fixes: about 30 for the pairs of
// tableaux.hpp, up to 200 here.
TEMPLATE_TEST_CASE("The global error of a pair follows the tolerance", "[ode][integrate]", HeunEuler, Fehlberg,
                   CashKarp, Verner65) {
  for (const double tolerance : {1e-4, 1e-6}) {
    CoupledProblem rhs;
    Eigen::Vector2d y = CoupledProblem::exact(0);
    const double times[] = {0, 2};
    Stepper<TestType, Eigen::Vector2d> stepper;
    integrate(TestType{}, PiController{.rtol = tolerance, .atol = tolerance}, rhs, y, times, stepper);
    INFO("tolerance " << tolerance);
    CHECK((y - CoupledProblem::exact(2)).norm() < 1000 * tolerance);
  }
}

}  // namespace pathline
