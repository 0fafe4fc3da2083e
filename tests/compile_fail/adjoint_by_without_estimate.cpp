// expect: AdjointBy, InterpolatedAdjoint: the solver of the way back has no error estimate: name FixedSteps(n)
#include <pathline/gradient.hpp>
#include <pathline/nn.hpp>
#include <pathline/ode.hpp>

void train(const pathline::Mlp<float, pathline::Tanh>& field, const Eigen::MatrixXf& y0,
           const std::vector<double>& times) {
  const pathline::NeuralOde ode(field, pathline::AdjointBy{pathline::Rk4{}});
  const auto loss = [](const auto&, auto&) { return 0.F; };
  (void)ode.value_and_gradient(y0, times, loss);
}
