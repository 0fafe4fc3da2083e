/// \file
/// Solves that end in a status for each sample instead of an exception, and solves with steps of its own for each
/// sample (per_sample.hpp):
/// ```
/// const auto result = try_solve(rhs, Y0, 0, 1, Dopri5{}, PerSample(PiController{}));
/// for (const SolveStatus& sample : result.samples)
///   if (!sample.ok()) std::cerr << sample.message() << '\n';
/// ```
#pragma once

#include <pathline/ode/batch/one_by_one_solver.hpp>
#include <pathline/ode/batch/sample_solver.hpp>
#include <pathline/ode/control/forced_points.hpp>
#include <pathline/ode/explicit/tableaux.hpp>
#include <pathline/ode/integrate.hpp>
#include <pathline/ode/not_a_state.hpp>
#include <pathline/ode/solve.hpp>
#include <pathline/ode/solve_status.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace pathline {

/// The states of a whole batch at t1, as try_solve() returns them.
template <class State>
struct BatchResult {
  State states;                      ///< d × n, at t1; for a sample that failed, where it stopped.
  std::vector<SolveStatus> samples;  ///< How each column ended, and when.

  /// Whether all samples arrived.
  [[nodiscard]] bool ok() const {
    return std::all_of(samples.begin(), samples.end(), [](const SolveStatus& sample) { return sample.ok(); });
  }
};

/// One sample at times of its own.
template <class State>
struct SampleResult {
  std::vector<double> times;  ///< Those that it reached.
  State states;               ///< d × times.size().
  SolveStatus status;
};

namespace detail {

/// One readable line for each combination that does not fit.
template <class Method, class Control, class Rhs, class State>
struct PerSampleCheck {
  static constexpr bool method = EmbeddedMethod<Method>;
  static constexpr bool calls = PerSampleRightHandSide<Rhs, State>;
  static_assert(method, "solve: PerSample is for methods that estimate their error, such as Dopri5");
  static_assert(calls,
                "solve: with PerSample the right-hand side must be callable as rhs(const Row<double>& t, const State& "
                "y, State& dy), or as any right-hand side of one column");
  static constexpr bool control = !HasForcedPoints<Control>;
  static_assert(control, "solve: PerSample has no forced points: give each sample its own output times");
  static constexpr bool inside = !method || stages_in_step<Method>();
  static_assert(inside,
                "solve: with PerSample the nodes of a method must lie from 0 to 1, lest it ask the right-hand side "
                "before t0 or beyond t1");
  static constexpr bool value =
      method && calls && control && inside && AdaptiveControl<Control>;  // PerSample names the last
};

/// All samples together by an explicit method, one after another by an implicit one.
template <class Method, class Control, class Rhs, class State>
struct PerSampleSolver {
  using type = OneByOneSolver<Method, Control, Rhs, State>;
};
template <ExplicitMethod Method, class Control, class Rhs, class State>
struct PerSampleSolver<Method, Control, Rhs, State> {
  using type = SampleSolver<Method, Control, Rhs, State>;
};

/// A batch is a matrix whose columns are counted at run time.
template <class Derived>
using BatchOf = Batch<typename Derived::Scalar, Derived::RowsAtCompileTime>;

template <class Control, class Rhs, class State>
void require_followable_by_each(const Control& control, const Rhs& rhs, const State& y0) {
  if (y0.rows() == 0) require_finite("solve: y0", y0);  // says that it is empty
  require_row_counts(rhs, y0.rows());
  if constexpr (AdaptiveControl<Control>) {
    require_valid(control);
    require_rows_of_control(control, error_part(rhs, y0).rows());
    require_met_by_rounding(control, error_part(rhs, y0));
  }
}

/// And what try_solve() leaves to the sample that it concerns.
template <class Control, class Rhs, class State>
void require_startable_by_each(const Control& control, const Rhs& rhs, const State& y0) {
  require_finite("solve: y0", y0);
  require_followable_by_each(control, rhs, y0);
  if constexpr (HasDomain<Control>)
    for (Index j = 0; j < y0.cols(); ++j)
      if (!control.inside(y0.col(j)))
        throw DataError({"solve: y0 of sample ", j, " is outside of the domain of the step control"});
}

template <class Lists>
void require_times_of_each(const Lists& times, Index samples) {
  if (Index(times.size()) != samples) throw ShapeError("solve: times", "lists", Index(times.size()), samples);
  for (const auto& list : times) require_times(list);
}

}  // namespace detail

/// y(t1) of every sample that arrives, each with steps of its own, and how the others ended: one failed sample leaves
/// the rest alone.
///
/// \param rhs     See PerSampleRightHandSide.
/// \param y0      d × n, a column per sample. A column that is not finite fails alone; without rows all fail, and
///                without columns there is no status at all.
/// \param policy  PerSample around a controller.
///
/// Throws nothing of its own: input that cannot be used at all is bad_input in every status. What the right-hand side
/// throws passes through, unless it is an Error.
template <class Method, class Control, class Rhs, class Derived>
[[nodiscard]] BatchResult<detail::BatchOf<Derived>> try_solve(Rhs&& rhs, const Eigen::MatrixBase<Derived>& y0,
                                                              double t0, double t1, const Method& /*method*/,
                                                              const PerSample<Control>& policy) {
  using State = detail::BatchOf<Derived>;
  using Function = std::remove_reference_t<Rhs>;
  BatchResult<State> result{.states = y0, .samples = std::vector<SolveStatus>(std::size_t(y0.cols()))};
  if constexpr (detail::PerSampleCheck<Method, Control, Function, State>::value) {
    const std::array<double, 2> times{t0, t1};
    const SolveStatus checked = detail::status_of([&] {
      detail::require_times(times);
      detail::require_followable_by_each(policy.control, rhs, y0);
    });
    if (!checked.ok()) {
      std::fill(result.samples.begin(), result.samples.end(), checked);
      return result;
    }
    const State start = y0;
    typename detail::PerSampleSolver<Method, Control, Function, State>::type solver(policy, rhs);
    solver.solve(
        start, [&times](Index) { return std::span<const double>(times); }, [](auto&&...) {},
        [&result](Index sample, const SolveStatus& status, const auto& y) {
          result.states.col(sample) = y;
          result.samples[std::size_t(sample)] = status;
        });
  }
  return result;
}

/// The same with times of its own for each sample, the first of which belongs to its column of y0: its span and its
/// outputs. Steps land on them.
/// \param times  A list for each sample, none empty; each in one direction, not all in the same.
template <class Method, class Control, class Rhs, class Derived>
[[nodiscard]] std::vector<SampleResult<detail::BatchOf<Derived>>> try_solve(
    Rhs&& rhs, const Eigen::MatrixBase<Derived>& y0, const std::vector<std::vector<double>>& times,
    const Method& /*method*/, const PerSample<Control>& policy) {
  using State = detail::BatchOf<Derived>;
  using Function = std::remove_reference_t<Rhs>;
  std::vector<SampleResult<State>> results(std::size_t(y0.cols()));
  if constexpr (detail::PerSampleCheck<Method, Control, Function, State>::value) {
    const SolveStatus checked = detail::status_of([&] {
      detail::require_times_of_each(times, y0.cols());
      detail::require_followable_by_each(policy.control, rhs, y0);
    });
    for (std::size_t sample = 0; sample < results.size(); ++sample) {
      results[sample].status = checked;
      if (checked.ok()) results[sample].states.resize(y0.rows(), Index(times[sample].size()));
    }
    if (!checked.ok()) return results;
    const State start = y0;
    typename detail::PerSampleSolver<Method, Control, Function, State>::type solver(policy, rhs);
    solver.solve(
        start, [&times](Index sample) { return std::span<const double>(times[std::size_t(sample)]); },
        [&](Index sample, std::size_t i, const auto& y) {
          SampleResult<State>& result = results[std::size_t(sample)];
          result.states.col(Index(i)) = y;
          result.times.push_back(times[std::size_t(sample)][i]);
        },
        [&results](Index sample, const SolveStatus& status, const auto&) {
          SampleResult<State>& result = results[std::size_t(sample)];
          result.status = status;
          result.states.conservativeResize(Eigen::NoChange, Index(result.times.size()));
        });
  }
  return results;
}

/// y(t1) by one step for all samples, as solve() does it, and how it ended: the same for every column.
template <class Method = Dopri5, StepControl Control = PiController, class Rhs, class Derived>
[[nodiscard]] BatchResult<typename Derived::PlainObject> try_solve(Rhs&& rhs, const Eigen::MatrixBase<Derived>& y0,
                                                                   double t0, double t1, const Method& method = {},
                                                                   const Control& control = {}) {
  using State = typename Derived::PlainObject;
  BatchResult<State> result{.states = y0, .samples = std::vector<SolveStatus>(std::size_t(y0.cols()))};
  if constexpr (detail::SolveCheck<Method, Control, std::remove_reference_t<Rhs>, State>::value) {
    Stepper<Method, State> stepper;
    Statistics statistics;
    SolveStatus status = detail::status_of([&] {
      require_finite("solve: y0", result.states);
      const std::array<double, 2> times{t0, t1};
      statistics = integrate(method, control, rhs, result.states, times, stepper);
    });
    if (status.ok()) {
      status.t = t1;
      status.statistics = statistics;
    }
    if (!status.ok() && status.outcome != SolveOutcome::bad_input) result.states = stepper.y();
    std::fill(result.samples.begin(), result.samples.end(), status);
  }
  return result;
}

/// y(t1) with steps of its own for each sample. All samples are solved to their ends before the first failure is
/// thrown.
/// \throws As solve(); the failure says which sample.
template <class Method, class Control, class Rhs, class Derived>
[[nodiscard]] detail::BatchOf<Derived> solve(Rhs&& rhs, const Eigen::MatrixBase<Derived>& y0, double t0, double t1,
                                             const Method& method, const PerSample<Control>& policy) {
  detail::require_startable_by_each(policy.control, rhs, y0);
  detail::require_times(std::array<double, 2>{t0, t1});
  BatchResult<detail::BatchOf<Derived>> result = try_solve(rhs, y0, t0, t1, method, policy);
  for (const SolveStatus& sample : result.samples) sample.raise();
  return std::move(result.states);
}

/// The same with a list of times for each sample, as try_solve() has it.
template <class Method, class Control, class Rhs, class Derived>
[[nodiscard]] std::vector<SampleResult<detail::BatchOf<Derived>>> solve(Rhs&& rhs, const Eigen::MatrixBase<Derived>& y0,
                                                                        const std::vector<std::vector<double>>& times,
                                                                        const Method& method,
                                                                        const PerSample<Control>& policy) {
  detail::require_startable_by_each(policy.control, rhs, y0);
  detail::require_times_of_each(times, y0.cols());
  std::vector<SampleResult<detail::BatchOf<Derived>>> results = try_solve(rhs, y0, times, method, policy);
  for (const auto& result : results) result.status.raise();
  return results;
}

}  // namespace pathline
