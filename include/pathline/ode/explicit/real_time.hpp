/// \file
/// A solve of known cost, for control loops: a fixed number of evaluations, nothing from the heap, nothing thrown.
/// ```
/// RealTimeSolver<Rk4, Eigen::Vector4d> predict(Eigen::Vector4d::Zero(), 10);  // once: 40 evaluations a call
/// …
/// if (!predict(plant, t, t + 0.01, state)) fall_back();                       // in the loop
/// ```
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/ode/explicit/explicit_stepper.hpp>
#include <pathline/ode/not_a_state.hpp>
#include <pathline/ode/solve_checks.hpp>

#include <cmath>
#include <string>
#include <type_traits>

namespace pathline {

/// `steps` equal steps of an explicit method a call. Owns all storage; one object for each thread.
template <class Method, class State>
class RealTimeSolver : detail::AdviceOn<State> {
  static constexpr bool plain = OdeState<State>;
  static_assert(plain || detail::NotAState<State>, "RealTimeSolver: the state must be a plain Eigen matrix");
  static_assert(ExplicitMethod<Method>, "RealTimeSolver: the method must be explicit, such as Rk4");
  static_assert(detail::stages_in_step<Method>(),
                "RealTimeSolver: the nodes of the method must lie from 0 to 1, lest it ask the right-hand side outside "
                "of the step");

 public:
  /// \param shape  Any state of the shape of those to come; its values are not read. What is needed is allocated here,
  ///               for states whose size the compiler knows nothing.
  /// \throws ArgumentError unless steps > 0.
  RealTimeSolver(const State& shape, Index steps) : steps_(steps) {
    if (steps < 1) throw ArgumentError("RealTimeSolver: number of steps", steps, "at least 1");
    if constexpr (plain) stepper_.reset(State::Zero(shape.rows(), shape.cols()));
  }

  /// Evaluations of each call that returns true; none makes more. The last stage of a method that is first same as last
  /// is left out at the very end.
  [[nodiscard]] constexpr Index evaluations() const noexcept {
    return steps_ * (Method::tableau.stages - (first_same_as_last(Method::tableau) ? 1 : 0));
  }

  /// y(t1) from y(t0). False, and y as it was, where the result is not finite, y has another shape, a time is not
  /// finite or the right-hand side throws. What the right-hand side itself allocates is its own affair.
  template <class Rhs>
  requires RightHandSide<Rhs, State>
  [[nodiscard]] bool operator()(Rhs&& rhs, double t0, double t1, State& y) noexcept {
    if (y.rows() != stepper_.y().rows() || y.cols() != stepper_.y().cols() || !std::isfinite(t1 - t0)) return false;
    try {
      stepper_.reset(y);
      const double n = double(steps_), h = (t1 - t0) / n;
      double t = t0;
      for (Index k = 1; k <= steps_; ++k) {
        const bool last = k == steps_;
        const double t_next = last ? t1 : t0 + (t1 - t0) * double(k) / n;
        stepper_.step(rhs, t, h, t_next, last ? LastStage::skip : LastStage::evaluate);
        stepper_.accept();
        t = t_next;
      }
    } catch (...) {
      return false;
    }
    if (!stepper_.y().allFinite()) return false;
    y = stepper_.y();
    return true;
  }

 private:
  Index steps_;
  // What an assertion has refused gives way to something that compiles, so that its line stays the only one.
  Stepper<Method, std::conditional_t<plain, State, Eigen::Matrix<double, 1, 1>>> stepper_;
};

}  // namespace pathline
