// expect: the field must be a PotentialField (nn/potential/potential.hpp) with ClosedFormTrace
#include <pathline/flow.hpp>
#include <pathline/nn.hpp>

auto likelihood(const pathline::Mlp<float, pathline::Tanh>& field, const Eigen::MatrixXf& X) {
  pathline::Cnf flow(field, pathline::HamiltonJacobiBellman{});
  return flow.log_prob(X);
}
