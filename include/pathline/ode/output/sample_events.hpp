/// \file
/// Events of each sample of a batch, with steps of its own:
/// ```
/// const Event landed([](double, const auto& y) { return y(0); }, {.crossing = Crossing::falling, .terminal = true});
/// const auto samples = solve_events(rhs, Y0, 0, 10, std::tuple(landed), Dopri5{}, PerSample(PiController{}));
/// for (const auto& sample : samples) std::cout << sample.trajectory.t1() << '\n';
/// ```
/// Samples are solved one after another, so that the events, steps and result of each, bit for bit, are those that it
/// would have alone.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/ode/batch/one_by_one_solver.hpp>
#include <pathline/ode/batch/per_sample.hpp>
#include <pathline/ode/output/event.hpp>
#include <pathline/ode/output/events.hpp>
#include <pathline/ode/solve_checks.hpp>
#include <pathline/ode/solve_status.hpp>
#include <pathline/ode/try_solve.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

namespace pathline {

/// The solution of one sample, a column, with its events; of one that failed, up to where it stopped.
template <OdeState State>
struct SampleEvents : EventSolution<State> {
  SolveStatus status{};  ///< How it ended. A terminal event is a success.
};

namespace detail {

/// An event for one sample; its functions are given the sample's number if they take one.
template <class Event>
struct EventOfSample {
  const Event& event;
  Index sample;
  EventOptions options = event.options;

  static constexpr bool resets = Event::resets;

  template <class State>
  auto g(double t, const State& y) const requires(
      requires { event.g(t, y, sample); } || requires { event.g(t, y); }) {
    if constexpr (requires { event.g(t, y, sample); })
      return event.g(t, y, sample);
    else
      return event.g(t, y);
  }
  template <class State>
  decltype(auto) reset(double t, State& y) const requires(
      requires { event.reset(t, y, sample); } || requires { event.reset(t, y); }) {
    if constexpr (requires { event.reset(t, y, sample); })
      return event.reset(t, y, sample);
    else
      return event.reset(t, y);
  }
};

/// A right-hand side of columns, made of any that PerSample can call. Its Jacobian is not passed on, since it is for
/// another kind of state.
template <class Rhs, class Batch, class Column>
struct OfColumn {
  Rhs& rhs;
  Index sample;
  OfOneSample<Rhs, Batch> of_batch{rhs, sample};
  Batch y_batch{}, dy_batch{};

  void operator()(double t, const Column& y, Column& dy) {
    y_batch = y;
    dy_batch.resize(y.rows(), 1);
    of_batch(t, y_batch, dy_batch);
    require_shape(dy_batch, y_batch);
    dy = dy_batch;
  }
  [[nodiscard]] Index error_rows() const requires HasErrorRows<Rhs> { return rhs.error_rows(); }
  [[nodiscard]] Index path_rows() const requires HasPathRows<Rhs> { return rhs.path_rows(); }
};

template <class Method, class Control, class Rhs, class Column, class... Events>
void solve_sample(const Method& method, const Control& control, Rhs& rhs, double t1,
                  const std::tuple<Events...>& events, Stepper<Method, Column>& stepper, Index sample,
                  SampleEvents<Column>& result) {
  result.status = status_of([&] {
    if (const char* const fault = fault_of_start(control, result.y))
      throw DataError({"solve: y0 of sample ", sample, fault});
    const auto run = [&](const auto&... event) {
      run_events(method, control, rhs, t1, std::tuple(EventOfSample<Events>{event, sample}...), stepper, result);
    };
    std::apply(run, events);
  });
  if (result.status.ok() || result.status.outcome == SolveOutcome::bad_input) {
    result.status.t = result.trajectory.t1();
    result.status.statistics = result.trajectory.statistics;
  } else {
    result.trajectory.statistics = result.status.statistics;
  }
  if (!result.status.ok()) result.y = result.trajectory.states().back();
  result.status.sample = sample;
}

/// One readable line for each combination that does not fit.
template <class Column, class... Events>
struct SampleEventsCheck {
  static constexpr bool functions = (EventOf<EventOfSample<Events>, Column> && ...);
  static constexpr bool resets = (EventWithReset<EventOfSample<Events>, Column> && ...);
  static_assert(functions,
                "solve_events: with PerSample an event's function must be callable as g(double t, const Column& y), "
                "with or without a third argument Index sample, and give a float or double, not a bool");
  static_assert(resets,
                "solve_events: with PerSample an event's reset must be callable as reset(double t, Column& y), with or "
                "without a third argument Index sample, const");
  static constexpr bool value = functions && resets;
};

/// A column of a batch.
template <class Derived>
using ColumnOf = Eigen::Matrix<typename Derived::Scalar, Derived::RowsAtCompileTime, 1>;

}  // namespace detail

/// The events of every sample, and how its solve ended: one that fails leaves the rest alone.
///
/// \param rhs     See PerSampleRightHandSide; called with one column.
/// \param y0      d × n, a column per sample.
/// \param spans   t0 and t1 of each sample, forward or backward.
/// \param events  std::tuple of Event, of each sample: g(t, y) or g(t, y, sample), y d × 1, and a reset likewise. What
///                they do, end the solve or change the state, they do to their sample.
/// \return        A solution for each sample.
///
/// Throws nothing of its own: see try_solve().
template <class Method, class Control, class Rhs, class Derived, class... Events>
[[nodiscard]] std::vector<SampleEvents<detail::ColumnOf<Derived>>> try_solve_events(
    Rhs&& rhs, const Eigen::MatrixBase<Derived>& y0, const std::vector<std::array<double, 2>>& spans,
    const std::tuple<Events...>& events, const Method& method, const PerSample<Control>& policy) {
  using Column = detail::ColumnOf<Derived>;
  using State = detail::BatchOf<Derived>;
  using Function = std::remove_reference_t<Rhs>;
  std::vector<SampleEvents<Column>> results;
  if constexpr (detail::PerSampleCheck<Method, Control, Function, State>::value &&
                detail::SampleEventsCheck<Column, Events...>::value) {
    constexpr bool direct =
        TwoPartMethod<Method> || (RightHandSide<Function, Column> && !SampleIdsRightHandSide<Function, State> &&
                                  !SampleTimesRightHandSide<Function, State>);
    using Single = std::conditional_t<direct, Function, detail::OfColumn<Function, State, Column>>;
    if constexpr (detail::EventsCheck<Method, Single, Column, detail::EventOfSample<Events>...>::value &&
                  detail::SolveCheck<Method, Control, Single, Column>::value) {
      const SolveStatus checked = detail::status_of([&] {
        if (Index(spans.size()) != y0.cols()) throw ShapeError("solve: times", "lists", Index(spans.size()), y0.cols());
        for (const std::array<double, 2>& span : spans) detail::require_times(span);
        detail::require_followable_by_each(policy.control, rhs, y0);
      });
      Stepper<Method, Column> stepper;
      results.reserve(std::size_t(y0.cols()));
      for (Index j = 0; j < y0.cols(); ++j) {
        const double t0 = checked.ok() ? spans[std::size_t(j)][0] : 0;
        const Column y = y0.col(j);
        results.push_back({{.trajectory = Trajectory<Column>(t0, y), .y = y}, checked});
        if (!checked.ok()) continue;
        const double t1 = spans[std::size_t(j)][1];
        if constexpr (direct) {
          detail::solve_sample(method, policy.control, rhs, t1, events, stepper, j, results.back());
        } else {
          Single single{rhs, j};
          detail::solve_sample(method, policy.control, single, t1, events, stepper, j, results.back());
        }
      }
    }
  }
  return results;
}

/// The same with one span for all.
template <class Method, class Control, class Rhs, class Derived, class... Events>
[[nodiscard]] std::vector<SampleEvents<detail::ColumnOf<Derived>>> try_solve_events(
    Rhs&& rhs, const Eigen::MatrixBase<Derived>& y0, double t0, double t1, const std::tuple<Events...>& events,
    const Method& method, const PerSample<Control>& policy) {
  return try_solve_events(rhs, y0, std::vector<std::array<double, 2>>(std::size_t(y0.cols()), {t0, t1}), events, method,
                          policy);
}

/// The events of every sample. All are solved to their ends before the first failure is thrown.
/// \throws As solve_events() of one sample; the failure says which.
template <class Method, class Control, class Rhs, class Derived, class... Events>
[[nodiscard]] std::vector<SampleEvents<detail::ColumnOf<Derived>>> solve_events(
    Rhs&& rhs, const Eigen::MatrixBase<Derived>& y0, double t0, double t1, const std::tuple<Events...>& events,
    const Method& method, const PerSample<Control>& policy) {
  detail::require_startable_by_each(policy.control, rhs, y0);
  detail::require_times(std::array<double, 2>{t0, t1});
  auto results = try_solve_events(rhs, y0, t0, t1, events, method, policy);
  for (const auto& result : results) result.status.raise();
  return results;
}

}  // namespace pathline
