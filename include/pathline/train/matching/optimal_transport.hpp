/// \file
/// Minibatch optimal transport, exactly: OT-CFM (Tong et al. 2024; Pooladian et al. 2023).
#pragma once

#include <pathline/core/chunks.hpp>
#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/train/matching/assignment.hpp>
#include <pathline/train/matching/coupling.hpp>

#include <algorithm>
#include <cstddef>
#include <span>

namespace pathline {

/// Samples and base points are joined so that Σ ‖z - ε‖² over the mini-batch is the least: paths cross less, and the
/// learned ones are straighter. Every base point is used once. docs/maths.md, (14.6).
///
/// `block` is the largest number of rows that are assigned together; 0 for the whole mini-batch. The time grows faster
/// than the square of that number (benchmarks/README.md), and the memory with its square.
struct OptimalTransport {
  Index block = 0;

  void check() const {
    if (block < 0) throw ArgumentError("OptimalTransport: block", block, "0 (the mini-batch) or a positive number");
  }
  struct Memory {
    detail::TransportCosts costs;
    detail::AssignmentSolver solver;
  };
  template <Real Scalar>
  void pair(View<const Scalar> Z, View<const Scalar> E, std::span<const Index> /*samples*/, const Draw& /*draw*/,
            std::span<Index> partner, Memory& memory) const {
    const Index n = Z.cols(), blocks = chunk_count(n, block > 0 ? block : std::max<Index>(n, 1));
    for (Index i = 0; i < blocks; ++i) {
      const auto [first, count] = chunk_of(n, blocks, i);
      const auto rows =
          memory.solver.solve(memory.costs.set<Scalar>(Z.middleCols(first, count), E.middleCols(first, count)));
      for (Index j = 0; j < count; ++j) partner[std::size_t(first + j)] = first + rows[std::size_t(j)];
    }
  }
  template <class Visit>
  void settings(Visit& visit) const {
    visit("block", block);
  }
};

}  // namespace pathline
