/// \file
/// The length of the first step, by two evaluations: as in Hairer, Nørsett & Wanner I, section II.4, but independent of
/// the unit of time; docs/maths.md, (4.7).
#pragma once

#include <pathline/ode/control/error_control.hpp>
#include <pathline/ode/control/step_choice.hpp>
#include <pathline/ode/stepper.hpp>
#include <pathline/ode/tableau/set_entries.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace pathline {
namespace detail {

/// h_0, from the scaled norms d_0 of the state and d_1 of the slope: y changes by one in a hundred, or by its
/// tolerance.
inline double probe_length(double d0, double d1, double longest) {
  const double most = std::min(std::max(0.01 * longest, std::numeric_limits<double>::min()), longest);
  const double h0 = std::max(0.01 * d0, 1.) / d1;
  // Norms can overflow where atol is 0 and y too.
  return h0 > 0 ? std::min(h0, most) : std::min(1e-6 * longest + std::numeric_limits<double>::min(), longest);
}

/// The first step, from the change d_2 h_0 of the slope over the probe. No number here has a unit: a solve in another
/// unit of time, or with y and atol in another, takes the same steps.
inline FirstStep first_length(double h0, double d0, double d1, double d2, int error_order, double longest) {
  if (!std::isfinite(d1 + d2)) return {h0, h0};  // the probe left the domain; the control takes it from here
  if (d1 == 0 && d2 == 0) return {h0, h0};       // f may be 0 for now only
  const double reach = h0 < 0.01 * longest ? 100 * h0 : longest;
  if (d2 == 0) return {reach, reach};
  // The exponent is that of the error estimate, as in dopri5.f and SciPy; the book writes 1/(p + 1), and max(d1, d2).
  const auto length_by = [=](double rate) { return std::pow(0.01 * rate * (rate / d2), 1. / error_order) / rate; };
  // How fast the slope changes. A slope of next to nothing, as at an extremum, gives no rate: it is between that
  // of a turn by the tolerance and that of a turn by y.
  const bool tells = d2 / d1 <= std::sqrt(d2);
  const double rate = tells ? d2 / d1 : std::sqrt(d2), slowest = tells ? rate : std::sqrt(d2 / std::max(d0, 1.));
  return {std::min(reach, length_by(rate)), std::min(longest, length_by(std::min(rate, slowest)))};
}

/// The norm of K_2 - K_1, by way of the stepper's scratch where it has one: the norm of a state is compiled anyway.
template <class Method, class State, class Norm>
[[nodiscard]] double norm_of_difference(Stepper<Method, State>& stepper, const Norm& norm) {
  const auto by_way_of = [&](State& scratch) {
    set_entries(
        scratch, [](auto a, auto b) { return a - b; }, stepper.stage(1), stepper.stage(0));
    return norm(std::as_const(scratch));
  };
  if constexpr (requires { stepper.scratch(); }) {
    return by_way_of(stepper.scratch());
  } else if constexpr (entry_by_entry<State>) {
    State scratch;
    return by_way_of(scratch);
  } else {
    return norm(stepper.stage(1) - stepper.stage(0));
  }
}

/// The first step of a solve, as initial_step() below, and what it predicts for the next ones.
template <class Rhs, class Control, class Method, class State>
[[nodiscard]] FirstStep first_step(Rhs& rhs, double t, double t_end, const Control& control,
                                   Stepper<Method, State>& stepper) {
  const auto norm = [&](const auto& x) {
    const auto& y = stepper.y();
    return measured_error(control, error_part(rhs, x), error_part(rhs, y), error_part(rhs, y));
  };
  const double longest = std::abs(t_end - t);
  const double d0 = norm(stepper.y());
  const double d1 = norm(stepper.stage(0));
  const double h0 = probe_length(d0, d1, longest);

  const double h = std::copysign(h0, t_end - t);
  stepper.probe(rhs, h > 0 ? std::min(t + h, t_end) : std::max(t + h, t_end), h);
  const double d2 = norm_of_difference(stepper, norm) / h0;
  return first_length(h0, d0, d1, d2, stepper.error_order, longest);
}

}  // namespace detail

/// Length (positive) of a first step for which the error should meet the tolerance. Makes one evaluation, the probe;
/// the stepper must hold a finite K_1 at (t, y).
/// \param t_end  End of the whole solve, not t; neither the probe nor the step goes beyond it.
template <class Rhs, class Control, class Method, class State>
[[nodiscard]] double initial_step(Rhs& rhs, double t, double t_end, const Control& control,
                                  Stepper<Method, State>& stepper) {
  return detail::first_step(rhs, t, t_end, control, stepper).length;
}

}  // namespace pathline
