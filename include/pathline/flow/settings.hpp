/// \file
/// The small settings of a flow, each a policy of its own: span of time, threads, width of a chunk.
#pragma once

#include <pathline/core/types.hpp>

#include <algorithm>
#include <cstddef>

namespace pathline {

/// The time of the data and that of the base density; either may be the larger.
struct TimeSpan {
  double data = 0, base = 1;
};

/// Factor of the negative log-likelihood in the training loss; costs have weights of their own. OT-Flow's
/// loss has one (`OtFlowOptions`). Reported likelihoods never carry it.
struct LikelihoodWeight {
  double weight = 1;
};

/// Threads that share the chunks of a batch, where OpenMP is present; 0 is as many as OpenMP would take. Results are
/// the same bits for every number.
struct Threads {
  int number = 0;
};

/// Columns of the widest chunk; 0 lets the network's width decide. A chunk is one solve with steps of its own, so this
/// is part of what a seed reproduces, and no property of the machine enters the default.
struct ChunkWidth {
  Index columns = 0;

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

}  // namespace pathline
