// expect: Adjoint: WithNorm, WithTolerances and WithDomain speak of the state's rows and columns
#include <pathline/gradient.hpp>
#include <pathline/nn.hpp>
#include <pathline/ode.hpp>

void train(const pathline::Mlp<float, pathline::Tanh>& field, const Eigen::MatrixXf& y0,
           const std::vector<double>& times) {
  const pathline::WithNorm control(pathline::PiController{}, pathline::MaxSampleNorm{});
  const pathline::NeuralOde ode(field, pathline::Dopri5{}, control, pathline::Adjoint{});
  const auto loss = [](const auto&, auto&) { return 0.F; };
  (void)ode.value_and_gradient(y0, times, loss);
}
