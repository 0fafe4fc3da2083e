/// \file
/// How a flow or a neural ODE cuts a batch into chunks and shares them among threads; policies of both.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <type_traits>

namespace pathline {

/// Threads that share the chunks of a batch, where OpenMP is present; 0 is as many as OpenMP would take. Results are
/// the same bits for every number.
struct Threads {
  int number = 0;
};

/// Columns of the widest chunk; 0 lets the network's width decide. A chunk is one solve with steps of its own, so this
/// is part of what a seed reproduces, and no property of the machine enters the default.
struct ChunkWidth {
  Index columns = 0;

  void check() const {
    if (columns < 0) throw ArgumentError("ChunkWidth: columns", columns, "0 or a positive number");
  }

  /// About 32 KiB a packed activation: the tapes of an evaluation then stay in the second-level cache, and products
  /// are still wide enough (measured: benchmarks/README.md).
  /// \param widest  Most rows of any batch in the network.
  /// \param tangents  k; for a potential's closed form half of d.
  [[nodiscard]] Index of(Index widest, Index tangents, std::size_t scalar_bytes) const {
    if (columns > 0) return columns;
    const Index fit = (Index(32) << 10) / (widest * (1 + tangents) * Index(scalar_bytes));
    return std::clamp<Index>(fit / 8 * 8, 8, 256);
  }
};

template <class P>
using IsThreads = std::is_same<P, Threads>;
template <class P>
using IsChunkWidth = std::is_same<P, ChunkWidth>;

}  // namespace pathline
