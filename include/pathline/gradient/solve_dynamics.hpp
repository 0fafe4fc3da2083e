/// \file
/// Solves of a `Dynamics`. Evaluation and training call one instantiation of `integrate` for each scalar, method and
/// step control: right-hand side and observer are called by function pointers.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/parts/part_dynamics.hpp>
#include <pathline/ode/concepts.hpp>
#include <pathline/ode/explicit/explicit_tableau.hpp>
#include <pathline/ode/implicit/additive/split_right_hand_side.hpp>
#include <pathline/ode/integrate.hpp>
#include <pathline/ode/statistics.hpp>
#include <pathline/ode/symplectic/separable_right_hand_side.hpp>
#include <pathline/ode/symplectic/symplectic_method.hpp>

#include <span>
#include <type_traits>

namespace pathline::detail {

/// A right-hand side with error_rows() and path_rows().
template <Real Scalar>
class RightHandSideView {
 public:
  template <class Rhs>
  explicit RightHandSideView(Rhs& rhs)
      : rhs_(&rhs), call_(&call<Rhs>), path_slope_(call_), error_rows_(rhs.error_rows()), path_rows_(rhs.path_rows()) {
    if constexpr (HasPathSlope<Rhs, Batch<Scalar>>) path_slope_ = &call_path_slope<Rhs>;
  }

  void operator()(double t, const Batch<Scalar>& y, Batch<Scalar>& dy) const { call_(rhs_, t, y, dy); }
  void path_slope(double t, const Batch<Scalar>& y, Batch<Scalar>& dy) const { path_slope_(rhs_, t, y, dy); }
  [[nodiscard]] Index error_rows() const noexcept { return error_rows_; }
  [[nodiscard]] Index path_rows() const noexcept { return path_rows_; }

 private:
  // Functions and not lambdas, which a compiler makes three functions of.
  template <class Rhs>
  static void call(void* to, double t, const Batch<Scalar>& y, Batch<Scalar>& dy) {
    (*static_cast<Rhs*>(to))(t, y, dy);
  }
  template <class Rhs>
  static void call_path_slope(void* to, double t, const Batch<Scalar>& y, Batch<Scalar>& dy) {
    static_cast<Rhs*>(to)->path_slope(t, y, dy);
  }

  void* rhs_;
  void (*call_)(void*, double, const Batch<Scalar>&, Batch<Scalar>&);
  void (*path_slope_)(void*, double, const Batch<Scalar>&, Batch<Scalar>&);
  Index error_rows_, path_rows_;
};

/// An observer of solves by one stepper, which does not look into steps nor end them.
template <class TheStepper, Real Scalar, bool last_stage>
class ObserverView {
 public:
  static constexpr bool reads_last_stage = last_stage;

  template <class Observer>
  explicit ObserverView(Observer& observer)
      : observer_(&observer),
        keep_first_stage_(&Calls<Observer>::keep_first_stage),
        discard_(&Calls<Observer>::discard),
        reject_(&Calls<Observer>::reject),
        accept_(&Calls<Observer>::accept),
        output_(&Calls<Observer>::output) {}

  void keep_first_stage() const { keep_first_stage_(observer_); }
  void discard() const { discard_(observer_); }
  void reject(const TheStepper& stepper) const { reject_(observer_, stepper); }
  void accept(double t, double h, const TheStepper& stepper) const { accept_(observer_, t, h, stepper); }
  void output(Index i, const Batch<Scalar>& y) const { output_(observer_, i, y); }

 private:
  template <class Observer>
  struct Calls {
    static void keep_first_stage(void* to) { static_cast<Observer*>(to)->keep_first_stage(); }
    static void discard(void* to) { static_cast<Observer*>(to)->discard(); }
    static void reject([[maybe_unused]] void* to, [[maybe_unused]] const TheStepper& stepper) {
      if constexpr (requires(Observer & it) { it.reject(stepper); }) static_cast<Observer*>(to)->reject(stepper);
    }
    static void accept(void* to, double t, double h, const TheStepper& stepper) {
      static_cast<Observer*>(to)->accept(t, h, stepper);
    }
    static void output(void* to, Index i, const Batch<Scalar>& y) { static_cast<Observer*>(to)->output(i, y); }
  };

  void* observer_;
  void (*keep_first_stage_)(void*);
  void (*discard_)(void*);
  void (*reject_)(void*, const TheStepper&);
  void (*accept_)(void*, double, double, const TheStepper&);
  void (*output_)(void*, Index, const Batch<Scalar>&);
};

/// `integrate` for a right-hand side with error_rows() and path_rows(). Errors as there.
/// \tparam last_stage  Whether the observer reads the last stage of the very last step: see NoObserver.
template <bool last_stage, class Method, class Control, class Rhs, Real Scalar, class Observer>
Statistics integrate_batch(const Method& method, const Control& control, Rhs& rhs, Batch<Scalar>& y,
                           std::span<const double> times, Stepper<Method, Batch<Scalar>>& stepper, Observer& observer) {
  if constexpr (!SolveCheck<Method, Control, Rhs, Batch<Scalar>, Observer>::value) {
    return {};
  } else {
    using TheStepper = Stepper<Method, Batch<Scalar>>;
    static_assert(!StoppingObserver<Observer, Rhs, TheStepper> && !DenseObserver<Observer, Rhs, TheStepper>);
    constexpr bool may_skip = ExplicitMethod<Method> && FixedControl<Control>;  // others always make the last stage
    ObserverView<TheStepper, Scalar, last_stage && may_skip> watcher(observer);
    if constexpr (ExplicitMethod<Method>) {
      RightHandSideView<Scalar> any(rhs);
      return integrate(method, control, any, y, times, stepper, watcher);
    } else {
      return integrate(method, control, rhs, y, times, stepper, watcher);  // Newton's method asks for its Jacobian
    }
  }
}

template <Dynamics G>
[[nodiscard]] SolverRightHandSide<G> solver_right_hand_side(const G& dynamics,
                                                            Workspace<typename G::Scalar>& workspace) {
  return {dynamics, workspace};
}

/// Solves without a record. Errors as `integrate`.
template <bool last_stage = false, class Method, class Control, Dynamics G, class Observer = NoObserver>
Statistics solve_dynamics(const Method& method, const Control& control, const G& dynamics,
                          Workspace<typename G::Scalar>& workspace, Batch<typename G::Scalar>& y,
                          std::span<const double> times, Stepper<Method, Batch<typename G::Scalar>>& stepper,
                          Observer&& observer = {}) {
  // No DynamicsView, which would compile a pullback that none needs.
  if constexpr (SymplecticMethod<Method>) {
    static_assert(SeparatedDynamics<G>,
                  "a symplectic method needs a field in two parts, which flows have not: "
                  "NeuralOde(SeparableField{velocity, force}, ...)");
    if constexpr (SeparatedDynamics<G>) {
      const auto velocity = VelocityPart::of(dynamics);
      const auto force = ForcePart::of(dynamics);
      SeparableRightHandSide rhs{solver_right_hand_side(velocity, workspace), solver_right_hand_side(force, workspace)};
      return integrate_batch<last_stage>(method, control, rhs, y, times, stepper, observer);
    }
    return {};
  } else if constexpr (!TwoPartMethod<Method>) {
    SolverRightHandSide<G> rhs{dynamics, workspace};
    return integrate_batch<last_stage>(method, control, rhs, y, times, stepper, observer);
  } else {
    static_assert(
        TwoPartDynamics<G>,
        "an additive method needs a field in two parts, which flows have not: NeuralOde(SplitField{f, g}, ...)");
    if constexpr (TwoPartDynamics<G>) {
      const auto explicit_part = ExplicitPart::of(dynamics);
      const auto implicit_part = ImplicitPart::of(dynamics);
      SplitRightHandSide rhs{solver_right_hand_side(explicit_part, workspace),
                             solver_right_hand_side(implicit_part, workspace)};
      return integrate_batch<last_stage>(method, control, rhs, y, times, stepper, observer);
    }
    return {};
  }
}

}  // namespace pathline::detail
