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

/// Columns of the widest chunk; 0 lets the network and the batch decide. A chunk is one solve with steps of its own, so
/// this is part of what a seed reproduces, and no property of the machine enters the default.
struct ChunkWidth {
  Index columns = 0;

  void check() const {
    if (columns < 0) throw ArgumentError("ChunkWidth: columns", columns, "0 or a positive number");
  }

  /// Columns of the widest chunk of a batch (docs/chunks.md has what was measured).
  ///
  /// A layer multiplies its weights by 1 + k columns for each sample. 64 of them amortise what a product costs beside
  /// its arithmetic; up to 128 are better where their activations fit into 16 KiB. More only push the tapes out of the
  /// cache. Wide weights, whose gradient every pullback reads and writes, want half as many columns as they have rows.
  /// An even number of chunks keeps two threads busy.
  /// \param n  Samples of the batch.
  /// \param widest  Most rows of any batch in the network.
  /// \param tangents  k; for a potential's closed form half of d.
  [[nodiscard]] Index of(Index n, Index widest, Index tangents, std::size_t scalar_bytes) const {
    if (columns > 0) return columns;
    const Index in_cache = (Index(16) << 10) / (widest * Index(scalar_bytes));
    const Index product = std::max(std::clamp<Index>(in_cache, 64, 128), std::min<Index>(widest / 2, 256));
    const Index width = (product + 4 * tangents + 3) / (4 * (1 + tangents)) * 4;  // four columns or more
    const bool one = 2 * n <= 3 * width && n < 128;
    const Index chunks = one ? 1 : std::max<Index>(1, (n + width) / (2 * width)) * 2;
    return std::max<Index>(1, (n + chunks - 1) / chunks);
  }
};

template <class P>
using IsThreads = std::is_same<P, Threads>;
template <class P>
using IsChunkWidth = std::is_same<P, ChunkWidth>;

}  // namespace pathline
