// expect: NeuralOde: a symplectic method (Verlet, ...) needs a field in two parts: SeparableField{velocity, force}
#include <pathline/gradient.hpp>
#include <pathline/nn.hpp>
#include <pathline/ode.hpp>

const auto train = [](const pathline::Mlp<float, pathline::Tanh>& field, const Eigen::MatrixXf& y0) {
  const pathline::NeuralOde ode(field, pathline::Verlet{}, pathline::FixedSteps(10));
  return ode.solve(y0, {0, 1});
};
