// nothing is included before
// expect: there is no Stepper for this method: include the header that brings it
#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_tableau.hpp>
#include <pathline/ode/solve.hpp>

struct MyEuler {
  static constexpr pathline::DiagonallyImplicitTableau<1> tableau{.a = {1}, .b = {1}, .c = {1}, .order = 1};
};
const auto decay = [](double, const auto& y, auto& dy) { dy = -y; };
const Eigen::Vector2d y = pathline::solve(decay, Eigen::Vector2d(1, 2), 0, 1, MyEuler{}, pathline::FixedSteps(3));
