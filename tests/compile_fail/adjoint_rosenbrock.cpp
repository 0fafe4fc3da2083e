// expect: Adjoint: this solver has no way back of its own: give one, as AdjointBy{Dopri5{}}
#include <pathline/gradient.hpp>
#include <pathline/nn.hpp>
#include <pathline/ode.hpp>

void train(const pathline::Mlp<float, pathline::Tanh>& field, const Eigen::MatrixXf& y0,
           const std::vector<double>& times) {
  const pathline::NeuralOde ode(field, pathline::Rodas4{}, pathline::PiController{}, pathline::Adjoint{});
  const auto loss = [](const auto&, auto&) { return 0.F; };
  (void)ode.value_and_gradient(y0, times, loss);
}
