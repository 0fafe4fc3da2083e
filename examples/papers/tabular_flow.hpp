/// \file
/// A flow trained on a table, and what is kept on the way.
#pragma once

#include <examples/papers/tabular_sets.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace examples::papers {

struct Recipe {
  std::vector<Index> hidden{64, 64};  ///< Widths; OT-Flow's is the first.
  double rtol = 1e-5, atol = 1e-5;    ///< Of the solver that trains FFJORD.
  Index steps = 8;                    ///< Of RK4, where the preset trains by it.
  double weight = 0.01;               ///< Of both of RNODE's costs.
  Index epochs = 10, batch = 256;
  double learning_rate = 1e-3;
  std::function<void(double validation_nll)> on_epoch{};  ///< Called after each.
};

/// The flow as it was after an epoch.
struct Snapshot {
  double seconds = 0;         ///< Processor time of training up to here, without what judging takes.
  double validation_nll = 0;  ///< Nats, in the coordinates of the rows.
  Eigen::VectorXf parameters;
};

/// By the exact trace and Dormand and Prince's solver at a tolerance of 1e-5, whatever the preset trains by.
struct Judgement {
  Values log_prob;             ///< At the test rows, in the table's units.
  double evaluations = 0;      ///< Of the field, in one solve for log_prob, mean over chunks.
  double density_seconds = 0;  ///< Processor time of log_prob of 1000 rows,
  double sample_seconds = 0;   ///< and of 1000 samples.
};

struct TrainedFlow {
  std::string name;
  std::vector<Snapshot> snapshots;
  double training_evaluations = 0;  ///< In one forward solve, mean over training.
  Index iterations = 0;
  std::vector<std::string> warnings;
  std::function<Judgement(const Snapshot&)> judge;

  explicit TrainedFlow(std::string its_name) : name(std::move(its_name)) {}
  [[nodiscard]] Index weights() const { return snapshots.front().parameters.size(); }
  [[nodiscard]] const Snapshot& best() const;
  /// The first whose validation is at most that; the last where none is.
  [[nodiscard]] const Snapshot& first_at(double validation_nll) const;
};

// The set must outlive what they return.
[[nodiscard]] TrainedFlow train_ffjord(const TabularSet& set, const Recipe& recipe, std::uint64_t seed);
[[nodiscard]] TrainedFlow train_rnode(const TabularSet& set, const Recipe& recipe, std::uint64_t seed);
[[nodiscard]] TrainedFlow train_ot_flow(const TabularSet& set, const Recipe& recipe, std::uint64_t seed);

}  // namespace examples::papers
