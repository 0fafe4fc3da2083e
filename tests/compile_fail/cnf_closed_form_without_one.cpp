// expect: ClosedFormTrace needs a TracedField
#include <pathline/flow.hpp>
#include <pathline/nn.hpp>

auto likelihood(const pathline::Mlp<float, pathline::Tanh>& field, const Eigen::MatrixXf& X) {
  pathline::Cnf flow(field, pathline::ClosedFormTrace{});
  return flow.log_prob(X);
}
