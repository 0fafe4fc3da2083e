/// \file
/// What a training run has to remember from one call of `fit` to the next:
///
///     TrainingState<float> state;
///     for (int call = 0; call < 40; ++call)
///       fit(flow, data, {.epochs = 1, .total_epochs = 40}, rng, Cosine{.final_rate = 1e-5}, state);
///
/// gives the same bits as one call with 40 epochs, if no call is given another data set or generator.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/fingerprint.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/train/optimizer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

namespace pathline {

/// A plain value: copies of it, of the flow and of the generator continue from where they were taken.
///
/// Between calls the flow holds the best parameters, and the state those that training continues from. A flow whose
/// parameters somebody else has changed is refused: begin with a new state. After an error the next call starts at the
/// best parameters, with moments of 0.
template <Real Scalar>
struct TrainingState {
  Index epochs = 0;                                                 ///< Done so far.
  OptimizerState<Scalar> optimizer{};                               ///< Moments, and the count of steps.
  Vector<Scalar> parameters{};                                      ///< After the last step.
  Vector<Scalar> best_parameters{};                                 ///< What the flow was left with.
  double best_criterion = std::numeric_limits<double>::infinity();  ///< As in FitReport.
  Index best_epoch = 0;                                             ///< As in FitReport.
  Index since_best = 0;            ///< Validations without a new best, which `EarlyStopping` reads.
  std::vector<double> criteria{};  ///< Of all validations, which `OnPlateau` reads.
  std::optional<Draw> split{};     ///< By which `fit` held samples out.
  /// Fingerprint of the samples that the best parameters were judged by. Another set starts that judgement anew.
  std::uint64_t judged_by = 0;
  double rate_factor = 1;  ///< Of the learning rate, by `RollBack`: below 1 after training has diverged.
  Index roll_backs = 0;    ///< As in EpochReport.
};

namespace detail {

/// \throws ArgumentError when the state is of another flow, or of other parameters of this one.
template <Real Scalar>
void require_resumable(const TrainingState<Scalar>& state, std::span<const Scalar> parameters) {
  if (state.epochs == 0 && state.parameters.size() == 0) return;
  require_rows("fit: the state's vector of parameters", state.best_parameters.size(), Index(parameters.size()));
  const Scalar* const kept = state.best_parameters.data();
  if (!std::equal(parameters.data(), parameters.data() + parameters.size(), kept))
    throw ArgumentError("fit: the flow's vector of parameters", "not what the state's last call left it with",
                        "the same numbers; to train from others, begin with a new TrainingState");
}

}  // namespace detail
}  // namespace pathline
