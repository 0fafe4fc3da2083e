// expect: value_and_gradient_with_events: a cost of the steps has no derivative by events
#include <pathline/gradient/event/value_and_gradient_with_events.hpp>
#include <pathline/gradient/step_regularizers.hpp>
#include <pathline/nn/mlp.hpp>

void land(const pathline::Mlp<double, pathline::Tanh>& field, const Eigen::VectorXd& y0) {
  using Gradient = pathline::Backpropagation<pathline::KeepTapes, pathline::ErrorEstimateCost<pathline::Dopri5>>;
  const pathline::NeuralOde ode(field, Gradient{});
  const pathline::DifferentiableEvent ground([](const auto&, const auto& y, const auto&) { return y[0]; });
  const auto loss = [](const auto& path, auto&) { return path.t; };
  (void)pathline::value_and_gradient_with_events(ode, y0, std::vector{0., 1.}, std::tuple(ground), loss);
}
