#include <pathline/ode/solve.hpp>
#include <pathline/version.hpp>

#include <cmath>
#include <iostream>

int main() {
  const auto decay = [](double, const Eigen::Vector2d& y, Eigen::Vector2d& dy) { dy = -y; };
  const Eigen::Vector2d y = pathline::solve(decay, Eigen::Vector2d(1, 2), 0, 1);
  std::cout << "pathline " PATHLINE_VERSION_STRING " with Eigen " << (EIGEN_VERSION_AT_LEAST(5, 0, 0) ? "5" : "3.4")
            << ": y(1) = " << y.transpose() << '\n';
  return std::abs(y(0) - std::exp(-1.)) < 1e-5 ? 0 : 1;
}
