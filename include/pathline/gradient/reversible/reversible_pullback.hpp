/// \file
/// The way back over a step of an explicit method made reversible: include it, and `Reversible<Dopri5>` trains by
/// Backpropagation in memory that does not grow with the number of steps. docs/maths.md, (6.12).
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/explicit_step_pullback.hpp>
#include <pathline/gradient/recording.hpp>
#include <pathline/gradient/reversible/reversible_recording.hpp>
#include <pathline/gradient/step_pullback.hpp>
#include <pathline/gradient/stepper_pool.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/reversible/reversible_stepper.hpp>
#include <pathline/ode/stepper.hpp>

#include <cstddef>

namespace pathline {

template <CoupledMethod Method>
struct StepRecord<Method> {
  template <Real S>
  using Dynamics = DynamicsView<S>;
  template <Real S, class Storage, bool keep_stages>
  using Recording = ReversibleRecording<S>;
  template <Real S>
  using Memory = StepperPool<typename Method::Base, Batch<S>>;  // runs the halves of a step again
};

/// Both halves of a step are steps of the explicit method: each is run again with its tapes, gives back a state, and is
/// pulled back. λ is the cotangent of y; that of z waits here until the way back is done.
template <CoupledMethod Method, Dynamics G>
class StepPullback<Method, G> {
  using Scalar = typename G::Scalar;
  using Base = typename Method::Base;
  using Slot = SolveSlot<Base, Batch<Scalar>>;
  struct None {};

 public:
  template <class Memory>
  StepPullback(const G& dynamics, typename Workspace<Scalar>::Frame& frame, Memory& memory)
      : again_(memory.at(dynamics.rows(), dynamics.columns())),
        half_(dynamics, frame, none_),
        y_(frame.batch(dynamics.rows(), dynamics.columns())),
        z_(frame.batch(dynamics.rows(), dynamics.columns())),
        z_bar_(frame.batch(dynamics.rows(), dynamics.columns())),
        bar_(frame.batch(dynamics.rows(), dynamics.columns())) {
    detail::fill<Scalar>(z_bar_, 0);
  }

  void begin() {}

  template <class Step, class Record>
  Index finish(const Step& step, View<Scalar> lambda, View<Scalar> theta_bar, Record& record) {
    constexpr auto coupling = Scalar(Method::coupling);
    const auto n = std::size_t(&step - record.steps().data());
    record.restore(n + 1, y_, z_);
    // z⁺ = z + y⁺ - S(y⁺), where S is the step back
    const RecordedStep back{step.t_next, -step.h, step.t, 0, 1}, out{step.t, step.h, step.t_next, 0, 1};
    detail::update<Scalar>(
        z_, [](auto z, auto y, auto end) { return z - (y - end); }, y_, run(back, y_, record));
    detail::set_scaled<Scalar>(-1, z_bar_, bar_);
    Index pullbacks = pull_back(back, theta_bar, record);
    detail::update<Scalar>(
        lambda, [](auto bar, auto z_bar, auto through) { return bar + (z_bar + through); }, z_bar_, bar_);
    // y⁺ = λ (y - z) + S(z)
    detail::update<Scalar>(
        y_, [](auto y, auto z, auto end) { return z + (y - end) * (1 / coupling); }, z_, run(out, z_, record));
    detail::copy<Scalar>(lambda, bar_);
    pullbacks += pull_back(out, theta_bar, record);
    detail::update<Scalar>(
        z_bar_, [](auto z_bar, auto bar, auto through) { return z_bar + (through - coupling * bar); }, lambda, bar_);
    detail::scale<Scalar>(coupling, lambda);
    if (n == 0) {
      record.restore(0, y_, z_);
      detail::add<Scalar>(z_bar_, lambda);  // z starts at y
    }
    return pullbacks;
  }

 private:
  template <class Record>
  struct Taping {
    Record& record;
    std::size_t stage = 0;
    void operator()(double t, const Batch<Scalar>& y, Batch<Scalar>& dy) { record.evaluate(stage++, t, y, dy); }
  };
  /// The end of this step of Base from x.
  template <class Record>
  View<const Scalar> run(const RecordedStep& step, View<const Scalar> x, Record& record) {
    detail::copy<Scalar>(x, again_.y);
    again_.stepper.reset(again_.y);
    Taping<Record> taping{record};
    again_.stepper.step(taping, step.t, step.h, step.t_next, LastStage::skip);
    return again_.stepper.y_next();
  }
  /// Turns bar_ at the end of the step just run into that at its start.
  template <class Record>
  Index pull_back(const RecordedStep& step, View<Scalar> theta_bar, Record& record) {
    half_.begin();
    return half_.finish(step, bar_, theta_bar, record);
  }

  Slot& again_;
  None none_;
  StepPullback<Base, G> half_;
  BatchMap<Scalar> y_, z_, z_bar_, bar_;
};

}  // namespace pathline
