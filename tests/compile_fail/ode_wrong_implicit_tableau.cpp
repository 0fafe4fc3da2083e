// expect: this method's tableau is inconsistent
#include <pathline/ode.hpp>

struct TwoDiagonals {
  static constexpr pathline::DiagonallyImplicitTableau<2> tableau{
      .a = {1. / 4, 1. / 4, 1. / 2}, .b = {1. / 3, 2. / 3}, .c = {1. / 4, 3. / 4}, .order = 1};
};
const auto decay = [](double, const auto& y, auto& dy) { dy = -y; };
const Eigen::Vector2d y = pathline::solve(decay, Eigen::Vector2d(1, 2), 0, 1, TwoDiagonals{}, pathline::FixedSteps(3));
