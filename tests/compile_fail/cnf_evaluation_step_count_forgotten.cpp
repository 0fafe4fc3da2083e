// expect: Cnf: the solver of the EvaluationSolver (Rk4, ImplicitEuler, ...) has no error estimate: give it FixedSteps(n)
#include <pathline/flow.hpp>
#include <pathline/nn.hpp>

auto likelihood(const pathline::Mlp<float, pathline::Tanh>& field, const Eigen::MatrixXf& X) {
  pathline::Cnf flow(field, pathline::EvaluationSolver{pathline::Rk4{}, pathline::PiController{}});
  return flow.log_prob(X);
}
