/// \file
/// Symplectic methods as solvers among others: of a state y = [q; p] whose right-hand side is in two parts. The fronts
/// of solve_separable.hpp take q and p apart and cost no copies.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/ode/concepts.hpp>
#include <pathline/ode/stepper.hpp>
#include <pathline/ode/symplectic/separable_right_hand_side.hpp>
#include <pathline/ode/symplectic/symplectic_method.hpp>
#include <pathline/ode/symplectic/symplectic_stepper.hpp>

namespace pathline {

/// For steps of one length, FixedSteps. Not for use by two threads at once. Allocates only when the shape is new.
template <SymplecticMethod Method, OdeState State>
class Stepper<Method, State> {
  using Half = detail::HalfState<State>;

 public:
  using Scalar = typename State::Scalar;
  static constexpr bool fsal = false, has_error = false;
  using Carried = NothingCarried;
  [[nodiscard]] static std::size_t storage_bytes(Index rows, Index /*path_rows*/, Index columns) {
    return 3 * detail::heap_bytes<Scalar>(rows * columns) + 6 * detail::heap_bytes<Scalar>(rows / 2 * columns);
  }

  /// Starts at y without evaluating anything.
  /// \throws ArgumentError for an odd number of rows.
  void reset(const State& y) {
    if (y.rows() % 2 != 0)
      throw ArgumentError("solve: rows of y of a symplectic method", y.rows(), "an even number: positions, momenta");
    const Index d = y.rows() / 2;
    q_ = y.topRows(d);
    p_ = y.bottomRows(d);
    halves_.reset(q_, p_);
    y_ = y;
    next_.resizeLike(y);
    slope_.setZero(y.rows(), y.cols());
  }

  /// Evaluates what the step begins with, the force or the velocity, unless it is known; true if it was evaluated.
  template <class Rhs>
  bool prepare(Rhs& rhs, double t) {
    if constexpr (SeparatedRightHandSide<Rhs, State>) {
      if (!halves_.prepare(rhs.velocity, rhs.force, t)) return false;
      if constexpr (detail::kicks_first<Method>)
        slope_.bottomRows(halves_.force().rows()) = halves_.force();
      else
        slope_.topRows(halves_.velocity().rows()) = halves_.velocity();
    }
    return true;
  }

  /// Forgets it: the right-hand side has changed. y stays.
  void restart() { halves_.restart(); }

  /// Takes a step from (t, y) to t_next, which t + h need not round to. It goes on from the last one: there is no
  /// second trial.
  template <class Rhs>
  void step(Rhs& rhs, double t, double h, double t_next, LastStage /*last*/ = LastStage::evaluate) {
    static_assert(
        SeparatedRightHandSide<Rhs, State>,
        "a symplectic method needs a right-hand side in two parts: SeparableRightHandSide{velocity, force} of "
        "a state [q; p], or NeuralOde(SeparableField{velocity, force}, ...)");
    if constexpr (SeparatedRightHandSide<Rhs, State>) {
      h_ = h;
      t_next_ = t_next;
      halves_.step(rhs.velocity, rhs.force, t, h, t_next);
      const Index d = halves_.q().rows();
      next_.topRows(d) = halves_.q();
      next_.bottomRows(d) = halves_.p();
    }
  }

  /// Moves on to the end of the step.
  void accept() { y_.swap(next_); }

  [[nodiscard]] const State& y() const { return y_; }                        ///< At the start of the step.
  [[nodiscard]] const State& y_next() const { return next_; }                ///< At its end.
  [[nodiscard]] double h() const { return h_; }                              ///< Of the last step.
  [[nodiscard]] double t_next() const { return t_next_; }                    ///< Where it ends, exactly.
  [[nodiscard]] Index evaluations() const { return halves_.evaluations(); }  ///< Of the force, since reset().
  [[nodiscard]] Index newton_iterations() const { return 0; }
  /// What prepare() has evaluated in its half, and 0 in the other; i = 0.
  [[nodiscard]] const State& stage([[maybe_unused]] int i) const {
    eigen_assert(i == 0);
    return slope_;
  }

 private:
  SymplecticStepper<Method, Half> halves_;
  Half q_, p_;
  State y_, next_, slope_;
  double h_ = 0, t_next_ = 0;
};

}  // namespace pathline
