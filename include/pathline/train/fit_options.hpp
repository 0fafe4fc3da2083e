/// \file
/// How long `fit` trains, by how many rows at a time, and how often it looks at the rows that were held out.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/train/optimizer.hpp>

#include <optional>
#include <string>

namespace pathline {

/// How to train. By which rule, at which rate and what happens on the way are policies: see `fit`.
struct FitOptions {
  Index epochs = 100;                ///< Passes over the training rows.
  Index batch = 64;                  ///< Rows of a mini-batch; the last of an epoch may have fewer.
  double validation_fraction = 0.1;  ///< Rows held out to choose the best parameters by; 0 chooses by the others.
  Index validate_every = 1;          ///< Epochs between two validations; the last epoch always has one.
  /// Epochs of all calls that share a `TrainingState`: a schedule such as `Cosine` spreads over them, and the last one
  /// is validated. Absent: those that are done and those of this call.
  std::optional<Index> total_epochs{};
  Index solver_check_rows = 100;  ///< Rows by which the solver's accuracy is checked after training; 0: no check.
};

namespace detail {

[[gnu::cold]] inline void require_valid(const FitOptions& options) {
  const auto require = require_setting;
  require(options.epochs >= 1, "fit: epochs", double(options.epochs), "at least 1");
  require(options.batch >= 1, "fit: batch", double(options.batch), "at least 1");
  require(options.validation_fraction >= 0 && options.validation_fraction < 1, "fit: validation_fraction",
          options.validation_fraction, "in [0, 1)");
  require(options.validate_every >= 1, "fit: validate_every", double(options.validate_every), "at least 1");
  require(options.solver_check_rows >= 0, "fit: solver_check_rows", double(options.solver_check_rows), "at least 0");
}

/// How many epochs a run of several calls has, of which `done` are over.
/// \param needed  Whether the schedule depends on it.
[[gnu::cold]] inline Index require_total(const FitOptions& options, Index done, bool needed) {
  if (!options.total_epochs && done > 0 && needed)
    throw ArgumentError("fit: total_epochs", "missing",
                        message({"the epochs of all calls together, over which the learning rate changes, of which ",
                                 done, " are done; or a schedule that does not depend on it"}));
  if (options.total_epochs && *options.total_epochs < done + options.epochs)
    throw ArgumentError("fit: total_epochs", *options.total_epochs,
                        message({"at least ", done + options.epochs, ", with the ", done,
                                 " epochs that are done and the ", options.epochs, " of this call"}));
  return options.total_epochs.value_or(done + options.epochs);
}

}  // namespace detail

}  // namespace pathline
