/// \file
/// The one concept that both gradient methods meet: solve forward, then carry cotangents back.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/ode/concepts.hpp>
#include <pathline/ode/control/step_control.hpp>
#include <pathline/ode/explicit/tableaux.hpp>
#include <pathline/ode/statistics.hpp>
#include <pathline/ode/stepper.hpp>

#include <concepts>
#include <span>
#include <type_traits>

namespace pathline {

/// - `Memory<G, Method>`: what one thread keeps between the two calls; its `workspace` and its pool of `steppers` serve
///   the caller as well.
/// - `forward(method, control, dynamics, y, times, outputs, memory)`: solves y in place, fills `outputs`.
/// - `backward(method, control, dynamics, times, outputs_bar, y_bar, theta_bar, memory)`: turns the cotangent
///   of the last state into that of the first, in place, and adds to theta_bar.
template <class M>
concept GradientMethod = requires(const M gradient, const Euler method, const FixedSteps control,
                                  const detail::AnyDynamics dynamics, Batch<double>& y, Vector<double>& theta_bar,
                                  std::span<const double> times, std::span<Batch<double>> outputs,
                                  std::span<const Batch<double>> outputs_bar,
                                  typename M::template Memory<detail::AnyDynamics, Euler>& memory) {
  { memory.workspace } -> std::convertible_to<const Workspace<double>&>;
  { memory.steppers.at(Index(1), Index(1)).y } -> std::convertible_to<const Batch<double>&>;
  { gradient.forward(method, control, dynamics, y, times, outputs, memory) } -> std::same_as<Statistics>;
  {
    gradient.backward(method, control, dynamics, times, outputs_bar, y, theta_bar, memory)
    } -> std::same_as<Statistics>;
};

// The kinds of policies that NeuralOde and Cnf tell apart.
template <class P>
using IsSolver = std::bool_constant<SteppingMethod<P>>;
template <class P>
using IsStepControl = std::bool_constant<StepControl<P>>;
template <class P>
using IsGradientMethod = std::bool_constant<GradientMethod<P>>;

namespace detail {

/// Stands in for an argument that is no field, once that has been said.
struct NotAField {
  using Scalar = double;
  template <class T>
  explicit NotAField(const T& /*not_a_field*/) {}
  [[nodiscard]] Index dim() const { return 1; }
  [[nodiscard]] Index side_rows() const { return 0; }
  [[nodiscard]] Index widest() const { return 1; }
  [[nodiscard]] const Vector<double>& parameters() const { return theta; }
  [[nodiscard]] Vector<double>& parameters() { return theta; }
  [[nodiscard]] Index tape_size(Index /*n*/, Index /*k*/) const { return 0; }
  template <class... Arguments>
  void linearize(Arguments&&... /*arguments*/) const {}
  template <class... Arguments>
  void pullback(Arguments&&... /*arguments*/) const {}
  Vector<double> theta;
};

}  // namespace detail

}  // namespace pathline
