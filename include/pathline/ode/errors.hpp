/// \file
/// How a solve fails: typed errors that say where it stopped, what was seen there and what can be done about it.
/// Whoever catches one finds the state that was passed in unchanged.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/ode/statistics.hpp>

#include <cmath>
#include <cstdio>
#include <string>

namespace pathline {

/// Where and how a solve stopped.
struct SolveFailure {
  double t = 0;           ///< Time that was reached; the failing step starts here.
  double step = 0;        ///< Signed step that failed.
  double error_norm = 0;  ///< Of that step; 1 is the tolerance. NaN where there is no estimate.
  Index sample = -1;      ///< Column of the worst entry: the first that is not finite, else the largest error.
  Index component = -1;   ///< Row of that entry.
  Statistics statistics;  ///< Of the solve so far.
};

/// Base of all failures inside a solve. Thrown by `solve` and `integrate`.
struct SolveError : Error, SolveFailure {
  SolveError(const std::string& what, const SolveFailure& failure) : Error(what), SolveFailure(failure) {}
};

namespace detail {

inline std::string number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", x);
  return text;
}

inline std::string describe(const SolveFailure& at) {
  std::string text = " at t = " + number(at.t) + " (step " + number(at.step);
  if (!std::isnan(at.error_norm)) text += ", error norm " + number(at.error_norm);
  if (at.sample >= 0)
    text += ", worst at component " + std::to_string(at.component) + " of sample " + std::to_string(at.sample);
  return text + ", " + std::to_string(at.statistics.accepted) + " steps accepted, " +
         std::to_string(at.statistics.rejected) + " rejected)";
}

}  // namespace detail

/// The step fell below what time can resolve, or shrank by fourteen orders of magnitude in one place.
struct StepSizeError : SolveError {
  explicit StepSizeError(const SolveFailure& at)
      : SolveError("solve: the step underflowed" + detail::describe(at) +
                       "; the solution may blow up there or leave the domain of the right-hand side: end the solve "
                       "earlier, check the right-hand side near this time, or loosen rtol and atol",
                   at) {}
};

/// `max_steps` steps, accepted and rejected, did not reach the end.
struct StepLimitError : SolveError {
  explicit StepLimitError(const SolveFailure& at)
      : SolveError("solve: the step limit is used up" + detail::describe(at) +
                       "; raise max_steps, loosen rtol and atol, or, if the problem is stiff, use an implicit method",
                   at) {}
};

/// The solution or the right-hand side holds a NaN or an infinity.
struct NonFiniteError : SolveError {
  NonFiniteError(const std::string& what, const SolveFailure& at)
      : SolveError("solve: " + what + " is not finite" + detail::describe(at) +
                       "; take more steps or an adaptive control, or check the right-hand side there",
                   at) {}
};

/// Newton's method of an implicit step did not converge.
struct NonlinearSolveError : SolveError {
  explicit NonlinearSolveError(const SolveFailure& at)
      : SolveError("solve: Newton's method did not converge" + detail::describe(at) +
                       "; take more steps, or check the Jacobian if the right-hand side gives one",
                   at) {}
};

}  // namespace pathline
