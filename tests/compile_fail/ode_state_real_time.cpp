// expect: Eigen::Map<const Eigen::VectorXd>(v.data(), v.size())
#include <pathline/ode.hpp>

#include <vector>

const std::vector<double> start;
const pathline::RealTimeSolver<pathline::Rk4, std::vector<double>> solver(start, 3);
