// expect: Backpropagation: Checkpoints and MemoryBudget take steps again, which the Stepper of this solver does not offer: a reversible solver needs neither, any other takes KeepTapes or RecomputeStages
#include <pathline/gradient.hpp>
#include <pathline/nn.hpp>
#include <pathline/ode.hpp>

void train(const pathline::Mlp<float, pathline::Tanh>& field, const Eigen::MatrixXf& y0,
           const std::vector<double>& times) {
  const pathline::NeuralOde ode(field, pathline::Reversible<pathline::Rk4>{}, pathline::FixedSteps(4),
                                pathline::Backpropagation<pathline::Checkpoints>{});
  const auto loss = [](const auto&, auto&) { return 0.F; };
  (void)ode.value_and_gradient(y0, times, loss);
}
