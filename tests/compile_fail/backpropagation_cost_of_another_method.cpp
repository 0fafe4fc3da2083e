// expect: Backpropagation: the cost of the steps reads the stages of another method than the solve's
#include <pathline/gradient.hpp>
#include <pathline/nn.hpp>

#include <array>

using Field = pathline::Mlp<double, pathline::Tanh>;
using Gradient = pathline::Backpropagation<pathline::KeepTapes, pathline::ErrorEstimateCost<pathline::Dopri5>>;
void train(const pathline::NeuralOde<Field, pathline::Tsit5, pathline::FixedSteps, Gradient>& ode,
           const Eigen::MatrixXd& y0) {
  (void)ode.value_and_gradient(y0, std::array{0.0, 1.0}, [](const auto&, auto&) { return 0.0; });
}
