// expect: fit: with a checkpoint, a callback that changes itself, or stops training by what it holds, needs
#include <pathline/io/checkpoint.hpp>
#include <pathline/train/fit.hpp>

#include "fit_model.hpp"

void train(Model& model, const Eigen::MatrixXf& X, pathline::Rng& rng) {
  auto three = [calls = 0](const pathline::EpochReport&) mutable { return ++calls < 3; };
  pathline::fit(model, X, {.epochs = 2}, rng, pathline::io::Checkpoint{.path = "run"}, three);
}
