// expect: a symplectic method needs a right-hand side in two parts: SeparableRightHandSide{velocity, force}
#include <pathline/ode.hpp>

const auto decay = [](double, const auto& y, auto& dy) { dy = -y; };
const Eigen::Vector2d y =
    pathline::solve(decay, Eigen::Vector2d(1, 2), 0, 1, pathline::Verlet{}, pathline::FixedSteps(3));
