// expect: the field must be a TaylorField
#include <pathline/flow.hpp>
#include <pathline/nn.hpp>

auto likelihood(const pathline::Network<pathline::Potential<float>>& field, const Eigen::MatrixXf& X) {
  pathline::Cnf flow(field, pathline::Jerk{});
  return flow.log_prob(X);
}
