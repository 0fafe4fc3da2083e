/// \file
/// Which step an adaptive solve tries next: state of a solve with one step for all of its columns, or of one sample
/// with steps of its own. docs/maths.md, (4.2) and (4.3).
#pragma once

#include <pathline/ode/control/step_control.hpp>
#include <pathline/ode/control/step_sizes.hpp>
#include <pathline/ode/control/trial_error.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

namespace pathline::detail {

/// 16 ulps of t, or of the first trial where t is near 0: a step that has shrunk by fourteen orders of magnitude gives
/// up.
[[nodiscard]] inline double smallest_step(double t, double first_trial) {
  return 16 * std::numeric_limits<double>::epsilon() * std::max(std::abs(t), std::abs(first_trial));
}

/// A first step, without sign, and how long steps may become while their error estimates are rounding: as long as the
/// change of the slope at the start suggests.
struct FirstStep {
  double length, foreseen;
};

/// A step from t that may be tried; t + length may round to another number than t_next.
struct Trial {
  double length, t_next;
};

enum class Verdict : std::uint8_t { accepted, rejected, underflow };

/// Called for a trial, then with its error, and so on. Settings and state are apart: the control is passed to each
/// call.
class StepChoice {
 public:
  /// The first step, without sign, must be chosen before the first trial.
  [[nodiscard]] bool started() const { return h_ != 0; }
  template <AdaptiveControl Control>
  void start(const Control& control, const FirstStep& first, double direction) {
    h_ = std::copysign(first.length, direction);
    forget_errors<Control>();
    chosen_ = control.initial_step == 0;
    foreseen_ = first.foreseen;
    if constexpr (LogarithmicControl<Control>) {
      const double width = std::log2(dead_zone_width(control)), middle = -std::log2(control.safety);
      dead_growth_ = {middle - width, middle + width};
      plain_ = width == 0 && control.min_factor <= control.safety * std::sqrt(0.5) &&
               control.max_factor >= control.safety * std::sqrt(2.);
    }
  }
  /// With sign: the step planned, before it is cut to fit.
  [[nodiscard]] double planned() const { return h_; }

  /// The next step from t, which meets `stop` exactly where it comes near.
  template <AdaptiveControl Control>
  [[nodiscard]] Trial next(const Control& control, double t, double stop) {
    // Below smallest_step, t + h equals t.
    const double least = std::max(smallest_step(t, first_trial_), shortest_step(control));
    const double most = std::max(least, longest_step(control));
    const double length = std::abs(h_);
    if (length < least) [[unlikely]]
      h_ = std::copysign(least, h_);
    if (length > most) [[unlikely]]
      h_ = std::copysign(most, h_);
    const double left = stop - t;
    // Rather one step 1 % longer than a sliver after it; at the longest step rounding alone would make slivers.
    if (std::abs(left) <= std::min(1.01 * std::abs(h_), (1 + 1e-12) * most)) [[unlikely]]
      return {left, stop};
    return {h_, t + h_};
  }

  /// What to do with a trial from t of this error; plans the step after it.
  /// \param order  The exponent of the step in the error.
  /// \param sizes  sizes() are the trial's StepSizes, evaluated where the error is suspiciously small.
  template <AdaptiveControl Control, class Sizes>
  [[nodiscard]] Verdict judge(const Control& control, double t, const Trial& trial, const TrialError& trial_error,
                              int order, const Sizes& sizes) {
    const double error = trial_error.norm;
    Verdict verdict = Verdict::accepted;
    if (refuses(control, t, trial.length, error, order, verdict)) return verdict;
    if (first_) [[unlikely]]
      if (!looked_again_ && vanishes(error, order, sizes()) && look_again(control, t, trial.length))
        return Verdict::rejected;
    const bool cut_short = std::abs(trial.length) < std::abs(h_);
    Belief belief;
    if constexpr (LogarithmicControl<Control>) {
      const double growth = control.log2_growth(trial_error.log2_norm, past_, order);
      if (plain_ && std::abs(growth) <= 0.5 && first_trial_ == 0 && !cut_short) [[likely]] {
        // As below, with no limit in reach and growth that is not blind: of a small problem the next trial waits here.
        h_ = trial.length * control.safety * exp2_near_0(growth);
      } else if (!(growth > dead_growth_[0] && growth < dead_growth_[1])) {
        // In the dead zone no step is written, not even the same: the next trial of a small problem need not wait.
        const double factor = limited_factor(control, exp2_of(growth));
        if (factor > blind_growth) belief = believe(t, trial.length, error, order, sizes());
        if (refuses(control, t, trial.length, belief.error, order, verdict)) return verdict;
        plan(trial.length * growing(std::min(factor, belief.growth)), cut_short);
      }
      if (!cut_short) past_ = {trial_error.log2_norm, past_[0]};
    } else {
      const double factor = next_factor(control, error, past_, order), width = dead_zone_width(control);
      if (factor > blind_growth) belief = believe(t, trial.length, error, order, sizes());
      if (refuses(control, t, trial.length, belief.error, order, verdict)) return verdict;
      if (!(factor < width && factor * width > 1))
        plan(trial.length * growing(std::min(factor, belief.growth)), cut_short);
      if (!cut_short) past_ = {error, past_[0]};
    }
    if (!cut_short) {  // else the estimate is small for that reason, and says nothing of the planned step
      most_ = belief.next_most;
      first_ = looked_again_ = false;
    }
    first_trial_ = 0;
    chosen_ = false;
    return Verdict::accepted;
  }

  /// Forgets the errors of past steps, which say nothing of what comes after a discontinuity.
  template <class Control>
  void forget_errors() {
    past_.fill(LogarithmicControl<Control> ? 0 : 1);
    first_ = true;
    looked_again_ = chosen_ = false;
    foreseen_ = 0;
    most_ = 1;
  }

  /// Whether a trial of this length was as short as min_step allows.
  template <AdaptiveControl Control>
  [[nodiscard]] static bool is_shortest(const Control& control, double step) {
    return std::abs(step) <= shortest_step(control);
  }

 private:
  /// Whether the step is not to be accepted at this error, and the verdict then.
  template <AdaptiveControl Control>
  [[nodiscard]] bool refuses(const Control& control, double t, double step, double error, int order, Verdict& verdict) {
    if (error <= most_) return false;  // so written, a NaN is refused
    verdict = refuse(control, t, step, error / most_, order);
    return verdict == Verdict::rejected || !(error <= 1);  // else no shorter step could prove more
  }

  template <AdaptiveControl Control>
  [[nodiscard]] Verdict refuse(const Control& control, double t, double step, double error, int order) {
    double factor = control.min_factor;
    if (std::isfinite(error)) {
      if constexpr (LogarithmicControl<Control>)
        factor = limited_factor(control, exp2_of(control.log2_growth(half_log2(error * error), past_, order)));
      else
        factor = next_factor(control, error, past_, order);
    }
    if (first_trial_ == 0) first_trial_ = step;
    h_ = step * std::min(factor, 1.);
    const bool too_short = std::abs(h_) <= smallest_step(t, first_trial_) || is_shortest(control, step);
    return too_short ? Verdict::underflow : Verdict::rejected;
  }

  /// Growth of a step whose estimate is rounding: a step of 3 x follows x of them, so that the next kink is not jumped.
  static constexpr double blind_growth = 1.5;

  /// What an accepted step says of the next one.
  struct Belief {
    double growth = std::numeric_limits<double>::infinity();  // the most that is granted
    double next_most = 1;                                     // the largest error that the next step may have
    double error = 0;                                         // of this step, by the second estimate
  };

  /// An estimate at rounding level knows nothing of what follows. Where the next one exceeds it, f is not smooth
  /// there, and the estimate may be far below the error: the step that is accepted is one that could be three times as
  /// long.
  [[nodiscard]] Belief believe(double t, double step, double error, int order, const StepSizes& size) const {
    constexpr double of_time = std::numeric_limits<double>::epsilon();
    const double length = size.line + size.bend;
    const double rounding = 10 * (size.epsilon + of_time * std::abs(t / step)) * length;
    if (!(error <= rounding) || (chosen_ && length > 0)) return {};
    const double misfit = size.start_misfit > 0.01 * length ? size.start_misfit : 0;
    if (const double ahead = foreseen_ / std::abs(step); ahead > blind_growth && length > 0)
      return {.growth = ahead, .error = misfit};
    return {.growth = blind_growth, .next_most = clamped(100 * rounding, std::pow(3., -order), 1), .error = misfit};
  }

  /// Whether the error is that of a step five times shorter than what the change of the slope suggests for this one.
  [[nodiscard]] static bool vanishes(double error, int order, const StepSizes& size) {
    const double turn = std::min(2 * size.bend / size.line, 1.);  // NaN where nothing moves
    const double foreseen = size.bend * std::pow(turn, order - 2);
    return foreseen > 1 && error * std::pow(5., order) < foreseen;
  }

  /// Plans a shorter trial in place of one that would be accepted; false if no shorter one exists.
  template <AdaptiveControl Control>
  [[nodiscard]] bool look_again(const Control& control, double t, double step) {
    const double shorter = 0.6 * step;
    if (std::abs(shorter) <= std::max(smallest_step(t, step), shortest_step(control))) return false;
    first_trial_ = step;
    h_ = shorter;
    return looked_again_ = true;
  }

  /// No step grows right after one that was refused.
  [[nodiscard]] double growing(double factor) const { return first_trial_ == 0 ? factor : std::min(factor, 1.); }

  /// The error of a step that was cut short by the stop says little: the planned step is kept unless it can grow.
  void plan(double step, bool cut_short) {
    if (!cut_short || std::abs(step) > std::abs(h_)) h_ = step;
  }

  double h_ = 0;                             // the next step to try, with sign; 0 before the first
  double first_trial_ = 0;                   // of the step at hand; 0: none was rejected yet
  std::array<double, 2> past_{};             // errors of the last two accepted steps, or their logarithms
  double most_ = 1;                          // the largest error that is accepted
  bool first_ = true;                        // no step as planned was accepted since the start, or a discontinuity
  bool looked_again_ = false;                // its trial is a second look at it
  double foreseen_ = 0;                      // of the first step: so long a step is none in the dark
  bool chosen_ = false;                      // it is as short as `initial_step` chose it, from what the slope does
  std::array<double, 2> dead_growth_{0, 0};  // the dead zone of a logarithmic control, both ends outside
  bool plain_ = false;                       // no dead zone, and the limits allow growth by 2^±½ times safety
};

}  // namespace pathline::detail
