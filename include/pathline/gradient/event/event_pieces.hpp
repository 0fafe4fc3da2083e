/// \file
/// A solve with events cut at its resets: the pieces between them, and what ended each.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/gradient/event/differentiable_event.hpp>
#include <pathline/ode/output/event.hpp>

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace pathline::detail {

/// A reset that was made.
template <Real Scalar>
struct ResetNote {
  std::size_t event;
  double t;
  Batch<Scalar> before, after;
};

/// An event that notes its resets.
template <class Event>
struct NotedEvent {
  using Scalar = typename Event::Scalar;
  static constexpr bool resets = Event::resets;

  const Event* event;
  std::size_t number;
  std::vector<ResetNote<Scalar>>* notes;
  EventOptions options;

  [[nodiscard]] Scalar g(double t, const Batch<Scalar>& y) const { return event->g(t, y); }
  AfterReset reset(double t, Batch<Scalar>& y) const requires(resets) {
    ResetNote<Scalar> note{number, t, y, {}};
    const AfterReset then = event->reset(t, y);
    note.after = y;
    notes->push_back(std::move(note));
    return then;
  }
};

template <Real Scalar, class... Events>
[[nodiscard]] auto note_resets(const std::tuple<Events...>& events, std::vector<ResetNote<Scalar>>& notes) {
  return [&]<std::size_t... I>(std::index_sequence<I...> /*numbers*/) {
    return std::tuple<NotedEvent<Events>...>{
        NotedEvent<Events>{&std::get<I>(events), I, &notes, std::get<I>(events).options}...};
  }
  (std::index_sequence_for<Events...>());
}

/// Calls function(event) with the event of this number.
template <class Function, class... Events>
void with_event(const std::tuple<Events...>& events, std::size_t number, const Function& function) {
  std::size_t i = 0;
  std::apply([&](const auto&... event) { ((i++ == number ? function(event) : void()), ...); }, events);
}

/// A part of the solution: from its start, or a reset, to the next event that resets or ends it, or to t1.
template <Real Scalar>
struct EventPiece {
  double t0 = 0, t1 = 0;
  Batch<Scalar> y0{};
  std::size_t first_hit = 0, end_hit = 0;    ///< Events of this piece, those at its end included.
  std::size_t first_note = 0, end_note = 0;  ///< Resets at its end.
  bool acts = false;                         ///< An event at its end has ended the solve or changed the state.
  std::size_t acting_hit = 0;                ///< That one: the first there of those that act.
};

template <Real Scalar, class... Events>
[[nodiscard]] std::vector<EventPiece<Scalar>> event_pieces(const std::tuple<Events...>& events,
                                                           const EventSolution<Batch<Scalar>>& solution,
                                                           const std::vector<ResetNote<Scalar>>& notes, bool forward) {
  const auto& hits = solution.hits;
  const double end = solution.trajectory.t1();
  std::vector<EventPiece<Scalar>> pieces;
  EventPiece<Scalar> piece{.t0 = solution.trajectory.t0(), .y0 = solution.trajectory.states().front()};
  while (true) {
    const bool resets = piece.first_note < notes.size();
    piece.t1 = resets ? notes[piece.first_note].t : end;
    piece.acts = resets || solution.terminated;
    while (piece.end_note < notes.size() && notes[piece.end_note].t == piece.t1) ++piece.end_note;
    while (piece.end_hit < hits.size() &&
           (forward ? hits[piece.end_hit].t <= piece.t1 : hits[piece.end_hit].t >= piece.t1))
      ++piece.end_hit;
    for (std::size_t k = piece.end_hit; piece.acts && k-- > piece.first_hit && hits[k].t == piece.t1;)
      with_event(events, hits[k].event, [&](const auto& event) {
        if (event.options.terminal || std::remove_cvref_t<decltype(event)>::resets) piece.acting_hit = k;
      });
    pieces.push_back(piece);
    if (!resets || (solution.terminated && piece.t1 == end)) return pieces;
    piece.t0 = piece.t1;
    piece.y0 = notes[piece.end_note - 1].after;
    piece.first_hit = piece.end_hit;
    piece.first_note = piece.end_note;
  }
}

}  // namespace pathline::detail
