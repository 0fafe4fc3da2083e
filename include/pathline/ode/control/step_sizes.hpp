/// \file
/// How long a step is beside its error, in units of the tolerance: a second opinion where the estimate of the error is
/// next to nothing. docs/maths.md, (4.8) and (4.9).
#pragma once

#include <pathline/ode/concepts.hpp>
#include <pathline/ode/control/error_control.hpp>
#include <pathline/ode/tableau/set_entries.hpp>

#include <limits>
#include <utility>

namespace pathline::detail {

/// Norms of the parts of y_next - y, as the control measures errors.
struct StepSizes {
  double line;     ///< h f(t, y).
  double bend;     ///< The rest of y_next - y.
  double epsilon;  ///< Of the state's scalar.
  /// h times f(t, y) less its extrapolation from the stages, for a method that has no stage at the start.
  double start_misfit = 0;
};

/// \param slope  f(t, y).
template <AdaptiveControl Control, class Rhs, class Slope, class Y, class YNext>
[[nodiscard]] StepSizes step_sizes(const Control& control, const Rhs& rhs, double h,
                                   const Eigen::MatrixBase<Slope>& slope, const Eigen::MatrixBase<Y>& y,
                                   const Eigen::MatrixBase<YNext>& y_next) {
  using Scalar = typename Slope::Scalar;
  const auto norm = [&](const auto& x) {
    return measured_error(control, error_part(rhs, x), error_part(rhs, y), error_part(rhs, y_next));
  };
  return {.line = norm(Scalar(h) * slope),
          .bend = norm(y_next - y - Scalar(h) * slope),
          .epsilon = double(std::numeric_limits<Scalar>::epsilon())};
}

/// The same by way of a scratch state of the shape of y: the norm of a state is compiled anyway.
template <AdaptiveControl Control, class Rhs, class State>
[[nodiscard]] StepSizes step_sizes(const Control& control, const Rhs& rhs, double step, const State& slope,
                                   const State& y, const State& y_next, State& scratch) {
  using Scalar = typename State::Scalar;
  const auto h = Scalar(step);
  const auto norm = [&] {
    return measured_error(control, error_part(rhs, std::as_const(scratch)), error_part(rhs, y),
                          error_part(rhs, y_next));
  };
  set_entries(
      scratch, [h](auto k) { return h * k; }, slope);
  const double line = norm();
  set_entries(
      scratch, [h](auto end, auto start, auto k) { return end - start - h * k; }, y_next, y, slope);
  return {.line = line, .bend = norm(), .epsilon = double(std::numeric_limits<Scalar>::epsilon())};
}

}  // namespace pathline::detail
