// expect: has no error estimate: give FixedSteps(n) too
#include <pathline/flow.hpp>
#include <pathline/nn.hpp>

auto likelihood(const pathline::Mlp<float, pathline::Tanh>& field, const Eigen::MatrixXf& X) {
  pathline::Cnf flow(field, pathline::Rk4{});
  return flow.log_prob(X);
}
