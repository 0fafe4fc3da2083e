// expect: fit: more than one optimizer
#include <pathline/train.hpp>

#include "fit_model.hpp"

void train(Model& model, const Eigen::MatrixXf& X, pathline::Rng& rng) {
  pathline::fit(model, X, {.epochs = 2}, rng, pathline::Adam{}, pathline::Cosine{}, pathline::Sgd{});
}
