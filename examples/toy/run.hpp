/// \file
/// One run of an experiment: a preset trained on a toy density and judged against the truth. Each preset is compiled on
/// its own (preset_*.cpp), all from the template in train_and_judge.hpp.
#pragma once

#include <pathline/train/metric/estimate.hpp>
#include <pathline/train/toy/toy_densities.hpp>

#include <Eigen/Core>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace examples::toy {

using Eigen::Index;

/// "ffjord", "rnode", "steer", "ot_flow".
[[nodiscard]] const std::vector<std::string>& preset_names();

/// How a preset is trained: by Adam, on fresh samples in every iteration, so that nothing can be learned by heart.
struct Schedule {
  Index iterations = 1000, batch = 256;
  double learning_rate = 1e-3;
  Index halve_every = 0;      ///< Iterations after which the rate is halved; 0: half a cosine down to
  double final_share = 0.01;  ///< this share of the rate.
  [[nodiscard]] double rate(Index iteration) const;  ///< Of iteration 0, 1, …
};

/// What this example trains by unless told otherwise: at most two minutes on one core.
[[nodiscard]] Schedule quick_schedule(const std::string& preset);
/// The papers' codes: FFJORD 10 000 batches of 100 at a constant rate (RNODE and STEER have no toys: the same), OT-Flow
/// 1500 of 4096 with a rate that halves every 100.
[[nodiscard]] Schedule paper_schedule(const std::string& preset);

struct Run {
  std::string preset = "ot_flow";
  pathline::ToyDensity density = pathline::ToyDensity::eight_gaussians;
  std::uint64_t seed = 1;
  Schedule schedule;
  int threads = 0;  ///< 0: all. Changes the time only, never a number.
};

/// All judged by Dormand and Prince's solver with a tolerance of 1e-5 and the exact trace, whatever the preset trains
/// by; on fresh samples that training has not seen.
struct Judgement {
  pathline::Estimate nll, kl;       ///< Nats. KL(truth ‖ flow), by the exact density.
  double mmd = 0;                   ///< Squared, biased form, of flow's samples and true ones.
  double training_evaluations = 0;  ///< Of the field, in one forward solve, mean over training.
  double testing_evaluations = 0;   ///< In one solve for log_prob, mean over chunks.
  double straightness = 0;          ///< Length of a path over the distance of its ends, mean.
  double inverse_error = 0;         ///< Mean ‖inverse(transform(x)) - x‖.
  double transport_cost = 0;        ///< Mean ‖z(t1) - z(t0)‖².
  double seconds = 0;               ///< Of training.
};

/// A square of the plane that holds the toy sets.
inline constexpr double half_width = 4;

/// What pictures need.
struct Shown {
  Eigen::MatrixXd data, samples;  ///< 2 × n each, true and of the flow.
  Eigen::MatrixXd density;        ///< On cells of the square: row = y from below, column = x.
  /// 2 × samples at each of `times`; 0 is the time of the data.
  std::vector<Eigen::MatrixXd> paths;
  std::vector<double> times;
  Eigen::MatrixXd losses;  ///< 2 × m: iteration, negative log-likelihood of the training batches, a mean of some.
};

struct Result {
  Judgement judgement;
  Shown shown;
};

/// Called after each iteration with its number from 1 and a running mean of the training NLL.
using OnIteration = std::function<void(Index iteration, double nll)>;

/// \throws pathline::Error when the preset is not known or training fails.
[[nodiscard]] Result train_and_judge(const Run& run, const OnIteration& on_iteration);

}  // namespace examples::toy
