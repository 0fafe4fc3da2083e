// expect: FixedSteps: the number of steps is missing, and has no default: FixedSteps(n)
#include <pathline/ode.hpp>

const auto decay = [](double, const auto& y, auto& dy) { dy = -y; };
const auto y = pathline::solve(decay, Eigen::Vector2d(1, 2), 0, 1, pathline::Rk4{}, pathline::FixedSteps{});
