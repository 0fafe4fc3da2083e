/// \file
/// Small states of static size, entry by entry. A compiler likes to pack neighbours into vectors; but a vector that is
/// loaded from where its entries were just stored one by one has to wait until these stores have left the processor's
/// queue, some 20 cycles: as long as the arithmetic of a stage. So code that writes the entries of a small state stores
/// and loads them alone.
#pragma once

#include <pathline/core/types.hpp>

#include <cstddef>
#include <utility>

namespace pathline::detail {

/// Whether a state is computed entry by entry.
template <class State>
inline constexpr bool entry_by_entry = (State::SizeAtCompileTime > 0) && (State::SizeAtCompileTime <= 6);

/// Its places; none where a state is computed as a whole.
template <class State>
using Entries = std::make_index_sequence<std::size_t(entry_by_entry<State> ? State::SizeAtCompileTime : 0)>;

/// Stores a number apart from its neighbours.
template <class Number>
EIGEN_ALWAYS_INLINE void store_alone(Number& to, Number value) {
  to = value;
#if defined(__GNUC__) && !defined(__clang__)
  asm volatile("" : : "m"(to));  // reads the place: no later store can be one with this one
#endif                           // clang packs less, and would read all memory again after it
}

/// Loads a number apart from its neighbours, into a register of floating-point numbers.
template <class Number>
[[nodiscard]] EIGEN_ALWAYS_INLINE Number load_alone(const Number& from) {
  Number value = from;
#if defined(__SSE2__)
  asm("" : "+x"(value));
#elif defined(__aarch64__)
  asm("" : "+w"(value));
#else
  EIGEN_OPTIMIZATION_BARRIER(value)
#endif
  return value;
}

/// `to` becomes `from`, whose value is not needed any more.
template <class State>
EIGEN_ALWAYS_INLINE void move_state(State& from, State& to) {
  if constexpr (entry_by_entry<State>)
    for (Index i = 0; i < State::SizeAtCompileTime; ++i) store_alone(to.data()[i], load_alone(from.data()[i]));
  else
    to.swap(from);
}

}  // namespace pathline::detail
