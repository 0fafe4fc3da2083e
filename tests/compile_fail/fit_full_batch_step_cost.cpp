// expect: fit_full_batch: a cost of the steps is no square
#include <pathline/gradient/backpropagation.hpp>
#include <pathline/gradient/step_regularizers.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/train/least_squares/fit_least_squares.hpp>

using namespace pathline;
using Gradient = Backpropagation<KeepTapes, ErrorEstimateCost<Dopri5>>;

void run(NeuralOde<Mlp<double, Tanh>, Gradient>& ode, const std::vector<Sequence<double>>& paths) {
  (void)fit_full_batch(ode, paths, LevenbergMarquardt{});
}
