/// \file
/// What a loss reads of a solve with events, its cotangents, and the gradients that come of them.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/gradient/value_and_gradient.hpp>
#include <pathline/ode/output/event.hpp>

#include <cstddef>
#include <vector>

namespace pathline {

/// The solution of one sample from t0 to t1, or to the event that ends it. All states are d × 1.
template <Real Scalar>
struct EventPath {
  std::vector<EventHit<Batch<Scalar>>> hits;  ///< As of solve_events(): which event, when, the state before a reset.
  std::vector<Batch<Scalar>> states;          ///< At the output times; NaN after the end. At a reset: before it.
  double t = 0;                               ///< The end: t1, or the time of the event that ended the solve.
  Batch<Scalar> y;                            ///< There, after a reset.
  bool terminated = false;                    ///< By an event, at or before t1.
};

/// The derivatives of a loss by each number of an `EventPath`, all 0 before the loss adds to them.
template <Real Scalar>
struct EventPathBar {
  struct Hit {
    double t = 0;
    Batch<Scalar> y;
  };
  std::vector<Hit> hits;
  std::vector<Batch<Scalar>> states;
  double t = 0;
  Batch<Scalar> y;
};

/// `times` has dL/dt of each of the times: 0 for output times after the end of the solve.
template <Real Scalar>
struct EventValueAndGradient : ValueAndGradient<Scalar> {
  std::vector<Vector<Scalar>> events;  ///< dL/dp of each event.
};

/// The time of an event has no derivative: its function has no slope along the solution, or is 0 at the start.
struct GrazingEventError : Error {
  /// \param why  A sentence's end.
  GrazingEventError(std::size_t which, double at, double slope, const char* why)
      : Error({"value_and_gradient_with_events: event ", which, " at t = ", at, " has no derivative, since ", why,
               " (d/dt g = ", slope, "); give an event's function that crosses 0 with a slope"}),
        event(which),
        t(at),
        rate(slope) {}
  std::size_t event;  ///< Which of the events.
  double t, rate;     ///< Its time, and d/dt g(t, y(t)) there.
};

}  // namespace pathline
