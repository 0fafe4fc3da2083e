/// \file
/// A clock for durations.
#pragma once

#if defined(__unix__) || defined(__APPLE__)
#include <time.h>  // <chrono> costs a compiler a twentieth of <Eigen/Dense>
#else
#include <chrono>
#endif

namespace pathline {

/// Seconds of a clock that never goes back.
[[nodiscard]] inline double seconds_now() {
#if defined(__unix__) || defined(__APPLE__)
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return double(now.tv_sec) + 1e-9 * double(now.tv_nsec);
#else
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
#endif
}

}  // namespace pathline
