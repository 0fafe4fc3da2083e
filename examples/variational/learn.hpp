/// \file
/// A flow that learns a target by variational inference, and what comes of it.
#pragma once

#include <examples/variational/models.hpp>

#include <pathline/train/variational/importance_sample.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace examples::variational {

struct Training {
  Index iterations = 2000, batch = 128, width = 32;
  double learning_rate = 1e-2;
  bool path_derivative = true;
  std::uint64_t seed = 1;
  int threads = 0;
};

struct Learned {
  pathline::ImportanceSample<double> sample;
  Eigen::MatrixXd losses;          ///< 2 × m: iteration, mean of log q - log p̃ since the one before, nats.
  Eigen::MatrixXd gradient_norms;  ///< 2 × m: iteration, mean norm of the gradient since the one before.
  double milliseconds;             ///< Of an iteration.
  std::vector<std::string> warnings;
  std::function<pathline::Row<double>(const Batch<double>&)> log_prob;  ///< Of the flow.
};

/// \param count  Samples to weight.
[[nodiscard]] Learned learn(const char* name, const Target& target, const Training& training, Index count);

}  // namespace examples::variational
