// expect: a trace in closed form leaves none: name ExactTrace or Hutchinson
#include <pathline/flow.hpp>
#include <pathline/nn.hpp>

auto likelihood(const pathline::Network<pathline::Potential<float>>& field, const Eigen::MatrixXf& X) {
  pathline::Cnf flow(field, pathline::JacobianNorm{});
  return flow.log_prob(X);
}
