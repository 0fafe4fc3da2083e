// expect: this method's tableau is inconsistent
#include <pathline/ode.hpp>

struct RowSumsAreNotNodes {
  static constexpr pathline::FullyImplicitTableau<2> tableau{
      .a = {5. / 12, -1. / 12, 3. / 4, 1. / 4}, .b = {3. / 4, 1. / 4}, .c = {1. / 4, 1}, .order = 3};
};
const auto decay = [](double, const auto& y, auto& dy) { dy = -y; };
const Eigen::Vector2d y =
    pathline::solve(decay, Eigen::Vector2d(1, 2), 0, 1, RowSumsAreNotNodes{}, pathline::FixedSteps(3));
