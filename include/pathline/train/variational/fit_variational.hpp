/// \file
/// `fit` for an objective that needs no data: a number of iterations, each with fresh base points.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/message.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/train/batch_source.hpp>
#include <pathline/train/fit.hpp>
#include <pathline/train/fit_options.hpp>
#include <pathline/train/fit_report.hpp>
#include <pathline/train/variational/variational_inference.hpp>

#include <algorithm>
#include <concepts>
#include <utility>

namespace pathline {

/// How long variational inference trains.
struct IterationOptions {
  Index iterations = 1000;   ///< Steps of the optimizer.
  Index batch = 256;         ///< Base points of each.
  Index report_every = 100;  ///< Iterations that count as an epoch, of which callbacks hear.

  /// \throws ArgumentError unless all are positive and the iterations a whole number of reports.
  void check() const {
    const auto require = [](bool good, const char* what, Index got, const char* expected) {
      if (!good) throw ArgumentError(what, got, expected);
    };
    require(iterations >= 1, "fit: iterations", iterations, "at least 1");
    require(batch >= 1, "fit: batch", batch, "at least 1");
    require(report_every >= 1, "fit: report_every", report_every, "at least 1");
    if (iterations > report_every && iterations % report_every != 0)
      throw ArgumentError("fit: iterations", iterations,
                          detail::message({"a multiple of report_every, ", report_every}));
  }
};

namespace detail {

/// `VariationalInference`, or what shares it out (`Distributed`).
template <class Objective>
concept DrawsBasePoints = requires(const Objective& objective, const Draw& draw) {
  objective.base_points(Index{}, draw);
  { objective.context_rows() } -> std::convertible_to<Index>;
};

}  // namespace detail

/// Trains a flow by variational inference, with fresh base points for each iteration. It ends with the last
/// parameters: there are no rows to judge by. `fit(inference, source, validation points, …)` has some, base points of
/// one's own; so have flows with context.
///
/// \param policies  As those of any `fit`; not `KeepBest`, `EarlyStopping`, `OnPlateau`, which judge by rows.
/// \throws ArgumentError for options that cannot be, or a conditional flow; DataError where the target is no finite
///         number; TrainingError when training diverges.
template <detail::DrawsBasePoints Objective, class... Policies>
FitReport fit(Objective& inference, const IterationOptions& options, Rng& rng, Policies&&... policies) {
  options.check();
  if (inference.context_rows() > 0)
    throw ArgumentError("fit: context of a conditional flow", "missing",
                        "a batch source of base points with their context below");
  const Index report_every = std::min(options.report_every, options.iterations);
  const auto sampler = [&](Index count, const Draw& draw) { return inference.base_points(count, draw); };
  const FreshSamples source(sampler, options.batch * report_every);
  return fit(inference, source, FitOptions{.epochs = options.iterations / report_every, .batch = options.batch}, rng,
             std::forward<Policies>(policies)...);
}

}  // namespace pathline
