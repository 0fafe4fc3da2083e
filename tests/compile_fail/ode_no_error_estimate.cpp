// expect: has no error estimate: use FixedSteps(n)
#include <pathline/ode.hpp>

const auto decay = [](double, const auto& y, auto& dy) { dy = -y; };
const Eigen::Vector2d y =
    pathline::solve(decay, Eigen::Vector2d(1, 2), 0, 1, pathline::Rk4{}, pathline::PiController{});
