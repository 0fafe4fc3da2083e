// expect: has no error estimate: use FixedSteps(n)
#include <pathline/ode.hpp>

const auto decay = [](double, const auto& y, auto& dy) { dy = -y; };
const auto path = pathline::solve(decay, Eigen::Vector2d(1, 2), {0, 1}, pathline::AdamsBashforth<4>{});
