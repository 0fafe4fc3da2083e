// expect: fit: with RollBack, a callback of steps needs state(visit)
#include <pathline/train/fit.hpp>
#include <pathline/train/step/roll_back.hpp>

#include "fit_model.hpp"

#include <algorithm>

struct Largest {
  static constexpr bool watches_steps = true;
  float entry = 0;
  void operator()(const pathline::EpochReport&) const {}
  template <class Theta>
  void after_step(const Theta& theta) {
    entry = std::max(entry, theta.maxCoeff());
  }
};
void train(Model& model, const Eigen::MatrixXf& X, pathline::Rng& rng) {
  Largest largest;
  pathline::fit(model, X, {.epochs = 2}, rng, largest, pathline::RollBack{});
}
