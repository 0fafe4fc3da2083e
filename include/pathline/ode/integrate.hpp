/// \file
/// The loop over steps: the low-level entry, to observe a solve (as gradients do) or to run many with one storage.
/// `solve` in solve.hpp is the short form.
#pragma once

#include <pathline/ode/control/forced_points.hpp>
#include <pathline/ode/control/initial_step.hpp>
#include <pathline/ode/control/step_choice.hpp>
#include <pathline/ode/control/trial_error.hpp>
#include <pathline/ode/solve_checks.hpp>
#include <pathline/ode/stepper.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>
#include <vector>

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
  double earliest = t;                                           // the start of the solve, or the last jump
  StepChoice choice{};                                           // of an adaptive control
  double last_error = std::numeric_limits<double>::quiet_NaN();  // of the last step tried
  Statistics counts{};
  bool ended = false;             // by the observer
  bool starts_anew = true;        // at t0, or after a jump: no step has been accepted since
  bool first_step_bound = false;  // its length is that of the way to a jump, and says nothing of what comes after

  /// On to `stop`, by way of the forced points of the control.
  void advance_to(double stop) {
    if constexpr (HasForcedPoints<Control>) {
      const ForcedPoints& points = control.points;
      const auto is_jump = [&points](double time) {
        return std::binary_search(points.jump_at.begin(), points.jump_at.end(), time);
      };
      while (t != stop && !ended) {
        while (t != stop && is_jump(t)) leave_jump(stop);
        const double step_to = next_point(points.step_at, t, stop), jump = next_point(points.jump_at, t, stop);
        const bool jumps = is_jump(jump) && std::abs(jump - t) <= std::abs(step_to - t);
        const double target = jumps ? std::nextafter(jump, t) : step_to;
        bound_stages();
        if (t != target) advance(target);
        if (jumps && !ended) t = jump;
      }
    } else if (t != stop) {
      bound_stages();
      advance(stop);
    }
  }

  /// Says to a method that has a stage outside of its steps how far the right-hand side may be evaluated.
  void bound_stages() {
    if constexpr (requires { stepper.stay_within(t, t); }) stepper.stay_within(earliest, latest());
  }

  /// The last time at which the right-hand side may be evaluated now: t_end, or one number short of the next jump.
  [[nodiscard]] double latest() const {
    if constexpr (HasForcedPoints<Control>) {
      const std::vector<double>& jumps = control.points.jump_at;
      const double jump = next_point(jumps, t, t_end);
      if (std::binary_search(jumps.begin(), jumps.end(), jump)) return std::nextafter(jump, t);
    }
    return t_end;
  }

  /// Starts anew after the jump at t.
  void leave_jump(double stop) requires HasForcedPoints<Control> {
    t = earliest = std::nextafter(t, stop);
    if (counts.accepted == 0) return;
    starts_anew = true;
    stepper.restart();
    if (std::exchange(first_step_bound, false))
      choice = {};
    else
      choice.template forget_errors<Control>();
  }

  /// Fixed steps to `stop`: t follows from the step's number and is never accumulated.
  void advance(double stop) requires FixedControl<Control> {
    const double start = t, span = stop - start, n = double(control.steps_per_interval);
    const double h = span / n;
    for (Index k = 1; k <= control.steps_per_interval; ++k) {
      const double t_next = k == control.steps_per_interval ? stop : start + span * double(k) / n;
      prepare();
      if constexpr (ImplicitMethod<Method>) {
        if (!stepper.step(rhs, t, h, t_next, observer)) throw_unsolved(h);
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
    while (t != stop) {
      if (counts.accepted + counts.rejected >= control.max_steps)
        throw StepLimitError(failure(choice.planned(), last_error));
      prepare();
      if (!choice.started()) choice.start(control, first_step(), t_end - t);
      const Trial trial = choice.next(control, t, stop);
      bool solved = true;  // a step that Newton's method could not solve has an infinite error
      if constexpr (ImplicitMethod<Method>)
        solved = stepper.step(rhs, t, trial.length, trial.t_next, observer, control);
      else
        stepper.step(rhs, t, trial.length, trial.t_next);
      const TrialError error = error_of_trial();
      last_error = error.norm;
      const Verdict verdict =
          choice.judge(control, t, trial, error, stepper.error_order, [this] { return sizes_of_trial(); });
      if (verdict == Verdict::accepted) {
        accept(trial.length, trial.t_next);
        if (stopped()) return;
      } else {
        ++counts.rejected;
        if constexpr (requires { observer.reject(stepper); }) observer.reject(std::as_const(stepper));
        observer.discard();
        if (verdict == Verdict::underflow) throw_underflow(trial.length, solved);
      }
    }
  }

  /// Of the step just tried, for its judge.
  StepSizes sizes_of_trial() {
    StepSizes sizes = [&] {
      const State& slope = stepper.start_slope(rhs, t);
      if constexpr (requires { stepper.scratch(); }) {
        return step_sizes(control, rhs, stepper.h(), slope, stepper.y(), stepper.y_next(), stepper.scratch());
      } else if constexpr (entry_by_entry<State>) {
        State scratch;
        return step_sizes(control, rhs, stepper.h(), slope, stepper.y(), stepper.y_next(), scratch);
      } else {
        return step_sizes(control, rhs, stepper.h(), slope, stepper.y(), stepper.y_next());
      }
    }();
    if constexpr (requires { stepper.start_misfit(rhs, t); })
      sizes.start_misfit = measured_error(control, error_part(rhs, stepper.start_misfit(rhs, t)),
                                          error_part(rhs, stepper.y()), error_part(rhs, stepper.y_next()));
    return sizes;
  }

  /// E of the step just tried, infinite where it left the domain.
  TrialError error_of_trial() {
    TrialError error = [this]() -> TrialError {
      if constexpr (requires { stepper.trial_error(rhs, control); })
        return stepper.trial_error(rhs, control);
      else
        return stepper.estimate_error(rhs, control);
    }();
    if constexpr (requires { stepper.start_misfit(rhs, t); })
      if (error.norm <= 1 && stepper.start_was_solved()) {
        // Above six tenths of the step it is no curvature: f has jumped before the first stage. docs/maths.md,
        // section 4.
        const StepSizes sizes = sizes_of_trial();
        if (sizes.start_misfit > std::max(0.6 * (sizes.line + sizes.bend), error.norm)) error = sizes.start_misfit;
      }
    if constexpr (HasDomain<Control>)
      if (std::isfinite(error.norm) && !control.inside(stepper.y_next()))
        return std::numeric_limits<double>::infinity();
    return error;
  }

  /// Evaluates K_1 where it is missing. A first value that is not finite fails at once: no step size helps.
  void prepare() {
    if (!stepper.prepare(rhs, t)) return;
    observer.keep_first_stage();
    if (!starts_anew || is_finite_state(stepper.stage(0))) return;
    SolveFailure at = failure(0);
    blame_first_nonfinite(stepper.stage(0), at);
    throw NonFiniteError(counts.accepted == 0 ? "the right-hand side at the start" : "the right-hand side after a jump",
                         at);
  }

  FirstStep first_step() {
    if (control.initial_step > 0) return {control.initial_step, 0};
    const double end = latest();
    const FirstStep chosen = detail::first_step(rhs, t, end, control, stepper);
    observer.discard();
    first_step_bound = end != t_end && chosen.length > 0.5 * std::abs(end - t);
    return chosen;
  }

  [[noreturn]] void throw_underflow(double step, [[maybe_unused]] bool solved) const {
    if constexpr (ImplicitMethod<Method>)
      if (!solved) throw_unsolved(step);
    SolveFailure at = failure(step, last_error);
    if (StepChoice::is_shortest(control, step)) at.min_step = shortest_step(control);
    throw StepSizeError(at);
  }

  void accept(double step, double t_next) {
    if constexpr (DenseObserver<Observer, Rhs, Stepper<Method, State>>) observer.read_step(rhs, t, stepper);
    observer.accept(t, step, std::as_const(stepper));
    stepper.accept();
    ++counts.accepted;
    starts_anew = false;
    t = t_next;
  }

  /// Whether the observer ends the solve here.
  [[nodiscard]] bool stopped() {
    if constexpr (StoppingObserver<Observer, Rhs, Stepper<Method, State>>) ended = observer.stop(rhs, t, stepper);
    return ended;
  }

  void output(Index i) {
    if (!is_finite_state(stepper.y())) {
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

  /// The implicit step from t failed.
  [[noreturn]] void throw_unsolved(double step) const requires ImplicitMethod<Method> {
    SolveFailure at = failure(step);
    at.sample = stepper.failed_sample();
    at.component = stepper.failed_component();
    at.fault = stepper.fault();
    const char* const subject =
        nonfinite_subject(at.fault, gives_jacobian<Rhs, State>(), HasTimeDerivative<Rhs, State>);
    if (subject == nullptr) throw NonlinearSolveError(at);
    at.asked_at = stepper.failed_at();
    throw NonFiniteError(subject, at);
  }

  [[nodiscard]] SolveFailure failure(double step, double error = std::numeric_limits<double>::quiet_NaN()) const {
    SolveFailure at{
        .t = t, .step = step, .error_norm = error, .statistics = statistics(), .implicit = ImplicitMethod<Method>};
    if constexpr (AdaptiveControl<Control>) note_accuracy<Method, typename State::Scalar>(control, at);
    if constexpr (AdaptiveControl<Control>)
      if (counts.rejected > 0)
        blame_worst(control, error_part(rhs, stepper.error()), stepper.y(), stepper.y_next(), at);
    return at;
  }
};

}  // namespace detail

/// Integrates y' = rhs(t, y) through `times`, landing on each of them. docs/maths.md, sections 2 and 4.
///
/// Evaluations come in this order: K_1 at t0; with an adaptive control without initial_step one probe; the trials.
/// After a jump_at that bounds the first step, K_1 and the probe come once more. Nothing is evaluated where all times
/// are equal, and nothing is allocated once the stepper has the shape of y.
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
///         StepSizeError, StepLimitError, NonFiniteError, NonlinearSolveError (all SolveError) when the solve fails.
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
      if (!solve.ended) solve.advance_to(times[i]);
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
