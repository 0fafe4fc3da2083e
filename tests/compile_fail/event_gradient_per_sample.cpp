// expect: value_and_gradient_with_events: a solve with events is of one sample: give its step control without PerSample
#include <pathline/gradient/event/value_and_gradient_with_events.hpp>
#include <pathline/nn/mlp.hpp>

void land(const pathline::Mlp<double, pathline::Tanh>& field, const Eigen::VectorXd& y0) {
  const pathline::NeuralOde ode(field, pathline::PerSample(pathline::PiController{}));
  const pathline::DifferentiableEvent ground([](const auto&, const auto& y, const auto&) { return y[0]; });
  const auto loss = [](const auto& path, auto&) { return path.t; };
  (void)pathline::value_and_gradient_with_events(ode, y0, std::vector{0., 1.}, std::tuple(ground), loss);
}
