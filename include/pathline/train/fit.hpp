/// \file
/// Training of a flow by mini-batches, put together from policies as the flow is:
///
///     fit(flow, data, {.epochs = 200}, rng);
///     fit(flow, data, {.epochs = 200}, rng, AdamW{.learning_rate = 5e-3}, WarmUpThenCosine{.warm_up_epochs = 5},
///         ClipByNorm{.max_norm = 10}, EarlyStopping{.patience = 30}, PrintProgress{});
///
/// A kind that is not named is Adam, the rate that Adam has, no clipping, no callback, and `KeepBest`.
#pragma once

#include <pathline/core/data_ref.hpp>
#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/train/adam.hpp>
#include <pathline/train/batch_source.hpp>
#include <pathline/train/callbacks.hpp>
#include <pathline/train/checkpoint/kept_run.hpp>
#include <pathline/train/checkpoint/run_keeper.hpp>
#include <pathline/train/checkpoint/state_and_settings.hpp>
#include <pathline/train/fit_options.hpp>
#include <pathline/train/fit_policies.hpp>
#include <pathline/train/fit_report.hpp>
#include <pathline/train/gradient_transform.hpp>
#include <pathline/train/print_progress.hpp>
#include <pathline/train/rows_at_fault.hpp>
#include <pathline/train/schedule.hpp>
#include <pathline/train/sgd.hpp>
#include <pathline/train/shuffled_rows.hpp>
#include <pathline/train/split.hpp>
#include <pathline/train/trainable.hpp>
#include <pathline/train/training.hpp>
#include <pathline/train/training_state.hpp>
#include <pathline/train/weighted_data.hpp>

#include <concepts>
#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace pathline {

/// Data for `fit`: a batch, or one with weights.
template <class T>
concept FitData = detail::is_weighted<T> || std::derived_from<T, Eigen::MatrixBase<T>>;

namespace detail {

template <class T>
inline constexpr bool is_split = false;
template <class Scalar>
inline constexpr bool is_split<SplitData<Scalar>> = true;
template <class Scalar>
inline constexpr bool is_split<SplitWeightedData<Scalar>> = true;

/// Throws unless the parameters that training begins with are of the field's length, which those of a flow that was
/// moved from are not, and finite.
template <class Flow>
void require_fit_parameters(Flow& flow, const char* what = "fit") {
  if constexpr (requires { flow.parameters().checked(); }) (void)flow.parameters().checked();
  const auto theta = parameter_span(flow);
  for (std::size_t i = 0; i < theta.size(); ++i)
    if (!(theta[i] - theta[i] == 0))
      throw ArgumentError(message({what, ": parameters(", i, ")"}), double(theta[i]), "a finite number");
}

/// Checks data at the door, before anything is changed.
template <class Flow, Real DataScalar>
void require_fit_rows(const Flow& flow, const char* what, const DataRef<DataScalar>& X, const FitRows<DataScalar>& rows,
                      const Vector<double>* weights) {
  require_batch_rows(what, X.rows(), X.cols(), flow.data_rows());
  require_finite(what, X);
  require_mapped(what, flow, rows);
  if (weights) require_weights(message({what, ": weights"}).c_str(), *weights, X.cols());
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

/// The mini-batches of a source, or of rows.
template <class Flow, class Data>
struct DataOf {
  using type = Batch<DataScalarOf<Flow>>;
};
template <class Flow, BatchSource Data>
struct DataOf<Flow, Data> {
  using type =
      std::remove_cvref_t<decltype(std::declval<const Data&>()
                                       .batch(0, 0, std::declval<Rng&>(), std::declval<typename Data::Memory&>())
                                       .data)>;
};

/// What can be said of a call of `fit` by its types, a line each.
/// \tparam Train       A batch, one with weights, or a batch source.
/// \tparam Validation  A batch, or one with weights; `void` where there is none.
template <class Flow, class Train, class Validation, class... Policies>
struct FitCheck {
  static constexpr bool data = FitData<Train> || BatchSource<Train>;
  static constexpr bool validation = FitData<Validation> || std::is_void_v<Validation>;
  static constexpr bool trainable = [] {
    if constexpr (!data)
      return true;
    else if constexpr (BatchSource<Train> && std::is_void_v<Validation>)
      return TrainableBy<Flow, typename DataOf<Flow, Train>::type>;
    else if constexpr (BatchSource<Train>)
      return Trainable<Flow> && TrainableBy<Flow, typename DataOf<Flow, Train>::type>;
    else
      return Trainable<Flow>;
  }();
  static constexpr auto kinds = [] {  // of a model that is none, nothing more is said
    if constexpr (trainable && data)
      return FitPolicies<typename Flow::Scalar, Policies...>{};
    else
      return FitPolicies<double>{};
  }();
  using Kinds = std::remove_cv_t<decltype(kinds)>;
  static constexpr bool weights =
      !trainable || !data || WeightedTrainable<Flow> || !(is_weighted<Train> || is_weighted<Validation>);
  static constexpr bool source = [] {
    if constexpr (BatchSource<Train> && (Kinds::keeps || Kinds::rolls_back))
      return std::is_empty_v<typename Train::Memory> || HasState<typename Train::Memory>;
    else
      return true;
  }();
  static constexpr bool statistics = [] {
    if constexpr (trainable && data && Kinds::accumulates)
      return !requires(Flow & flow, typename Flow::Memory & memory) { flow.after_step(memory); };
    else
      return true;
  }();
  static constexpr bool keeper = [] {  // processes that wrote one file would spoil it
    if constexpr (trainable && requires { requires Flow::of_several_processes; })
      return ((!RunKeeper<std::remove_cvref_t<Policies>> || keeps_for_all<std::remove_cvref_t<Policies>>)&&...);
    else
      return true;
  }();
  static constexpr bool value =
      data && validation && trainable && weights && source && statistics && keeper && Kinds::value;
  static_assert(data,
                "fit: the data are none of: batch (d x n), with_weights(batch, weights), what split returns, batch "
                "source (Memory, samples, start_epoch, batch)");
  static_assert(validation, "fit: the validation data are none of: batch (d x n), with_weights(batch, weights)");
  static_assert(trainable, "fit: the first argument must be Trainable, as Cnf is");
  static_assert(weights,
                "fit: data with weights need a flow with value_and_gradient(X, samples, weights, draw, memory, loss), "
                "as Cnf has");
  static_assert(Kinds::known,
                "fit: a policy is none of: optimizer (learning_rate, moments, step), schedule (rate), gradient "
                "transform (apply), callback (called with an EpochReport, start, stop), parameter choice (keeps), "
                "checkpoint (every, name, read, write), TrainingState, Accumulate, RollBack");
  static_assert(Kinds::one_scalar, "fit: the TrainingState must be of the flow's scalar, float or double");
  static_assert(Kinds::changeable, "fit: the TrainingState must be a variable, which fit changes");
  static_assert(
      Kinds::steps,
      "fit: a callback of steps, as ExponentialMovingAverage is, must be a variable and of the flow's scalar, "
      "float or double");
  static_assert(Kinds::calls, "fit: a callback that changes itself cannot be const: it would not be called");
  static_assert(Kinds::template at_most_one<IsOptimizer>, "fit: more than one optimizer");
  static_assert(Kinds::template at_most_one<IsSchedule>, "fit: more than one schedule");
  static_assert(Kinds::template at_most_one<IsGradientTransform>, "fit: more than one gradient transform");
  static_assert(Kinds::template at_most_one<IsParameterChoice>, "fit: more than one parameter choice");
  static_assert(Kinds::template at_most_one<IsTrainingState>, "fit: more than one TrainingState");
  static_assert(Kinds::template at_most_one<IsRunKeeper>, "fit: more than one checkpoint");
  static_assert(Kinds::template at_most_one<IsAccumulation>, "fit: more than one Accumulate");
  static_assert(Kinds::template at_most_one<IsRecovery>, "fit: more than one RollBack");
  static_assert(
      statistics,
      "fit: a model with running statistics (a batch normalisation) sees the last mini-batch of a step alone, "
      "so that Accumulate cannot be: take a larger FitOptions::batch");
  static_assert(keeper,
                "fit: a model that several processes train needs a checkpoint of all of them: on_rank_0(checkpoint)");
  static_assert(Kinds::settings,
                "fit: with a checkpoint, an optimizer, schedule, gradient transform, parameter choice or stopping rule "
                "that has members needs settings(visit), which names them");
  static_assert(Kinds::state,
                "fit: with a checkpoint, a callback that changes itself, or stops training by what it holds, needs "
                "state(visit), which names what it remembers; or with_state");
  static_assert(Kinds::restorable,
                "fit: with RollBack, a callback of steps needs state(visit), which names what it remembers");
  static_assert(source,
                "fit: with a checkpoint or RollBack, the Memory of a batch source needs state(visit), which names what "
                "it carries from one epoch to the next");
};

/// Trains, once all is known to be right.
template <class DefaultChoice, class Flow, class Source, Real DataScalar, class... Policies>
FitReport train(Flow& flow, const Source& source, const FitRows<DataScalar>* rows, bool held_out,
                const FitOptions& options, Rng& rng, const TrainingDraws& draws, std::vector<std::string> warnings,
                TrainingState<typename Flow::Scalar>& state, Policies&... policies) {
  const Adam adam;
  const ConstantRate constant_rate;
  const KeepGradient keep_gradient;
  const DefaultChoice default_choice;
  const KeepsNoRun keeps_no_run;
  const TakesEach takes_each;
  const GivesUp gives_up;
  const auto& optimizer = policy_of<IsOptimizer>(policies..., adam);
  const auto& schedule = policy_of<IsSchedule>(policies..., constant_rate);
  const auto& transform = policy_of<IsGradientTransform>(policies..., keep_gradient);
  const auto& choice = policy_of<IsParameterChoice>(policies..., default_choice);
  const auto& keeper = policy_of<IsRunKeeper>(policies..., keeps_no_run);
  const auto& accumulation = policy_of<IsAccumulation>(policies..., takes_each);
  const auto& recovery = policy_of<IsRecovery>(policies..., gives_up);
  auto callbacks = policies_of<IsCallback>(policies...);
  const Index total = require_total(options, state.epochs, reads_total<std::remove_cvref_t<decltype(schedule)>>);
  const bool needed = any_reads_criteria<decltype(choice), Policies...>;
  TrainingPlan<typename Flow::Scalar, std::remove_cvref_t<decltype(optimizer)>, std::remove_cvref_t<decltype(schedule)>,
               std::remove_cvref_t<decltype(transform)>, std::remove_cvref_t<decltype(choice)>,
               std::remove_cvref_t<decltype(keeper)>, std::remove_cvref_t<decltype(accumulation)>,
               std::remove_cvref_t<decltype(recovery)>, decltype(callbacks)>
      plan{options,  optimizer, schedule, transform, choice, keeper, accumulation,
           recovery, callbacks, state,    total,     needed, draws};
  return Training<Flow, Source, decltype(plan), DataScalar>(flow, source, rows, held_out, plan, rng,
                                                            std::move(warnings))
      .run();
}

/// Checks options, policies, parameters and state at the door.
template <class Flow, class... Policies>
void require_fit(Flow& flow, const FitOptions& options, const TrainingState<typename Flow::Scalar>& state,
                 const Policies&... policies) {
  require_valid(options);
  const Adam adam;
  const ConstantRate constant_rate;
  [[maybe_unused]] const double rate = policy_of<IsOptimizer>(policies..., adam).learning_rate;
  (check_policy(policies, rate), ...);
  require_fit_parameters(flow);
  require_resumable<typename Flow::Scalar>(state, parameter_span(flow));
  const auto& schedule = policy_of<IsSchedule>(policies..., constant_rate);
  (void)require_total(options, state.epochs, reads_total<std::remove_cvref_t<decltype(schedule)>>);
}

}  // namespace detail

/// Trains `flow` on `train` (d × n), judging by `validation` (d × m; none: by `train`). The flow ends with the best
/// parameters that an epoch ended with, also when an error is thrown. Row ids of `train`, the draws of `rng` and the
/// flow's chunk width decide every bit of the result; threads do not.
///
/// \param train       A batch, or `with_weights(batch, weights)`: the loss is then the weighted mean over rows, of
///                    which a mini-batch has an estimate without bias. Or a batch source (train/batch_source.hpp). Rows
///                    are read where they are: the only copy of one is in its mini-batch.
/// \param validation  A batch, or `with_weights(batch, weights)`.
/// \param policies    Any of, in any order, each kind but callbacks at most once: an optimizer (`Adam`), a schedule of
///                    its rate (`ConstantRate`), a gradient transform, a parameter choice (`KeepBest`), callbacks, a
///                    `TrainingState`, which lets several calls be one training run, a checkpoint
///                    (`io::Checkpoint`), by which a run that was interrupted goes on, steps of several mini-batches
///                    (`Accumulate`), and what to do when training diverges (`RollBack`).
///
/// \throws ShapeError, DataError, ArgumentError, CheckpointError before anything is changed; TrainingError when
///         training diverges, or a sample has no finite likelihood; FileError for a checkpoint that cannot be read or
///         written.
template <class Flow, class Train, class Validation, class... Policies>
FitReport fit(Flow& flow, const Train& train, const Validation& validation, const FitOptions& options, Rng& rng,
              Policies&&... policies) {
  if constexpr (detail::FitCheck<Flow, Train, Validation, Policies...>::value) {
    using DataScalar = detail::DataScalarOf<Flow>;
    TrainingState<typename Flow::Scalar> fresh;
    auto& state = detail::policy_of<IsTrainingState>(policies..., fresh);
    detail::require_fit(flow, options, state, policies...);
    const DataRef<DataScalar> V(detail::batch_of(validation));
    const detail::FitRows<DataScalar> held_out(V, detail::weights_of(validation));
    const bool judges = V.cols() > 0;
    const auto check_validation = [&] {
      if (judges) detail::require_fit_rows(flow, "fit: validation data", V, held_out, detail::weights_of(validation));
    };
    if constexpr (BatchSource<Train>) {
      detail::require_setting(train.samples() >= 1, "fit: samples of the source", double(train.samples()),
                              "at least 1");
      if (!judges) throw DataError("fit: validation data is empty, expected rows to judge by");
      check_validation();
      return detail::train<KeepBest>(flow, train, &held_out, true, options, rng, {rng, state.split}, {}, state,
                                     policies...);
    } else {
      const DataRef<DataScalar> X(detail::batch_of(train));
      const detail::FitRows<DataScalar> rows(X, detail::weights_of(train));
      detail::require_fit_rows(flow, "fit: training data", X, rows, detail::weights_of(train));
      check_validation();
      std::vector<std::string> warnings = detail::warnings_of(flow, X);
      detail::warn_of_far_rows(flow, rows, held_out, warnings);
      const detail::ShuffledRows<DataScalar, typename Flow::Scalar> source(rows);
      return detail::train<KeepBest>(flow, source, judges ? &held_out : &rows, judges, options, rng, {rng, state.split},
                                     std::move(warnings), state, policies...);
    }
  } else {
    return {};
  }
}

/// The same, with `options.validation_fraction` of `data` (d × n) held out for validation, those of weight 0 not
/// counted. Calls that share a state hold out the same. Or with data that `split` has parted already, of which none are
/// held out; or with a batch source, without rows to judge by: the flow ends with the last parameters.
template <class Flow, class Data, class... Policies>
FitReport fit(Flow& flow, const Data& data, const FitOptions& options, Rng& rng, Policies&&... policies) {
  if constexpr (detail::is_split<Data>) {
    return fit(flow, data.rest, data.held_out, options, rng, std::forward<Policies>(policies)...);
  } else if constexpr (detail::FitCheck<Flow, Data, void, Policies...>::value) {
    using DataScalar = detail::DataScalarOf<Flow>;
    TrainingState<typename Flow::Scalar> fresh;
    auto& state = detail::policy_of<IsTrainingState>(policies..., fresh);
    detail::require_fit(flow, options, state, policies...);
    if constexpr (BatchSource<Data>) {
      detail::require_setting(data.samples() >= 1, "fit: samples of the source", double(data.samples()), "at least 1");
      if (detail::any_reads_criteria<Policies...>)
        throw ArgumentError("fit: validation data", "missing",
                            "rows after the source, by which KeepBest, EarlyStopping and OnPlateau judge");
      return detail::train<KeepLast, Flow, Data, DataScalar>(flow, data, nullptr, false, options, rng,
                                                             {rng, state.split}, {}, state, policies...);
    } else {
      const DataRef<DataScalar> X(detail::batch_of(data));
      const detail::FitRows<DataScalar> rows(X, detail::weights_of(data));
      detail::require_fit_rows(flow, "fit: data", X, rows, detail::weights_of(data));
      (void)detail::held_out_count(Index(detail::counted(rows).size()), options.validation_fraction);
      detail::TrainingDraws draws{rng, state.split};
      if (!draws.split) draws.split = draws.rng.draw();
      const auto [train, held_out] = detail::split_rows(rows, options.validation_fraction, *draws.split);
      const bool judges = held_out.samples() > 0;
      const detail::ShuffledRows<DataScalar, typename Flow::Scalar> source(train);
      return detail::train<KeepBest>(flow, source, judges ? &held_out : &train, judges, options, rng, draws,
                                     detail::warnings_of(flow, X), state, policies...);
    }
  } else {
    return {};
  }
}

}  // namespace pathline
