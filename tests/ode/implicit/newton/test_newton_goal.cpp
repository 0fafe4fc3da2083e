#include <pathline/ode/implicit/newton/newton_goal.hpp>

#include <support/catch.hpp>

namespace pathline {

TEST_CASE("A goal holds the tolerances of its control, and without one goes to rounding", "[ode][implicit]") {
  CHECK(NewtonGoal{}.rounding());
  const NewtonGoal plain = PiController{.rtol = 1e-3, .atol = 1e-5};
  CHECK_FALSE(plain.rounding());
  CHECK(plain.relative(7) == 1e-3);
  CHECK(plain.absolute(0) == 1e-5);
}

TEST_CASE("Tolerances of rows come before those of the control, which serve the rows below", "[ode][implicit]") {
  const WithTolerances control(PiController{.rtol = 1e-3, .atol = 1e-5}, Eigen::Vector2d(1e-6, 0),
                               Eigen::Vector2d(1e-7, 1e-8));
  const NewtonGoal goal = control;
  CHECK_FALSE(goal.rounding());
  CHECK(goal.relative(1) == 0);
  CHECK(goal.absolute(1) == 1e-8);
  CHECK(goal.relative(2) == 1e-3);
  CHECK(goal.absolute(2) == 1e-5);
}

}  // namespace pathline
