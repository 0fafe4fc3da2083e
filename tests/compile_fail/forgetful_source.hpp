// A batch source with a Memory that has no state(visit).
#pragma once

#include <pathline/train/fit.hpp>

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
