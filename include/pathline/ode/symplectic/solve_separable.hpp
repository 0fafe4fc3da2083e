/// \file
/// Solving a separable Hamiltonian system, or one of second order, by a symplectic method:
/// ```
/// const auto orbit = solve_second_order(gravity, q0, v0, times, FixedSteps(100), Yoshida4{});
/// const auto swing = solve_separable(velocity, force, q0, p0, times, FixedSteps(50));
/// ```
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/ode/concepts.hpp>
#include <pathline/ode/control/step_control.hpp>
#include <pathline/ode/errors.hpp>
#include <pathline/ode/not_a_state.hpp>
#include <pathline/ode/solve_checks.hpp>
#include <pathline/ode/statistics.hpp>
#include <pathline/ode/symplectic/symplectic_methods.hpp>
#include <pathline/ode/symplectic/symplectic_stepper.hpp>

#include <cstddef>
#include <limits>
#include <span>
#include <type_traits>
#include <vector>

namespace pathline {

/// Positions and momenta (or velocities) at requested times.
template <class State>
struct SeparableSolution {
  std::vector<double> times;
  std::vector<State> q, p;  ///< q[i] = q(times[i]); the first are q0 and p0.
  Statistics statistics;    ///< Evaluations are those of the force.
};

/// q' = velocity(t, p), p' = force(t, q) at all `times`, the first of which belongs to q0 and p0; backwards when they
/// descend.
///
/// \param velocity, force  Callable as f(t, x (d × n), dx (d × n)), or dx = f(t, x).
///                         The force is evaluated from the first to the last time only. Yoshida's methods step back in
///                         between, and so evaluate a velocity outside of a step too.
/// \param q0, p0   Any Eigen expressions of one shape, finite; a column per sample.
/// \param times    Finite, in one direction; repeats are allowed.
/// \param control  FixedSteps(n): n steps between each two different times. What a symplectic method keeps it keeps
///                 with steps of one length: an adaptive control does not compile.
/// \param method   Verlet, Yoshida4, Yoshida6, or a composition of your own.
/// \throws ArgumentError, ShapeError, DataError for unusable input; NonFiniteError when the solution is not finite
///         at one of the times: its `t` is that time, the step that failed lies before it.
template <class Method = Verlet, class Velocity, class Force, class DerivedQ, class DerivedP>
[[nodiscard]] SeparableSolution<typename DerivedQ::PlainObject> solve_separable(
    Velocity&& velocity, Force&& force, const Eigen::MatrixBase<DerivedQ>& q0, const Eigen::MatrixBase<DerivedP>& p0,
    std::span<const double> times, FixedSteps control, const Method& /*method*/ = {}) {
  using State = typename DerivedQ::PlainObject;
  constexpr bool callable =
      RightHandSide<std::remove_reference_t<Velocity>, State> && RightHandSide<std::remove_reference_t<Force>, State>;
  static_assert(SymplecticMethod<Method>,
                "solve_separable: a symplectic method is a struct with `weights` and `order`, such as Verlet");
  static_assert(OdeState<State>, "solve_separable: the state must be a plain Eigen matrix of float or double");
  static_assert(callable,
                "solve_separable: velocity and force must be callable as f(double t, const State& x, State& dx), or as "
                "dx = f(t, x)");
  SeparableSolution<State> solution;
  if constexpr (SymplecticMethod<Method> && OdeState<State> && callable) {
    detail::require_times(times);
    require_rows("solve_separable: p0", p0.rows(), q0.rows());
    require_columns("solve_separable: p0", p0.cols(), q0.cols());
    const State q = q0, p = p0;
    require_finite("solve_separable: q0", q);
    require_finite("solve_separable: p0", p);
    SymplecticStepper<Method, State> stepper;
    stepper.reset(q, p);
    solution.times.assign(times.begin(), times.end());
    const auto save = [&] {
      solution.q.push_back(stepper.q());
      solution.p.push_back(stepper.p());
    };
    save();
    for (std::size_t i = 1; i < times.size(); ++i) {
      const double from = times[i - 1], h = (times[i] - from) / double(control.steps_per_interval);
      for (Index step = 0; h != 0 && step < control.steps_per_interval; ++step) {
        const bool last = step + 1 == control.steps_per_interval;
        const double t = from + double(step) * h;
        stepper.step(velocity, force, t, h, last ? times[i] : from + double(step + 1) * h);
        ++solution.statistics.accepted;
      }
      solution.statistics.evaluations = stepper.evaluations();
      if (!stepper.q().allFinite() || !stepper.p().allFinite()) {
        SolveFailure at;
        at.solve = "solve_separable";
        at.t = times[i];
        at.step = h;
        at.error_norm = std::numeric_limits<double>::quiet_NaN();
        at.statistics = solution.statistics;
        detail::blame_first_nonfinite(stepper.q().allFinite() ? stepper.p() : stepper.q(), at);
        throw NonFiniteError("the solution", at);
      }
      save();
    }
  }
  return solution;
}

/// q'' = acceleration(t, q), with v = q'; as solve_separable.
template <class Method = Verlet, class Acceleration, class DerivedQ, class DerivedV>
[[nodiscard]] SeparableSolution<typename DerivedQ::PlainObject> solve_second_order(
    Acceleration&& acceleration, const Eigen::MatrixBase<DerivedQ>& q0, const Eigen::MatrixBase<DerivedV>& v0,
    std::span<const double> times, FixedSteps control, const Method& method = {}) {
  using State = typename DerivedQ::PlainObject;
  const auto velocity = [](double, const State& v, State& dq) { dq = v; };
  return solve_separable(velocity, acceleration, q0, v0, times, control, method);
}

}  // namespace pathline
