/// \file
/// Output at given times that does not disturb the steps:
/// ```
/// const auto path = solve(rhs, y0, 0, 10, SaveAt{{1, 2.5, 7}}, Tsit5{}, PiController{.rtol = 1e-8, .atol = 1e-8});
/// ```
/// solve(rhs, y0, times) lands on each of its times instead: exact to the method's order, at the price of shorter
/// steps.
#pragma once

#include <pathline/ode/integrate.hpp>
#include <pathline/ode/solve.hpp>
#include <pathline/ode/step_interpolant.hpp>

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
      throw ArgumentError("solve: SaveAt time [" + std::to_string(i) + "]", number(times[i]),
                          "from " + number(before) + " to " + number(t1));
  }
}

/// Writes the solution at output times as the steps go over them, one step late where a method must wait for the slope
/// at the end of a step.
template <class State>
class OutputInterpolator : public NoObserver {
 public:
  /// \param states  One for each time, of the value at t0.
  OutputInterpolator(std::span<const double> times, double t0, std::vector<State>& states)
      : times_(times), states_(states) {
    while (next_ < times_.size() && times_[next_] == t0) ++next_;
  }

  template <class Method>
  void accept(double t, double /*h*/, const Stepper<Method, State>& stepper) {
    if (waiting_) finish(stepper.stage(0));
    if (next_ == times_.size() || !reached(times_[next_], t, stepper.t_next())) return;
    if (times_[next_] != stepper.t_next()) {
      interpolant_.begin(stepper, t);
      waiting_ = true;
      if constexpr (Stepper<Method, State>::fsal) finish(stepper.stage(stepper.stages - 1));
    }
    // No slope is needed at the very end of a step. Times within a step that waits come first in times_.
    if (!waiting_)
      while (next_ < times_.size() && times_[next_] == stepper.t_next()) states_[next_++] = stepper.y_next();
  }

  /// Whether the slope at the end of the last step is needed.
  [[nodiscard]] bool waiting() const { return waiting_; }

  /// Writes the outputs of the step that waits for f at its end.
  void finish(const State& f1) {
    interpolant_.end(f1);
    for (; next_ < times_.size() && reached(times_[next_], interpolant_.t0(), interpolant_.t1()); ++next_)
      interpolant_.interpolate(times_[next_], states_[next_]);
    waiting_ = false;
  }

 private:
  static bool reached(double t, double t0, double t1) { return t0 < t1 ? t <= t1 : t >= t1; }

  std::span<const double> times_;
  std::vector<State>& states_;
  StepInterpolant<State> interpolant_;
  std::size_t next_ = 0;
  bool waiting_ = false;
};

}  // namespace detail

/// States at the times of `save`, interpolated by the continuous extension of the method (docs/maths.md, section 5) on
/// the way from t0 to t1. Steps and evaluations are those of solve(rhs, y0, t0, t1, method, control), with at most one
/// evaluation more, of f at t1: where a method that is not first same as last has an output in its last step, or one
/// that is goes by FixedSteps. Explicit methods only.
///
/// \throws ArgumentError for times that do not go from t0 to t1; else as solve().
template <class Method = Dopri5, class Control = PiController, class Rhs, class Derived>
[[nodiscard]] Solution<typename Derived::PlainObject> solve(Rhs&& rhs, const Eigen::MatrixBase<Derived>& y0, double t0,
                                                            double t1, const SaveAt& save, const Method& method = {},
                                                            const Control& control = {}) {
  static_assert(ExplicitMethod<Method>, "solve: SaveAt needs dense output, which explicit methods have");
  using State = typename Derived::PlainObject;
  Solution<State> solution;
  if constexpr (ExplicitMethod<Method> &&
                detail::SolveCheck<Method, Control, std::remove_reference_t<Rhs>, State>::value) {
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
    if (outputs.waiting()) {
      stepper.prepare(rhs, t1);
      outputs.finish(stepper.stage(0));
      solution.statistics.evaluations = stepper.evaluations();
    }
  }
  return solution;
}

}  // namespace pathline
