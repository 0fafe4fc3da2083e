// Step control: the factors follow docs/maths.md, (4.2) and (4.3), also where the numbers are not finite.
#include <pathline/ode/control/step_control.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <limits>
#include <type_traits>

namespace pathline {
namespace {

// Forgetting the number of steps must not compile.
static_assert(!std::is_convertible_v<int, FixedSteps>);

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// E_{n-2}, where it is read, is E_{n-1}.
template <class Control>
double factor_of(const Control& control, double error, double previous, int q) {
  return detail::next_factor(control, error, {previous, previous}, q);
}

}  // namespace

TEMPLATE_TEST_CASE("Without options a step grows to ten times and shrinks to a fifth of its length at most",
                   "[ode][control]", IController, PiController, PidController) {
  CHECK(factor_of(TestType{}, 1e-30, 1e-30, 5) == 10);
  CHECK(factor_of(TestType{}, 1e30, 1, 5) == 0.2);
  CHECK(TestType{}.min_step == 0);
  CHECK(TestType{}.initial_step == 0);
}

TEST_CASE("A control of the program's own reads the last accepted step's error", "[ode][control]") {
  struct : IController {
    [[nodiscard]] double factor(double error, double previous_error, int q) const {
      return error + 10 * previous_error + 100 * q;
    }
  } control;
  CHECK(detail::next_factor(control, 0.5, {0.25, 0.125}, 3) == 0.5 + 2.5 + 300);
}

TEST_CASE("FixedSteps refuses less than one step and says so", "[ode][control]") {
  CHECK(FixedSteps(3).steps_per_interval == 3);
  CHECK_THROWS_WITH(FixedSteps(0), "FixedSteps: number of steps is 0, expected at least 1");
  CHECK_THROWS_AS(FixedSteps(-1), ArgumentError);
}

TEMPLATE_TEST_CASE("A controller shrinks, keeps and grows within its limits", "[ode][control]", IController,
                   PiController, PidController) {
  const TestType control{.min_factor = 0.3, .max_factor = 4};
  CHECK(factor_of(control, 1, 1, 5) == Approx(0.9));
  CHECK(factor_of(control, 1e9, 1, 5) == 0.3);
  CHECK(factor_of(control, 1e-30, 1, 5) == 4);
  CHECK(factor_of(control, 0, 1, 5) == 4);
  CHECK(factor_of(control, 0, 0, 5) == 4);
  CHECK(factor_of(control, 2, 1, 5) < 0.9);
  CHECK(factor_of(control, 0.5, 1, 5) > 0.9);
}

TEST_CASE("The factors are those of the formulas", "[ode][control]") {
  CHECK(IController{}.factor(0.1, 0.7, 5) == Approx(0.9 * std::pow(10, 0.2)).epsilon(1e-14));
  CHECK(PiController{}.factor(0.1, 0.7, 5) ==
        Approx(0.9 * std::pow(10, 0.85 / 5) * std::pow(0.7, 0.2 / 5)).epsilon(1e-14));
  const PiController integral_only{.k_I = 1, .k_P = 0};
  CHECK(integral_only.factor(0.1, 0.7, 3) == Approx(IController{}.factor(0.1, 0.7, 3)).epsilon(1e-14));
  // Söderlind's form, with ε = 1/E: ε_n^(0.58/q) ε_{n-1}^(-0.21/q) ε_{n-2}^(0.1/q).
  CHECK(PidController{}.factor(0.1, {0.7, 0.3}, 5) ==
        Approx(0.9 * std::pow(1 / 0.1, 0.58 / 5) * std::pow(1 / 0.7, -0.21 / 5) * std::pow(1 / 0.3, 0.1 / 5))
            .epsilon(1e-14));
  const PidController no_derivative{.k_I = 0.65, .k_P = 0.2, .k_D = 0};
  CHECK(no_derivative.factor(0.1, {0.7, 0.3}, 5) == Approx(PiController{}.factor(0.1, 0.7, 5)).epsilon(1e-14));
}

TEST_CASE("Options that no solve can follow are refused by name", "[ode][control]") {
  CHECK_NOTHROW(detail::require_valid(PiController{}));
  CHECK_NOTHROW(detail::require_valid(IController{.atol = 0}));
  CHECK_THROWS_WITH(detail::require_valid(IController{.rtol = -1}),
                    "solve: rtol is -1, expected 0 or a positive number");
  CHECK_THROWS_AS(detail::require_valid(IController{.rtol = nan}), ArgumentError);
  CHECK_THROWS_AS(detail::require_valid(IController{.atol = -1}), ArgumentError);
  CHECK_THROWS_AS(detail::require_valid(IController{.rtol = infinity}), ArgumentError);
  CHECK_THROWS_AS(detail::require_valid(IController{.atol = infinity}), ArgumentError);
  CHECK_THROWS_AS(detail::require_valid(IController{.rtol = 0, .atol = 0}), ArgumentError);
  CHECK_NOTHROW(detail::require_valid(PiController{.max_factor = 1}));
  for (const double safety : {0., 1., 1.5})
    CHECK_THROWS_AS(detail::require_valid(PiController{.safety = safety}), ArgumentError);
  CHECK_THROWS_AS(detail::require_valid(PiController{.min_factor = 0}), ArgumentError);
  CHECK_THROWS_AS(detail::require_valid(PiController{.min_factor = 1}), ArgumentError);
  CHECK_THROWS_AS(detail::require_valid(PiController{.max_factor = 0.5}), ArgumentError);
  CHECK_THROWS_WITH(detail::require_valid(IController{.max_factor = 1.2, .dead_zone = 1.5}),
                    "solve: dead_zone is 1.5, expected at most max_factor");
  CHECK_THROWS_AS(detail::require_valid(PidController{.dead_zone = infinity}), ArgumentError);
  CHECK_THROWS_AS(detail::require_valid(PiController{.initial_step = infinity}), ArgumentError);
  CHECK_THROWS_AS(detail::require_valid(PiController{.max_steps = 0}), ArgumentError);
  CHECK_THROWS_WITH(detail::require_valid(PidController{.min_step = 2, .max_step = 1}),
                    "solve: max_step is 1, expected a positive number, at least min_step");
  CHECK_THROWS_AS(detail::require_valid(PiController{.min_step = infinity}), ArgumentError);
  CHECK_THROWS_AS(detail::require_valid(PiController{.max_step = nan}), ArgumentError);
  CHECK_NOTHROW(detail::require_valid(PiController{.min_step = 1, .max_step = 1}));
}

}  // namespace pathline
