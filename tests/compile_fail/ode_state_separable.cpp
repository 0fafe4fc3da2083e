// expect: Eigen::Map<const Eigen::VectorXd>(y0, n) for a C array
#include <pathline/ode.hpp>

#include <vector>

const double q[2] = {1, 0}, v[2] = {0, 1};
const std::vector<double> times{0, 1};
const auto pull = [](double, const auto& x, auto& a) { a = -x; };
const auto path = pathline::solve_second_order(pull, q, v, times, pathline::FixedSteps(10));
