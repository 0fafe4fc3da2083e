// expect: value_and_gradient_with_events: an event's parameters must be of the ode's scalar: give Vector<float> or Vector<double>, also where there are none
#include <pathline/gradient/event/value_and_gradient_with_events.hpp>
#include <pathline/nn/mlp.hpp>

void land(const pathline::Mlp<float, pathline::Tanh>& field, const Eigen::VectorXf& y0) {
  const pathline::NeuralOde ode(field);
  const pathline::DifferentiableEvent ground([](const auto&, const auto& y, const auto&) { return y[0]; });
  const auto loss = [](const auto&, auto&) { return 0.F; };
  (void)pathline::value_and_gradient_with_events(ode, y0, std::vector{0., 1.}, std::tuple(ground), loss);
}
