// expect: fit: the sequences must be of the neural ODE's scalar, float or double
#include <pathline/nn.hpp>
#include <pathline/train.hpp>

#include <vector>

void train(pathline::NeuralOde<pathline::Mlp<double, pathline::Tanh>>& ode, pathline::Rng& rng) {
  const std::vector<pathline::Sequence<float>> paths;
  pathline::fit(ode, paths, {}, rng);
}
