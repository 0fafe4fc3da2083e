/// \file
/// From the policies that a flow names, in any order, to its parts: each is found by its kind, with a default where
/// none is named.
#pragma once

#include <pathline/core/chunk_settings.hpp>
#include <pathline/core/policies.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/evaluation_parts.hpp>
#include <pathline/flow/flow_parts.hpp>
#include <pathline/flow/policy_kinds.hpp>
#include <pathline/gradient/backpropagation.hpp>
#include <pathline/gradient/ode_parts.hpp>
#include <pathline/nn/taylor/taylor.hpp>
#include <pathline/ode/batch/per_sample.hpp>
#include <pathline/ode/concepts.hpp>
#include <pathline/ode/control/forced_points.hpp>
#include <pathline/ode/control/step_control.hpp>
#include <pathline/ode/explicit/explicit_tableau.hpp>
#include <pathline/ode/explicit/tableaux.hpp>

#include <concepts>
#include <tuple>
#include <type_traits>
#include <utility>

namespace pathline::detail {

/// Whether what the regularizers of a tuple read can be had from the field by this trace.
template <class Field, class Trace, class Tuple>
struct Readable;
template <class Field, class Trace, class... R>
struct Readable<Field, Trace, std::tuple<R...>> {
  static constexpr PathQuantities needs = all_needs<R...>;
  static constexpr bool closed_form = std::same_as<Trace, ClosedFormTrace>;
  static constexpr bool trace = !closed_form || TracedField<Field>;
  static constexpr bool tangents = !needs.tangents || !closed_form;
  static constexpr bool potential = !needs.potential_rate || (closed_form && PotentialField<Field>);
  static constexpr bool taylor = !needs.jerk || TaylorField<Field>;
  static constexpr bool value = trace && tangents && potential && taylor;
};

/// Whether a flow's samples can have steps of their own by this method and control; true where they are not asked for.
template <class Method, class Control>
struct EachSampleSolver : std::true_type {};
template <class Method, class Controller>
struct EachSampleSolver<Method, PerSample<Controller>>
    : std::bool_constant<ExplicitMethod<Method> && !HasForcedPoints<Controller>> {};

/// Whether the step control of an EvaluationSolver can work with its method.
template <class Solver>
struct CanControl;
template <class Method, class Control>
struct CanControl<EvaluationSolver<Method, Control>>
    : std::bool_constant<FixedControl<Control> || EmbeddedMethod<Method>> {
  static constexpr bool of_each_sample = EachSampleSolver<Method, Control>::value;
};

/// The types of the parts.
template <class FieldType, class... Policies>
struct FlowPolicies {
  using AskedBlock = typename BlockOf<FieldType>::type;
  using AskedMethod = first_of<IsSolver, Dopri5, Policies...>;
  using AskedControl = first_of<IsFlowControl, PiController, Policies...>;
  static constexpr bool controlled = FixedControl<AskedControl> || EmbeddedMethod<AskedMethod>;
  using AskedTransform = first_of<IsDataTransform, NoTransform, Policies...>;
  using AskedContext = first_of<IsContextTransform, NoContextTransform, Policies...>;
  using AskedBase = first_of<IsBaseDensity, StandardNormal, Policies...>;
  using AskedTrace = first_of<IsTrace, BestExactTrace<AskedBlock>, Policies...>;
  using AskedEvaluation = first_of<IsEvaluationTrace, EvaluationTrace<BestExactTrace<AskedBlock>>, Policies...>;
  using AskedRegularizers = all_of<IsRegularizer, Policies...>;
  using FieldScalar = typename std::conditional_t<is_flow_field<FieldType>, FieldType, NotAField>::Scalar;
  static constexpr bool rounds = !DataTransform<AskedTransform, FieldScalar> && std::same_as<FieldScalar, float> &&
                                 DataTransform<AskedTransform, double>;
  using AskedDataScalar = std::conditional_t<rounds, double, FieldScalar>;
  static constexpr bool one_scalar = DataTransform<AskedTransform, AskedDataScalar> &&
                                     BaseDensity<AskedBase, FieldScalar> &&
                                     ContextTransform<AskedContext, AskedDataScalar>;
  using Reading = Readable<AskedBlock, AskedTrace, AskedRegularizers>;

  // What FlowCheck has refused gives way to something that compiles, so that its line stays the only one.
  static constexpr bool usable = is_flow_field<FieldType> && Reading::value;
  using Field = std::conditional_t<is_flow_field<FieldType>, FieldType, NotAField>;
  using Method = std::conditional_t<controlled, AskedMethod, Dopri5>;
  using Gradient = first_of<IsGradientMethod, Backpropagation<>, Policies...>;
  static constexpr bool each_sample = EachSampleSolver<AskedMethod, AskedControl>::value;
  static constexpr bool each_sample_gradient = SampleStepsFit<AskedMethod, AskedControl, Gradient>::gradient;
  using Control = std::conditional_t<each_sample && each_sample_gradient, AskedControl, PiController>;
  using AskedEvaluationSolver = first_of<IsEvaluationSolver, EvaluationSolver<Method, Control>, Policies...>;
  static constexpr bool has_evaluation_solver = count_of<IsEvaluationSolver, Policies...> > 0;
  static constexpr bool evaluation_controlled = CanControl<AskedEvaluationSolver>::value,
                        evaluation_of_each = CanControl<AskedEvaluationSolver>::of_each_sample;
  using Evaluator = std::conditional_t<evaluation_controlled && evaluation_of_each, AskedEvaluationSolver,
                                       EvaluationSolver<Method, Control>>;
  using Trace = std::conditional_t<usable, AskedTrace, ExactTrace>;
  using Evaluation = std::conditional_t<usable, AskedEvaluation, EvaluationTrace<ExactTrace>>;
  using Regularizers = std::conditional_t<Reading::value, AskedRegularizers, std::tuple<>>;
  using Base = std::conditional_t<one_scalar, AskedBase, StandardNormal>;
  using Transform = std::conditional_t<one_scalar, AskedTransform, NoTransform>;
  using EndTime = first_of<IsEndTime, FixedEndTime, Policies...>;
  using Context = std::conditional_t<one_scalar, AskedContext, NoContextTransform>;
  using Parts = FlowParts<EvaluationParts<Field, Base, Transform, Context, Evaluation, Evaluator>, Method, Control,
                          Trace, Regularizers, Gradient, EndTime, has_evaluation_solver>;

  /// The parts, checked, from the policies that the flow names, or more, such as a file has them: those that are not
  /// given are made by default.
  /// \throws ShapeError, ArgumentError where the parts do not fit each other.
  template <class Places, class... Given>
  [[nodiscard]] static Parts parts(FieldType given, const PolicyList<Places, const Given...>& policies) {
    Field field(std::move(given));
    const Index parameter_count = std::as_const(field).parameters().size();
    const Method method = pick<IsSolver, Method>(policies);
    const Control control = pick<IsFlowControl, Control>(policies);
    const Parts result{{.field = std::move(field),
                        .parameter_count = parameter_count,
                        .base = pick<IsBaseDensity, Base>(policies),
                        .transform = pick<IsDataTransform, Transform>(policies),
                        .context_transform = pick<IsContextTransform, Context>(policies),
                        .evaluation = pick<IsEvaluationTrace, Evaluation>(policies),
                        .evaluation_solver = evaluation_solver(policies, method, control),
                        .time = pick<IsTimeSpan, TimeSpan>(policies),
                        .threads = pick<IsThreads, Threads>(policies),
                        .chunk_width = pick<IsChunkWidth, ChunkWidth>(policies)},
                       method,
                       control,
                       pick<IsTrace, Trace>(policies),
                       regularizers(policies),
                       pick<IsGradientMethod, Gradient>(policies),
                       pick<IsEndTime, EndTime>(policies),
                       pick<IsLikelihoodWeight, LikelihoodWeight>(policies)};
    result.check();
    return result;
  }

 private:
  template <class Places, class... Given>
  [[nodiscard]] static Evaluator evaluation_solver(const PolicyList<Places, const Given...>& policies,
                                                   const Method& method, const Control& control) {
    if constexpr (count_of < IsEvaluationSolver, Given... >> 0)
      return pick<IsEvaluationSolver, Evaluator>(policies);
    else
      return {method, control};
  }
  template <class Places, class... Given>
  [[nodiscard]] static Regularizers regularizers(const PolicyList<Places, const Given...>& policies) {
    if constexpr (Reading::value)
      return pick_all<IsRegularizer>(policies);
    else
      return {};
  }
};

}  // namespace pathline::detail
