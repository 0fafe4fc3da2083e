// expect: y0.cast<double>() for other numbers
#include <pathline/ode.hpp>

const Eigen::Vector2i start(1, 2);
const auto decay = [](double, const auto& y, auto& dy) { dy = -y; };
const auto y = pathline::solve_trajectory(decay, start, 0, 1);
