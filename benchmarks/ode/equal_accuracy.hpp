/// \file
/// Solvers are compared at the error that they leave, not at the tolerance that they are given: one's tolerance is not
/// the other's.
#pragma once

#include <cmath>

namespace pathline {

/// The tolerance with which a solver leaves the error `target`, and the error that it really leaves.
struct EqualAccuracy {
  double tolerance = 0, error = 0;
};

/// error_of(tolerance) solves and returns the error. Errors scatter about a power of the tolerance: that law comes from
/// a fit, and near the tolerance that it asks for the solve whose error is nearest to `target` is taken.
template <class ErrorOf>
[[nodiscard]] EqualAccuracy tolerance_for(double target, const ErrorOf& error_of) {
  double n = 0, sum_x = 0, sum_y = 0, sum_xx = 0, sum_xy = 0;
  for (double x = std::log(1e-4); x >= std::log(1e-11); x -= 0.5) {
    const double error = error_of(std::exp(x));
    if (!(error > 0.03 * target && error < 30 * target)) continue;
    const double y = std::log(error);
    n += 1, sum_x += x, sum_y += y, sum_xx += x * x, sum_xy += x * y;
  }
  const double power = (n * sum_xy - sum_x * sum_y) / (n * sum_xx - sum_x * sum_x);
  const double middle = (std::log(target) - (sum_y - power * sum_x) / n) / power;
  EqualAccuracy best;
  for (int i = -20; i <= 20; ++i) {
    const double tolerance = std::exp(middle + 0.02 * i);
    const double error = error_of(tolerance);
    if (std::abs(error - target) < std::abs(best.error - target)) best = {tolerance, error};
  }
  return best;
}

}  // namespace pathline
