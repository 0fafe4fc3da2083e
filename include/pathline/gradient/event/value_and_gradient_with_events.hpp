/// \file
/// Gradients through events: a neural ODE whose solve is ended or changed by events, and the derivatives of a loss that
/// reads when these took place and where:
/// ```
/// const auto result = value_and_gradient_with_events(
///     ode, y0, std::vector{0., 2.}, std::tuple(bounce), [](const auto& path, auto& bar) {
///       bar.hits[1].t = 1;
///       return path.hits[1].t;  // of the second bounce
///     });
/// result.events[0];  // its derivative by the bounce's restitution
/// ```
/// docs/gradients.md, "Events"; docs/maths.md, (6.17) and (6.18).
#pragma once

#include <pathline/core/data_ref.hpp>
#include <pathline/core/errors.hpp>
#include <pathline/core/policies.hpp>
#include <pathline/core/types.hpp>
#include <pathline/gradient/event/differentiable_event.hpp>
#include <pathline/gradient/event/event_path.hpp>
#include <pathline/gradient/event/event_way_back.hpp>
#include <pathline/gradient/neural_ode.hpp>
#include <pathline/nn/parameters.hpp>
#include <pathline/ode/solve_checks.hpp>

#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace pathline {
namespace detail {

/// One readable line for each event or ode that does not fit.
template <class Ode, class... Events>
struct EventGradientCheck {
  using Parts = std::remove_cvref_t<decltype(PartsAccess::parts(std::declval<const Ode&>()))>;
  static constexpr bool differentiable = (is_differentiable_event<Events> && ...);
  static_assert(differentiable, "value_and_gradient_with_events: an event must be a DifferentiableEvent");
  static constexpr bool scalars = [] {
    if constexpr (differentiable) return (std::same_as<typename Events::Scalar, typename Ode::Scalar> && ...);
    return true;
  }();
  static_assert(scalars,
                "value_and_gradient_with_events: an event's parameters must be of the ode's scalar: give Vector<float> "
                "or Vector<double>, also where there are none");
  static constexpr bool no_cost = !requires { requires Parts::Gradient::has_step_cost; };
  static_assert(no_cost, "value_and_gradient_with_events: a cost of the steps has no derivative by events");
  static constexpr bool one_sample = !Parts::each_sample;
  static_assert(one_sample,
                "value_and_gradient_with_events: a solve with events is of one sample: give its step control without "
                "PerSample");
  static constexpr bool value = differentiable && scalars && no_cost && one_sample;
};

template <Real Scalar, class Parts>
void check_event_solve(const Parts& parts, ConstBatchRef<Scalar> y0, std::span<const double> times,
                       ConstBatchRef<Scalar> context) {
  require_parameter_count("NeuralOde", parts.field.parameters().size(), parts.parameter_count);
  require_finite_parameters("NeuralOde", parts.field.parameters());
  require_batch_rows("NeuralOde: y0", y0.rows(), y0.cols(), parts.field.dim());
  require_finite("NeuralOde: y0", y0);
  if (y0.cols() != 1)
    throw ShapeError("NeuralOde: y0 of a solve with events", "columns", y0.cols(), 1,
                     "each sample has events of its own: solve one at a time");
  require_times(times);
  require_batch_rows("NeuralOde: context", context.rows(), context.cols(), parts.context_rows());
  if (context.rows() == 0) return;
  require_columns("NeuralOde: context", context.cols(), 1);
  require_finite("NeuralOde: context", context);
}

/// Zeros for each number of the path.
template <Real Scalar>
[[nodiscard]] EventPathBar<Scalar> zero_bar(const EventPath<Scalar>& path) {
  const Batch<Scalar> zero = Batch<Scalar>::Zero(path.y.rows(), 1);
  EventPathBar<Scalar> bar;
  bar.hits.assign(path.hits.size(), {0, zero});
  bar.states.assign(path.states.size(), zero);
  bar.y = zero;
  return bar;
}

/// A loss can resize what it is given, and is the user's. \param reached  Output times up to the end of the solve.
template <Real Scalar>
void check_event_bar(const EventPath<Scalar>& path, const EventPathBar<Scalar>& bar, std::size_t reached) {
  const char* const advice = "the loss adds to the cotangents that it is given";
  const auto require = [&](const char* what, const char* kind, std::size_t got, std::size_t expected) {
    if (got != expected) throw ShapeError(what, kind, Index(got), Index(expected), advice);
  };
  require("value_and_gradient_with_events: cotangents of the hits", "entries", bar.hits.size(), path.hits.size());
  require("value_and_gradient_with_events: cotangents of the states", "entries", bar.states.size(), path.states.size());
  const auto require_column = [&](const Batch<Scalar>& one) {
    require("value_and_gradient_with_events: a cotangent of a state", "rows", std::size_t(one.rows()),
            std::size_t(path.y.rows()));
    require("value_and_gradient_with_events: a cotangent of a state", "columns", std::size_t(one.cols()), 1);
  };
  require_column(bar.y);
  for (const auto& hit : bar.hits) require_column(hit.y);
  for (const Batch<Scalar>& state : bar.states) require_column(state);
  for (std::size_t k = reached; k < bar.states.size(); ++k)
    if (!bar.states[k].isZero(0))
      throw DataError({"value_and_gradient_with_events: the cotangent of state ", k,
                       " is not 0, though an event ended the solve before its time; leave such states out of the "
                       "loss: path.terminated, path.t"});
}

}  // namespace detail

/// The solution of one sample from times.front() to times.back(), or to the first event that ends it, with the events
/// on the way. The solve is that of solve_events(): states at `times` are values of its dense output, and FixedSteps
/// counts the steps of the whole.
///
/// \param y0       At times.front(), d × 1.
/// \param events   std::tuple of `DifferentiableEvent`.
/// \param context  c × 1; may be left out where the field reads time alone.
/// \throws ShapeError, DataError, ArgumentError on bad input; SolveError as solve_events() does.
template <class Ode, class... Events>
[[nodiscard]] EventPath<typename Ode::Scalar> solve_with_events(
    const Ode& ode, ConstDataRef<typename Ode::Scalar> y0, std::span<const double> times,
    const std::tuple<Events...>& events, ConstDataRef<typename Ode::Scalar> context = Batch<typename Ode::Scalar>()) {
  using Check = detail::EventGradientCheck<Ode, Events...>;
  EventPath<typename Ode::Scalar> path;
  if constexpr (Check::value) {
    const auto& parts = detail::PartsAccess::parts(ode);
    detail::check_event_solve<typename Ode::Scalar>(parts, y0, times, context);
    detail::EventSolve<typename Check::Parts, Events...>(parts, events, y0, times, context).solve(path);
  }
  return path;
}

/// Value and gradients of `loss(path, bar) -> Scalar`, which reads an `EventPath` and adds to its `EventPathBar`: times
/// and states of events, states at `times`, the end. The solution is that of solve_with_events().
///
/// On the way back each piece between two resets is solved once more and recorded as the ode's gradient method does it:
/// with steps that end at the events and output times inside of it, or, with `OutputTimes::interpolate`, with steps of
/// which these are read off. One piece is in memory at a time. Events are differentiated by the implicit function
/// theorem. The derivatives are those of the solution: they differ from those of the numbers computed by the error of
/// the solve and of its dense output. Where a small change adds or removes an event the derivative does not exist; this
/// is not detected.
///
/// \throws As solve_with_events(); GrazingEventError for an event whose time has no derivative, if it ends the solve or
///         changes the state, or the loss reads it; ShapeError, DataError for cotangents that do not fit.
template <class Ode, class... Events, class Loss>
[[nodiscard]] EventValueAndGradient<typename Ode::Scalar> value_and_gradient_with_events(
    const Ode& ode, ConstDataRef<typename Ode::Scalar> y0, std::span<const double> times,
    const std::tuple<Events...>& events, Loss&& loss,
    ConstDataRef<typename Ode::Scalar> context = Batch<typename Ode::Scalar>()) {
  using Scalar = typename Ode::Scalar;
  using Check = detail::EventGradientCheck<Ode, Events...>;
  EventValueAndGradient<Scalar> result;
  if constexpr (Check::value) {
    const auto& parts = detail::PartsAccess::parts(ode);
    detail::check_event_solve<Scalar>(parts, y0, times, context);
    detail::EventSolve<typename Check::Parts, Events...> solve(parts, events, y0, times, context);
    EventPath<Scalar> path;
    solve.solve(path);
    result.forward = solve.statistics();
    EventPathBar<Scalar> bar = detail::zero_bar(path);
    result.value = loss(std::as_const(path), bar);
    detail::check_event_bar(path, bar, solve.reached());
    solve.go_back(path, bar, result);
  }
  return result;
}

}  // namespace pathline
