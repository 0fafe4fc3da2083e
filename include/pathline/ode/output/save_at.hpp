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
#include <pathline/ode/output/output_writer.hpp>
#include <pathline/ode/output/step_interpolant.hpp>
#include <pathline/ode/solve.hpp>

#include <array>
#include <cstddef>
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
inline void require_output_times(const std::vector<double>& times, double t0, double t1) {
  for (std::size_t i = 0; i < times.size(); ++i) {
    const double before = i == 0 ? t0 : times[i - 1];
    const bool in_order = t0 <= t1 ? times[i] >= before && times[i] <= t1 : times[i] <= before && times[i] >= t1;
    if (!in_order)
      throw ArgumentError("solve: SaveAt time [" + std::to_string(i) + "]", times[i],
                          "from " + number(before) + " to " + number(t1));
  }
}

/// Observer of integrate() that hands its steps to an output writer, which it does not own.
template <class State>
struct OutputObserver : NoObserver {
  static constexpr bool reads_last_stage = false;  // it evaluates the slope where it needs it
  OutputWriter<State>& writer;
  explicit OutputObserver(OutputWriter<State>& target) : writer(target) {}
  template <class Rhs, class Method>
  void read_step(Rhs& rhs, double t, Stepper<Method, State>& stepper) {
    writer.read_step(stepper, t, [&](StepInterpolant<State>& interpolant) { interpolant.take(rhs, stepper, t); });
  }
  void output(Index i, const State& y) {
    if (i > 0) writer.finish(y);
  }
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
    detail::OutputWriter<State> writer;
    writer.start(save.times, solution.states);
    solution.statistics = integrate(method, control, rhs, y, times, stepper, detail::OutputObserver<State>(writer));
  }
  return solution;
}

}  // namespace pathline
