/// \file
/// States at times that the steps do not stop for, and the way back of their cotangents. docs/maths.md, (5.1)
/// and (6.2).
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/concepts.hpp>
#include <pathline/ode/explicit/explicit_tableau.hpp>
#include <pathline/ode/output/output_writer.hpp>
#include <pathline/ode/output/step_interpolant.hpp>
#include <pathline/ode/solve_checks.hpp>
#include <pathline/ode/stepper.hpp>
#include <pathline/ode/tableau/hermite_weights.hpp>
#include <pathline/ode/tableau/tableau_checks.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace pathline {

/// Whether steps end at each output time, which costs steps, or pass over it, and the output is a value of the step's
/// own polynomial: as accurate as the tolerance wants it, to the order of the method's continuous extension. The latter
/// is for methods that are first same as last (Dopri5, Tsit5, BogackiShampine); FixedSteps then counts the steps of the
/// whole solve.
enum class OutputTimes : std::uint8_t { step_to, interpolate };

/// In place of a span of states or of their cotangents: a solve between two times whose end alone is wanted.
struct NoOutputs {
  explicit constexpr NoOutputs(int) {}  // no default constructor, so that {} still means an empty span
  template <class State>
  operator std::span<State>() const noexcept {  // NOLINT(google-explicit-constructor): for methods with spans alone
    return {};
  }
};
inline constexpr NoOutputs no_outputs{0};

namespace detail {

/// Whether the steps of the method end with the slope that interpolation needs.
template <class Method>
inline constexpr bool interpolates = [] {
  if constexpr (ExplicitMethod<Method>)
    return first_same_as_last(Method::tableau);
  else
    return false;
}();

/// \throws ArgumentError for a method whose steps do not end with the slope that interpolation needs.
template <class Method>
void require_interpolation(OutputTimes outputs) {
  if (outputs == OutputTimes::interpolate && !interpolates<Method>)
    throw ArgumentError("Backpropagation: outputs", "OutputTimes::interpolate",
                        "OutputTimes::step_to, or an explicit method that is first same as last, such as Dopri5");
}

/// The output times as the solver sees them: all, or both ends.
class OutputSchedule {
 public:
  /// \throws ArgumentError for times that do not go one way.
  OutputSchedule(std::span<const double> times, OutputTimes outputs) : times_(times) {
    if (outputs == OutputTimes::step_to) return;
    require_times(times);
    ends_ = {times.front(), times.back()};
    times_ = ends_;
  }
  OutputSchedule(const OutputSchedule&) = delete;  // times_ may refer to ends_
  OutputSchedule& operator=(const OutputSchedule&) = delete;

  [[nodiscard]] std::span<const double> times() const { return times_; }

 private:
  std::array<double, 2> ends_{};
  std::span<const double> times_;
};

/// In place of an `OutputSchedule` where no outputs are wanted.
class BothEnds {
 public:
  BothEnds(std::span<const double> times, OutputTimes /*outputs*/) : times_(times) { eigen_assert(times.size() == 2); }
  [[nodiscard]] std::span<const double> times() const { return times_; }

 private:
  std::span<const double> times_;
};

/// The states at the output times of a solve: those at which steps end, or interpolated ones. `Method` is that of the
/// steps.
template <class Method, class State>
class ScheduledOutputs {
 public:
  /// \param states  One for each time; none are wanted where it is empty. Refers to both.
  void start(std::span<const double> times, std::span<State> states, OutputTimes outputs) {
    states_ = states;
    interpolated_ = outputs == OutputTimes::interpolate;
    writer_.start(times, states);
  }

  /// The step that was just accepted, from t; before Stepper::accept().
  void accept([[maybe_unused]] const Stepper<Method, State>& stepper, [[maybe_unused]] double t) {
    if constexpr (interpolates<Method>)
      if (interpolated_)
        writer_.read_step(stepper, t, [&](StepInterpolant<State>& interpolant) { interpolant.begin(stepper, t); });
  }

  /// Called as an observer is; i counts the times of the `OutputSchedule`.
  void output(Index i, const State& y) {
    if (interpolated_ && i > 0) writer_.finish(y);
    if (!interpolated_ && !states_.empty()) states_[std::size_t(i)] = y;
  }

 private:
  std::span<State> states_;
  OutputWriter<State> writer_;
  bool interpolated_ = false;
};

/// Watches a solve for its outputs alone.
template <class Method, class State>
struct ScheduledOutputsObserver : NoObserver {
  explicit ScheduledOutputsObserver(ScheduledOutputs<Method, State>& target) : outputs(target) {}
  ScheduledOutputs<Method, State>& outputs;
  void accept(double t, double /*h*/, const Stepper<Method, State>& stepper) { outputs.accept(stepper, t); }
  void output(Index i, const State& y) { outputs.output(i, y); }
};

/// What an output inside of a step owes to y and K of that step: y_θ = (1 - rise) y_0 + rise y_1 + h Σ stages_i K_i.
template <class Method>
struct OutputWeights {
  static constexpr std::size_t s = std::size_t(Method::tableau.stages);
  double rise;
  std::array<double, s> stages{};  // the slope at the end is the last

  explicit OutputWeights(double theta) {
    const HermiteWeights at = hermite_weights(theta);
    rise = at.rise;
    if constexpr (DenselyExtendedMethod<Method>)
      for (std::size_t i = 0; i < s; ++i) stages[i] = at.correction * Method::dense[i];
    stages[0] += at.first;
    stages[s - 1] += at.last;
  }
};

/// The outputs' cotangents, from the last to the first: those of states at the ends of steps go to λ, those of outputs
/// inside a step to λ at both of its ends and to its stages (docs/maths.md, (6.2)).
template <class Method, class Record>
class OutputsBack {
  using Scalar = typename Record::Scalar;
  static constexpr std::size_t s = [] {
    if constexpr (interpolates<Method>)
      return std::size_t(Method::tableau.stages);
    else
      return std::size_t(0);
  }();

 public:
  OutputsBack(OutputTimes outputs, std::span<const double> times, std::span<const Batch<Scalar>> bars,
              const Record& record)
      : interpolated_(outputs == OutputTimes::interpolate),
        times_(times),
        bars_(bars),
        record_(record),
        left_(bars.size()) {}

  /// The cotangents of outputs that are the state after so many steps.
  void add_at_end(std::size_t steps_done, BatchMap<Scalar> lambda) {
    while (left_ > 0 && is_at_end(left_ - 1, steps_done)) detail::add<Scalar>(bars_[--left_], lambda);
  }

  /// The cotangents of outputs inside the step that ends after so many steps: their parts at its end and in its stages.
  template <class Back>
  void add_inside(std::size_t steps_done, BatchMap<Scalar> lambda, Back& back) {
    first_inside_ = end_inside_ = left_;
    if constexpr (interpolates<Method>) {
      if (!interpolated_) return;
      const auto& step = record_.steps()[steps_done - 1];
      first_inside_ = first_of_step(step, end_inside_);
      // The slope at the end is the first stage of the next step, and has been seen to there, unless there is none.
      const bool seen = steps_done < record_.steps().size() && shares_slope(step, record_.steps()[steps_done]);
      for (std::size_t i = first_inside_; i < end_inside_; ++i) {
        const OutputWeights<Method> at(theta(step, i));
        detail::axpy<Scalar>(Scalar(at.rise), bars_[i], lambda);
        for (std::size_t k = 0; k < (seen ? s - 1 : s); ++k)
          if (at.stages[k] != 0) back.add(k, Scalar(step.h * at.stages[k]), bars_[i].data());
      }
      left_ = first_inside_;
      if (steps_done > 1) add_slope_of_step_before(steps_done, back);
    }
  }

  /// Their parts at its start.
  void add_to_start(std::size_t steps_done, BatchMap<Scalar> lambda) {
    if constexpr (interpolates<Method>)
      for (std::size_t i = first_inside_; i < end_inside_; ++i)
        detail::axpy<Scalar>(Scalar(1 - OutputWeights<Method>(theta(record_.steps()[steps_done - 1], i)).rise),
                             bars_[i], lambda);
  }

 private:
  [[nodiscard]] bool is_at_end(std::size_t i, std::size_t steps_done) const {
    if (!interpolated_) return record_.outputs()[i] == steps_done;
    if (steps_done == 0) return true;
    // After the end too, if a forced jump lies between two steps: outputs in the next one have been handled already.
    const auto& step = record_.steps()[steps_done - 1];
    return step.t < step.t_next ? times_[i] >= step.t_next : times_[i] <= step.t_next;
  }
  template <class Step>
  [[nodiscard]] double theta(const Step& step, std::size_t i) const {
    return (times_[i] - step.t) / (step.t_next - step.t);
  }
  /// The first of the outputs before `end` that lies inside of the step, its ends excluded.
  template <class Step>
  [[nodiscard]] std::size_t first_of_step(const Step& step, std::size_t end) const {
    while (end > 0 && (step.t < step.t_next ? times_[end - 1] > step.t : times_[end - 1] < step.t)) --end;
    return end;
  }
  template <class Step>
  [[nodiscard]] static bool shares_slope(const Step& step, const Step& next) {
    return next.t == step.t_next;  // else a jump lies between them
  }
  template <class Back>
  void add_slope_of_step_before(std::size_t steps_done, Back& back) const {
    const auto& before = record_.steps()[steps_done - 2];
    if (!shares_slope(before, record_.steps()[steps_done - 1])) return;
    std::size_t end = left_;
    while (end > 0 && is_at_end(end - 1, steps_done - 1)) --end;
    for (std::size_t i = first_of_step(before, end); i < end; ++i)
      back.add(0, Scalar(before.h * OutputWeights<Method>(theta(before, i)).stages[s - 1]), bars_[i].data());
  }

  bool interpolated_;
  std::span<const double> times_;
  std::span<const Batch<Scalar>> bars_;
  const Record& record_;
  std::size_t left_;                               // the outputs that have not been seen to
  std::size_t first_inside_ = 0, end_inside_ = 0;  // those of the step at hand
};

/// In place of `OutputsBack` where no output has a cotangent.
struct NoOutputsBack {
  template <class Record>
  NoOutputsBack(OutputTimes /*outputs*/, std::span<const double> /*times*/, NoOutputs /*bars*/,
                const Record& /*record*/) {}
  template <class Lambda>
  void add_at_end(std::size_t /*steps_done*/, const Lambda& /*lambda*/) {}
  template <class Lambda, class Back>
  void add_inside(std::size_t /*steps_done*/, const Lambda& /*lambda*/, Back& /*back*/) {}
  template <class Lambda>
  void add_to_start(std::size_t /*steps_done*/, const Lambda& /*lambda*/) {}
};

}  // namespace detail
}  // namespace pathline
