/// \file
/// Events: zeros of g(t, y) along a solution, found on the dense output. They are told, end the solve, or change the
/// state, as a ball does that bounces:
/// ```
/// const Event bounce([](double, const auto& y) { return y(0); }, {.crossing = Crossing::falling},
///                    [](double, auto& y) { y(1) *= -0.8; });
/// const auto path = solve_events(rhs, y0, 0, 10, std::tuple(bounce));
/// for (const auto& hit : path.hits) std::cout << hit.t << '\n';
/// ```
/// docs/maths.md, section 5.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/ode/bracketed_root.hpp>
#include <pathline/ode/integrate.hpp>
#include <pathline/ode/trajectory.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace pathline {

/// The way in which g goes through 0 as the solve goes on, forward or backward in time.
enum class Crossing : std::uint8_t { either, rising, falling };

struct EventOptions {
  Crossing crossing = Crossing::either;
  bool terminal = false;  ///< Ends the solve there.
};

/// The state goes on as it was.
struct NoReset {};

/// A zero of g(t, y), a number for the whole batch, that is continuous along the solution.
///
/// Reset: reset(t, y) changes y, and not its shape; the solve starts anew from there, with a first stage and a first
/// step of its own.
template <class Function, class Reset = NoReset>
struct Event {
  Function g;
  EventOptions options;
  Reset reset;

  explicit Event(Function function, EventOptions how = {}, Reset change = {})
      : g(std::move(function)), options(how), reset(std::move(change)) {}

  static constexpr bool resets = !std::same_as<Reset, NoReset>;
};

/// One event that took place.
template <OdeState State>
struct EventHit {
  std::size_t event;  ///< Which of the events.
  double t;
  State y;  ///< At t, before a reset.
};

/// What a solve with events gives.
template <OdeState State>
struct EventSolution {
  Trajectory<State> trajectory;  ///< With the statistics; jumps where a reset changed the state.
  State y;                       ///< At the end, trajectory.t1(): after a reset, if there was one.
  std::vector<EventHit<State>> hits{};
  bool terminated = false;  ///< By an event, at or before t1.
};

namespace detail {

/// g must be a number: a bool has no zero that could be located.
template <class Event, class State>
concept EventOf = requires(const Event& event, double t, const State& y) {
  requires std::floating_point<std::remove_cvref_t<decltype(event.g(t, y))>>;
};

template <class Event, class State>
concept EventWithReset = !Event::resets || requires(const Event& event, double t, State& y) {
  event.reset(t, y);
};

/// A failure that is not one of a step.
inline SolveFailure failure_between_steps(double t, const Statistics& spent) {
  SolveFailure at;
  at.t = t;
  at.error_norm = std::numeric_limits<double>::quiet_NaN();
  at.statistics = spent;
  return at;
}

/// Observer that records the trajectory, searches each step for events and stops the solve at those that change it.
template <OdeState State, class... Events>
class EventWatcher : public NoObserver {
 public:
  EventWatcher(const std::tuple<Events...>& events, EventSolution<State>& solution)
      : events_(events), solution_(solution), y_(solution.y) {
    evaluate_all(solution.trajectory.t0(), before_);
  }

  template <class Rhs, class Method>
  void read_step(Rhs& rhs, double t, Stepper<Method, State>& stepper) {
    solution_.trajectory.append(rhs, stepper, t);
    ++spent_.accepted;
    spent_.evaluations = stepper.evaluations();
  }

  /// Whether the step that ends at t holds an event that ends or changes the solve; then the trajectory ends there.
  template <class Rhs, class Stepper>
  bool stop(Rhs& /*rhs*/, double /*t*/, Stepper& /*stepper*/) {
    search();
    return acted_ = settle();
  }

  /// Before each piece of the solve.
  void begin_piece() { spent_ = {}; }

  /// Whether the last step was ended by an event; then the solution holds its time and the state to go on from.
  [[nodiscard]] bool acted() const { return acted_; }

 private:
  static constexpr std::size_t count = sizeof...(Events);
  // Crossings between neighbouring samples that leave the sign as it was are found by their dip. The samples near the
  // ends tell there which way g goes: without them a dip around the end of a step would have no lowest sample.
  static constexpr std::array<double, 6> places{1. / 1024, 0.25, 0.5, 0.75, 1023. / 1024, 1};
  using Values = std::array<double, count>;

  struct Found {
    double t;
    std::size_t event;
    bool rising;
  };

  /// Calls function(event, index) for each.
  template <class Function>
  void for_each_event(const Function& function) const {
    [&]<std::size_t... I>(std::index_sequence<I...>) { (function(std::get<I>(events_), I), ...); }
    (std::make_index_sequence<count>{});
  }

  template <class OneEvent>
  double value(const OneEvent& event, std::size_t i, double t) const {
    const double g = double(event.g(t, std::as_const(y_)));
    if (std::isfinite(g)) return g;
    throw NonFiniteError(y_.allFinite() ? "the function of event " + std::to_string(i) : "the solution",
                         failure_between_steps(t, spent_));
  }

  /// The events' functions at (t, y_).
  void evaluate_all(double t, Values& values) const {
    for_each_event([&](const auto& event, std::size_t i) { values[i] = value(event, i, t); });
  }

  /// Fills found_ with the crossings of the last step in their order, and before_ with the values at its end.
  void search() {
    const std::vector<double>& times = solution_.trajectory.times();
    const double start = times.end()[-2], end = times.back();
    std::array<double, places.size()> t;
    std::array<Values, places.size()> values;
    for (std::size_t k = 0; k < places.size(); ++k) {
      t[k] = places[k] == 1 ? end : start + places[k] * (end - start);
      solution_.trajectory.evaluate(t[k], y_);
      evaluate_all(t[k], values[k]);
    }
    found_.clear();
    for_each_event([&](const auto& event, std::size_t i) {
      const auto g = [&](double at) {
        solution_.trajectory.evaluate(at, y_);
        return value(event, i, at);
      };
      Sample older{start, 0}, old{start, before_[i]};  // a value of 0: on the event already, or unknown
      for (std::size_t k = 0; k < places.size(); ++k) {
        const Sample now{t[k], values[k][i]};
        search_between(event.options.crossing, i, g, older, old, now);
        older = old;
        old = now;
      }
      before_[i] = old.g;
    });
    const bool forward = start < end;
    std::sort(found_.begin(), found_.end(), [forward](const Found& a, const Found& b) {
      return a.t != b.t ? (forward ? a.t < b.t : a.t > b.t) : a.event < b.event;
    });
  }

  /// Crossings from `old` to `now`, or in a dip around `old`.
  template <class Function>
  void search_between(Crossing wanted, std::size_t i, const Function& g, Sample older, Sample old, Sample now) {
    const auto add = [&](double t, bool rising) {
      if (behind_[i] && std::abs(t - restarted_at_) <= near_) return;
      if (wanted == Crossing::either || rising == (wanted == Crossing::rising)) found_.push_back({t, i, rising});
    };
    if (old.g == 0) return;  // starting on the event is no event
    if (now.g == 0 || signs_differ(old, now)) {
      add(now.g == 0 ? now.t : bracketed_root(g, old, now), old.g < 0);
    } else if (older.g != 0 && !signs_differ(older, old) && std::abs(old.g) <= std::abs(older.g) &&
               std::abs(old.g) < std::abs(now.g)) {
      const Sample bottom = lowest_point(g, older, old, now);
      if (bottom.g == 0 || !signs_differ(bottom, old)) return;  // a mere touch is no crossing
      add(bracketed_root(g, older, bottom), old.g < 0);
      add(bracketed_root(g, bottom, now), old.g > 0);
    }
  }

  /// Tells the events up to the first that ends or changes the solve; true if there is one.
  [[nodiscard]] bool settle() {
    for (std::size_t k = 0; k < found_.size(); ++k) {
      tell(found_[k]);
      if (!acts(found_[k].event)) continue;
      act(found_[k].t, k + 1);
      return true;
    }
    return false;
  }

  void tell(const Found& found) {
    solution_.trajectory.evaluate(found.t, y_);
    solution_.hits.push_back({found.event, found.t, y_});
  }

  [[nodiscard]] bool acts(std::size_t which) const {
    bool result = false;
    for_each_event([&](const auto& event, std::size_t i) {
      if (i == which) result = event.options.terminal || event.resets;
    });
    return result;
  }

  /// Whether g lies beyond the zero of this crossing, or on it.
  [[nodiscard]] static bool is_past(const Found& found, double g) { return found.rising ? g >= 0 : g <= 0; }

  /// Ends the trajectory at t, where found_[told - 1] acts, and lets all that happens at that time act in the order in
  /// which it was given. Zeros are located to some ulps of the step only, so that what happens at one time may be
  /// found a little before or after it: the functions at t decide.
  void act(double t, std::size_t told) {
    const std::vector<double>& times = solution_.trajectory.times();
    near_ = 8 * std::numeric_limits<double>::epsilon() * std::max(std::abs(times.end()[-2]), std::abs(t));
    Values at_end;
    solution_.trajectory.evaluate(t, y_);
    evaluate_all(t, at_end);
    std::array<bool, count> happened{}, behind{};
    for (std::size_t k = 0; k < told; ++k) {
      if (std::abs(found_[k].t - t) <= near_) happened[found_[k].event] = true;
      if (!is_past(found_[k], at_end[found_[k].event])) behind[found_[k].event] = true;
    }
    happened[found_[told - 1].event] = true;
    for (std::size_t k = told; k < found_.size(); ++k) {
      const std::size_t event = found_[k].event;
      // The next crossing of its event, if it has been passed at t.
      const bool first = std::none_of(found_.begin() + std::ptrdiff_t(told), found_.begin() + std::ptrdiff_t(k),
                                      [event](const Found& other) { return other.event == event; });
      if (!first || !(std::abs(found_[k].t - t) <= near_ || (!happened[event] && is_past(found_[k], at_end[event]))))
        continue;
      found_[k].t = t;
      tell(found_[k]);
      happened[event] = true;
    }

    solution_.trajectory.truncate(t);
    y_ = solution_.trajectory.states().back();
    bool changed = false;
    for_each_event([&](const auto& event, std::size_t i) {
      if (!happened[i]) return;
      solution_.terminated = solution_.terminated || event.options.terminal;
      if constexpr (std::remove_cvref_t<decltype(event)>::resets) {
        event.reset(t, y_);
        changed = true;
      }
    });
    if (changed) {
      require_shape_kept(y_, solution_.trajectory.states().back());
      require_finite("solve_events: the state after a reset", y_);
      if (!solution_.terminated) solution_.trajectory.jump(y_);
    }
    solution_.y = y_;
    if (solution_.terminated) return;
    evaluate_all(t, before_);
    restarted_at_ = t;
    for (std::size_t i = 0; i < count; ++i) {
      behind_[i] = happened[i] || behind[i];
      if (behind_[i]) before_[i] = 0;  // rounding must not bring it back
    }
  }

  static void require_shape_kept(const State& got, const State& expected) {
    require_rows("solve_events: the state after a reset", got.rows(), expected.rows());
    require_columns("solve_events: the state after a reset", got.cols(), expected.cols());
  }

  const std::tuple<Events...>& events_;
  EventSolution<State>& solution_;
  State y_;
  Values before_{};                   // at the start of the coming step; 0: on the event
  std::array<bool, count> behind_{};  // whose zeros are where the solve started anew last, to rounding
  double restarted_at_ = 0, near_ = 0;
  std::vector<Found> found_{};  // in the last step
  Statistics spent_{};          // in this piece
  bool acted_ = false;
};

/// The control for the rest of a solve: what is left of the steps, fixed ones no longer than they were.
template <class Method, class Control>
Control control_of_rest(Control control, double t0, double t, double t1, const Statistics& spent) {
  if constexpr (FixedControl<Control>) {
    const double steps = std::ceil(double(control.steps_per_interval) * ((t1 - t) / (t1 - t0)) - 1e-6);
    control.steps_per_interval = std::max(Index(1), Index(steps));
  } else {
    control.max_steps -= spent.accepted + spent.rejected;
    SolveFailure at = failure_between_steps(t, spent);
    at.implicit = ImplicitMethod<Method>;
    if (control.max_steps < 1) throw StepLimitError(at);
  }
  return control;
}

}  // namespace detail

/// The solution from t0 to t1, or to the first terminal event, with the events on the way.
///
/// Each step is searched on its dense output at six places, and around the lowest |g| among them: two crossings within
/// a step are found where one of the places is the lowest of its neighbours, and the dip is wider than 1/1024 of the
/// step. Times of events are exact for the interpolant, to some ulps, and no better than it. g
/// must be finite to the end of each step, also beyond an event that ends the solve. A start on an event is no event,
/// nor is a touch without a crossing, unless a place meets its zero exactly. Events at one time, to 8 ulps of the step,
/// are told one by one, and then all their resets are made in the order of `events`.
///
/// A flight shorter than 1/1024 of its first step is not seen: a ball that comes to rest by ever smaller bounces falls
/// through the ground at last, unless a terminal event ends the solve before.
///
/// Evaluations: those of solve_trajectory(), and for each reset the steps of a new start.
///
/// \param events   std::tuple of Event.
/// \throws StepLimitError when max_steps, over all pieces, is used up; NonFiniteError when an event's function is not
///         finite; DataError, ShapeError for a reset that spoils the state; else as solve().
template <class Method = Dopri5, class Control = PiController, class Rhs, class Derived, class... Events>
[[nodiscard]] EventSolution<typename Derived::PlainObject> solve_events(Rhs&& rhs, const Eigen::MatrixBase<Derived>& y0,
                                                                        double t0, double t1,
                                                                        const std::tuple<Events...>& events,
                                                                        const Method& method = {},
                                                                        const Control& control = {}) {
  using State = typename Derived::PlainObject;
  constexpr bool dense = detail::has_dense_output<Method, State, std::remove_reference_t<Rhs>>;
  static_assert(dense, "solve_events: this method's stepper has no start_slope and end_slope for dense output");
  constexpr bool functions = (detail::EventOf<Events, State> && ...);
  constexpr bool resets = (detail::EventWithReset<Events, State> && ...);
  static_assert(functions,
                "solve_events: an event's function must be callable as g(double t, const State& y) and give a float or "
                "double, not a bool");
  static_assert(resets, "solve_events: an event's reset must be callable as reset(double t, State& y), const");
  State y = y0;
  EventSolution<State> solution{.trajectory = Trajectory<State>(t0, y), .y = y};
  if constexpr (dense && functions && resets &&
                detail::SolveCheck<Method, Control, std::remove_reference_t<Rhs>, State>::value) {
    require_finite("solve: y0", y);
    std::array<double, 2> times{t0, t1};
    detail::require_times(times);
    Stepper<Method, State> stepper;
    detail::EventWatcher<State, Events...> watcher(events, solution);
    Statistics& statistics = solution.trajectory.statistics;
    Control rest = control;
    while (true) {
      watcher.begin_piece();
      statistics += detail::relabel_failures([&] { return integrate(method, rest, rhs, y, times, stepper, watcher); },
                                             [&](SolveFailure& at) { at.statistics += statistics; });
      if (!watcher.acted()) {
        solution.y = y;
        solution.trajectory.stretch(t1);
        break;
      }
      y = solution.y;
      times[0] = solution.trajectory.t1();
      if (solution.terminated || times[0] == t1) break;
      rest = detail::control_of_rest<Method>(control, t0, times[0], t1, statistics);
    }
  }
  return solution;
}

}  // namespace pathline
