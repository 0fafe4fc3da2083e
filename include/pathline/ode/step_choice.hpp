/// \file
/// Which step an adaptive solve tries next: state of a solve with one step for all of its columns, or of one sample
/// with steps of its own. docs/maths.md, section 4.
#pragma once

#include <pathline/ode/step_control.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

namespace pathline::detail {

/// 16 ulps of t, or of the first trial where t is near 0: a step shrunk by fourteen orders finds no footing.
[[nodiscard]] inline double smallest_step(double t, double first_trial) {
  return 16 * std::numeric_limits<double>::epsilon() * std::max(std::abs(t), std::abs(first_trial));
}

/// A step from t that may be tried; t + length may round to another number than t_next.
struct Trial {
  double length, t_next;
};

enum class Verdict : std::uint8_t { accepted, rejected, underflow };

/// Asked for a trial, told of its error, and so on. Settings and state are apart: the control is passed to each call.
class StepChoice {
 public:
  /// The first step, without sign, must be chosen before the first trial.
  [[nodiscard]] bool started() const { return h_ != 0; }
  void start(double length, double direction) { h_ = std::copysign(length, direction); }
  /// With sign: the step planned, before it is cut to fit.
  [[nodiscard]] double planned() const { return h_; }

  /// The next step from t, which meets `stop` exactly where it comes near.
  template <AdaptiveControl Control>
  [[nodiscard]] Trial next(const Control& control, double t, double stop) {
    // Below smallest_step, t + h cannot be told from t.
    const double least = std::max(smallest_step(t, first_trial_), shortest_step(control));
    const double most = std::max(least, longest_step(control));
    h_ = std::copysign(clamped(std::abs(h_), least, most), h_);
    const double left = stop - t;
    // Rather one step 1 % longer than a sliver after it; at the longest step rounding alone would make slivers.
    const bool lands = std::abs(left) <= std::min(1.01 * std::abs(h_), (1 + 1e-12) * most);
    return lands ? Trial{left, stop} : Trial{h_, t + h_};
  }

  /// What to do with a trial from t of this error; plans the step after it.
  /// \param order  The exponent of the step in the error.
  template <AdaptiveControl Control>
  [[nodiscard]] Verdict judge(const Control& control, double t, const Trial& trial, double error, int order) {
    const double step = trial.length;
    const double factor =
        std::isfinite(error) ? next_factor(control, error, previous_errors_, order) : control.min_factor;
    if (!(error <= 1)) {  // so written, a NaN is refused
      if (first_trial_ == 0) first_trial_ = step;
      h_ = step * std::min(factor, 1.);
      const bool too_short = std::abs(h_) <= smallest_step(t, first_trial_) || is_shortest(control, step);
      return too_short ? Verdict::underflow : Verdict::rejected;
    }
    const double change = outside_dead_zone(control, factor);
    const double proposal = step * (first_trial_ == 0 ? change : std::min(change, 1.));
    if (std::abs(step) < std::abs(h_)) {
      // Cut short by the stop: its small error says little, so the step that was planned stands.
      if (std::abs(proposal) > std::abs(h_)) h_ = proposal;
    } else {
      h_ = proposal;
      previous_errors_ = {error, previous_errors_[0]};
    }
    first_trial_ = 0;
    return Verdict::accepted;
  }

  /// Forgets the errors of past steps, which say nothing of what comes after a discontinuity.
  void forget_errors() { previous_errors_ = {1, 1}; }

  /// Whether a trial of this length was as short as min_step allows.
  template <AdaptiveControl Control>
  [[nodiscard]] static bool is_shortest(const Control& control, double step) {
    return std::abs(step) <= shortest_step(control);
  }

 private:
  double h_ = 0;                                 // the next step to try, with sign; 0 before the first
  double first_trial_ = 0;                       // of the step at hand; 0: none was rejected yet
  std::array<double, 2> previous_errors_{1, 1};  // of the last two accepted steps, as the control reads them
};

}  // namespace pathline::detail
