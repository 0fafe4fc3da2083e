/// \file
/// Times that the steps must meet, whatever the step control would choose:
/// ```
/// const WithForcedPoints control(PiController{}, {.step_at = {1, 2.5}, .jump_at = {4}});
/// ```
/// Put on top of any controller, like the parts of error_control.hpp.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/ode/control/step_control.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace pathline {

namespace detail {

template <class Control>
concept HasForcedPoints = requires(const Control& control) {
  control.points.step_at;
  control.points.jump_at;
};

}  // namespace detail

/// In the right-hand side's unit of time and in any order; those that a solve does not pass are not used.
struct ForcedPoints {
  /// Steps end here: where the right-hand side has a kink or a narrow peak that a step could pass over.
  std::vector<double> step_at{};
  /// The right-hand side jumps here. It is never evaluated at that very time: the step before it ends one
  /// floating-point number short of it, the step after starts one number after it, with a first stage of its own and
  /// without the errors of the past. The state is continuous, up to these two ulps of time. No stage looks over the
  /// jump.
  std::vector<double> jump_at{};
};

/// A controller whose steps meet the points on their way, forward or backward. Output times stay exact: a jump at an
/// output time or at t1 gives the state before it; where there is one at t0 the solve starts just after it.
template <class Control>
struct WithForcedPoints : Control {
  static_assert(AdaptiveControl<Control>,
                "WithForcedPoints: the control must meet AdaptiveControl, as PiController does");
  static_assert(!detail::HasForcedPoints<Control>, "WithForcedPoints: the control has points already; give all in one");
  /// \throws ArgumentError for a point that is not finite.
  WithForcedPoints(const Control& control, ForcedPoints forced) : Control(control), points(std::move(forced)) {
    const auto prepare = [](const char* name, std::vector<double>& times) {
      for (const double t : times)
        if (!std::isfinite(t)) throw ArgumentError("WithForcedPoints: " + std::string(name), t, "a finite number");
      std::sort(times.begin(), times.end());
    };
    prepare("step_at", points.step_at);
    prepare("jump_at", points.jump_at);
  }

  ForcedPoints points;  ///< Sorted.
};

namespace detail {

/// The point of a sorted list that comes first strictly after t on the way to `stop`, which is not passed; `stop` if
/// there is none.
[[nodiscard]] inline double next_point(const std::vector<double>& sorted, double t, double stop) {
  if (t < stop) {
    const auto after = std::upper_bound(sorted.begin(), sorted.end(), t);
    return after == sorted.end() ? stop : std::min(*after, stop);
  }
  const auto after = std::lower_bound(sorted.begin(), sorted.end(), t);
  return after == sorted.begin() ? stop : std::max(*(after - 1), stop);
}

}  // namespace detail
}  // namespace pathline
