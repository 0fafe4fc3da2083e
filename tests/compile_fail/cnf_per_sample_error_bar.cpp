// expect: Cnf::log_prob_with_error: with PerSample no error estimates are summed
#include <pathline/flow.hpp>
#include <pathline/nn.hpp>
#include <pathline/ode.hpp>

void ask(const pathline::Mlp<float, pathline::Tanh>& field, const Eigen::MatrixXf& X) {
  const pathline::Cnf flow(field, pathline::PerSample(pathline::PiController{}));
  (void)flow.log_prob_with_error(X, pathline::ExactTrace{}, 1, 1);
}
