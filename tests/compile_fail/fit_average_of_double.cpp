// expect: fit: a callback of steps, as ExponentialMovingAverage is, must be a variable and of the flow's scalar
#include <pathline/train.hpp>

#include "fit_model.hpp"

void train(Model& model, const Eigen::MatrixXf& X, pathline::Rng& rng) {
  pathline::ExponentialMovingAverage<double> average;
  pathline::fit(model, X, {.epochs = 2}, rng, average);
}
