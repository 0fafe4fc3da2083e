/// \file
/// Solving an initial value problem in one line:
/// ```
/// const Eigen::Vector2d y = solve([](double t, const auto& y, auto& dy) { dy = -y * t; }, y0, 0, 1);
/// const auto path = solve(rhs, y0, {0., 0.5, 1.}, Tsit5{}, PiController{.rtol = 1e-8, .atol = 1e-10});
/// ```
/// Method, step control and tolerances are separate words, each replaced alone.
#pragma once

#include <pathline/ode/explicit/tableaux.hpp>
#include <pathline/ode/integrate.hpp>
#include <pathline/ode/not_a_state.hpp>

#include <array>
#include <initializer_list>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace pathline {

/// States at requested times. Owns its values and nothing else of the solve.
template <class State>
struct Solution {
  std::vector<double> times;
  std::vector<State> states;  ///< states[i] = y(times[i]); the first is y0.
  Statistics statistics;
};

namespace detail {

/// Copies the state at each requested time.
template <class State>
struct StateRecorder : NoObserver {
  static constexpr bool reads_last_stage = false;
  std::vector<State>& states;
  explicit StateRecorder(std::vector<State>& target) : states(target) {}
  void output(Index /*i*/, const State& y) { states.push_back(y); }
};

}  // namespace detail

/// y(t1) of y' = rhs(t, y), y(t0) = y0; backwards when t1 < t0.
///
/// \param rhs      Callable rhs(t, y (d × n), dy (d × n)) that writes dy, or dy = rhs(t, y).
/// \param y0       Any Eigen expression of float or double, finite; d × n, one column per sample.
/// \param t0, t1   In the right-hand side's unit of time; equal times return y0.
/// \param method   A tableau such as Rk4, Dopri5 or Dop853 (docs/maths.md, section 3, lists all), ImplicitEuler, or a
///                 struct of your own.
/// \param control  FixedSteps(n), IController, PiController or PidController.
/// \throws DataError when y0 is empty or not finite; else see integrate().
template <class Method = Dopri5, class Control = PiController, class Rhs, class Derived>
[[nodiscard]] typename Derived::PlainObject solve(Rhs&& rhs, const Eigen::MatrixBase<Derived>& y0, double t0, double t1,
                                                  const Method& method = {}, const Control& control = {}) {
  using State = typename Derived::PlainObject;
  State y = y0;
  if constexpr (detail::SolveCheck<Method, Control, std::remove_reference_t<Rhs>, State>::value) {
    require_finite("solve: y0", y);
    const std::array<double, 2> times{t0, t1};
    Stepper<Method, State> stepper;
    integrate(method, control, rhs, y, times, stepper);
  }
  return y;
}

/// States at all `times`, the first of which belongs to y0. Steps land on each of them.
template <class Method = Dopri5, class Control = PiController, class Rhs, class Derived>
[[nodiscard]] Solution<typename Derived::PlainObject> solve(Rhs&& rhs, const Eigen::MatrixBase<Derived>& y0,
                                                            std::span<const double> times, const Method& method = {},
                                                            const Control& control = {}) {
  using State = typename Derived::PlainObject;
  Solution<State> solution;
  using Recorder = detail::StateRecorder<State>;
  if constexpr (detail::SolveCheck<Method, Control, std::remove_reference_t<Rhs>, State>::value) {
    State y = y0;
    require_finite("solve: y0", y);
    solution.times.assign(times.begin(), times.end());
    solution.states.reserve(times.size());
    Stepper<Method, State> stepper;
    solution.statistics = integrate(method, control, rhs, y, times, stepper, Recorder(solution.states));
  }
  return solution;
}

/// The same with the times written in place: solve(rhs, y0, {0., 0.5, 1.}).
template <class Method = Dopri5, class Control = PiController, class Rhs, class Derived>
[[nodiscard]] Solution<typename Derived::PlainObject> solve(Rhs&& rhs, const Eigen::MatrixBase<Derived>& y0,
                                                            std::initializer_list<double> times,
                                                            const Method& method = {}, const Control& control = {}) {
  return solve(std::forward<Rhs>(rhs), y0, std::span<const double>(times.begin(), times.size()), method, control);
}

}  // namespace pathline
