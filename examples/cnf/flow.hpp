/// \file
/// A trained flow whose parts were chosen on the command line: the one place where the example gives up static types.
/// Each solver is compiled on its own (flow_*.cpp), all from the template in flow_by_solver.hpp.
#pragma once

#include <examples/cnf/options.hpp>
#include <examples/common/baselines.hpp>

#include <pathline/io/model/model_file.hpp>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace examples::cnf {

/// Rows of the table by what they are for, raw, d × n each.
struct Split {
  Table train, validation, test;
};

/// What one epoch reports.
struct Epoch {
  int number = 0, of = 0;
  double train_nll = 0, validation_loss = 0;  ///< Nats of the raw data; NaN where there are no rows.
};

struct TrainedFlow {
  std::function<Values(const Table&)> log_prob;  ///< Raw d × n to 1 × n, nats of the raw data; exact trace.
  std::function<Table(Index)> sample;            ///< n samples of the raw data, d × n.
  /// Raw d × n to the states at the times (increasing, from 0 to 1), in the flow's standardised coordinates.
  std::function<std::vector<Table>(const Table&, const std::vector<double>&)> trajectory;
  std::vector<Epoch> history;
  int best_epoch = 0;
  Index parameters = 0;
  double seconds = 0;                 ///< Of training.
  Index training_evaluations = 0;     ///< Of the field, forward and backward, in all epochs.
  double evaluations_per_solve = 0;   ///< Of the field, in one forward solve while training.
  std::vector<std::string> warnings;  ///< What training found doubtful.
  std::string trouble;                ///< Why training stopped before its time, if it failed; else empty.
  /// Keeps the flow in a file, with what training reported and the notes given.
  std::function<void(const std::filesystem::path&, const pathline::io::Notes&)> save;
};

/// Trains on split.train; split.validation chooses the best epoch, split.test is not read.
/// \throws pathline::Error for data or options that cannot be used.
[[nodiscard]] TrainedFlow train_flow(const Split& split, const Options& options,
                                     const std::function<void(const Epoch&)>& on_epoch);

/// The flow of options.load, of which the other options tell the parts; history and best epoch are those of its
/// training.
/// \param columns  Of the table that it is for.
/// \throws pathline::Error for a file that cannot be read, or a flow of another number of columns.
[[nodiscard]] TrainedFlow load_flow(Index columns, const Options& options);

}  // namespace examples::cnf
