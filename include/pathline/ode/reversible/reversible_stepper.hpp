/// \file
/// One step of an explicit method made reversible: `Reversible` in reversible_methods.hpp. docs/maths.md, (6.11).
#pragma once

#include <pathline/ode/concepts.hpp>
#include <pathline/ode/explicit/explicit_stepper.hpp>
#include <pathline/ode/stepper.hpp>
#include <pathline/ode/tableau/set_entries.hpp>

#include <concepts>

namespace pathline {

/// An explicit method `Base` that is made reversible by coupling two states with λ = `coupling`.
template <class M>
concept CoupledMethod = requires {
  { M::coupling } -> std::convertible_to<double>;
  requires ExplicitMethod<typename M::Base>;
};

/// The solution is y; its companion z starts at y. With S_h(t, x) the end of a step of Base from x at t,
///     y⁺ = λ (y - z) + S_h(t, z),   z⁺ = z + y⁺ - S_{-h}(t⁺, y⁺).
/// K_1 … K_s and the error estimate are those of S_h(t, z). Not for use by two threads at once.
template <CoupledMethod Method, OdeState State>
class Stepper<Method, State> {
  using BaseStepper = Stepper<typename Method::Base, State>;

 public:
  using Scalar = typename State::Scalar;
  static constexpr bool fsal = false, has_error = BaseStepper::has_error;
  static constexpr int error_order = BaseStepper::error_order;

  /// Starts at y without evaluating anything. Allocates only when the shape is new.
  void reset(const State& y) {
    y_ = z_ = y;
    detail::take_shape(next_, y);
    detail::take_shape(z_next_, y);
    out_.reset(y);
    back_.reset(y);
    evaluations_ = 0;
  }

  /// Evaluates K_1 = f(t, z) where it is not known; true if it was evaluated.
  template <class Rhs>
  bool prepare(Rhs& rhs, double t) {
    return out_.prepare(rhs, t);
  }

  /// Forgets K_1: the right-hand side has changed. Both states stay.
  void restart() { out_.restart(); }

  /// Tries a step from (t, y) to t_next = t + h. y() and companion() stay.
  template <class Rhs>
  void step(Rhs& rhs, double t, double h) {
    step(rhs, t, h, t + h);
  }
  template <class Rhs>
  void step(Rhs& rhs, double t, double h, double t_next, LastStage last = LastStage::evaluate) {
    constexpr auto coupling = Scalar(Method::coupling);
    out_.step(rhs, t, h, t_next, last);
    detail::set_entries(
        next_, [coupling](auto y, auto z, auto end) { return coupling * (y - z) + end; }, y_, z_, out_.y_next());
    back_.reset(next_);
    back_.step(rhs, t_next, -h, t, LastStage::skip);
    evaluations_ += back_.evaluations();
    detail::set_entries(
        z_next_, [](auto z, auto y, auto end) { return z + (y - end); }, z_, next_, back_.y_next());
  }

  /// Moves on to the end of the step tried last.
  void accept() {
    detail::move_state(next_, y_);
    detail::move_state(z_next_, z_);
    evaluations_ += out_.evaluations();
    out_.reset(z_);
  }

  /// As the explicit method measures it, in its step from z.
  template <class Rhs, AdaptiveControl Control>
  double estimate_error(const Rhs& rhs, const Control& control) requires has_error {
    return out_.estimate_error(rhs, control);
  }
  template <class Rhs, AdaptiveControl Control>
  detail::TrialError trial_error(const Rhs& rhs, const Control& control) requires has_error {
    return out_.trial_error(rhs, control);
  }
  void write_error(State& error) const requires has_error { out_.write_error(error); }

  /// f(t, z) at the start of the step tried last; before accept().
  template <class Rhs>
  const State& start_slope(Rhs& /*rhs*/, double /*t*/) {
    return out_.stage(0);
  }

  /// For the choice of the first step; overwrites stage(1).
  template <class Rhs>
  void probe(Rhs& rhs, double t, double h) requires(BaseStepper::stages > 1) {
    out_.probe(rhs, t, h);
  }

  [[nodiscard]] const State& y() const { return y_; }                ///< At the start of the step.
  [[nodiscard]] const State& y_next() const { return next_; }        ///< At its end.
  [[nodiscard]] const State& companion() const { return z_; }        ///< z at the start of the step.
  [[nodiscard]] const State& error() const { return out_.error(); }  ///< After estimate_error().
  [[nodiscard]] double h() const { return out_.h(); }                ///< Of the step tried last.
  [[nodiscard]] double t_next() const { return out_.t_next(); }      ///< Where it ends, exactly.
  [[nodiscard]] Index evaluations() const { return evaluations_ + out_.evaluations(); }  ///< Since reset().
  [[nodiscard]] Index newton_iterations() const { return 0; }
  /// K_{i+1} of the step from z tried last; valid until accept().
  [[nodiscard]] const State& stage(int i) const { return out_.stage(i); }

 private:
  State y_, z_, next_, z_next_;
  BaseStepper out_, back_;  // from z, and back from y⁺
  Index evaluations_ = 0;   // without those that out_ counts
};

}  // namespace pathline
