/// \file
/// Output at given times that does not disturb the steps:
/// ```
/// const auto path = solve(rhs, y0, 0, 10, SaveAt{{1, 2.5, 7}}, Tsit5{}, PiController{.rtol = 1e-8, .atol = 1e-8});
/// ```
/// solve(rhs, y0, times) lands on each of its times instead: exact to the method's order, at the price of shorter
/// steps.
#pragma once

#include <pathline/ode/integrate.hpp>
#include <pathline/ode/not_a_state.hpp>
#include <pathline/ode/output/step_interpolant.hpp>
#include <pathline/ode/solve.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace pathline {

/// Times at which the solution is interpolated, from t0 to t1 in the order of the solve; repeats, both ends and none at
/// all are allowed.
struct SaveAt {
  std::vector<double> times;
};

namespace detail {

/// \throws ArgumentError unless the times go from t0 to t1.
inline void require_output_times(std::span<const double> times, double t0, double t1) {
  for (std::size_t i = 0; i < times.size(); ++i) {
    const double before = i == 0 ? t0 : times[i - 1];
    const bool in_order = t0 <= t1 ? times[i] >= before && times[i] <= t1 : times[i] <= before && times[i] >= t1;
    if (!in_order)
      throw ArgumentError("solve: SaveAt time [" + std::to_string(i) + "]", times[i],
                          "from " + number(before) + " to " + number(t1));
  }
}

/// Writes the solution at output times as the steps go over them.
template <class State>
class OutputInterpolator : public NoObserver {
 public:
  static constexpr bool reads_last_stage = false;  // it evaluates the slope where it needs it

  /// \param states  One for each time, of the value at t0.
  OutputInterpolator(std::span<const double> times, double t0, std::vector<State>& states)
      : times_(times), states_(states) {
    while (next_ < times_.size() && times_[next_] == t0) ++next_;
  }

  template <class Rhs, class Method>
  void read_step(Rhs& rhs, double t, Stepper<Method, State>& stepper) {
    const double end = stepper.t_next();
    const auto in_step = [&] {
      return next_ < times_.size() && (t < end ? times_[next_] <= end : times_[next_] >= end);
    };
    if (!in_step()) return;
    if (times_[next_] != end) {
      interpolant_.take(rhs, stepper, t);
      for (; in_step(); ++next_) {
        // A forced jump of the right-hand side lies a number before the step after it.
        const double at = t < end ? std::max(times_[next_], t) : std::min(times_[next_], t);
        interpolant_.interpolate(at, states_[next_]);
      }
    } else {  // no slope is needed at the very end
      for (; in_step(); ++next_) states_[next_] = stepper.y_next();
    }
  }

  /// Called at t1. A forced jump at t1 ends the last step one floating-point number before it.
  void output(Index i, const State& y) {
    if (i == 0) return;
    for (; next_ < times_.size(); ++next_) states_[next_] = y;
  }

 private:
  std::span<const double> times_;
  std::vector<State>& states_;
  StepInterpolant<State> interpolant_;
  std::size_t next_ = 0;
};

}  // namespace detail

/// States at the times of `save`, interpolated by the continuous extension of the method (docs/maths.md, (5.1)) on
/// the way from t0 to t1. Steps and evaluations are those of solve(rhs, y0, t0, t1, method, control), with at most one
/// evaluation more, of f at t1: if the method is not first same as last and has an output in its last step, or if it is
/// and takes FixedSteps. In addition Dop853 makes three in each step that holds outputs, the implicit midpoint rule and
/// GaussLegendre4 two.
///
/// \throws ArgumentError for times that do not go from t0 to t1; else as solve().
template <class Method = Dopri5, class Control = PiController, class Rhs, class Derived>
[[nodiscard]] Solution<typename Derived::PlainObject> solve(Rhs&& rhs, const Eigen::MatrixBase<Derived>& y0, double t0,
                                                            double t1, const SaveAt& save, const Method& method = {},
                                                            const Control& control = {}) {
  using State = typename Derived::PlainObject;
  constexpr bool dense = detail::has_dense_output<Method, State, std::remove_reference_t<Rhs>>;
  static_assert(dense, "solve: this method's stepper has no start_slope and end_slope, which SaveAt needs");
  Solution<State> solution;
  if constexpr (dense && detail::SolveCheck<Method, Control, std::remove_reference_t<Rhs>, State>::value) {
    State y = y0;
    require_finite("solve: y0", y);
    const std::array<double, 2> times{t0, t1};
    detail::require_times(times);
    detail::require_output_times(save.times, t0, t1);
    solution.times = save.times;
    solution.states.assign(save.times.size(), y);
    Stepper<Method, State> stepper;
    detail::OutputInterpolator<State> outputs(save.times, t0, solution.states);
    solution.statistics = integrate(method, control, rhs, y, times, stepper, outputs);
  }
  return solution;
}

}  // namespace pathline
