// expect: NeuralOde: an additive method (KennedyCarpenter4, ...) needs a field in two parts: SplitField{f, g}
#include <pathline/gradient.hpp>
#include <pathline/nn.hpp>
#include <pathline/ode.hpp>

const auto train = [](const pathline::Mlp<float, pathline::Tanh>& field, const Eigen::MatrixXf& y0) {
  const pathline::NeuralOde ode(field, pathline::KennedyCarpenter4{});
  return ode.solve(y0, {0, 1});
};
