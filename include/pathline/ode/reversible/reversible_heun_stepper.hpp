/// \file
/// Reversible Heun, and one step of it. docs/maths.md, (6.13); Kidger, Foster, Li & Lyons, Efficient and accurate
/// gradients for neural SDEs, NeurIPS 2021, arXiv 2105.13493, section 3.
#pragma once

#include <pathline/ode/concepts.hpp>
#include <pathline/ode/control/error_control.hpp>
#include <pathline/ode/control/trial_error.hpp>
#include <pathline/ode/stepper.hpp>
#include <pathline/ode/tableau/set_entries.hpp>

#include <array>

namespace pathline {

/// Order 2 for one evaluation a step, reversible, with an estimate of order 1. Its region of stability is a piece of
/// the imaginary axis: where solutions decay fast, Reversible<Heun> is stable and this is not.
struct ReversibleHeun {
  static constexpr int order = 2, embedded_order = 1;
};

/// The solution is y; its companion ŷ starts at y, and f is evaluated at ŷ alone:
///     ŷ⁺ = 2y - ŷ + h f(t, ŷ),   y⁺ = y + ½h (f(t, ŷ) + f(t⁺, ŷ⁺)).
/// Not for use by two threads at once.
template <OdeState State>
class Stepper<ReversibleHeun, State> {
 public:
  using Scalar = typename State::Scalar;
  static constexpr bool fsal = false, has_error = true;
  static constexpr int error_order = detail::error_exponent<ReversibleHeun>;

  /// Starts at y without evaluating anything. Allocates only when the shape is new.
  void reset(const State& y) {
    y_ = hat_ = y;
    for (State* state : {&next_, &hat_next_, &error_, &K_[0], &K_[1]}) detail::take_shape(*state, y);
    first_stage_ready_ = false;
    evaluations_ = 0;
  }

  /// Evaluates f(t, ŷ) unless the last step left it there; true if it was evaluated.
  template <class Rhs>
  bool prepare(Rhs& rhs, double t) {
    if (first_stage_ready_) return false;
    evaluate(rhs, t, hat_, K_[0]);
    first_stage_ready_ = true;
    return true;
  }

  /// Forgets f(t, ŷ): the right-hand side has changed. Both states stay.
  void restart() { first_stage_ready_ = false; }

  /// Tries a step from (t, y) to t_next = t + h. y() and companion() stay.
  template <class Rhs>
  void step(Rhs& rhs, double t, double h) {
    step(rhs, t, h, t + h);
  }
  template <class Rhs>
  void step(Rhs& rhs, double t, double h, double t_next, LastStage /*last*/ = LastStage::evaluate) {
    prepare(rhs, t);
    h_ = h;
    t_next_ = t_next;
    detail::set_entries(
        hat_next_, [length = Scalar(h)](auto y, auto hat, auto k) { return (y + y) - hat + length * k; }, y_, hat_,
        K_[0]);
    evaluate(rhs, t_next, hat_next_, K_[1]);
    detail::set_entries(
        next_, [half = Scalar(0.5 * h)](auto y, auto k, auto k_next) { return y + half * (k + k_next); }, y_, K_[0],
        K_[1]);
  }

  /// Moves on to the end of the step tried last.
  void accept() {
    detail::move_state(next_, y_);
    detail::move_state(hat_next_, hat_);
    detail::move_state(K_[1], K_[0]);
    first_stage_ready_ = true;
  }

  /// The norm of ½h (f(t⁺, ŷ⁺) - f(t, ŷ)), the difference from Euler's step.
  template <class Rhs, AdaptiveControl Control>
  double estimate_error(const Rhs& rhs, const Control& control) {
    write_error(error_);
    return detail::measured_error(control, detail::error_part(rhs, error_), detail::error_part(rhs, y_),
                                  detail::error_part(rhs, next_));
  }
  void write_error(State& error) const {
    detail::set_entries(
        error, [half = Scalar(0.5 * h_)](auto k, auto k_next) { return half * (k_next - k); }, K_[0], K_[1]);
  }

  /// f(t, ŷ) at the start of the step tried last; before accept().
  template <class Rhs>
  const State& start_slope(Rhs& /*rhs*/, double /*t*/) {
    return K_[0];
  }

  /// Evaluates at the end, t, of an Euler step of length h, for the choice of the first step; overwrites stage(1).
  template <class Rhs>
  void probe(Rhs& rhs, double t, double h) {
    detail::set_entries(
        hat_next_, [length = Scalar(h)](auto y, auto k) { return y + length * k; }, y_, K_[0]);
    evaluate(rhs, t, hat_next_, K_[1]);
  }

  [[nodiscard]] const State& y() const { return y_; }               ///< At the start of the step.
  [[nodiscard]] const State& y_next() const { return next_; }       ///< At its end.
  [[nodiscard]] const State& companion() const { return hat_; }     ///< ŷ at the start of the step.
  [[nodiscard]] const State& error() const { return error_; }       ///< After estimate_error().
  [[nodiscard]] double h() const { return h_; }                     ///< Of the step tried last.
  [[nodiscard]] double t_next() const { return t_next_; }           ///< Where it ends, exactly.
  [[nodiscard]] Index evaluations() const { return evaluations_; }  ///< Since reset().
  [[nodiscard]] Index newton_iterations() const { return 0; }
  /// f(t, ŷ), i = 0, and f(t⁺, ŷ⁺), i = 1; valid until accept().
  [[nodiscard]] const State& stage(int i) const { return K_[i == 0 ? 0 : 1]; }

 private:
  template <class Rhs>
  void evaluate(Rhs& rhs, double t, const State& y, State& dy) {
    detail::evaluate(rhs, t, y, dy);
    ++evaluations_;
  }

  State y_, hat_, next_, hat_next_, error_;
  std::array<State, 2> K_;
  double h_ = 0, t_next_ = 0;
  Index evaluations_ = 0;
  bool first_stage_ready_ = false;
};

}  // namespace pathline
