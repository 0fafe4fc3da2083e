// expect: value_and_gradient_with_events: an event must be a DifferentiableEvent
#include <pathline/gradient/event/value_and_gradient_with_events.hpp>
#include <pathline/nn/mlp.hpp>

void land(const pathline::Mlp<double, pathline::Tanh>& field, const Eigen::VectorXd& y0) {
  const pathline::NeuralOde ode(field);
  const pathline::Event ground([](double, const auto& y) { return y(0); });
  const auto loss = [](const auto& path, auto&) { return path.t; };
  (void)pathline::value_and_gradient_with_events(ode, y0, std::vector{0., 1.}, std::tuple(ground), loss);
}
