// expect: this method's tableau is inconsistent
#include <pathline/ode.hpp>

struct Inconsistent {
  static constexpr pathline::ExplicitTableau<2> tableau{.a = {1}, .b = {0.4, 0.5}, .c = {0, 1}, .order = 2};
};
const auto decay = [](double, const auto& y, auto& dy) { dy = -y; };
const Eigen::Vector2d y = pathline::solve(decay, Eigen::Vector2d(1, 2), 0, 1, Inconsistent{}, pathline::FixedSteps(3));
