/// \file
/// One readable line of the compiler for every combination of a flow's parts that cannot work; tests/compile_fail has a
/// program for each.
#pragma once

#include <pathline/core/policies.hpp>
#include <pathline/flow/evaluation.hpp>
#include <pathline/flow/flow_policies.hpp>
#include <pathline/flow/policy_kinds.hpp>
#include <pathline/nn/traced.hpp>

#include <concepts>

namespace pathline::detail {

/// One readable line for each assembly of a flow that cannot work. Apart from FlowPolicies: a compiler that has refused
/// a class may not look further into it, and would complain of what it has not seen.
template <class FieldType, class... Policies>
struct FlowCheck {
  static constexpr bool value = true;
  using Asked = FlowPolicies<FieldType, Policies...>;
  using Reading = typename Asked::Reading;
  static constexpr bool field = is_flow_field<FieldType>;

  static_assert(field, "Cnf: the first argument must be a Field (linearize and pullback, nn/layer.hpp)");
  static_assert(KnownPolicies<Policies...>::value);
  static_assert(!field || Asked::one_scalar,
                "Cnf: data transform, context transform and base density must be of the field's scalar, float or "
                "double; before a float "
                "field the data transform may be of double");
  static_assert(Asked::controlled,
                "Cnf: this solver (Rk4, ImplicitEuler, ...) has no error estimate: give FixedSteps(n) too");
  static_assert(!Asked::controlled || Asked::evaluation_controlled,
                "Cnf: the solver of the EvaluationSolver (Rk4, ImplicitEuler, ...) has no error estimate: give it "
                "FixedSteps(n)");
  static_assert(Asked::each_sample,
                "Cnf: PerSample takes an explicit method and a controller without forced points: give any other method "
                "its controller alone and ChunkWidth{1}, which solves each sample by itself");
  static_assert(Asked::each_sample_gradient,
                "Cnf: PerSample goes with Backpropagation<>, which keeps one state a step: give no other gradient "
                "method, no checkpoints and no cost of the steps");
  static_assert(
      Asked::evaluation_of_each,
      "Cnf: PerSample in an EvaluationSolver takes an explicit method and a controller without forced points");
  static_assert(!field || Reading::trace,
                "Cnf: ClosedFormTrace needs a TracedField (nn/traced.hpp); use ExactTrace or Hutchinson");
  static_assert(!field || TracedField<typename Asked::AskedBlock> ||
                    !std::same_as<typename Asked::AskedEvaluation, EvaluationTrace<ClosedFormTrace>>,
                "Cnf: EvaluationTrace{ClosedFormTrace{}} needs a TracedField (nn/traced.hpp)");
  static_assert(Reading::tangents,
                "Cnf: a regularizer reads tangents (JacobianNorm, ...), and a trace in closed form leaves none: name "
                "ExactTrace or Hutchinson");
  static_assert(Reading::potential,
                "Cnf: a regularizer reads the potential's rate (HamiltonJacobiBellman, ...): the field must be a "
                "PotentialField (nn/potential/potential.hpp) with ClosedFormTrace");
  static_assert(
      !field || Reading::taylor,
      "Cnf: a regularizer reads the path's jerk (Jerk, ...): the field must be a TaylorField (nn/taylor/taylor.hpp)");
};

}  // namespace pathline::detail
