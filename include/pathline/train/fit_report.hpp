/// \file
/// What `fit` reports: each epoch, the whole run, and what is doubtful about it.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/ode/statistics.hpp>
#include <pathline/train/solver_check.hpp>

#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pathline {

/// One epoch, as the callback sees it.
struct EpochReport {
  Index epoch = 0, epochs = 0;  ///< This one, counted from 1, of how many.
  Index steps = 0;              ///< Of the optimizer, in this epoch.
  double train_loss = 0;        ///< Mean over mini-batches, before each update.
  /// Negative log-likelihood part of it, nats of the raw data, by the training trace. NaN for a model that is no
  /// density.
  double train_nll = 0;
  std::vector<double> train_costs;  ///< Mean of each regularizer, without its weight.
  /// Mean loss of the validation rows, for a density their negative log-likelihood by the evaluation trace, nats. NaN
  /// where it was not computed.
  double validation_loss = std::numeric_limits<double>::quiet_NaN();
  double gradient_norm = 0;      ///< Mean over mini-batches, before clipping.
  double learning_rate = 0;      ///< Of the last step.
  Index evaluations = 0;         ///< Field evaluations per solve, forward, mean over solves, rounded.
  Index solves = 0;              ///< Forward solves of the epoch.
  Statistics forward, backward;  ///< Sums over the epoch.
  double seconds = 0;            ///< Training only, validation not counted.
  bool best = false;             ///< The criterion is the lowest so far; these parameters are kept.
  Index roll_backs = 0;          ///< So far, by `RollBack`: how often training diverged.
};

/// Why training ended: all epochs are done, the patience of `EarlyStopping` is over, another stopping rule said so, or
/// a callback returned false.
enum class StopReason { epochs_done, patience, stopping_rule, callback };

/// What fit() did.
struct FitReport {
  std::vector<EpochReport> epochs;
  Index best_epoch = 0;  ///< Counted from 1, over all calls of a `TrainingState`; 0 when no epoch was judged.
  /// Least mean loss of the validation rows, or of the training rows, that an epoch had; for a density their NLL. A
  /// chosen minimum is lower than what new rows will have: report the likelihood of test rows.
  double best_criterion = std::numeric_limits<double>::infinity();
  /// Its standard error, rows taken as independent: √(n / (n - 1) Σ s² (loss - mean)²) with shares s of the weights,
  /// 1 / n where there are none. It says nothing of the choice. NaN where no epoch of this call was the best.
  double best_standard_error = std::numeric_limits<double>::quiet_NaN();
  StopReason stop = StopReason::epochs_done;
  SolverCheck solver_check;  ///< Of some of these rows, with the parameters that the flow ends with.
  /// By the solver of training and, as the more accurate one, by the flow's `EvaluationSolver`, where it has one.
  SolverCheck training_solver_check;
  /// What casts doubt on the numbers above or on the flow, though nothing failed: what was found, by how much, and what
  /// to do about it, a sentence or two each, ready to print.
  std::vector<std::string> warnings;
};

/// Training failed: the loss is not finite, or a solve broke off. The flow holds the parameters kept so far.
struct TrainingError : Error {
  /// \param advice  Where a row of the data is at fault, which, and what to do; slower training is then no help.
  [[gnu::cold]] TrainingError(std::string_view why, FitReport&& so_far, std::string_view advice = lower_the_rate)
      : Error({"fit: ", why, "; the flow keeps the best parameters so far. ", advice}),
        report(std::move(so_far)),
        reason(why),
        lower_rate_may_help(advice == lower_the_rate) {}
  static constexpr const char* lower_the_rate =
      "Lower the optimizer's learning_rate, name ClipByNorm, or loosen the solver's tolerances";
  FitReport report;
  std::string reason;        ///< Alone, without what becomes of the flow and the advice.
  bool lower_rate_may_help;  ///< False where a row is at fault, or no step had been taken.
};

}  // namespace pathline
