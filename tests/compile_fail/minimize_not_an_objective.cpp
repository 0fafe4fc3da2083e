// expect: minimize: the objective is called as objective(theta, gradient)
#include <pathline/train/full_batch/minimize.hpp>

void run(Eigen::VectorXf& theta) {
  (void)pathline::minimize([](const Eigen::VectorXf& at) { return double(at.sum()); }, theta);
}
