// expect: fit: a policy is none of: optimizer (learning_rate, moments, step), schedule (rate)
#include <pathline/train.hpp>

#include "fit_model.hpp"

struct NoStep {  // an optimizer without step()
  double learning_rate = 1;
  static constexpr pathline::Index moments = 0;
};
void train(Model& model, const Eigen::MatrixXf& X, pathline::Rng& rng) {
  pathline::fit(model, X, {.epochs = 2}, rng, NoStep{}, pathline::PrintProgress{});
}
