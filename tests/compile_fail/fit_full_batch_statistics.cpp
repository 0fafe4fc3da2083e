// expect: fit_full_batch: the model has running statistics
#include "fit_model.hpp"

#include <pathline/train/full_batch/fit_full_batch.hpp>

struct Normalized : Model {
  void after_step(Memory&);
};
void train(Normalized& model, const Eigen::MatrixXf& X, pathline::Rng& rng) {
  (void)pathline::fit_full_batch(model, X, pathline::LBfgs{}, rng);
}
