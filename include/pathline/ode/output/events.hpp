/// \file
/// Events: zeros of g(t, y) along a solution, found on the dense output. They are reported, end the solve, or change
/// the state, as a bouncing ball does:
/// ```
/// const Event bounce([](double, const auto& y) { return y(0); }, {.crossing = Crossing::falling},
///                    [](double, auto& y) { y(1) *= -0.8; });
/// const auto path = solve_events(rhs, y0, 0, 10, std::tuple(bounce));
/// for (const auto& hit : path.hits) std::cout << hit.t << '\n';
/// ```
/// docs/maths.md, section 5.
#pragma once

#include <pathline/ode/integrate.hpp>
#include <pathline/ode/not_a_state.hpp>
#include <pathline/ode/output/event.hpp>
#include <pathline/ode/output/event_watcher.hpp>
#include <pathline/ode/output/trajectory.hpp>
#include <pathline/ode/solve_checks.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <tuple>
#include <type_traits>

namespace pathline {
namespace detail {

/// The control for the rest of a solve: what is left of the steps, fixed ones no longer than they were.
template <class Method, Real Scalar, class Control>
Control control_of_rest(Control control, double t0, double t, double t1, const Statistics& spent) {
  if constexpr (FixedControl<Control>) {
    const double steps = std::ceil(double(control.steps_per_interval) * ((t1 - t) / (t1 - t0)) - 1e-6);
    control.steps_per_interval = std::max(Index(1), Index(steps));
  } else {
    control.max_steps -= spent.accepted + spent.rejected;
    SolveFailure at = failure_between_steps(t, spent);
    at.implicit = ImplicitMethod<Method>;
    note_accuracy<Method, Scalar>(control, at);
    if (control.max_steps < 1) throw StepLimitError(at);
  }
  return control;
}

/// From solution.y at t0 to t1, or to the first terminal event; what was found is in `solution` even where it
/// throws.
template <class Method, class Control, class Rhs, OdeState State, class... Events>
void run_events(const Method& method, const Control& control, Rhs& rhs, double t1, const std::tuple<Events...>& events,
                Stepper<Method, State>& stepper, EventSolution<State>& solution) {
  const double t0 = solution.trajectory.t0();
  State y = solution.y;
  std::array<double, 2> times{t0, t1};
  require_times(times);
  EventWatcher<State, Events...> watcher(events, solution, t1);
  Statistics& statistics = solution.trajectory.statistics;
  Control rest = control;
  while (true) {
    watcher.begin_piece();
    statistics += relabel_failures([&] { return integrate(method, rest, rhs, y, times, stepper, watcher); },
                                   [&](SolveFailure& at) { at.statistics += statistics; });
    if (!watcher.acted()) {
      solution.y = y;
      solution.trajectory.stretch(t1);
      break;
    }
    y = solution.y;
    times[0] = solution.trajectory.t1();
    if (solution.terminated || times[0] == t1) break;
    rest = control_of_rest<Method, typename State::Scalar>(control, t0, times[0], t1, statistics);
  }
}

/// One readable line for each combination that does not fit.
template <class Method, class Rhs, class State, class... Events>
struct EventsCheck {
  static constexpr bool dense = has_dense_output<Method, State, Rhs>;
  static constexpr bool functions = (EventOf<Events, State> && ...);
  static constexpr bool resets = (EventWithReset<Events, State> && ...);
  static_assert(dense, "solve_events: this method's stepper has no start_slope and end_slope for dense output");
  static_assert(functions,
                "solve_events: an event's function must be callable as g(double t, const State& y) and give a float or "
                "double, not a bool");
  static_assert(resets, "solve_events: an event's reset must be callable as reset(double t, State& y), const");
  static constexpr bool value = dense && functions && resets;
};

}  // namespace detail

/// The solution from t0 to t1, or to the first terminal event, with the events on the way.
///
/// An event is a change of the sign of g, or the time at which g comes to 0 and stays there for a while. A value of 0
/// is no sign: where g only touches 0 is no event, nor is a start on 0 (but see EventOptions::at_start) or leaving it.
/// A zero at t1 counts. Events at one time, to 8 ulps of the step, are reported one by one, and then all their resets
/// are made in the order of `events`.
///
/// Each step is searched on its dense output: by the values of g at six places of it, at the extrema of the polynomial
/// through these, and at the bottom of each dip. So all crossings are found where g is a polynomial of degree six or
/// less along the step; for another g, two crossings much closer than a quarter of the step may be missed.
/// Times of events are exact for the interpolant, to some ulps, and no better than it. g must be finite to the end of
/// each step, also beyond an event that ends the solve. It is evaluated at times from t0 to t1 only, but at a zero or
/// after a reset also at states a little off the solution, where it may be anything.
///
/// A ball that comes to rest by ever smaller bounces needs a reset that says so: below a least speed it sets the state
/// to rest, which the right-hand side then holds (`if (y.isZero(0)) dy.setZero();`), or returns AfterReset::end.
/// Without one the bounces pile up before the time of rest, and the solve ends in EventPileUpError, once a flight is
/// too short to be seen, rather than below the ground.
///
/// Evaluations: those of solve_trajectory(), and for each reset the steps of a new start.
///
/// \param events   std::tuple of Event.
/// \throws StepLimitError when max_steps, over all pieces, is used up; NonFiniteError when an event's function is not
///         finite; EventPileUpError; DataError, ShapeError for a reset that makes the state unusable; else as solve().
template <class Method = Dopri5, class Control = PiController, class Rhs, class Derived, class... Events>
[[nodiscard]] EventSolution<typename Derived::PlainObject> solve_events(Rhs&& rhs, const Eigen::MatrixBase<Derived>& y0,
                                                                        double t0, double t1,
                                                                        const std::tuple<Events...>& events,
                                                                        const Method& method = {},
                                                                        const Control& control = {}) {
  using State = typename Derived::PlainObject;
  using Function = std::remove_reference_t<Rhs>;
  State y = y0;
  EventSolution<State> solution{.trajectory = Trajectory<State>(t0, y), .y = y};
  if constexpr (detail::EventsCheck<Method, Function, State, Events...>::value &&
                detail::SolveCheck<Method, Control, Function, State>::value) {
    require_finite("solve: y0", y);
    Stepper<Method, State> stepper;
    detail::run_events(method, control, rhs, t1, events, stepper, solution);
  }
  return solution;
}

}  // namespace pathline
