/// \file
/// A whole solve as a function of time, kept for as long as one likes:
/// ```
/// const Trajectory<Eigen::Vector2d> path = solve_trajectory(rhs, y0, 0, 10, Tsit5{});
/// const Eigen::Vector2d y = path(3.7);
/// ```
#pragma once

#include <pathline/ode/explicit/tableaux.hpp>
#include <pathline/ode/integrate.hpp>
#include <pathline/ode/not_a_state.hpp>
#include <pathline/ode/output/step_interpolant.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <span>
#include <type_traits>
#include <vector>

namespace pathline {

/// y(t) between the times of a solve, forward or backward, by the continuous extension of its method: docs/maths.md,
/// (5.1). Owns two states for each step, three where the method has its own extension, six of Dop853. Threads may
/// share it.
template <OdeState State>
class Trajectory {
 public:
  /// The point (t0, y0); append() makes it longer.
  Trajectory(double t0, const State& y0) : times_{t0}, states_{y0}, correction_ends_{0} {}

  /// Goes on by the step that `stepper` tried last from t, which is t1(), or just after where the right-hand side
  /// jumps between them; before accept(). Evaluates what StepInterpolant::take() does.
  template <class Rhs, class Method>
  requires DenseStepper<Stepper<Method, State>, Rhs>
  void append(Rhs& rhs, Stepper<Method, State>& stepper, double t) {
    if (t != t1() && !starts_anew()) {  // with a slope of its own
      eigen_assert(closed());
      append_end(t, stepper.y());
    }
    if (!closed()) slopes_.push_back(stepper.start_slope(rhs, t));
    slopes_.push_back(stepper.end_slope(rhs));
    constexpr std::size_t n = detail::corrections_of<Stepper<Method, State>>;
    corrections_.resize(corrections_.size() + n);
    if constexpr (n > 0)
      stepper.write_dense_corrections(rhs, t, std::span<State, n>(corrections_.data() + corrections_.size() - n, n));
    append_end(stepper.t_next(), stepper.y_next());
  }

  /// The same of an explicit method by its stages alone, as StepInterpolant::begin().
  template <ExplicitMethod Method>
  void append(const Stepper<Method, State>& stepper) {
    // A slope that is missing at the end of the step before is the first stage of this one.
    if (!closed()) slopes_.push_back(stepper.stage(0));
    if constexpr (Stepper<Method, State>::fsal) slopes_.push_back(stepper.stage(stepper.stages - 1));
    if constexpr (DenselyExtendedMethod<Method>) stepper.write_dense_correction(corrections_.emplace_back());
    append_end(stepper.t_next(), stepper.y_next());
  }

  /// f at t1(), without which the last step cannot be evaluated. Nothing to do where append() has evaluated it.
  void close(const State& f1) {
    if (!closed()) slopes_.push_back(f1);
  }
  [[nodiscard]] bool closed() const { return slopes_.size() == states_.size(); }

  /// Ends at a time t of the last step, which keeps its polynomial. Needs close().
  void truncate(double t) {
    eigen_assert(steps() > 0 && closed());
    detail::require_within("Trajectory: t", t, times_.end()[-2], t1());
    if (t == t1()) return;
    if (t == times_.end()[-2]) {
      times_.pop_back(), states_.pop_back(), slopes_.pop_back(), correction_ends_.pop_back();
      corrections_.resize(correction_ends_.back());
      return;
    }
    State y, slope;
    evaluate(t, y);
    differentiate(t, slope);
    const double theta = (t - times_.end()[-2]) / (t1() - times_.end()[-2]);
    detail::shorten_corrections(theta, std::span<State>(corrections_).subspan(correction_ends_.end()[-2]));
    times_.back() = t;
    states_.back().swap(y);
    slopes_.back().swap(slope);
  }

  /// The last step ends at t instead, a number after its end: at a jump of the right-hand side where the solve ends.
  void stretch(double t) {
    if (steps() > 0 && closed()) times_.back() = t;
  }

  /// Goes on from another state of the same shape at t1(). There y(t1()) remains the state before the jump.
  void jump(const State& y) {
    eigen_assert(closed());
    append_end(t1(), y);
  }

  /// y(t) into `out`, which gets its shape; allocates nothing where it has it. The ends of steps are met exactly.
  /// \throws ArgumentError unless t is between t0() and t1(); Error where the step is not closed.
  void evaluate(double t, State& out) const {
    detail::require_within("Trajectory: t", t, t0(), t1());
    if (t == t0())
      out = states_.front();
    else
      at_step(t, [&](const auto&... step) { detail::interpolate_step(t, step..., out); });
  }

  /// The polynomial of the last step, which must be closed, at any time: also beyond its end.
  void evaluate_last_step(double t, State& out) const {
    eigen_assert(steps() > 0 && closed());
    call_with_step(times_.size() - 1, [&](const auto&... step) { detail::interpolate_step(t, step..., out); });
  }

  /// Where the straight line along y' leads from the start of the last step.
  void extend_start_of_last_step(double length, State& out) const {
    out = states_.end()[-2] + typename State::Scalar(length) * slopes_.end()[-2];
  }

  /// y'(t) of the polynomial, of one order less than y. A trajectory without a step has none.
  /// \throws as evaluate(); ArgumentError where t0() == t1().
  void differentiate(double t, State& out) const {
    detail::require_within("Trajectory: t", t, t0(), t1());
    if (steps() == 0) throw ArgumentError("Trajectory: number of steps", "0", "at least 1 for a derivative");
    at_step(t, [&](const auto&... step) { detail::differentiate_step(t, step..., out); });
  }

  /// y(t).
  [[nodiscard]] State operator()(double t) const {
    State y;
    evaluate(t, y);
    return y;
  }

  [[nodiscard]] double t0() const { return times_.front(); }
  [[nodiscard]] double t1() const { return times_.back(); }
  [[nodiscard]] std::size_t steps() const { return times_.size() - 1; }
  /// Ends of the steps, t0() first; twice where the state jumps, and on both sides of a jump of the right-hand side.
  [[nodiscard]] const std::vector<double>& times() const { return times_; }
  /// The solution at these times.
  [[nodiscard]] const std::vector<State>& states() const { return states_; }

  Statistics statistics;  ///< Of the solve that made it.

 private:
  /// Whether the next step is the first, or the first after jump(): a start a number after t1() is as good as there.
  [[nodiscard]] bool starts_anew() const { return !closed() && (steps() == 0 || times_.end()[-2] == times_.back()); }
  void append_end(double t, const State& y) {
    times_.push_back(t);
    states_.push_back(y);
    correction_ends_.push_back(corrections_.size());
  }

  /// Calls back with the step that ends at t or contains it.
  template <class Function>
  void at_step(double t, const Function& function) const {
    const auto later =
        t0() <= t1() ? std::lower_bound(times_.begin() + 1, times_.end(), t)
                     : std::lower_bound(times_.begin() + 1, times_.end(), t, [](double a, double b) { return a > b; });
    std::size_t i = std::size_t(std::distance(times_.begin(), later));
    while (i + 1 < times_.size() && times_[i] == t0()) ++i;  // a reset at t0 leaves a step of no length
    if (i >= slopes_.size()) throw Error("Trajectory: the last step is open, expected close() with f at its end");
    call_with_step(i, function);
  }
  template <class Function>
  void call_with_step(std::size_t i, const Function& function) const {
    const std::size_t first = correction_ends_[i - 1];
    function(times_[i - 1], times_[i], states_[i - 1], slopes_[i - 1], states_[i], slopes_[i],
             std::span<const State>(corrections_).subspan(first, correction_ends_[i] - first));
  }

  std::vector<double> times_;
  std::vector<State> states_, slopes_;  // at these times; the last slope may be missing
  std::vector<State> corrections_;      // of the steps, one after another: up to correction_ends_[i] of step i
  std::vector<std::size_t> correction_ends_;
};

/// Observer of integrate() that appends each step to a trajectory, which it does not own, and closes it.
template <OdeState State>
struct TrajectoryRecorder : NoObserver {
  Trajectory<State>& trajectory;
  explicit TrajectoryRecorder(Trajectory<State>& target) : trajectory(target) {}
  template <class Rhs, class Method>
  void read_step(Rhs& rhs, double t, Stepper<Method, State>& stepper) {
    trajectory.append(rhs, stepper, t);
  }
};

/// The solution from t0 to t1 as a function of time; arguments and errors are those of solve(). The steps and, for a
/// method that is first same as last, the evaluations are those of solve() with an adaptive control; other explicit and
/// multistep methods and FixedSteps may need one evaluation more, at the very end. Dop853 makes three more in each
/// step. An implicit method may need one at the very start; the implicit midpoint rule and GaussLegendre4 need one in
/// each step.
template <class Method = Dopri5, class Control = PiController, class Rhs, class Derived>
[[nodiscard]] Trajectory<typename Derived::PlainObject> solve_trajectory(Rhs&& rhs,
                                                                         const Eigen::MatrixBase<Derived>& y0,
                                                                         double t0, double t1,
                                                                         const Method& method = {},
                                                                         const Control& control = {}) {
  using State = typename Derived::PlainObject;
  constexpr bool dense = detail::has_dense_output<Method, State, std::remove_reference_t<Rhs>>;
  static_assert(dense, "solve_trajectory: this method's stepper has no start_slope and end_slope for dense output");
  State y = y0;
  Trajectory<State> trajectory(t0, y);
  if constexpr (dense && detail::SolveCheck<Method, Control, std::remove_reference_t<Rhs>, State>::value) {
    require_finite("solve: y0", y);
    const std::array<double, 2> times{t0, t1};
    Stepper<Method, State> stepper;
    trajectory.statistics = integrate(method, control, rhs, y, times, stepper, TrajectoryRecorder<State>(trajectory));
    trajectory.stretch(t1);
  }
  return trajectory;
}

}  // namespace pathline
