// expect: Eigen::Map<const Eigen::VectorXd>(v.data(), v.size())
#include <pathline/ode.hpp>

#include <vector>

std::vector<double> start;
const auto decay = [](double, const auto& y, auto& dy) { dy = -y; };
const auto y = pathline::solve(decay, start, 0, 1);
