/// \file
/// STEER's random end of training solves, with its half width relative to the span of time or in units of time. The
/// preset is flow/preset/steer.hpp.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>

#include <cmath>

namespace pathline {

namespace detail {

/// Uniform on (-1, 1), one number a draw. Row ids stay far below this one.
[[nodiscard]] inline double end_time_noise(const Draw& draw) {
  return 2 * draw.number_at<Uniform>((Index(1) << 48) - 1, 0) - 1;
}

}  // namespace detail

/// STEER (Ghosh et al. 2020): T ~ U(t1 - b, t1 + b), one draw a mini-batch, with b = half_width · |t1 - t0|: relative
/// to the span, so that scaling time scales b. The paper's b in a span of length 1 is this half width.
struct Steer {
  double half_width = 0.5;

  /// \throws ArgumentError unless half_width is in [0, 1): T must stay after t0.
  void check(double /*start*/, double /*end*/) const {
    if (!(half_width >= 0 && half_width < 1)) throw ArgumentError("Steer: half_width", half_width, "in [0, 1)");
  }
  [[nodiscard]] double training_end(const Draw& draw, double start, double end) const {
    return end + half_width * (end - start) * detail::end_time_noise(draw);
  }
};

/// STEER with b in units of time: T ~ U(t1 - b, t1 + b), as the paper writes it.
struct SteerAbsolute {
  double half_width = 0.5;

  /// \throws ArgumentError unless 0 <= half_width < |t1 - t0|.
  void check(double start, double end) const {
    if (!(half_width >= 0 && half_width < std::abs(end - start)))
      throw ArgumentError("SteerAbsolute: half_width", half_width,
                          "at least 0 and below the span of time, " + detail::number(std::abs(end - start)));
  }
  [[nodiscard]] double training_end(const Draw& draw, double /*start*/, double end) const {
    return end + half_width * detail::end_time_noise(draw);
  }
};

}  // namespace pathline
