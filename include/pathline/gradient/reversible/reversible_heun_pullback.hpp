/// \file
/// The way back over a step of reversible Heun: include it, and `ReversibleHeun` trains by Backpropagation in memory
/// that does not grow with the number of steps. docs/maths.md, (6.13).
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/reversible/reversible_recording.hpp>
#include <pathline/gradient/step_pullback.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/reversible/reversible_heun_stepper.hpp>

#include <cstddef>

namespace pathline {

template <>
struct StepRecord<ReversibleHeun> {
  template <Real S>
  using Dynamics = DynamicsView<S>;
  template <Real S, class Storage, bool keep_stages>
  using Recording = ReversibleRecording<S>;
  template <Real S>
  struct Memory {};
};

/// A slope f(t, ŷ) is read by two steps: its cotangent waits until the way back comes to its time, and it is pulled
/// back once. λ is the cotangent of y; that of ŷ waits too.
template <Dynamics G>
class StepPullback<ReversibleHeun, G> {
  using Scalar = typename G::Scalar;

 public:
  template <class Memory>
  StepPullback(const G& dynamics, typename Workspace<Scalar>::Frame& frame, Memory& /*memory*/)
      : y_(frame.batch(dynamics.rows(), dynamics.columns())),
        hat_(frame.batch(dynamics.rows(), dynamics.columns())),
        slope_(frame.batch(dynamics.rows(), dynamics.columns())),
        slope_next_(frame.batch(dynamics.rows(), dynamics.columns())),
        hat_bar_(frame.batch(dynamics.rows(), dynamics.columns())),
        slope_bar_(frame.batch(dynamics.rows(), dynamics.columns())),
        mu_(frame.batch(dynamics.path_rows(), dynamics.columns())) {
    detail::fill<Scalar>(hat_bar_, 0);
    detail::fill<Scalar>(slope_bar_, 0);
  }

  void begin() {}

  template <class Step, class Record>
  Index finish(const Step& step, View<Scalar> lambda, View<Scalar> theta_bar, Record& record) {
    const auto& steps = record.steps();
    const auto n = std::size_t(&step - steps.data());
    const auto h = Scalar(step.h), half = Scalar(0.5 * step.h);
    const bool restored = record.restore(n + 1, y_, hat_);
    if (restored || steps[n + 1].t != step.t_next)
      record.evaluate(0, step.t_next, hat_, slope_next_);
    else
      detail::copy<Scalar>(slope_, slope_next_);
    detail::axpy<Scalar>(half, lambda, slope_bar_);
    pull_back(step.t_next, theta_bar, record);
    Index pullbacks = 1;

    detail::update<Scalar>(
        hat_, [h](auto hat, auto y, auto k) { return (y + y) - hat - h * k; }, y_, slope_next_);
    record.evaluate(0, step.t, hat_, slope_);
    detail::update<Scalar>(
        y_, [half](auto y, auto k, auto k_next) { return y - half * (k + k_next); }, slope_, slope_next_);
    detail::update<Scalar>(
        slope_bar_, [h, half](auto, auto hat_bar, auto bar) { return h * hat_bar + half * bar; }, hat_bar_, lambda);
    detail::axpy<Scalar>(2, hat_bar_, lambda);
    detail::scale<Scalar>(-1, hat_bar_);
    if (n == 0 || steps[n - 1].t_next != step.t) {  // after a jump the slope was evaluated anew, for this step alone
      pull_back(step.t, theta_bar, record);
      ++pullbacks;
    }
    if (n == 0) {
      record.restore(0, y_, hat_);
      detail::add<Scalar>(hat_bar_, lambda);  // ŷ starts at y
    }
    return pullbacks;
  }

 private:
  /// The slope at ŷ, evaluated last, has all of its cotangent now.
  template <class Record>
  void pull_back(double t, View<Scalar> theta_bar, Record& record) {
    Scalar t_bar(0);
    record.pullback(0, t, slope_bar_, mu_, theta_bar, t_bar);
    detail::axpy<Scalar>(1, mu_, View<Scalar>(hat_bar_).topRows(mu_.rows()));
    detail::fill<Scalar>(slope_bar_, 0);
  }

  BatchMap<Scalar> y_, hat_, slope_, slope_next_, hat_bar_, slope_bar_, mu_;
};

}  // namespace pathline
