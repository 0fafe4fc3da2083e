/// A model that `fit` can train, without weights; for the programs beside this file.
#pragma once

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/ode/statistics.hpp>

#include <span>

struct Model {
  using Scalar = float;
  struct Memory {};
  struct Loss {
    double loss;
    Eigen::VectorXf gradient;
    pathline::Statistics forward, backward;
    pathline::Index solves;
  };
  Eigen::VectorXf& parameters();
  Loss make_training_loss() const;
  pathline::Index data_rows() const;
  Eigen::RowVectorXf log_prob(const Eigen::MatrixXf&) const;
  void value_and_gradient(const Eigen::MatrixXf&, std::span<const pathline::Index>, const pathline::Draw&, Memory&,
                          Loss&) const;
};
