/// \file
/// The way back over one accepted step: the extension point by which a family of methods can be differentiated.
///
/// `StepPullback` is specialised for a family of methods as `Stepper` is. `Backpropagation` makes one for the whole way
/// back and calls, for each step from the last to the first, `begin`, `add` and `finish`.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/dynamics_view.hpp>
#include <pathline/gradient/recording.hpp>

#include <cstddef>

namespace pathline {

/// What a solve by `Method` leaves for its way back. This is that of methods whose stages are evaluations, in order; a
/// family of other methods specialises it beside its StepPullback.
template <class Method>
struct StepRecord {
  /// What is known of the right-hand side.
  template <Real S>
  using Dynamics = DynamicsView<S>;
  /// What the solver calls and tells its news: see recording.hpp. For Checkpoints and MemoryBudget it also needs
  /// `clear(follows_on)`, which forgets all steps before the next, and `stage_size(dynamics)`, the scalars that a stage
  /// leaves.
  template <Real S, class Storage, bool keep_stages>
  using Recording = pathline::Recording<S, Storage, keep_stages>;
  /// What the StepPullback keeps from solve to solve.
  template <Real S>
  struct Memory {};
};

/// The discrete adjoint of a step of `Method`. Not defined here; for explicit Runge–Kutta methods it is in
/// explicit_step_pullback.hpp, for implicit ones in the wing `implicit`. A specialisation offers:
///
/// - `StepPullback(dynamics, frame, memory)`: takes its scratch from the frame, a `Workspace::Frame`, or from memory, a
///   `StepRecord<Method>::Memory`;
/// - `begin()`: starts with a step; no stage has a cotangent yet;
/// - `start_stages()`: the cotangents of all stages K_1 … K_s, set to zero, as a `std::span<BatchMap<Scalar>>`: for a
///   cost of the steps, which adds to them;
/// - `add(i, factor, bar)`: adds factor · bar (rows × columns, by its first number) to the cotangent of K_{i+1};
/// - `finish(step, lambda, theta_bar, record)`: turns the cotangent λ of the state at the end of the step into that of
///   the state at its start, in place, and adds to theta_bar; `record.pullback(index, …)` pulls back evaluation
///   `index`. Returns the number of evaluations pulled back.
template <class Method, Dynamics G>
class StepPullback;

/// Whether the steps of a method can be differentiated.
template <class Method>
concept MethodWithPullback = requires {
  sizeof(StepPullback<Method, detail::AnyDynamics>);
};

}  // namespace pathline
