/// \file
/// How `fit` trains, and what its options mean epoch by epoch.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>

#include <cmath>
#include <numbers>
#include <string>

namespace pathline {

/// How to train.
struct FitOptions {
  Index epochs = 100;                ///< Passes over the training rows.
  Index batch = 64;                  ///< Rows of a mini-batch; the last of an epoch may have fewer.
  double learning_rate = 1e-3;       ///< Adam's.
  double final_learning_rate = -1;   ///< Reached along half a cosine at the last epoch; negative keeps it constant.
  double validation_fraction = 0.1;  ///< Rows held out to choose the best parameters by; 0 chooses by the others.
  Index validate_every = 1;          ///< Epochs between two validations; the last epoch always has one.
  Index patience = 0;                ///< Validations without a new best before training stops; 0 never stops.
  double max_gradient_norm = 0;      ///< Longer gradients are scaled down to this Euclidean norm; 0 leaves them.
  /// Of all calls that share a `TrainingState`: the learning rate falls over them, and the last one is validated. 0:
  /// the epochs of this call.
  Index total_epochs = 0;
  Index solver_check_rows = 100;  ///< Rows by which the solver's accuracy is checked after training; 0: no check.
};

namespace detail {

inline void require_valid(const FitOptions& options) {
  const auto require = [](bool holds, const char* what, double got, const char* expected) {
    if (!holds) throw ArgumentError(std::string("fit: ") + what, number(got), expected);
  };
  require(options.epochs >= 1, "epochs", double(options.epochs), "at least 1");
  require(options.batch >= 1, "batch", double(options.batch), "at least 1");
  require(options.learning_rate > 0 && std::isfinite(options.learning_rate), "learning_rate", options.learning_rate,
          "a positive number");
  require(options.final_learning_rate <= options.learning_rate, "final_learning_rate", options.final_learning_rate,
          "at most learning_rate");
  require(options.validation_fraction >= 0 && options.validation_fraction < 1, "validation_fraction",
          options.validation_fraction, "in [0, 1)");
  require(options.validate_every >= 1, "validate_every", double(options.validate_every), "at least 1");
  require(options.patience >= 0, "patience", double(options.patience), "at least 0");
  require(options.max_gradient_norm >= 0, "max_gradient_norm", options.max_gradient_norm, "at least 0");
  require(options.solver_check_rows >= 0, "solver_check_rows", double(options.solver_check_rows), "at least 0");
}

/// How many epochs a run of several calls has, of which `done` are over.
inline Index require_total(const FitOptions& options, Index done) {
  if (options.total_epochs == 0 && done > 0 && options.final_learning_rate >= 0)
    throw ArgumentError("fit: total_epochs", "0",
                        "the epochs of all calls together, over which the learning rate falls, of which " +
                            std::to_string(done) + " are done; or make final_learning_rate negative");
  if (options.total_epochs != 0 && options.total_epochs < done + options.epochs)
    throw ArgumentError("fit: total_epochs", std::to_string(options.total_epochs),
                        "at least " + std::to_string(done + options.epochs) + ", with the " + std::to_string(done) +
                            " epochs that are done and the " + std::to_string(options.epochs) + " of this call");
  return options.total_epochs > 0 ? options.total_epochs : done + options.epochs;
}

/// \param epoch  Counted from 1, of `total`.
inline double learning_rate_at(const FitOptions& options, Index epoch, Index total) {
  if (options.final_learning_rate < 0 || total < 2) return options.learning_rate;
  const double phase = double(epoch - 1) / double(total - 1);
  return options.final_learning_rate +
         0.5 * (options.learning_rate - options.final_learning_rate) * (1 + std::cos(std::numbers::pi * phase));
}

}  // namespace detail

}  // namespace pathline
