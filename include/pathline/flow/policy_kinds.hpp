/// \file
/// The kinds of policies that a flow is put together from, and the one place that says so when a policy is none.
#pragma once

#include <pathline/core/policies.hpp>
#include <pathline/flow/base/base_density.hpp>
#include <pathline/flow/end_time/end_time.hpp>
#include <pathline/flow/evaluation.hpp>
#include <pathline/flow/regularizer/regularizer.hpp>
#include <pathline/flow/settings.hpp>
#include <pathline/flow/trace/trace.hpp>
#include <pathline/flow/transform/context_transform.hpp>
#include <pathline/flow/transform/transform.hpp>
#include <pathline/gradient/gradient_method.hpp>
#include <pathline/ode/batch/per_sample.hpp>
#include <pathline/ode/concepts.hpp>

#include <type_traits>

namespace pathline {

template <class P>
using IsTrace = std::bool_constant<TracePolicy<P>>;
template <class P>
using IsBaseDensity = std::bool_constant<BaseDensity<P, double> || BaseDensity<P, float>>;
template <class P>
using IsDataTransform = std::bool_constant<DataTransform<P, double> || DataTransform<P, float>>;
template <class P>
using IsContextTransform = std::bool_constant<ContextTransform<P, double> || ContextTransform<P, float>>;
template <class P>
using IsRegularizer = std::bool_constant<Regularizer<P>>;
template <class P>
using IsEndTime = std::bool_constant<EndTimePolicy<P>>;
/// A step control of a batch, or of each sample.
template <class P>
using IsFlowControl = std::bool_constant<StepControl<P> || EachSampleControl<P>>;
template <class P>
using IsLikelihoodWeight = std::is_same<P, LikelihoodWeight>;
template <class P>
struct IsEvaluationTrace : std::false_type {};
template <class Estimator>
struct IsEvaluationTrace<EvaluationTrace<Estimator>> : std::bool_constant<TracePolicy<Estimator>> {};
template <class P>
struct IsEvaluationSolver : std::false_type {};
template <class Method, class Control>
struct IsEvaluationSolver<EvaluationSolver<Method, Control>>
    : std::bool_constant<SteppingMethod<Method> && IsFlowControl<Control>::value> {};
template <class P>
using IsTimeSpan = std::is_same<P, TimeSpan>;

/// A policy of some kind.
template <class P>
concept FlowPolicy = TracePolicy<P> || SteppingMethod<P> || IsFlowControl<P>::value || GradientMethod<P> ||
    IsBaseDensity<P>::value || IsDataTransform<P>::value || IsContextTransform<P>::value || Regularizer<P> ||
    EndTimePolicy<P> || IsLikelihoodWeight<P>::value || IsEvaluationTrace<P>::value || IsEvaluationSolver<P>::value ||
    IsTimeSpan<P>::value || IsThreads<P>::value || IsChunkWidth<P>::value;

/// Asserts, in one readable line each, that every policy is of some kind and that no kind but regularizers is named
/// twice.
template <class... Policies>
struct KnownPolicies {
  static_assert((FlowPolicy<Policies> && ...),
                "Cnf: a policy is none of: trace estimator (tangents, weight, fill), solver (tableau), step control, "
                "gradient method (forward, backward), base density (log_density, score, sample), data transform "
                "(check, apply, invert), context transform (check, apply, pullback), regularizer (weight, evaluate, "
                "pullback), end time (check, training_end), "
                "LikelihoodWeight, EvaluationTrace, EvaluationSolver, TimeSpan, Threads, ChunkWidth");
  static_assert(detail::count_of<IsTrace, Policies...> <= 1, "Cnf: more than one trace estimator");
  static_assert(detail::count_of<IsSolver, Policies...> <= 1, "Cnf: more than one solver");
  static_assert(detail::count_of<IsFlowControl, Policies...> <= 1, "Cnf: more than one step control");
  static_assert(detail::count_of<IsGradientMethod, Policies...> <= 1, "Cnf: more than one gradient method");
  static_assert(detail::count_of<IsBaseDensity, Policies...> <= 1, "Cnf: more than one base density");
  static_assert(detail::count_of<IsDataTransform, Policies...> <= 1, "Cnf: more than one data transform");
  static_assert(detail::count_of<IsContextTransform, Policies...> <= 1, "Cnf: more than one context transform");
  static_assert(detail::count_of<IsEndTime, Policies...> <= 1, "Cnf: more than one end-time policy");
  static_assert(detail::count_of<IsLikelihoodWeight, Policies...> <= 1, "Cnf: more than one LikelihoodWeight");
  static_assert(detail::count_of<IsEvaluationTrace, Policies...> <= 1, "Cnf: more than one EvaluationTrace");
  static_assert(detail::count_of<IsEvaluationSolver, Policies...> <= 1, "Cnf: more than one EvaluationSolver");
  static_assert(detail::count_of<IsTimeSpan, Policies...> <= 1, "Cnf: more than one TimeSpan");
  static_assert(detail::count_of<IsThreads, Policies...> <= 1, "Cnf: more than one Threads");
  static_assert(detail::count_of<IsChunkWidth, Policies...> <= 1, "Cnf: more than one ChunkWidth");
  static constexpr bool value = true;
};

}  // namespace pathline
