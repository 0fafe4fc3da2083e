// expect: Backpropagation: the cost of the steps reads the stages of another method than the solve's
#include <pathline/gradient.hpp>
#include <pathline/nn.hpp>
#include <pathline/ode.hpp>

void train(const pathline::Mlp<float, pathline::Tanh>& field, const Eigen::MatrixXf& y0,
           const std::vector<double>& times) {
  using Cost = pathline::ErrorEstimateCost<pathline::Dopri5>;
  const pathline::NeuralOde ode(field, pathline::Reversible<pathline::Dopri5>{}, pathline::PiController{},
                                pathline::Backpropagation<pathline::KeepTapes, Cost>{});
  const auto loss = [](const auto&, auto&) { return 0.F; };
  (void)ode.value_and_gradient(y0, times, loss);
}
