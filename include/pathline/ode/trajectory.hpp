/// \file
/// A whole solve as a function of time, kept for as long as one likes:
/// ```
/// const Trajectory<Eigen::Vector2d> path = solve_trajectory(rhs, y0, 0, 10, Tsit5{});
/// const Eigen::Vector2d y = path(3.7);
/// ```
#pragma once

#include <pathline/ode/integrate.hpp>
#include <pathline/ode/step_interpolant.hpp>
#include <pathline/ode/tableaux.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <type_traits>
#include <vector>

namespace pathline {

/// y(t) between the times of a solve, forward or backward, by the continuous extension of its method: docs/maths.md,
/// section 5. Owns two states for each step, three where the method has an own extension. Threads may share it.
template <OdeState State>
class Trajectory {
 public:
  /// The point (t0, y0); append() makes it longer.
  Trajectory(double t0, const State& y0) : times_{t0}, states_{y0} {}

  /// Goes on by the step from t1() that `stepper` tried last, with all its stages; before accept().
  template <class Method>
  void append(const Stepper<Method, State>& stepper) {
    // A slope that is missing at the end of the step before is the first stage of this one.
    if (!closed()) slopes_.push_back(stepper.stage(0));
    if constexpr (DenselyExtendedMethod<Method>) {
      while (corrections_.size() < steps())  // of steps without one: another method's
        corrections_.emplace_back(State::Zero(stepper.y().rows(), stepper.y().cols()));
      stepper.write_dense_correction(corrections_.emplace_back());
    } else if (!corrections_.empty()) {
      corrections_.push_back(State::Zero(stepper.y().rows(), stepper.y().cols()));
    }
    times_.push_back(stepper.t_next());
    states_.push_back(stepper.y_next());
    if constexpr (Stepper<Method, State>::fsal) slopes_.push_back(stepper.stage(stepper.stages - 1));
  }

  /// f at t1(), without which the last step cannot be evaluated. Nothing to do for a method that is first same as last.
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
      times_.pop_back(), states_.pop_back(), slopes_.pop_back();
      corrections_.resize(corrections_.empty() ? 0 : steps());
      return;
    }
    // The same quartic on [0, θ]: the ends give the cubic, and the leading coefficient grows by θ⁴.
    State y, slope;
    evaluate(t, y);
    differentiate(t, slope);
    using Scalar = typename State::Scalar;
    const double theta = (t - times_.end()[-2]) / (t1() - times_.end()[-2]);
    if (!corrections_.empty()) corrections_.back() *= Scalar(theta * theta * theta * theta);
    times_.back() = t;
    states_.back().swap(y);
    slopes_.back().swap(slope);
  }

  /// Goes on from another state of the same shape at t1(). There y(t1()) remains the state before the jump.
  void jump(const State& y) {
    eigen_assert(closed());
    if (!corrections_.empty()) corrections_.resize(steps() + 1, State::Zero(y.rows(), y.cols()));
    times_.push_back(t1());
    states_.push_back(y);
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
  /// Ends of the steps, t0() first; twice where the state jumps.
  [[nodiscard]] const std::vector<double>& times() const { return times_; }
  /// The solution at these times.
  [[nodiscard]] const std::vector<State>& states() const { return states_; }

  Statistics statistics;  ///< Of the solve that made it.

 private:
  /// Calls back with the step that ends at t or contains it.
  template <class Function>
  void at_step(double t, const Function& function) const {
    const auto later =
        t0() <= t1() ? std::lower_bound(times_.begin() + 1, times_.end(), t)
                     : std::lower_bound(times_.begin() + 1, times_.end(), t, [](double a, double b) { return a > b; });
    const std::size_t i = std::size_t(std::distance(times_.begin(), later));
    if (i >= slopes_.size()) throw Error("Trajectory: the last step is open, expected close() with f at its end");
    function(times_[i - 1], times_[i], states_[i - 1], slopes_[i - 1], states_[i], slopes_[i],
             corrections_.empty() ? nullptr : &corrections_[i - 1]);
  }

  std::vector<double> times_;
  std::vector<State> states_, slopes_;  // at these times; the last slope may be missing
  std::vector<State> corrections_;      // of the steps, if any has one
};

/// Observer of integrate() that appends each step to a trajectory, which it does not own.
template <OdeState State>
struct TrajectoryRecorder : NoObserver {
  Trajectory<State>& trajectory;
  explicit TrajectoryRecorder(Trajectory<State>& target) : trajectory(target) {}
  template <class Method>
  void accept(double /*t*/, double /*h*/, const Stepper<Method, State>& stepper) {
    trajectory.append(stepper);
  }
};

/// The solution from t0 to t1 as a function of time; arguments and errors are those of solve(). The steps and, for a
/// method that is first same as last, the evaluations are those of solve() with an adaptive control; other methods and
/// FixedSteps may need one evaluation more, at the very end. Explicit methods only.
template <class Method = Dopri5, class Control = PiController, class Rhs, class Derived>
[[nodiscard]] Trajectory<typename Derived::PlainObject> solve_trajectory(Rhs&& rhs,
                                                                         const Eigen::MatrixBase<Derived>& y0,
                                                                         double t0, double t1,
                                                                         const Method& method = {},
                                                                         const Control& control = {}) {
  static_assert(ExplicitMethod<Method>, "solve_trajectory: dense output is for explicit methods");
  using State = typename Derived::PlainObject;
  State y = y0;
  Trajectory<State> trajectory(t0, y);
  if constexpr (ExplicitMethod<Method> &&
                detail::SolveCheck<Method, Control, std::remove_reference_t<Rhs>, State>::value) {
    require_finite("solve: y0", y);
    const std::array<double, 2> times{t0, t1};
    Stepper<Method, State> stepper;
    trajectory.statistics = integrate(method, control, rhs, y, times, stepper, TrajectoryRecorder<State>(trajectory));
    if (trajectory.steps() > 0 && !trajectory.closed()) {
      stepper.prepare(rhs, t1);
      trajectory.close(stepper.stage(0));
      trajectory.statistics.evaluations = stepper.evaluations();
    }
  }
  return trajectory;
}

}  // namespace pathline
