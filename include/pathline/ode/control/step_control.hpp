/// \file
/// Who chooses the step: a policy apart from the method. FixedSteps counts; IController, PiController and PidController
/// hold the error estimate at the tolerance. docs/maths.md, (4.2) and (4.3); Hairer, Nørsett & Wanner I, section II.4.
/// Their `factor` is the formula itself; a solve computes it by polynomials (trial_error.hpp), within 1e-7 of the
/// formula.
///
/// A custom controller is an aggregate with the fields of IController and another `factor`; `min_step`, `max_step`,
/// `safety`, `max_factor` and `dead_zone` may be left out; only the controllers in this file may define `log2_growth`.
/// error_control.hpp changes how a controller measures the error.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/ode/concepts.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <limits>
#include <string>
#include <type_traits>

namespace pathline {

/// `steps_per_interval` equal steps between each two different requested times. There is no default: one silent Euler
/// step is a trap.
struct FixedSteps {
  /// \throws ArgumentError unless steps > 0.
  explicit FixedSteps(Index steps) : steps_per_interval(steps) {
    if (steps < 1) throw ArgumentError("FixedSteps: number of steps", steps, "at least 1");
  }
  // Neither compiles; each says why in one line.
  template <class T = void>
  FixedSteps() : steps_per_interval(0) {
    static_assert(!std::is_void_v<T>,
                  "FixedSteps: the number of steps is missing, and has no default: FixedSteps(n) makes n equal steps "
                  "between two requested times");
  }
  template <std::floating_point T>
  explicit FixedSteps(T /*length*/) : steps_per_interval(0) {
    static_assert(!std::floating_point<T>,
                  "FixedSteps: the argument is a number of steps, a whole number, and not the length of a step");
  }
  Index steps_per_interval;
};

namespace detail {

inline double clamped(double factor, double least, double most) { return std::min(std::max(factor, least), most); }

/// A step that met the tolerance by far too much says nothing of the trend: floor as in Hairer's dopri5.f, 1e-4.
inline double telling(double log2_error) { return std::max(log2_error, -13.287712379549449); }

/// safety · growth within the limits of the control.
template <class Control>
[[nodiscard]] double limited_factor(const Control& control, double growth) {
  return clamped(control.safety * growth, control.min_factor, control.max_factor);
}

}  // namespace detail

/// Next step from the last error alone: factor = safety · E^(-1/q). Accepts E <= 1.
struct IController {
  /// Relative to max(|y|, |y_next|), entry by entry; 0, or at least 6e-8 in float and 1.1e-16 in double.
  double rtol = 1e-6;
  double atol = 1e-6;       ///< In the unit of y.
  double safety = 0.9;      ///< Aims a little below the tolerance.
  double min_factor = 0.2;  ///< Least change of a step; also taken after a NaN.
  double max_factor = 10;   ///< Most growth; 1.5 where the error is rounding, 1 right after a rejection.
  double dead_zone = 1;     ///< An accepted step stays where it would change by less than this factor, up or down.
  double initial_step = 0;  ///< In the unit of time, without sign; 0 lets `initial_step` choose.
  double min_step = 0;      ///< Without sign. Only a step that ends on a requested time may be shorter.
  double max_step = std::numeric_limits<double>::infinity();  ///< Without sign.
  Index max_steps = 10'000;                                   ///< Accepted and rejected ones, over the whole solve.

  /// \param error  E of the step just tried, finite.
  /// \param q  min(order, embedded order) + 1.
  [[nodiscard]] double factor(double error, double /*previous_error*/, int q) const {
    return detail::limited_factor(*this, std::exp2(log2_growth(std::log2(error), {}, q)));
  }
  /// log2 of factor / safety before the limits; reads the logarithms of the errors.
  [[nodiscard]] double log2_growth(double log2_error, std::array<double, 2> /*log2_previous*/, int q) const {
    return -log2_error / q;
  }
};

/// Also reads the error of the last accepted step, which makes the steps smoother: fewer rejections where the solution
/// is stiff or noisy. factor = safety · E_n^(-(k_I + k_P)/q) · E_{n-1}^(k_P/q); Söderlind, ACM TOMS 29 (2003). The
/// weights, those of Hairer's dopri5.f, cost the least of those compared in docs/solvers.md.
struct PiController {
  double rtol = 1e-6;
  double atol = 1e-6;
  double safety = 0.9;
  double min_factor = 0.2;
  double max_factor = 10;
  double dead_zone = 1;
  double initial_step = 0;
  double min_step = 0;
  double max_step = std::numeric_limits<double>::infinity();
  Index max_steps = 10'000;
  double k_I = 0.65;  ///< Weight of the error itself.
  double k_P = 0.2;   ///< Weight of its change.

  [[nodiscard]] double factor(double error, double previous_error, int q) const {
    const double log2_change = log2_growth(std::log2(error), {std::log2(previous_error), 0}, q);
    return detail::limited_factor(*this, std::exp2(log2_change));
  }
  [[nodiscard]] double log2_growth(double log2_error, std::array<double, 2> log2_previous, int q) const {
    return detail::telling(log2_previous[0]) * (k_P / q) - log2_error * ((k_I + k_P) / q);
  }
};

/// Reads the errors of the last two accepted steps as well: the smoothest of the three, for moderately stiff problems.
/// factor = safety · E_n^(-(k_I + k_P + k_D)/q) · E_{n-1}^((k_P + 2 k_D)/q) · E_{n-2}^(-k_D/q); Söderlind, ACM TOMS 29
/// (2003). The exponents, 0.58, 0.21 and 0.10 by default, are those of the PID controllers of ARKODE and Tempus.
struct PidController {
  double rtol = 1e-6;
  double atol = 1e-6;
  double safety = 0.9;
  double min_factor = 0.2;
  double max_factor = 10;
  double dead_zone = 1;
  double initial_step = 0;
  double min_step = 0;
  double max_step = std::numeric_limits<double>::infinity();
  Index max_steps = 10'000;
  double k_I = 0.47;  ///< Weight of the error itself.
  double k_P = 0.01;  ///< Weight of its change.
  double k_D = 0.1;   ///< Weight of the change of its change.

  /// \param previous_errors  E_{n-1} and E_{n-2}; 1 where there was no such step.
  [[nodiscard]] double factor(double error, std::array<double, 2> previous_errors, int q) const {
    const std::array<double, 2> log2_previous{std::log2(previous_errors[0]), std::log2(previous_errors[1])};
    return detail::limited_factor(*this, std::exp2(log2_growth(std::log2(error), log2_previous, q)));
  }
  [[nodiscard]] double log2_growth(double log2_error, std::array<double, 2> log2_previous, int q) const {
    return log2_error * (-(k_I + k_P + k_D) / q) + detail::telling(log2_previous[0]) * ((k_P + 2 * k_D) / q) -
           detail::telling(log2_previous[1]) * (k_D / q);
  }
};

namespace detail {

/// Calls visit(name, setting) for each that the control has, those of the controllers above or FixedSteps. Anything
/// else has none.
template <class Control, class Visit>
void visit_control([[maybe_unused]] Control& control, [[maybe_unused]] const Visit& visit) {
  if constexpr (requires { control.steps_per_interval; }) visit("steps_per_interval", control.steps_per_interval);
  if constexpr (requires { control.rtol; }) visit("rtol", control.rtol);
  if constexpr (requires { control.atol; }) visit("atol", control.atol);
  if constexpr (requires { control.safety; }) visit("safety", control.safety);
  if constexpr (requires { control.min_factor; }) visit("min_factor", control.min_factor);
  if constexpr (requires { control.max_factor; }) visit("max_factor", control.max_factor);
  if constexpr (requires { control.dead_zone; }) visit("dead_zone", control.dead_zone);
  if constexpr (requires { control.initial_step; }) visit("initial_step", control.initial_step);
  if constexpr (requires { control.min_step; }) visit("min_step", control.min_step);
  if constexpr (requires { control.max_step; }) visit("max_step", control.max_step);
  if constexpr (requires { control.max_steps; }) visit("max_steps", control.max_steps);
  if constexpr (requires { control.k_I; }) visit("k_I", control.k_I);
  if constexpr (requires { control.k_P; }) visit("k_P", control.k_P);
  if constexpr (requires { control.k_D; }) visit("k_D", control.k_D);
}

/// The control's factor, from as much of the past as it reads.
template <AdaptiveControl Control>
[[nodiscard]] double next_factor(const Control& control, double error, std::array<double, 2> previous_errors, int q) {
  if constexpr (requires { control.factor(error, previous_errors, q); })
    return control.factor(error, previous_errors, q);
  else
    return control.factor(error, previous_errors[0], q);
}

/// Whether limited_factor() of log2_growth is the control's factor: it is for the three controllers above, and for what
/// is derived from them without changing `factor`.
template <class Control>
concept LogarithmicControl = requires(const Control& control) {
  control.log2_growth(0., std::array<double, 2>{}, 1);
  requires std::same_as<decltype(&Control::factor), decltype(&IController::factor)> ||
      std::same_as<decltype(&Control::factor), decltype(&PiController::factor)> ||
      std::same_as<decltype(&Control::factor), decltype(&PidController::factor)>;
};

template <AdaptiveControl Control>
[[nodiscard]] double shortest_step(const Control& control) {
  if constexpr (requires { control.min_step; })
    return control.min_step;
  else
    return 0;
}

template <AdaptiveControl Control>
[[nodiscard]] double longest_step(const Control& control) {
  if constexpr (requires { control.max_step; })
    return control.max_step;
  else
    return std::numeric_limits<double>::infinity();
}

/// The factor by which a step may change, up or down, without being changed. 1: every change is made.
template <AdaptiveControl Control>
[[nodiscard]] double dead_zone_width(const Control& control) {
  if constexpr (requires { control.dead_zone; })
    return control.dead_zone;
  else
    return 1;
}

inline void require(bool holds, const char* what, double got, const char* expected) {
  if (!holds) throw ArgumentError(what, got, expected);
}

/// \throws ArgumentError for options that no solve can follow.
template <AdaptiveControl Control>
void require_valid(const Control& control) {
  require(control.rtol >= 0 && std::isfinite(control.rtol), "solve: rtol", control.rtol, "0 or a positive number");
  require(control.atol >= 0 && std::isfinite(control.atol), "solve: atol", control.atol, "0 or a positive number");
  if constexpr (!requires { control.row_rtol(); })
    require(control.rtol + control.atol > 0, "solve: rtol + atol", 0, "a positive number");
  require(control.min_factor > 0 && control.min_factor < 1, "solve: min_factor", control.min_factor, "in (0, 1)");
  require(control.initial_step >= 0 && std::isfinite(control.initial_step), "solve: initial_step", control.initial_step,
          "0 or a positive number");
  const double shortest = shortest_step(control), longest = longest_step(control);
  require(shortest >= 0 && std::isfinite(shortest), "solve: min_step", shortest, "0 or a positive number");
  require(longest > 0 && longest >= shortest, "solve: max_step", longest, "a positive number, at least min_step");
  require(control.max_steps > 0, "solve: max_steps", double(control.max_steps), "at least 1");
  if constexpr (requires { control.safety; })
    require(control.safety > 0 && control.safety < 1, "solve: safety", control.safety, "in (0, 1)");
  if constexpr (requires { control.max_factor; })
    require(control.max_factor >= 1, "solve: max_factor", control.max_factor, "at least 1");
  if constexpr (requires { control.dead_zone; })
    require(control.dead_zone >= 1, "solve: dead_zone", control.dead_zone, "at least 1");
  if constexpr (requires { control.dead_zone <= control.max_factor; })
    require(control.dead_zone <= control.max_factor, "solve: dead_zone", control.dead_zone, "at most max_factor");
}

}  // namespace detail
}  // namespace pathline
