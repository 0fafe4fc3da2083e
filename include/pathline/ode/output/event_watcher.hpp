/// \file
/// The observer of solve_events(): it records the trajectory, searches each step for events (sign_changes.hpp), and
/// stops the solve at those that end it or change the state.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/ode/integrate.hpp>
#include <pathline/ode/output/event.hpp>
#include <pathline/ode/output/sign_changes.hpp>
#include <pathline/ode/output/trajectory.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace pathline::detail {

/// A failure that is not one of a step.
inline SolveFailure failure_between_steps(double t, const Statistics& spent) {
  SolveFailure at;
  at.t = t;
  at.error_norm = std::numeric_limits<double>::quiet_NaN();
  at.statistics = spent;
  return at;
}

/// The parts of a step within which rounding may hide a sign, beside a zero and at a start on the event.
template <class Scalar>
inline constexpr double fine_part = 0x1p-14;
template <>
inline constexpr double fine_part<float> = 0x1p-7;
template <class Scalar>
inline constexpr double first_part = 0x1p-20;
template <>
inline constexpr double first_part<float> = 0x1p-10;

template <OdeState State, class... Events>
class EventWatcher : public NoObserver {
 public:
  EventWatcher(const std::tuple<Events...>& events, EventSolution<State>& solution, double t1)
      : events_(events), solution_(solution), y_(solution.y), t1_(t1) {
    const double t0 = solution.trajectory.t0();
    for_each_event(
        [&](const auto& event, std::size_t i) { watches_[i].start(t0, value(event, i, t0), event.options.at_start); });
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

  /// Whether the last step was ended by an event; then the solution holds its time and the state to continue from.
  [[nodiscard]] bool acted() const { return acted_; }

 private:
  static constexpr std::size_t count = sizeof...(Events);
  using Values = std::array<double, count>;

  struct Found {
    double t;
    std::size_t event;
    int direction;
  };

  /// Calls function(event, index) for each.
  template <class Function>
  void for_each_event(const Function& function) const {
    [&]<std::size_t... I>(std::index_sequence<I...>) { (function(std::get<I>(events_), I), ...); }
    (std::make_index_sequence<count>{});
  }

  /// g at (t, y_).
  template <class OneEvent>
  double value(const OneEvent& event, std::size_t i, double t) const {
    const double g = double(event.g(t, std::as_const(y_)));
    if (std::isfinite(g)) return g;
    throw NonFiniteError(y_.allFinite() ? "the function of event " + std::to_string(i) : "the solution",
                         failure_between_steps(t, spent_));
  }

  void evaluate_all(double t, Values& values) const {
    for_each_event([&](const auto& event, std::size_t i) { values[i] = value(event, i, t); });
  }

  /// Fills found_ with the events of the last step in their order.
  void search() {
    const Trajectory<State>& trajectory = solution_.trajectory;
    const double start = trajectory.times().end()[-2], end = trajectory.t1();
    std::array<double, search_places.size()> t{start};
    std::array<Values, search_places.size()> values{};  // of the first each event has its own
    for (std::size_t k = 1; k < t.size(); ++k) {
      t[k] = search_places[k] == 1 ? end : start + search_places[k] * (end - start);
      trajectory.evaluate_last_step(t[k], y_);
      evaluate_all(t[k], values[k]);
    }
    found_.clear();
    if (std::exchange(fresh_, false)) expect_flights(start, end - start);
    for_each_event([&](const auto& event, std::size_t i) {
      const auto g = [&](double at) {
        trajectory.evaluate_last_step(at, y_);
        return value(event, i, at);
      };
      const auto beyond = [&](double at) {
        trajectory.evaluate_last_step(at, y_);
        return double(event.g(at, std::as_const(y_)));
      };
      using Scalar = typename State::Scalar;
      SignWatch::Step step{{}, TimeFunction(g), TimeFunction(beyond), t1_, fine_part<Scalar>, first_part<Scalar>};
      for (std::size_t k = 0; k < t.size(); ++k) step.samples[k] = {t[k], values[k][i]};
      changes_.clear();
      watches_[i].search(step, changes_);
      if (behind_[i])  // rounding beside the zero that has been reported
        std::erase_if(changes_, [&](const SignChange& change) { return std::abs(change.t - restarted_at_) <= near_; });
      require_flight_seen(i);
      for (const SignChange& change : changes_) {
        const int wanted =
            int(event.options.crossing == Crossing::rising) - int(event.options.crossing == Crossing::falling);
        if (wanted * change.direction >= 0) found_.push_back({change.t, i, change.direction});
      }
    });
    const bool forward = start < end;
    std::sort(found_.begin(), found_.end(), [forward](const Found& a, const Found& b) {
      return a.t != b.t ? (forward ? a.t < b.t : a.t > b.t) : a.event < b.event;
    });
  }

  /// In the first step after a reset: which g it has turned back to the side they came from. y' at the start decides,
  /// along a straight line, since the flight itself may be too short for any sample.
  void expect_flights(double start, double length) {
    for_each_event([&](const auto& event, std::size_t i) {
      if (came_from_[i] == 0) return;
      const auto rise = [&](double part) {
        const double t = start + part * length;
        solution_.trajectory.extend_start_of_last_step(part * length, y_);
        const double after = double(event.g(t, std::as_const(y_)));
        solution_.trajectory.extend_start_of_last_step(0, y_);
        return after - double(event.g(start, std::as_const(y_)));
      };
      int direction = 0;
      // Rounding does not grow as the step does.
      for (double part = first_part<typename State::Scalar>, least = rise(part); direction == 0 && part < 0.03;) {
        const double more = rise(part *= 32);
        if (least * more > 0 && std::abs(more) >= 8 * std::abs(least)) direction = more > 0 ? 1 : -1;
        least = more;
      }
      if (direction != came_from_[i]) came_from_[i] = 0;
    });
  }

  /// g has been turned back, and is on its way: it must not be beyond 0 without an event.
  void require_flight_seen(std::size_t i) {
    const int side = watches_[i].side();
    if (!watches_[i].started_on_event()) came_from_[i] = 0;  // the reset has moved it away
    if (came_from_[i] == 0 || (side == 0 && changes_.empty())) return;
    if (side == -came_from_[i] && changes_.empty())
      throw EventPileUpError(i, failure_between_steps(restarted_at_, spent_));
    came_from_[i] = 0;
  }

  /// Reports the events up to the first that ends or changes the solve; true if there is one.
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
  [[nodiscard]] static bool is_past(const Found& found, double g) { return found.direction * g >= 0; }

  /// Ends the trajectory at t, where found_[told - 1] acts, and lets all that happens at that time act in the order in
  /// which it was given. Zeros are located to some ulps of the step only, so that what happens at one time may be
  /// found a little before or after it: the functions at t decide.
  void act(double t, std::size_t told) {
    const double start = solution_.trajectory.times().end()[-2];
    near_ = 8 * std::numeric_limits<double>::epsilon() * std::max(std::abs(start), std::abs(t));
    Values at_end;
    solution_.trajectory.evaluate(t, y_);
    evaluate_all(t, at_end);
    std::array<bool, count> happened{}, behind{};
    std::array<int, count> came_from{};
    for (std::size_t k = 0; k < told; ++k) {
      came_from[found_[k].event] = -found_[k].direction;
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
      came_from[event] = -found_[k].direction;
    }

    std::array<int, count> touched{};  // the side from which g touches 0 at t
    for_each_event([&](const auto& event, std::size_t i) {
      if (at_end[i] != 0 || happened[i] || came_from[i] != 0) return;
      const double length = solution_.trajectory.t1() - start, part = (t - start) / length;
      const double before = start + (part - std::min(fine_part<typename State::Scalar>, 0.5 * part)) * length;
      solution_.trajectory.evaluate_last_step(before, y_);
      const double g = value(event, i, before);
      touched[i] = int(g > 0) - int(g < 0);
    });
    solution_.trajectory.truncate(t);
    y_ = solution_.trajectory.states().back();
    for (std::size_t i = 0; i < count; ++i) came_from_[i] = happened[i] ? came_from[i] : 0;
    reset(t, happened);
    solution_.y = y_;
    if (solution_.terminated) return;
    restarted_at_ = t;
    fresh_ = true;
    for_each_event([&](const auto& event, std::size_t i) {
      behind_[i] = happened[i] || behind[i];
      const double g = value(event, i, t);
      if (behind_[i])
        watches_[i].start_on_event(t, g, at_end[i]);
      else if (g == 0)
        watches_[i].start_at_touch(t, touched[i]);
      else
        watches_[i].start(t, g);
    });
  }

  /// Makes the resets of those that happened.
  void reset(double t, const std::array<bool, count>& happened) {
    bool changed = false;
    for_each_event([&](const auto& event, std::size_t i) {
      if (!happened[i]) return;
      solution_.terminated = solution_.terminated || event.options.terminal;
      if constexpr (std::remove_cvref_t<decltype(event)>::resets) {
        if (reset_state(event, t, y_) == AfterReset::end) solution_.terminated = true;
        changed = true;
      }
    });
    if (!changed) return;
    const State& before = solution_.trajectory.states().back();
    require_rows("solve_events: the state after a reset", y_.rows(), before.rows());
    require_columns("solve_events: the state after a reset", y_.cols(), before.cols());
    require_finite("solve_events: the state after a reset", y_);
    if (!solution_.terminated) solution_.trajectory.jump(y_);
  }

  const std::tuple<Events...>& events_;
  EventSolution<State>& solution_;
  State y_;
  double t1_;
  std::array<SignWatch, count> watches_{};
  std::array<bool, count> behind_{};    // whose zeros are where the solve started anew last, to rounding
  std::array<int, count> came_from_{};  // the side of g before the last reset, if it is to be seen there again
  double restarted_at_ = 0, near_ = 0;
  std::vector<Found> found_{};          // in the last step
  std::vector<SignChange> changes_{};   // of one event
  Statistics spent_{};                  // in this piece
  bool acted_ = false, fresh_ = false;  // fresh: in the first step after a reset
};

}  // namespace pathline::detail
