// expect: fit: with a checkpoint or RollBack, the Memory of a batch source needs state(visit)
#include <pathline/train/fit.hpp>
#include <pathline/train/step/roll_back.hpp>

#include "fit_model.hpp"

#include <vector>

struct Walk {
  struct Memory {
    float position = 0;  // goes on from epoch to epoch
    Eigen::MatrixXf data;
    std::vector<pathline::Index> ids;
  };
  pathline::Index samples() const;
  void start_epoch(pathline::Rng&, Memory&) const;
  pathline::MiniBatch<const Eigen::MatrixXf&, float> batch(pathline::Index, pathline::Index, pathline::Rng&,
                                                           Memory&) const;
};
void train(Model& model, pathline::Rng& rng) { pathline::fit(model, Walk{}, {.epochs = 2}, rng, pathline::RollBack{}); }
