/// \file
/// What a solve did, in numbers.
#pragma once

#include <pathline/core/types.hpp>

namespace pathline {

/// Counts over a whole solve, all output times together.
struct Statistics {
  Index accepted = 0;           ///< Steps that moved the solution.
  Index rejected = 0;           ///< Trial steps whose error was too large, not a number, or not believed.
  Index evaluations = 0;        ///< Calls of the right-hand side; one call serves all columns.
  Index newton_iterations = 0;  ///< Linear solves of an implicit method, counted once for all columns.

  Statistics& operator+=(const Statistics& other) noexcept {
    accepted += other.accepted;
    rejected += other.rejected;
    evaluations += other.evaluations;
    newton_iterations += other.newton_iterations;
    return *this;
  }
  friend bool operator==(const Statistics&, const Statistics&) = default;
};

}  // namespace pathline
