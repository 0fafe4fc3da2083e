/// \file
/// A step control made more accurate: what a flow's likelihoods are checked by. It keeps its type, so that the check
/// compiles no solver anew.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/ode/batch/per_sample.hpp>
#include <pathline/ode/concepts.hpp>

#include <algorithm>
#include <concepts>
#include <limits>
#include <string>
#include <type_traits>

namespace pathline {

/// What `Cnf::refined_log_prob` changes in the solver, in words.
struct SolverRefinement {
  std::string change;  ///< "16 steps in place of 4"; empty where nothing can be made more accurate.
  std::string advice;  ///< How to make the flow's own solver as accurate.
};

namespace detail {

/// Steps so many times as short leave 1/4, 1/16, 1/256 of the error of a method of order 1, 2, 4: enough to tell the
/// error by the difference, and affordable.
inline constexpr Index refined_steps = 4;
inline constexpr double refined_tolerance = 0.01;

/// The smallest relative tolerance that a scalar can resolve: about eight roundings, 1e-6 in float.
template <Real Scalar>
inline constexpr double least_tolerance = std::same_as<Scalar, float> ? 1e-6 : 1e-12;

/// The control with more steps, or with smaller tolerances down to `least`.
template <StepControl Control>
[[nodiscard]] Control refined(Control control, double least) {
  if constexpr (requires { control.steps_per_interval = Index(1); }) {
    control.steps_per_interval = Index(control.steps_per_interval) * refined_steps;
  } else if constexpr (AdaptiveControl<Control>) {
    const double factor = control.rtol > least ? std::max(refined_tolerance, least / control.rtol) : 1;
    control.rtol *= factor;
    control.atol *= factor;
    if constexpr (requires { control.scale_tolerances(factor); }) control.scale_tolerances(factor);
    if constexpr (requires { control.min_step = 0; }) control.min_step = 0;
    control.max_steps = Index(control.max_steps) * 10;
  }
  return control;
}

template <class Control>
[[nodiscard]] PerSample<Control> refined(const PerSample<Control>& policy, double least) {
  return PerSample<Control>(refined(policy.control, least), policy.column_multiple);
}

/// How `refined` changes the control.
template <StepControl Control>
[[nodiscard]] SolverRefinement refinement_of(const Control& control, double least) {
  const Control finer = refined(control, least);
  if constexpr (FixedControl<Control>) {
    const Index before = control.steps_per_interval, after = finer.steps_per_interval;
    if (after == before) return {};
    return {message({after, " steps in place of ", before}), "give FixedSteps more steps, or take an adaptive solver"};
  } else {
    if (finer.rtol == control.rtol) return {};
    return {
        message({"rtol ", finer.rtol, " and atol ", finer.atol, " in place of ", control.rtol, " and ", control.atol}),
        "lower rtol and atol"};
  }
}
template <class Control>
[[nodiscard]] SolverRefinement refinement_of(const PerSample<Control>& policy, double least) {
  return refinement_of(policy.control, least);
}

}  // namespace detail
}  // namespace pathline
