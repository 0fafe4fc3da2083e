/// \file
/// What a `NeuralOde` is put together from: each policy found by its kind, and one readable line for what is none.
#pragma once

#include <pathline/core/chunk_settings.hpp>
#include <pathline/core/policies.hpp>
#include <pathline/gradient/backpropagation.hpp>
#include <pathline/gradient/gradient_method.hpp>
#include <pathline/gradient/parts/part_dynamics.hpp>
#include <pathline/gradient/record_storage.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/ode/batch/per_sample.hpp>
#include <pathline/ode/concepts.hpp>
#include <pathline/ode/control/forced_points.hpp>
#include <pathline/ode/control/step_control.hpp>
#include <pathline/ode/explicit/explicit_tableau.hpp>
#include <pathline/ode/explicit/tableaux.hpp>
#include <pathline/ode/solve_checks.hpp>
#include <pathline/ode/stepper.hpp>
#include <pathline/ode/symplectic/symplectic_method.hpp>

#include <algorithm>
#include <concepts>
#include <tuple>
#include <type_traits>
#include <utility>

namespace pathline::detail {

/// A step control of a batch, or of each sample.
template <class P>
using IsOdeControl = std::bool_constant<StepControl<P> || EachSampleControl<P>>;

/// Whether a neural ODE can be solved and differentiated with steps of its own for each sample; true where they are not
/// asked for.
template <class Method, class Control, class Gradient>
struct SampleStepsFit {
  static constexpr bool method = true, gradient = true, control = true;
};
template <class Method, class Controller, class Gradient>
struct SampleStepsFit<Method, PerSample<Controller>, Gradient> {
  static constexpr bool method = !EmbeddedMethod<Method> || stages_in_step<Method>();
  static constexpr bool gradient =
      std::same_as<Gradient, Backpropagation<KeepTapes>> || std::same_as<Gradient, Backpropagation<RecomputeStages>>;
  static constexpr bool control = !HasForcedPoints<Controller>;
};

template <class FieldType, class... Policies>
struct OdeParts {
  static constexpr bool is_field = pathline::Field<FieldType>;
  using AskedMethod = first_of<IsSolver, Dopri5, Policies...>;
  using AskedControl = first_of<IsOdeControl, PiController, Policies...>;
  using Gradient = first_of<IsGradientMethod, Backpropagation<>, Policies...>;
  static constexpr bool controlled = FixedControl<AskedControl> || EmbeddedMethod<AskedMethod>;
  using Fit = SampleStepsFit<AskedMethod, AskedControl, Gradient>;
  static constexpr bool has_parts = !TwoPartMethod<AskedMethod> || TwoPartField<FieldType>;
  static constexpr bool has_halves = !SymplecticMethod<AskedMethod> || SeparatedField<FieldType>;

  // What OdeCheck has refused gives way to something that compiles, so that its line stays the only one.
  using Field = std::conditional_t<is_field, FieldType, NotAField>;
  using Scalar = typename Field::Scalar;
  using Method = std::conditional_t<controlled && has_parts && has_halves, AskedMethod, Dopri5>;
  using Control =
      std::conditional_t<Fit::method && Fit::gradient && Fit::control && controlled, AskedControl, PiController>;
  /// Whether each sample has steps of its own.
  static constexpr bool each_sample = EachSampleControl<Control>;

  /// The policies that the model names, or more, such as a file has them: those that are not given are made by default.
  template <class Places, class... Given>
  OdeParts(FieldType the_field, const PolicyList<Places, const Given...>& policies)
      : field(std::move(the_field)),
        parameter_count(std::as_const(field).parameters().size()),
        method(pick<IsSolver, Method>(policies)),
        control(pick<IsOdeControl, Control>(policies)),
        gradient(pick<IsGradientMethod, Gradient>(policies)),
        threads(pick<IsThreads, Threads>(policies)),
        chunk_width(pick<IsChunkWidth, ChunkWidth>(policies)) {
    chunk_width.check();
  }

  /// Rows of context that the field reads beside time.
  [[nodiscard]] Index context_rows() const { return std::max<Index>(field.side_rows() - 1, 0); }
  /// Columns of the widest chunk for solves of n samples.
  [[nodiscard]] Index widest_chunk(Index n) const { return chunk_width.of(n, field.widest(), 0, sizeof(Scalar)); }

  [[nodiscard]] OutputTimes output_times() const {
    if constexpr (requires { gradient.outputs; })
      return gradient.outputs;
    else
      return OutputTimes::step_to;
  }

  Field field;
  Index parameter_count;  ///< That the field came with.
  Method method;
  Control control;
  Gradient gradient;
  Threads threads;
  ChunkWidth chunk_width;
};

template <class P>
inline constexpr bool is_ode_policy =
    SteppingMethod<P> || IsOdeControl<P>::value || GradientMethod<P> || IsThreads<P>::value || IsChunkWidth<P>::value;

template <class FieldType, class... Policies>
struct OdeCheck {
  static constexpr bool value = true;
  using Parts = OdeParts<FieldType, Policies...>;
  static_assert(Parts::is_field,
                "NeuralOde: the first argument must be a Field (linearize and pullback, nn/layer.hpp)");
  static_assert((is_ode_policy<Policies> && ...),
                "NeuralOde: a policy is none of: solver (tableau), step control, gradient method (forward, backward), "
                "Threads, ChunkWidth");
  static_assert(count_of<IsSolver, Policies...> <= 1, "NeuralOde: more than one solver");
  static_assert(count_of<IsOdeControl, Policies...> <= 1, "NeuralOde: more than one step control");
  static_assert(count_of<IsGradientMethod, Policies...> <= 1, "NeuralOde: more than one gradient method");
  static_assert(count_of<IsThreads, Policies...> <= 1, "NeuralOde: more than one Threads");
  static_assert(count_of<IsChunkWidth, Policies...> <= 1, "NeuralOde: more than one ChunkWidth");
  static_assert(Parts::controlled,
                "NeuralOde: this solver (Rk4, ImplicitEuler, ...) has no error estimate: give FixedSteps(n) too");
  static_assert(
      Parts::Fit::method,
      "NeuralOde: with PerSample the nodes of a method must lie from 0 to 1, lest it ask the field before t0 or "
      "beyond t1");
  static_assert(
      Parts::Fit::gradient,
      "NeuralOde: PerSample goes with Backpropagation<>, which keeps one state a step: give no other gradient "
      "method, storage or cost of the steps");
  static_assert(Parts::Fit::control, "NeuralOde: PerSample has no forced points: give output times");
  static_assert(Parts::has_parts || !Parts::is_field,
                "NeuralOde: an additive method (KennedyCarpenter4, ...) needs a field in two parts: SplitField{f, g}, "
                "with g the stiff one");
  static_assert(Parts::has_halves || !Parts::is_field || !Parts::controlled,
                "NeuralOde: a symplectic method (Verlet, ...) needs a field in two parts: SeparableField{velocity, "
                "force}");
};

}  // namespace pathline::detail
