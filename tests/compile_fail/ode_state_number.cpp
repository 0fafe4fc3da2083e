// expect: Eigen::Matrix<double, 1, 1>(y0) for a single number y0
#include <pathline/ode.hpp>

const double start = 1;
const auto decay = [](double, const auto& y, auto& dy) { dy = -y; };
const auto y = pathline::try_solve(decay, start, 0, 1, pathline::Dopri5{});
