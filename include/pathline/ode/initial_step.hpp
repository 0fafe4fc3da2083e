/// \file
/// The length of the first step, by two evaluations: Hairer, Nørsett & Wanner I, section II.4; docs/maths.md,
/// section 4.
#pragma once

#include <pathline/ode/error_control.hpp>
#include <pathline/ode/explicit_stepper.hpp>

#include <algorithm>
#include <cmath>

namespace pathline {
namespace detail {

/// h_0, from the scaled norms d_0 of the state and d_1 of the slope.
inline double probe_length(double d0, double d1, double longest) {
  const double h0 = d0 < 1e-5 || d1 < 1e-5 ? 1e-6 : 0.01 * d0 / d1;
  // Norms can overflow where atol is 0 and y too.
  return std::min(h0 > 0 && std::isfinite(h0) ? h0 : 1e-6, longest);
}

/// The first step, from the change d_2 h_0 of the slope over the probe.
inline double first_length(double h0, double d1, double d2, int error_order, double longest) {
  const double steepest = std::max(d1, d2);
  if (!std::isfinite(steepest)) return h0;  // the probe left the domain; the control takes it from here
  // The exponent is that of the error estimate, as in dopri5.f and SciPy; the book writes 1/(p + 1).
  const double h1 = steepest <= 1e-15 ? std::max(1e-6, 1e-3 * h0) : std::pow(0.01 / steepest, 1. / error_order);
  return std::min({100 * h0, h1, longest});
}

}  // namespace detail

/// Length (positive) of a first step for which the error should meet the tolerance. Makes one evaluation, the probe;
/// the stepper must hold a finite K_1 at (t, y).
/// \param t_end  End of the whole solve, not t; neither the probe nor the step goes beyond it.
template <class Rhs, class Control, class Method, class State>
[[nodiscard]] double initial_step(Rhs& rhs, double t, double t_end, const Control& control,
                                  Stepper<Method, State>& stepper) {
  const auto norm = [&](const auto& x) {
    const auto& y = stepper.y();
    return detail::measured_error(control, detail::error_part(rhs, x), detail::error_part(rhs, y),
                                  detail::error_part(rhs, y));
  };
  const double longest = std::abs(t_end - t);
  const double d0 = norm(stepper.y());
  const double d1 = norm(stepper.stage(0));
  const double h0 = detail::probe_length(d0, d1, longest);

  const double h = std::copysign(h0, t_end - t);
  stepper.probe(rhs, h > 0 ? std::min(t + h, t_end) : std::max(t + h, t_end), h);
  const double d2 = norm(stepper.stage(1) - stepper.stage(0)) / h0;
  return detail::first_length(h0, d1, d2, stepper.error_order, longest);
}

}  // namespace pathline
