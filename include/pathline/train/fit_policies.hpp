/// \file
/// The kinds of policies that `fit` takes beside its options, and the one place that says so when a policy is none.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/policies.hpp>
#include <pathline/core/types.hpp>
#include <pathline/train/adam.hpp>
#include <pathline/train/callbacks.hpp>
#include <pathline/train/checkpoint/run_keeper.hpp>
#include <pathline/train/checkpoint/state_and_settings.hpp>
#include <pathline/train/gradient_transform.hpp>
#include <pathline/train/optimizer.hpp>
#include <pathline/train/schedule.hpp>
#include <pathline/train/training_state.hpp>

#include <algorithm>
#include <concepts>
#include <tuple>
#include <type_traits>
#include <utility>

namespace pathline {

template <class P>
using IsOptimizer = std::bool_constant<Optimizer<P>>;
template <class P>
using IsSchedule = std::bool_constant<Schedule<P>>;
template <class P>
using IsGradientTransform = std::bool_constant<GradientTransform<P>>;
template <class P>
using IsCallback = std::bool_constant<Callback<P>>;
template <class P>
using IsParameterChoice = std::bool_constant<ParameterChoice<P>>;
template <class P>
using IsRunKeeper = std::bool_constant<RunKeeper<P>>;
template <class P>
struct IsTrainingState : std::false_type {};
template <class Scalar>
struct IsTrainingState<TrainingState<Scalar>> : std::true_type {};

template <class P>
    struct IsAccumulation : std::bool_constant < requires {
  requires P::accumulates;
} > {};
template <class P>
    struct IsRecovery : std::bool_constant < requires {
  requires P::rolls_back;
} > {};

template <class P>
concept FitPolicy = Optimizer<P> || Schedule<P> || GradientTransform<P> || Callback<P> || ParameterChoice<P> ||
    RunKeeper<P> || IsTrainingState<P>::value || IsAccumulation<P>::value || IsRecovery<P>::value;

namespace detail {

/// Whether a checkpoint knows what a policy decides by: its `settings`, unless it has no members.
template <class P>
inline constexpr bool settings_known = true;
template <class P>
requires(Optimizer<P> || Schedule<P> || GradientTransform<P> || ParameterChoice<P> ||
         StoppingRule<P>) inline constexpr bool settings_known<P> = std::is_empty_v<P> || HasSettings<P>;

/// Whether a checkpoint knows what a callback remembers, where that can change the run: its `state`, if calls change it
/// or it can stop the run by what it holds.
template <class C>
inline constexpr bool state_known = true;
template <EpochCallback C>
requires(!RunCallback<C>) inline constexpr bool state_known<C> =
    HasState<C> || !std::is_class_v<C> || std::is_empty_v<C> ||
    (std::is_invocable_v<const C&, const EpochReport&> && std::is_void_v<std::invoke_result_t<C&, const EpochReport&>>);
template <RunCallback C>
inline constexpr bool state_known<C> =
    state_known<std::remove_reference_t<decltype(std::declval<C&>().start(std::declval<const TrainingStart&>()))>>;

/// What can be said of policies by their types. `FitCheck` asserts it.
/// \tparam Policies  As `fit` has them: P for a temporary, P& or const P& for a variable.
template <class Scalar, class... Policies>
struct FitPolicies {
  template <template <class> class Is>
  static constexpr bool at_most_one = count_of<Is, std::remove_cvref_t<Policies>...> <= 1;
  template <class P>
  static constexpr bool not_this_scalar =
      IsTrainingState<std::remove_cvref_t<P>>::value && !std::same_as<std::remove_cvref_t<P>, TrainingState<Scalar>>;
  template <class P>
  static constexpr bool changeable_state =
      !IsTrainingState<std::remove_cvref_t<P>>::value ||
      (std::is_lvalue_reference_v<P> && !std::is_const_v<std::remove_reference_t<P>>);
  template <class P>
  static constexpr bool sees_steps =
      !watches_steps<std::remove_cvref_t<P>> ||
      (std::is_lvalue_reference_v<P> &&
       requires(std::remove_reference_t<P> & callback, const VectorMap<Scalar>& theta) { callback.after_step(theta); });

  template <class P>
  static constexpr bool called = !EpochCallback<std::remove_cvref_t<P>> || RunCallback<std::remove_cvref_t<P>> ||
                                 EpochCallback<std::remove_reference_t<P>>;

  static constexpr bool known = (FitPolicy<std::remove_cvref_t<Policies>> && ...);
  static constexpr bool one_scalar = !(not_this_scalar<Policies> || ...);
  static constexpr bool changeable = (changeable_state<Policies> && ...);
  static constexpr bool steps = (sees_steps<Policies> && ...);
  static constexpr bool calls = (called<Policies> && ...);
  static constexpr bool keeps = (RunKeeper<std::remove_cvref_t<Policies>> || ...);
  static constexpr bool accumulates = (IsAccumulation<std::remove_cvref_t<Policies>>::value || ...);
  static constexpr bool rolls_back = (IsRecovery<std::remove_cvref_t<Policies>>::value || ...);
  // Callbacks that see no steps change between epochs alone, where nothing is to be restored.
  static constexpr bool restorable =
      !rolls_back ||
      ((!watches_steps<std::remove_cvref_t<Policies>> || HasState<std::remove_reference_t<Policies>>)&&...);
  static constexpr bool settings = !keeps || (settings_known<std::remove_cvref_t<Policies>> && ...);
  static constexpr bool state = !keeps || (state_known<std::remove_reference_t<Policies>> && ...);
  static constexpr bool value = known && one_scalar && changeable && steps && calls && settings && state &&
                                restorable && at_most_one<IsOptimizer> && at_most_one<IsSchedule> &&
                                at_most_one<IsGradientTransform> && at_most_one<IsParameterChoice> &&
                                at_most_one<IsTrainingState> && at_most_one<IsRunKeeper> &&
                                at_most_one<IsAccumulation> && at_most_one<IsRecovery>;
};

/// The first of the kind `Is`, else the last of all: a default.
template <template <class> class Is, class... Policies>
[[nodiscard]] auto& policy_of(Policies&... policies) {
  constexpr std::size_t first = index_of<Is, std::remove_cv_t<Policies>...>, last = sizeof...(Policies) - 1;
  constexpr std::size_t place = std::min(first, last);
  return policy_at<place>(PolicyListOf<Policies...>{{policies}...});  // the list ends here, what it refers to does not
}

/// References to all of the kind `Is`.
template <template <class> class Is, class... Policies>
[[nodiscard]] auto policies_of(Policies&... policies) {
  constexpr auto places = places_of<Is, std::remove_cv_t<Policies>...>;
  [[maybe_unused]] const PolicyListOf<Policies...> list{{policies}...};
  return [&]<std::size_t... K>(std::index_sequence<K...>) { return std::tie(policy_at<places[K]>(list)...); }
  (std::make_index_sequence<places.size()>{});
}

template <class P>
inline constexpr bool reads_criteria = ParameterChoice<P>;  // unless it says otherwise: see there
template <class P>
requires requires { P::reads_criteria; }
inline constexpr bool reads_criteria<P> = P::reads_criteria;
/// Whether a call of `fit` with these policies reads the losses of rows to judge by.
template <class... Policies>
inline constexpr bool any_reads_criteria = (reads_criteria<std::remove_cvref_t<Policies>> || ...);

template <class P>
inline constexpr bool reads_total = true;
template <class P>
requires requires { P::reads_total; }
inline constexpr bool reads_total<P> = P::reads_total;

template <class P>
void check_policy([[maybe_unused]] const P& policy, [[maybe_unused]] double learning_rate) {
  if constexpr (Schedule<P>) {
    if constexpr (requires { policy.check(learning_rate); }) policy.check(learning_rate);
  } else if constexpr (requires { policy.check(); }) {
    policy.check();
  }
  if constexpr (RunKeeper<P>)
    require_setting(Index(policy.every) >= 1, "fit: every of the checkpoint", double(policy.every), "at least 1 epoch");
}

}  // namespace detail
}  // namespace pathline
