/// \file
/// Maximum likelihood training of a flow by mini-batches: shuffled, clipped, watched on held-out data.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/nn/parameters.hpp>
#include <pathline/train/fit_options.hpp>
#include <pathline/train/fit_report.hpp>
#include <pathline/train/rows_at_fault.hpp>
#include <pathline/train/split.hpp>
#include <pathline/train/trainable.hpp>
#include <pathline/train/training.hpp>
#include <pathline/train/training_state.hpp>
#include <pathline/train/weighted_data.hpp>

#include <concepts>
#include <string>
#include <utility>
#include <vector>

namespace pathline {

namespace detail {

/// Throws unless the parameters that training begins with are of the field's length, which those of a flow that was
/// moved from are not, and finite.
template <class Flow>
void require_fit_parameters(Flow& flow) {
  if constexpr (requires { flow.parameters().checked(); }) (void)flow.parameters().checked();
  require_finite_parameters<typename Flow::Scalar>("fit", flow.parameters());
}

/// Checks data at the door, before anything is changed.
template <class Flow, Real DataScalar>
void require_fit_rows(const Flow& flow, const char* what, const FitRows<DataScalar>& rows) {
  require_batch_rows(what, rows.X.rows(), rows.X.cols(), flow.data_rows());
  require_finite(what, rows.X);
  require_mapped(what, flow, rows.X);
  if (rows.weights.size() > 0) require_weights((std::string(what) + ": weights").c_str(), rows.weights, rows.X.cols());
}

/// What the flow finds doubtful about them.
template <class Flow, class Rows>
[[nodiscard]] std::vector<std::string> warnings_of([[maybe_unused]] const Flow& flow, [[maybe_unused]] const Rows& X) {
  std::vector<std::string> warnings;
  if constexpr (requires { flow.context_warnings(X); }) warnings = flow.context_warnings(X);
  if constexpr (requires { flow.data_warnings(X); })
    for (std::string& warning : flow.data_warnings(X)) warnings.push_back(std::move(warning));
  return warnings;
}

struct NoState {};

/// What can be said of a call of `fit` by its types, a line each.
template <class Flow, class State, class... Data>
struct FitCheck {
  static constexpr bool trainable = Trainable<Flow>;
  static constexpr bool one_scalar = [] {
    if constexpr (trainable)
      return std::same_as<State, NoState> || std::same_as<State, TrainingState<typename Flow::Scalar>>;
    return true;
  }();
  static constexpr bool value = trainable && one_scalar;
  static_assert(trainable, "fit: the first argument must be Trainable, as Cnf is");
  static_assert(one_scalar, "fit: the TrainingState must be of the flow's scalar, float or double");
  static_assert(!trainable || WeightedTrainable<Flow> || !(is_weighted<Data> || ...),
                "fit: data with weights need a flow with value_and_gradient(X, samples, weights, draw, memory, loss), "
                "as Cnf has");
};

}  // namespace detail

/// The callback that watches nothing.
struct KeepGoing {
  bool operator()(const EpochReport& /*report*/) const noexcept { return true; }
};

/// Data for `fit`: a batch, or one with weights.
template <class T>
concept FitData = detail::is_weighted<T> || std::derived_from<T, Eigen::MatrixBase<T>>;

/// Trains `flow` on `train` (d × n), judging by `validation` (d × m; none: by `train`). The flow ends with the best
/// parameters that an epoch ended with, also when an error is thrown. Row ids of `train`, the draws of `rng` and the
/// flow's chunk width decide every bit of the result; threads do not.
///
/// \param train, validation  Batches, or `with_weights(batch, weights)`: the loss is then the weighted mean over rows,
///                           of which a mini-batch has an estimate without bias.
/// \param state     Lets several calls be one training run. A call whose patience is over does nothing.
/// \param callback  Sees every epoch's report; returns false to stop.
///
/// \throws ShapeError, DataError, ArgumentError before anything is changed; TrainingError when training diverges, or a
///         sample has no finite likelihood.
template <class Flow, FitData Train, FitData Validation, Real S, class Callback = KeepGoing>
FitReport fit(Flow& flow, const Train& train, const Validation& validation, const FitOptions& options, Rng& rng,
              TrainingState<S>& state, Callback&& callback = {}) {
  if constexpr (detail::FitCheck<Flow, TrainingState<S>, Train, Validation>::value) {
    using DataScalar = detail::DataScalarOf<Flow>;
    const auto rows = detail::fit_rows<DataScalar>(train), held_out = detail::fit_rows<DataScalar>(validation);
    detail::require_valid(options);
    detail::require_fit_parameters(flow);
    detail::require_fit_rows(flow, "fit: training data", rows);
    if (held_out.X.cols() > 0) detail::require_fit_rows(flow, "fit: validation data", held_out);
    detail::require_resumable<S>(state, flow.parameters());
    std::vector<std::string> warnings = detail::warnings_of(flow, rows.X);
    detail::warn_of_far_rows(flow, rows, held_out, warnings);
    return detail::Training<Flow>(flow, rows, held_out, options, rng, state, std::move(warnings)).run(callback);
  } else {
    return {};
  }
}

/// The same, with `options.validation_fraction` of `data` (d × n) held out for validation, those of weight 0 not
/// counted. Calls that share a state hold out the same.
template <class Flow, FitData Data, Real S, class Callback = KeepGoing>
FitReport fit(Flow& flow, const Data& data, const FitOptions& options, Rng& rng, TrainingState<S>& state,
              Callback&& callback = {}) {
  if constexpr (detail::FitCheck<Flow, TrainingState<S>, Data>::value) {
    const auto rows = detail::fit_rows<detail::DataScalarOf<Flow>>(data);
    detail::require_valid(options);
    detail::require_fit_parameters(flow);
    detail::require_fit_rows(flow, "fit: data", rows);
    detail::require_resumable<S>(state, flow.parameters());
    (void)detail::require_total(options, state.epochs);
    (void)detail::held_out_count(Index(detail::counted(rows).size()), options.validation_fraction);
    if (!state.split) state.split = rng.draw();
    const auto [train, held_out] = detail::split_rows(rows, options.validation_fraction, *state.split);
    return detail::Training<Flow>(flow, train, held_out, options, rng, state, detail::warnings_of(flow, rows.X))
        .run(callback);
  } else {
    return {};
  }
}

/// A training run of one call.
template <class Flow, FitData Train, FitData Validation, class Callback = KeepGoing>
FitReport fit(Flow& flow, const Train& train, const Validation& validation, const FitOptions& options, Rng& rng,
              Callback&& callback = {}) {
  if constexpr (detail::FitCheck<Flow, detail::NoState, Train, Validation>::value) {
    TrainingState<typename Flow::Scalar> state;
    return fit(flow, train, validation, options, rng, state, callback);
  } else {
    return {};
  }
}
template <class Flow, FitData Data, class Callback = KeepGoing>
FitReport fit(Flow& flow, const Data& data, const FitOptions& options, Rng& rng, Callback&& callback = {}) {
  if constexpr (detail::FitCheck<Flow, detail::NoState, Data>::value) {
    TrainingState<typename Flow::Scalar> state;
    return fit(flow, data, options, rng, state, callback);
  } else {
    return {};
  }
}

}  // namespace pathline
