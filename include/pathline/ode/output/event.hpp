/// \file
/// What an event is, and the result of a solve with events: events.hpp says how they are used.
#pragma once

#include <pathline/ode/output/trajectory.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

namespace pathline {

/// The way in which g goes through 0 as the solve goes on, forward or backward in time.
enum class Crossing : std::uint8_t { either, rising, falling };

struct EventOptions {
  Crossing crossing = Crossing::either;
  bool terminal = false;  ///< Ends the solve there.
  /// A start at which g is exactly 0 is an event, at t0, unless g leaves 0 in the direction that `crossing` leaves out.
  bool at_start = false;
};

/// What a reset may return: whether the solve continues from the new state.
enum class AfterReset : std::uint8_t { go_on, end };

/// The state stays as it was.
struct NoReset {};

/// A zero of g(t, y), a number for the whole batch, that is continuous along the solution.
///
/// Reset: reset(t, y) changes y, and not its shape; the solve starts anew from there, with a first stage and a first
/// step of its own. It may return an AfterReset; anything else that it returns is ignored.
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

/// The result of a solve with events.
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

/// Calls the reset; returns whether the solve continues.
template <class Event, class State>
[[nodiscard]] AfterReset reset_state(const Event& event, double t, State& y) {
  if constexpr (std::same_as<std::remove_cvref_t<decltype(event.reset(t, y))>, AfterReset>) {
    return event.reset(t, y);
  } else {
    event.reset(t, y);
    return AfterReset::go_on;
  }
}

}  // namespace detail
}  // namespace pathline
