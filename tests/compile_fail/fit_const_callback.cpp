// expect: fit: a callback that changes itself cannot be const: it would not be called
#include <pathline/train.hpp>

#include "fit_model.hpp"

struct Counts {
  int epochs = 0;
  void operator()(const pathline::EpochReport&) { ++epochs; }
};
void train(Model& model, const Eigen::MatrixXf& X, pathline::Rng& rng, const Counts& counts) {
  pathline::fit(model, X, {.epochs = 2}, rng, counts);
}
