/// \file
/// What a solve cost and what it reached, for solvers of any library.
#pragma once

#include <pathline/core/types.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <limits>

namespace pathline {

struct Work {
  double error = std::numeric_limits<double>::infinity();  ///< See error_of(); infinite where the solve failed.
  double seconds = 0;                                      ///< The fastest of several solves.
  long accepted = 0, rejected = 0, evaluations = 0, jacobians = 0;  ///< Of one solve; evaluations without Jacobians'.
};

/// Entry by entry, in units of |y_end| + floor: a solver that keeps rtol and atol = rtol · floor to the end leaves
/// rtol.
template <std::size_t D>
[[nodiscard]] double error_of(const double* y, const std::array<double, D>& y_end, double floor) {
  double most = 0;
  for (std::size_t i = 0; i < D; ++i) most = std::max(most, std::abs(y[i] - y_end[i]) / (std::abs(y_end[i]) + floor));
  return std::isnan(most) ? std::numeric_limits<double>::infinity() : most;
}

/// The fastest of the solves that fit into a twentieth of a second, at least three.
template <class Solve>
[[nodiscard]] double fastest(Solve&& solve) {
  using Clock = std::chrono::steady_clock;
  double least = std::numeric_limits<double>::infinity(), sum = 0;
  for (int i = 0; i < 3 || sum < 0.05; ++i) {
    const auto start = Clock::now();
    solve();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    least = std::min(least, seconds);
    sum += seconds;
  }
  return least;
}

}  // namespace pathline
