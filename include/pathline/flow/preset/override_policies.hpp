/// \file
/// Lists of policies of which one overrides the other: how a preset's choices give way to a user's.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/flow/policy_kinds.hpp>

#include <concepts>
#include <tuple>
#include <type_traits>
#include <utility>

namespace pathline::detail {

template <template <class> class Is, class A, class B>
inline constexpr bool both_are = Is<A>::value&& Is<B>::value;

/// Whether two policies are of one kind, of which a flow takes one only. A flow takes several regularizers, but one of
/// a type: there the type is the kind.
template <class A, class B>
inline constexpr bool exclude_each_other = both_are<IsTrace, A, B> || both_are<IsSolver, A, B> ||
                                           both_are<IsFlowControl, A, B> || both_are<IsGradientMethod, A, B> ||
                                           both_are<IsBaseDensity, A, B> || both_are<IsDataTransform, A, B> ||
                                           both_are<IsContextTransform, A, B> || both_are<IsEndTime, A, B> ||
                                           both_are<IsLikelihoodWeight, A, B> || both_are<IsEvaluationTrace, A, B> ||
                                           both_are<IsEvaluationSolver, A, B> || both_are<IsTimeSpan, A, B> ||
                                           both_are<IsThreads, A, B> || both_are<IsChunkWidth, A, B> ||
                                           (both_are<IsRegularizer, A, B> && std::same_as<A, B>);

/// `presets` without those that one of `overrides` replaces, then `overrides`. An adaptive step control replaces a
/// preset's `EvaluationSolver` too: a solver with step control is accurate enough to judge by. What is no policy at
/// all, or is named twice among the overrides, is left for `Cnf` to refuse.
template <class... Presets, class... Overrides>
[[nodiscard]] auto override_policies(const std::tuple<Presets...>& presets, const std::tuple<Overrides...>& overrides) {
  const auto kept = []<class P>(const P& preset) {
    constexpr bool judged_by_training =
        IsEvaluationSolver<P>::value && ((AdaptiveControl<Overrides> || EachSampleControl<Overrides>) || ...);
    if constexpr ((exclude_each_other<P, Overrides> || ...) || judged_by_training)
      return std::tuple<>();
    else
      return std::tuple<P>(preset);
  };
  return std::apply([&](const auto&... preset) { return std::tuple_cat(kept(preset)..., overrides); }, presets);
}

/// Rows of context that a preset's network reads: those that its options ask for or, where they ask for none, those of
/// a context transform among the policies that says so.
/// \throws ArgumentError when the options ask for context and no policy says how it is scaled.
template <class... Policies>
[[nodiscard]] Index context_rows(Index asked, const Policies&... policies) {
  if (asked > 0 && !(IsContextTransform<Policies>::value || ...))
    throw ArgumentError("Cnf: context transform of a preset with context", "missing",
                        "StandardizeContext(C) with the context of the training rows, or NoContextTransform{} where "
                        "it is of order 1");
  [[maybe_unused]] const auto look_at = [&asked]<class P>(const P& policy) {
    if constexpr (requires { policy.context_rows(); })
      if (asked == 0) asked = policy.context_rows();
  };
  (look_at(policies), ...);
  return asked;
}

/// The flow of a field with a preset's policies, except where `overrides` names another.
template <class FieldType, class... Presets, class... Overrides>
[[nodiscard]] auto preset_flow(FieldType field, const std::tuple<Presets...>& presets, const Overrides&... overrides) {
  return std::apply(
      [&]<class... P>(const P&... policies) { return Cnf<FieldType, P...>(std::move(field), policies...); },
      override_policies(presets, std::tuple<Overrides...>(overrides...)));
}

}  // namespace pathline::detail
