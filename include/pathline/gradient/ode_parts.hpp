/// \file
/// What a `NeuralOde` is put together from: each policy found by its kind, and one readable line for what is none.
#pragma once

#include <pathline/core/chunk_settings.hpp>
#include <pathline/core/policies.hpp>
#include <pathline/gradient/backpropagation.hpp>
#include <pathline/gradient/gradient_method.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/ode/concepts.hpp>
#include <pathline/ode/control/step_control.hpp>
#include <pathline/ode/explicit/tableaux.hpp>
#include <pathline/ode/stepper.hpp>

#include <algorithm>
#include <tuple>
#include <type_traits>
#include <utility>

namespace pathline::detail {

template <class FieldType, class... Policies>
struct OdeParts {
  static constexpr bool is_field = pathline::Field<FieldType>;
  using AskedMethod = first_of<IsSolver, Dopri5, Policies...>;
  static constexpr bool controlled =
      FixedControl<first_of<IsStepControl, PiController, Policies...>> || EmbeddedMethod<AskedMethod>;

  // What OdeCheck has refused gives way to something that compiles, so that its line stays the only one.
  using Field = std::conditional_t<is_field, FieldType, NotAField>;
  using Scalar = typename Field::Scalar;
  using Method = std::conditional_t<controlled, AskedMethod, Dopri5>;
  using Control = first_of<IsStepControl, PiController, Policies...>;
  using Gradient = first_of<IsGradientMethod, Backpropagation<>, Policies...>;

  /// The policies that the model names, or more, such as a file has them: those that are not given are made by default.
  template <class... Given>
  OdeParts(FieldType the_field, const std::tuple<Given...>& policies)
      : field(std::move(the_field)),
        parameter_count(std::as_const(field).parameters().size()),
        method(pick<IsSolver, Method>(policies)),
        control(pick<IsStepControl, Control>(policies)),
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
    SteppingMethod<P> || StepControl<P> || GradientMethod<P> || IsThreads<P>::value || IsChunkWidth<P>::value;

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
  static_assert(count_of<IsStepControl, Policies...> <= 1, "NeuralOde: more than one step control");
  static_assert(count_of<IsGradientMethod, Policies...> <= 1, "NeuralOde: more than one gradient method");
  static_assert(count_of<IsThreads, Policies...> <= 1, "NeuralOde: more than one Threads");
  static_assert(count_of<IsChunkWidth, Policies...> <= 1, "NeuralOde: more than one ChunkWidth");
  static_assert(Parts::controlled,
                "NeuralOde: this solver (Rk4, ImplicitEuler, ...) has no error estimate: give FixedSteps(n) too");
};

}  // namespace pathline::detail
