/// \file
/// Backpropagation through symplectic methods: include it, and `Verlet`, `Yoshida4` and `Yoshida6` train the fields
/// that are in two parts.
/// ```
/// NeuralOde ode(SeparableField{velocity, force}, Yoshida4{}, FixedSteps(100));
/// ```
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/parts/symplectic_recording.hpp>
#include <pathline/gradient/step_pullback.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/symplectic/symplectic_method.hpp>

#include <cstddef>

namespace pathline {

template <SymplecticMethod Method>
struct StepRecord<Method> {
  template <Real S>
  using Dynamics = SeparatedDynamicsView<S>;
  template <Real S, class Storage, bool keep_stages>
  using Recording = SymplecticRecording<S, Storage>;
  template <Real S>
  struct Memory {};
};

/// A step is a sequence of kicks and drifts, each of which adds a multiple of what was evaluated at the other half of
/// the state. Taken back one after another, docs/maths.md, (6.22). A step's last
/// evaluation is the next step's first; its cotangent is kept until the way back reaches it.
template <SymplecticMethod Method, Dynamics G>
class StepPullback<Method, G> {
  using Scalar = typename G::Scalar;

 public:
  template <class Memory>
  StepPullback(const G& dynamics, typename Workspace<Scalar>::Frame& frame, Memory& /*memory*/)
      : q_bar_(frame.batch(dynamics.rows() / 2, dynamics.columns())),
        p_bar_(frame.batch(dynamics.rows() / 2, dynamics.columns())),
        slope_bar_(frame.batch(dynamics.rows() / 2, dynamics.columns())),
        scaled_(frame.batch(dynamics.rows() / 2, dynamics.columns())),
        x_bar_(frame.batch(dynamics.rows() / 2, dynamics.columns())) {
    detail::fill<Scalar>(slope_bar_, 0);
  }

  void begin() {}

  template <class Step, class Record>
  Index finish(const Step& step, View<Scalar> lambda, View<Scalar> theta_bar, Record& record) {
    const Index d = q_bar_.rows();
    detail::copy<Scalar>(lambda.topRows(d), q_bar_);
    detail::copy<Scalar>(lambda.bottomRows(d), p_bar_);
    const bool first = !step.follows_on;
    Index pullbacks = 0;
    if constexpr (detail::kicks_first<Method>)
      pullbacks = go_back(step.h, first, record.force, step.forces, p_bar_, record.velocity, step.velocities, q_bar_,
                          theta_bar);
    else
      pullbacks = go_back(step.h, first, record.velocity, step.velocities, q_bar_, record.force, step.forces, p_bar_,
                          theta_bar);
    detail::copy<Scalar>(q_bar_, lambda.topRows(d));
    detail::copy<Scalar>(p_bar_, lambda.bottomRows(d));
    return pullbacks;
  }

 private:
  /// `outer` moves before and after `inner`, which has been evaluated so many times at the end of the step.
  template <class Part>
  Index go_back(double h, bool first, Part& outer, std::size_t outers, View<Scalar> outer_bar, Part& inner,
                std::size_t inners, View<Scalar> inner_bar, View<Scalar> theta_bar) {
    const auto pull_back = [&](Part& part, std::size_t index, View<Scalar> slope_bar, View<Scalar> to) {
      part.pullback(index, slope_bar, x_bar_, theta_bar);
      detail::add<Scalar>(x_bar_, to);
    };
    for (std::size_t i = Method::weights.size(); i-- > 0;) {
      const double length = Method::weights[i] * h;
      detail::axpy<Scalar>(Scalar(length / 2), outer_bar, slope_bar_);
      pull_back(outer, --outers, slope_bar_, inner_bar);
      detail::set_scaled<Scalar>(Scalar(length), inner_bar, scaled_);
      pull_back(inner, --inners, scaled_, outer_bar);
      detail::set_scaled<Scalar>(Scalar(length / 2), outer_bar, slope_bar_);
    }
    if (first) pull_back(outer, --outers, slope_bar_, inner_bar);
    return Index(2 * Method::weights.size() + (first ? 1 : 0));
  }

  BatchMap<Scalar> q_bar_, p_bar_, slope_bar_, scaled_, x_bar_;
};

}  // namespace pathline
