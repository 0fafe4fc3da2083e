/// \file
/// Zeros of a function of time that is known between two times only: what the location of events needs.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

namespace pathline::detail {

/// A value of a function of time.
struct Sample {
  double t, g;
};

/// Whether the function changes its sign between the two.
inline bool signs_differ(Sample a, Sample b) { return (a.g < 0) != (b.g < 0); }

/// A zero of g between a and b, in either order, whose values are not 0 and differ in sign; to 4 ulps of the larger
/// time. Illinois' method, order 1.44: Dowell & Jarratt, BIT 11 (1971) 168–174; it bisects where that stalls.
template <class Function>
[[nodiscard]] double bracketed_root(const Function& g, Sample a, Sample b) {
  const double resolution = 2 * std::numeric_limits<double>::epsilon() * std::max(std::abs(a.t), std::abs(b.t));
  double width = std::abs(b.t - a.t);
  for (int trial = 1; std::abs(b.t - a.t) > 2 * resolution; ++trial) {
    double t = b.t - b.g * (b.t - a.t) / (b.g - a.g);
    // Beyond a zero that is met already the next trial closes the bracket from the other side.
    if (std::abs(t - b.t) < resolution) t = b.t + std::copysign(resolution, a.t - b.t);
    if (trial % 3 == 0) {
      if (std::abs(b.t - a.t) > 0.5 * width) t = a.t + 0.5 * (b.t - a.t);
      width = std::abs(b.t - a.t);
    }
    if (!(t > std::min(a.t, b.t) && t < std::max(a.t, b.t))) t = a.t + 0.5 * (b.t - a.t);
    const Sample next{t, g(t)};
    if (next.g == 0 || t == a.t || t == b.t) return t;
    if (signs_differ(next, b))
      a = b;
    else
      a.g *= 0.5;
    b = next;
  }
  return b.t;
}

/// Where g comes to 0, between a, whose value is not 0, and b, where it is 0, in either order: b.t unless g is 0 before
/// it; to 4 ulps of the larger time.
template <class Function>
[[nodiscard]] double first_zero(const Function& g, Sample a, Sample b) {
  const double resolution =
      std::max(2 * std::numeric_limits<double>::epsilon() * std::max(std::abs(a.t), std::abs(b.t)),
               std::numeric_limits<double>::denorm_min());
  const auto is_before = [&](double t) {
    const double value = g(t);
    return value != 0 && (value < 0) == (a.g < 0);
  };
  double before = a.t, zero = b.t;
  for (double reach = 2 * resolution; reach < std::abs(zero - a.t);
       reach *= 8) {  // mostly it is b, or some ulps from it
    const double t = zero + std::copysign(reach, a.t - zero);
    if (is_before(t)) {
      before = t;
      break;
    }
    zero = t;
  }
  while (std::abs(zero - before) > 2 * resolution) {
    const double t = before + 0.5 * (zero - before);
    (is_before(t) ? before : zero) = t;
  }
  return zero;
}

/// Follows a dip of |g| to its lowest point: a, b, c in the order of time or against it, of one sign, with |g| least at
/// b. Ends early where g changes its sign, which the caller reads off the result, and where the dip is too shallow to
/// come near 0.
template <class Function>
[[nodiscard]] Sample lowest_point(const Function& g, Sample a, Sample b, Sample c) {
  const double sign = b.g < 0 ? -1 : 1, tolerance = 1e-7 * std::abs(c.t - a.t);
  for (int trial = 0; trial < 60 && std::abs(c.t - a.t) > tolerance; ++trial) {
    const double left = sign * (a.g - b.g), right = sign * (c.g - b.g);  // both >= 0
    const double before = b.t - a.t, after = c.t - b.t;
    // Where b lies a tenth of [a, c] or more from its rim, a parabola through three such points falls below b by
    // 0.81 / 0.4 of the larger difference at most: 16 leaves room for what is no parabola.
    const bool central = std::min(std::abs(before), std::abs(after)) > 0.1 * std::abs(c.t - a.t);
    if (central && sign * b.g > 16 * std::max(left, right)) return b;
    // The parabola's vertex, and a golden section of the longer side by turns: the first is fast, the second is sure.
    const double slope = before * right + after * left;
    double t = b.t + 0.5 * (after * after * left - before * before * right) / slope;
    const double rim = 1e-3 * std::min(std::abs(before), std::abs(after));
    if (trial % 2 == 1 || !(slope != 0) || !(std::abs(t - b.t) > rim) || (t - a.t) * (c.t - t) <= 0)
      t = std::abs(after) > std::abs(before) ? b.t + 0.381966 * after : b.t - 0.381966 * before;
    if (t == b.t) return b;
    const Sample next{t, g(t)};
    if (sign * next.g <= 0) return next;
    const bool later = (t - b.t) * (c.t - b.t) > 0;
    if (sign * next.g < sign * b.g) {
      (later ? a : c) = b;
      b = next;
    } else {
      (later ? c : a) = next;
    }
  }
  return b;
}

}  // namespace pathline::detail
