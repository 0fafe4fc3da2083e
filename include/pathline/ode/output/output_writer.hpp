/// \file
/// Writes a solution at given times as the steps go over them: for SaveAt (save_at.hpp) and for the outputs of a
/// gradient (gradient/interpolated_outputs.hpp). These differ in how a step gets its polynomial: the former may
/// evaluate f at its end, the latter has its stages alone. So the caller says it.
#pragma once

#include <pathline/ode/output/step_interpolant.hpp>

#include <cstddef>
#include <span>

namespace pathline::detail {

template <OdeState State>
class OutputWriter {
 public:
  /// \param times   From the start of the solve to its end, in its direction. Refers to both.
  /// \param states  One for each time; none are wanted where it is empty.
  void start(std::span<const double> times, std::span<State> states) {
    times_ = times;
    states_ = states;
    next_ = 0;
  }

  /// The step that `stepper` tried last, from t; before accept().
  /// \param begin  begin(interpolant) gives the StepInterpolant this step; called only where an output lies inside.
  template <class Stepper, class Begin>
  void read_step(const Stepper& stepper, double t, const Begin& begin) {
    const double end = stepper.t_next();
    const auto reached = [&](double time) {
      return next_ < states_.size() && (t < end ? times_[next_] <= time : times_[next_] >= time);
    };
    while (reached(t)) states_[next_++] = stepper.y();  // t0, or a forced jump, a number before the step after it
    for (bool begun = false; reached(end); ++next_) {
      if (times_[next_] == end) {  // no slope is needed here
        states_[next_] = stepper.y_next();
        continue;
      }
      if (!begun) begin(interpolant_);
      begun = true;
      interpolant_.interpolate(times_[next_], states_[next_]);
    }
  }

  /// At the end of the solve: y is the rest. A forced jump there ends the last step one number before it.
  void finish(const State& y) {
    while (next_ < states_.size()) states_[next_++] = y;
  }

 private:
  std::span<const double> times_;
  std::span<State> states_;
  StepInterpolant<State> interpolant_;
  std::size_t next_ = 0;
};

}  // namespace pathline::detail
