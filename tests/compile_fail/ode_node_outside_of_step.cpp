// expect: the method has a node below 0 or above 1, and would ask the right-hand side before t0 or beyond t1
#include <pathline/ode.hpp>

struct Forward {
  static constexpr pathline::ExplicitTableau<2> tableau{
      .a = {3. / 2}, .b = {2. / 3, 1. / 3}, .c = {0, 3. / 2}, .order = 2};
};
const auto decay = [](double, const auto& y, auto& dy) { dy = -y; };
const Eigen::Vector2d y = pathline::solve(decay, Eigen::Vector2d(1, 2), 0, 1, Forward{}, pathline::FixedSteps(10));
