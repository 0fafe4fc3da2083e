// expect: fit: a model with running statistics (a batch normalisation) sees the last mini-batch of a step alone
#include <pathline/train/fit.hpp>
#include <pathline/train/step/accumulate.hpp>

#include "fit_model.hpp"

struct Moving : Model {
  void after_step(const Memory&);
};
void train(Moving& model, const Eigen::MatrixXf& X, pathline::Rng& rng) {
  pathline::fit(model, X, {.epochs = 2}, rng, pathline::Accumulate{.batches = 2});
}
