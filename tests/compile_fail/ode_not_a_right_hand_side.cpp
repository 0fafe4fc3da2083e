// expect: the right-hand side must be callable as rhs(double t, const State& y, State& dy)
#include <pathline/ode.hpp>

const auto no_time = [](const Eigen::Vector2d& y) { return y; };
const Eigen::Vector2d y = pathline::solve(no_time, Eigen::Vector2d(1, 2), 0, 1);
