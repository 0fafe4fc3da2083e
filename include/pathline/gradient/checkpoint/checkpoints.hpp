/// \file
/// Backpropagation in bounded memory, for all methods but reversible ones, which need none: what a few steps start from
/// is kept, and the steps between them run again on the way back. The gradient has the same bits as with kept tapes.
/// ```
/// NeuralOde ode(field, Dopri5{}, PiController{}, Backpropagation<Checkpoints>{.storage = {.count = 20}});
/// NeuralOde same(field, Dopri5{}, PiController{}, Backpropagation<MemoryBudget>{.storage = {.bytes = 64 << 20}});
/// ```
/// What a step starts from is the state, and what the method reads of the steps before: docs/gradients.md.
///
/// How often a step runs depends on the number s of kept starts. If no step is to run more than r times before the run
/// that its pullback reads, (s + r)! / (s! r!) steps can be reversed: 20 are enough for 231 steps with r = 2,
/// and for 1771 with r = 3.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/gradient/checkpoint/checkpoint_recording.hpp>
#include <pathline/gradient/checkpoint/kept_steps.hpp>

#include <cstddef>

namespace pathline {

/// Keeps what so many steps of each solve start from, and the tapes of one step.
struct Checkpoints {
  Index count = 16;  ///< At least 1: the start alone, and from it every step is reached again.

  static constexpr bool runs_again = true;
  template <class Method, Real S, bool keep_stages>
  using Recording = CheckpointRecording<Method, S, keep_stages>;

  /// \throws ArgumentError for a count below 1.
  [[nodiscard]] RecordRoom room() const {
    if (count < 1) throw ArgumentError("Checkpoints: count", count, "at least 1");
    return {.starts = count};
  }
};

/// Keeps as many starts of steps as fit into `bytes`, beside the tapes of one step, what runs steps again, and the
/// lengths of all steps: four numbers for each, and three for each rejected trial of a method that reads them. Where
/// nobody knows how many steps come, starts make room for their lengths. The bound holds for each record: one for each
/// thread of a `Cnf`, of a `FieldStack` one for each block and thread, one for each chunk of a batch of a `NeuralOde`.
///
/// A solve throws an ArgumentError where one start and the lengths do not fit. In one memory the widths of a batch's
/// chunks, which differ by a column, share the bytes; a solve of another width forgets them.
struct MemoryBudget {
  std::size_t bytes = 64U << 20U;

  static constexpr bool runs_again = true;
  template <class Method, Real S, bool keep_stages>
  using Recording = CheckpointRecording<Method, S, keep_stages>;

  [[nodiscard]] RecordRoom room() const { return {.bytes = bytes}; }
};

}  // namespace pathline
