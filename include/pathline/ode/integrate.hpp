/// \file
/// The loop over steps: the low-level entry, for those who watch a solve (gradients do) or run many with one storage.
/// `solve` in solve.hpp is the short form.
#pragma once

#include <pathline/ode/diagonally_implicit_stepper.hpp>
#include <pathline/ode/implicit_euler.hpp>
#include <pathline/ode/initial_step.hpp>
#include <pathline/ode/solve_checks.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>

namespace pathline {
namespace detail {

/// A solve on its way; lives as long as one call of integrate().
template <class Method, class Control, class Rhs, class State, class Observer>
struct Solve {
  const Control& control;
  Rhs& rhs;
  Stepper<Method, State>& stepper;
  Observer& observer;
  double t, t_end;
  double h = 0;  // next step to try, with sign; of an adaptive control, 0 before the first
  std::array<double, 2> previous_errors{1, 1};  // of the last two accepted steps, as the control reads them
  double last_error = std::numeric_limits<double>::quiet_NaN();  // of the last step tried
  Statistics counts{};
  bool ended = false;  // by the observer

  /// Fixed steps to `stop`: t follows from the step's number and is never accumulated.
  void advance(double stop) requires FixedControl<Control> {
    const double start = t, span = stop - start, n = double(control.steps_per_interval);
    h = span / n;
    for (Index k = 1; k <= control.steps_per_interval; ++k) {
      const double t_next = k == control.steps_per_interval ? stop : start + span * double(k) / n;
      prepare();
      if constexpr (ImplicitMethod<Method>) {
        if (!stepper.step(rhs, t, h, t_next, observer)) throw NonlinearSolveError(newton_failure(h));
      } else {
        const bool needed = reads_last_stage<Observer> || t_next != t_end;
        stepper.step(rhs, t, h, t_next, needed ? LastStage::evaluate : LastStage::skip);
      }
      accept(h, t_next);
      if (stopped()) return;
    }
  }

  /// Adaptive steps to `stop`, which is met exactly.
  void advance(double stop) requires AdaptiveControl<Control> {
    double first_trial = 0;  // of the step at hand; 0: none was rejected yet
    const double shortest = shortest_step(control), longest = longest_step(control);
    while (t != stop) {
      if (counts.accepted + counts.rejected >= control.max_steps) throw StepLimitError(failure(h, last_error));
      prepare();
      if (h == 0) h = first_step();
      // Below smallest_step, t + h cannot be told from t.
      const double least = std::max(smallest_step(first_trial), shortest), most = std::max(least, longest);
      h = std::copysign(clamped(std::abs(h), least, most), h);

      const double left = stop - t;
      // Rather one step 1 % longer than a sliver after it; at the longest step rounding alone would make slivers.
      const bool lands = std::abs(left) <= std::min(1.01 * std::abs(h), (1 + 1e-12) * most);
      const double step = lands ? left : h;
      const double t_next = lands ? stop : t + step;
      bool solved = true;  // a step that Newton's method could not solve has an infinite error
      if constexpr (ImplicitMethod<Method>)
        solved = stepper.step(rhs, t, step, t_next, observer, newton_goal(control));
      else
        stepper.step(rhs, t, step, t_next);
      const double error = last_error = error_of_trial();
      const double factor =
          std::isfinite(error) ? next_factor(control, error, previous_errors, stepper.error_order) : control.min_factor;

      if (!(error <= 1)) {  // so written, a NaN is refused
        ++counts.rejected;
        observer.discard();
        if (first_trial == 0) first_trial = step;
        h = step * std::min(factor, 1.);
        if (std::abs(h) < smallest_step(first_trial) || std::abs(step) <= shortest) {
          if constexpr (ImplicitMethod<Method>)
            if (!solved) throw NonlinearSolveError(newton_failure(step));
          SolveFailure at = failure(step, error);
          if (std::abs(step) <= shortest) at.min_step = shortest;
          throw StepSizeError(at);
        }
        continue;
      }
      accept(step, t_next);
      const double proposal = step * (first_trial == 0 ? factor : std::min(factor, 1.));
      if (std::abs(step) < std::abs(h)) {
        // Cut short by the stop: its small error says little, so the step that was planned stands.
        if (std::abs(proposal) > std::abs(h)) h = proposal;
      } else {
        h = proposal;
        previous_errors = {error, previous_errors[0]};
      }
      first_trial = 0;
      if (stopped()) return;
    }
  }

  /// E of the step just tried, infinite where it left the domain.
  double error_of_trial() {
    const double error = stepper.estimate_error(rhs, control);
    if constexpr (HasDomain<Control>)
      if (std::isfinite(error) && !control.inside(stepper.y_next())) return std::numeric_limits<double>::infinity();
    return error;
  }

  /// Evaluates K_1 where it is missing. A first value that is not finite is fatal at once: no step size mends it.
  void prepare() {
    if (!stepper.prepare(rhs, t)) return;
    observer.keep_first_stage();
    if (counts.accepted > 0 || stepper.stage(0).allFinite()) return;
    SolveFailure at = failure(0);
    blame_first_nonfinite(stepper.stage(0), at);
    throw NonFiniteError("the right-hand side at the start", at);
  }

  double first_step() {
    if (control.initial_step > 0) return std::copysign(control.initial_step, t_end - t);
    const double length = initial_step(rhs, t, t_end, control, stepper);
    observer.discard();
    return std::copysign(length, t_end - t);
  }

  /// 16 ulps of t, or of the first trial where t is near 0: a step shrunk by fourteen orders finds no footing.
  [[nodiscard]] double smallest_step(double first_trial) const {
    return 16 * std::numeric_limits<double>::epsilon() * std::max(std::abs(t), std::abs(first_trial));
  }

  void accept(double step, double t_next) {
    observer.accept(t, step, std::as_const(stepper));
    stepper.accept();
    ++counts.accepted;
    t = t_next;
  }

  /// Whether the observer ends the solve here.
  [[nodiscard]] bool stopped() {
    if constexpr (StoppingObserver<Observer, Rhs, Stepper<Method, State>>) ended = observer.stop(rhs, t, stepper);
    return ended;
  }

  void output(Index i) {
    if (!stepper.y().allFinite()) {
      SolveFailure at = failure(stepper.h());
      blame_first_nonfinite(stepper.y(), at);
      throw NonFiniteError("the solution", at);
    }
    observer.output(i, stepper.y());
  }

  [[nodiscard]] Statistics statistics() const {
    Statistics result = counts;
    result.evaluations = stepper.evaluations();
    result.newton_iterations = stepper.newton_iterations();
    return result;
  }

  [[nodiscard]] SolveFailure newton_failure(double step) const requires ImplicitMethod<Method> {
    SolveFailure at = failure(step);
    at.sample = stepper.failed_sample();
    at.component = stepper.failed_component();
    return at;
  }

  [[nodiscard]] SolveFailure failure(double step, double error = std::numeric_limits<double>::quiet_NaN()) const {
    SolveFailure at{.t = t, .step = step, .error_norm = error, .statistics = statistics()};
    if constexpr (AdaptiveControl<Control>)
      if (counts.rejected > 0) blame_worst(rhs, control, stepper, at);
    return at;
  }
};

}  // namespace detail

/// Integrates y' = rhs(t, y) through `times`, landing on each of them. docs/maths.md, sections 2 and 4.
///
/// Evaluations come in this order: K_1 at t0; with an adaptive control without initial_step one probe; the trials.
/// Nothing is evaluated where all times are equal, and nothing is allocated once the stepper has the shape of y.
///
/// \param control  FixedSteps(n): n steps between each two different times. A controller: one step
///                 length and one max_steps for the whole solve.
/// \param rhs      Callable rhs(t, y, dy), or dy = rhs(t, y); concepts.hpp says what else it may offer.
/// \param y        In: y(times[0]), d × n, a column per sample. Out: y(times.back()), or the state where the observer
///                 stopped the solve (see StoppingObserver). An error leaves it unchanged.
/// \param times    t0, t1, …, t_end, finite, in one direction; repeats are allowed. In the unit of time of rhs.
/// \param stepper  Storage; holds the last step afterwards.
/// \param observer See NoObserver.
/// \throws ArgumentError, ShapeError for unusable input; DataError for a start outside of the control's domain;
///         StepSizeError, StepLimitError, NonFiniteError,
///         NonlinearSolveError (all SolveError) when the solve fails.
template <class Method, class Control, class Rhs, class State, class Observer = NoObserver>
Statistics integrate(const Method& /*method*/, const Control& control, Rhs& rhs, State& y,
                     std::span<const double> times, Stepper<Method, State>& stepper, Observer&& observer = {}) {
  using Watcher = std::remove_reference_t<Observer>;
  if constexpr (detail::SolveCheck<Method, Control, Rhs, State, Watcher>::value) {
    detail::require_times(times);
    detail::require_row_counts(rhs, y.rows());
    if constexpr (AdaptiveControl<Control>) detail::require_followable(control, rhs, y);

    stepper.reset(y);
    detail::Solve<Method, Control, Rhs, State, Watcher> solve{.control = control,
                                                              .rhs = rhs,
                                                              .stepper = stepper,
                                                              .observer = observer,
                                                              .t = times.front(),
                                                              .t_end = times.back()};
    observer.output(0, stepper.y());
    for (std::size_t i = 1; i < times.size(); ++i) {
      if (times[i] != solve.t && !solve.ended) solve.advance(times[i]);
      if (times[i] != solve.t) break;  // the observer ended the solve before
      solve.output(Index(i));
    }
    y = stepper.y();
    return solve.statistics();
  } else {
    return {};
  }
}

}  // namespace pathline
