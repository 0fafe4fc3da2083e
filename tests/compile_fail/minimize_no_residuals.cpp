// expect: minimize: LevenbergMarquardt needs residuals(theta, r) and residuals_and_jacobian(theta, r, J)
#include <pathline/train/least_squares/minimize_squares.hpp>

void run(Eigen::VectorXd& theta) {
  (void)pathline::minimize([](const Eigen::VectorXd& at) { return at.sum(); }, theta, pathline::LevenbergMarquardt{});
}
