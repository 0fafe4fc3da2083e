// expect: fit: with a checkpoint, an optimizer, schedule, gradient transform, parameter choice or stopping rule
#include <pathline/io/checkpoint.hpp>
#include <pathline/train/fit.hpp>

#include "fit_model.hpp"

struct HalfWay {  // a schedule whose factor nobody else knows
  double factor = 0.5;
  double rate(double learning_rate, const pathline::TrainingProgress& at) const {
    return at.epoch * 2 > at.epochs ? factor * learning_rate : learning_rate;
  }
};
void train(Model& model, const Eigen::MatrixXf& X, pathline::Rng& rng) {
  pathline::fit(model, X, {.epochs = 2}, rng, pathline::io::Checkpoint{.path = "run"}, HalfWay{});
}
