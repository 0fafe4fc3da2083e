// Every method here has the order that it claims: on paper (static_asserts in the header) and in use.
#include <pathline/ode/explicit/fixed_step_tableaux.hpp>

#include <support/catch.hpp>
#include <support/orders.hpp>

#include <cmath>
#include <utility>

namespace pathline {

// A stepper checks its method where it is used; here all are checked.
static_assert(tableau_defect(Heun::tableau) == TableauDefect::none, "Heun: see TableauDefect");
static_assert(tableau_defect(Ralston::tableau) == TableauDefect::none, "Ralston: see TableauDefect");
static_assert(tableau_defect(SspRk3::tableau) == TableauDefect::none, "SspRk3: see TableauDefect");
static_assert(tableau_defect(Kutta38::tableau) == TableauDefect::none, "Kutta38: see TableauDefect");

namespace {

static_assert(!EmbeddedMethod<Heun> && !EmbeddedMethod<Ralston> && !EmbeddedMethod<SspRk3> && !EmbeddedMethod<Kutta38>);
static_assert(!first_same_as_last(Heun::tableau) && !first_same_as_last(Kutta38::tableau));

}  // namespace

// Halving the step divides the error by 2^p (1 + O(h)): within 0.05 of p with these steps, whose errors (2e-9 and more)
// are far above rounding.
TEMPLATE_TEST_CASE("A fixed-step method converges with its order, forward and backward", "[ode][order]", Heun, Ralston,
                   SspRk3, Kutta38) {
  const auto [t0, t1] = GENERATE(std::pair{0.0, 3.0}, std::pair{3.0, 0.0});
  const double slope = std::log2(global_error<TestType>(32, t0, t1) / global_error<TestType>(64, t0, t1));
  CHECK(slope == Approx(TestType::tableau.order).margin(0.1));
}

TEMPLATE_TEST_CASE("One step of a fixed-step method is wrong by its order", "[ode][order]", Heun, Ralston, SspRk3,
                   Kutta38) {
  CHECK(local_order<TestType>(0.01, TestType::tableau.b) == Approx(TestType::tableau.order + 1).margin(0.1));
}

// The reason to be of SspRk3: y+ = y/3 + 2/3 E(3/4 y + 1/4 E(E(y))) with E an Euler step, no weight negative.
TEST_CASE("A step of SspRk3 is a convex combination of Euler steps", "[ode][tableau]") {
  const auto rhs = [](double, const Eigen::Vector2d& y, Eigen::Vector2d& dy) { dy << y(0) * y(1), std::sin(y(0)); };
  const double h = 0.3;
  const auto euler = [&](const Eigen::Vector2d& y) {
    Eigen::Vector2d dy;
    rhs(0, y, dy);
    return Eigen::Vector2d(y + h * dy);
  };
  const Eigen::Vector2d y(0.5, 1.5);
  const Eigen::Vector2d inner = 0.75 * y + 0.25 * euler(euler(y));
  const Eigen::Vector2d expected = y / 3 + 2 * euler(inner) / 3;
  Stepper<SspRk3, Eigen::Vector2d> stepper;
  stepper.init(rhs, 0, y);
  stepper.step(rhs, 0, h);
  CHECK((stepper.y_next() - expected).norm() < 1e-15);  // an ulp or two of numbers of size 1
}

}  // namespace pathline
