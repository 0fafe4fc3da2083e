/// \file
/// The cubic Hermite polynomial of a step, and the correction θ² (1 - θ)² that an extension of higher order multiplies;
/// docs/maths.md, (5.1).
#pragma once

namespace pathline::detail {

/// The weights of the Hermite polynomial and of the correction at θ.
struct HermiteWeights {
  double rise;        ///< Of y_1 - y_0.
  double first;       ///< Of h f_0.
  double last;        ///< Of h f_1.
  double correction;  ///< Of h Σ d_i K_i.
};

constexpr HermiteWeights hermite_weights(double theta) {
  const double rest = 1 - theta;
  return {.rise = theta * theta * (3 - 2 * theta),
          .first = theta * rest * rest,
          .last = -theta * theta * rest,
          .correction = theta * theta * rest * rest};
}

/// Their derivatives by θ.
constexpr HermiteWeights hermite_slopes(double theta) {
  const double rest = 1 - theta;
  return {.rise = 6 * theta * rest,
          .first = rest * (1 - 3 * theta),
          .last = theta * (3 * theta - 2),
          .correction = 2 * theta * rest * (1 - 2 * theta)};
}

}  // namespace pathline::detail
