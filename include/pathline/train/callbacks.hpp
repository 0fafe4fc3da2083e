/// \file
/// What watches a training run, what ends it early, and which parameters the model ends with. `fit` takes any number of
/// callbacks, in any order; one that is not named costs nothing.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/train/fit_report.hpp>
#include <pathline/train/optimizer.hpp>
#include <pathline/train/schedule.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

namespace pathline {

/// What a callback knows before the first epoch of a call of `fit`.
struct TrainingStart {
  Index epochs = 0;      ///< Of this call.
  Index done = 0;        ///< Before it: of earlier calls with the same TrainingState, and of the run that it resumes.
  Index total = 0;       ///< Of all calls of that state.
  bool resumed = false;  ///< Whether it goes on with a run that was interrupted, from a checkpoint.
};

/// Called with the report of each epoch: it returns nothing, or false to stop. A lambda is one.
template <class C>
concept EpochCallback = std::invocable<C&, const EpochReport&> &&
    (std::is_void_v<std::invoke_result_t<C&, const EpochReport&>> ||
     std::convertible_to<std::invoke_result_t<C&, const EpochReport&>, bool>);

/// `start(start)` makes an EpochCallback for one run, which lives as long as that: what has to remember something.
template <class C>
concept RunCallback = requires(C& callback, const TrainingStart& start) {
  { callback.start(start) } -> EpochCallback;
};

/// A callback that remembers something in the program's own variables, which a checkpoint keeps:
///
///     double lowest = 1e9;
///     fit(flow, data, {}, rng, io::Checkpoint{.path = "run.checkpoint"},
///         with_state([&](const EpochReport& epoch) { lowest = std::min(lowest, epoch.train_loss); },
///                    [&](auto& visit) { visit("lowest", lowest); }));
template <class Call, class State>
struct WithState {
  Call call;
  State names;

  decltype(auto) operator()(const EpochReport& epoch) { return call(epoch); }
  template <class Visit>
  void state(Visit& visit) {
    names(visit);
  }
};
template <class Call, class State>
[[nodiscard]] WithState<Call, State> with_state(Call call, State names) {
  return {std::move(call), std::move(names)};
}

/// `stop(progress)` is called before each epoch, and after the last: true ends training. One that reads `criteria` or
/// `since_best` has `static constexpr bool reads_criteria = true`, which has training rows judged where none are held
/// out.
template <class C>
concept StoppingRule = requires(const C& rule, const TrainingProgress& progress) {
  { rule.stop(progress) } -> std::convertible_to<bool>;
};

namespace detail {

/// Whether a callback is called as `after_step(theta)` too, after each step of the optimizer and with the parameters
/// that it led to: it has `static constexpr bool watches_steps = true`.
template <class C>
inline constexpr bool watches_steps = false;
template <class C>
requires requires { C::watches_steps; }
inline constexpr bool watches_steps<C> = C::watches_steps;

}  // namespace detail

template <class C>
concept Callback = EpochCallback<C> || RunCallback<C> || StoppingRule<C>;

/// `keeps(report)`: whether the parameters after this epoch are those to end with, as far as is known. Training rows
/// are judged for it where none are held out, unless it has `static constexpr bool reads_criteria = false`.
template <class C>
concept ParameterChoice = requires(const C& choice, const EpochReport& report) {
  { choice.keeps(report) } -> std::convertible_to<bool>;
};

/// Stops when `patience` validations in a row have not had a new least mean loss. A further call of `fit` with the same
/// TrainingState does nothing then.
struct EarlyStopping {
  Index patience = 20;

  static constexpr bool reads_criteria = true;
  template <class Visit>
  void settings(Visit& visit) const {
    visit("patience", patience);
  }
  void check() const {
    detail::require_setting(patience >= 1, "EarlyStopping: patience", double(patience), "at least 1 validation");
  }
  [[nodiscard]] bool stop(const TrainingProgress& progress) const { return progress.since_best >= patience; }
};

namespace detail {

template <StoppingRule C>
inline constexpr StopReason stop_reason = StopReason::stopping_rule;
template <>
inline constexpr StopReason stop_reason<EarlyStopping> = StopReason::patience;

}  // namespace detail

/// The model ends with the parameters of the best epoch that was judged.
struct KeepBest {
  static constexpr bool reads_criteria = true;
  [[nodiscard]] bool keeps(const EpochReport& report) const { return report.best; }
};

/// The model ends with the parameters of the last epoch. Training rows are not judged by then: that costs an
/// evaluation.
struct KeepLast {
  static constexpr bool reads_criteria = false;
  [[nodiscard]] bool keeps(const EpochReport& /*report*/) const { return true; }
};

}  // namespace pathline
