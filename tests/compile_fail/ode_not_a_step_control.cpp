// expect: the step control must be FixedSteps or meet AdaptiveControl
#include <pathline/ode.hpp>

const auto decay = [](double, const auto& y, auto& dy) { dy = -y; };
const Eigen::Vector2d y = pathline::solve(decay, Eigen::Vector2d(1, 2), 0, 1, pathline::Dopri5{}, 1e-6);
