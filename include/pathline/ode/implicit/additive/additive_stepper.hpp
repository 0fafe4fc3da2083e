/// \file
/// One step of an additive Runge–Kutta method for y' = f(t, y) + g(t, y), as an object that owns all the storage of a
/// step. docs/maths.md, (3.12); Kennedy & Carpenter, Appl. Numer. Math. 44 (2003) 139–181.
///
/// Stage by stage Newton's method solves Y = base + hγ g(t + c_i h, Y), where base holds f and g of the stages before;
/// then f is evaluated at Y.
#pragma once

#include <pathline/ode/implicit/additive/additive_tableau.hpp>
#include <pathline/ode/implicit/implicit_stepper.hpp>
#include <pathline/ode/implicit/newton/newton.hpp>
#include <pathline/ode/implicit/stage_predictor.hpp>
#include <pathline/ode/stepper.hpp>
#include <pathline/ode/tableau/weighted_stages.hpp>

#include <array>
#include <cstddef>

namespace pathline {
namespace detail {

// Row I of the explicit tableau, and of the implicit one left of its diagonal.
template <class Method, int I>
struct ExplicitPartWeights {
  static constexpr int count = I;
  static constexpr double weight(int j) { return Method::tableau.explicit_part().A(I, j); }
};
template <class Method, int I>
struct ImplicitPartWeights {
  static constexpr int count = I;
  static constexpr double weight(int j) { return Method::tableau.implicit_part().A(I, j); }
};

}  // namespace detail

/// Storage is sized by the first state of a shape and kept (path rows above 16: Eigen's LU may allocate). Columns do
/// not know each other: with fixed steps a column's result is the same bits in any batch. Not for use by two threads
/// at once.
template <AdditiveMethod Method, OdeState State>
class Stepper<Method, State> : public detail::ImplicitStepper<Method, State, NewtonSolver<State>> {
  using Base = detail::ImplicitStepper<Method, State, NewtonSolver<State>>;
  using Base::y_, Base::next_, Base::error_, Base::solver_, Base::h_, Base::t_next_, Base::solved_;

 public:
  using Base::has_error, Base::stages, Base::step, Base::estimate_error;
  using typename Base::Scalar;
  static constexpr bool fsal = false;
  /// Whether (I - hγJ)⁻¹ is applied to the error estimate, as in diagonally_implicit_stepper.hpp.
  static constexpr bool filters_error = detail::partner_amplifies<Method>();

  /// Starts at y without evaluating anything. Allocates only when the shape is new.
  void reset(const State& y) {
    this->start_at(y);
    base_.resizeLike(y);
    first_.resizeLike(y);
    probed_.resizeLike(y);
    start_slope_ = end_slope_ = y;
    if constexpr (!ends_in_stage) end_F_ = end_G_ = y;
    for (State& stage : F_) stage.resizeLike(y);
    for (State& stage : G_) stage.resizeLike(y);
    first_stage_ready_ = start_slope_known_ = end_slope_known_ = false;
  }

  /// Forgets the first stage and the Jacobians: the right-hand side has changed. y stays.
  void restart() {
    first_stage_ready_ = start_slope_known_ = false;
    solver_.forget_jacobians();
  }

  /// Evaluates both parts at (t, y) unless a trial before has; true if they were evaluated.
  template <class Rhs>
  bool prepare(Rhs& rhs, double t) {
    if (first_stage_ready_) return false;
    evaluate(rhs, t, y_, F_[0], G_[0]);
    first_ = F_[0] + G_[0];
    first_stage_ready_ = true;
    return true;
  }

  /// Tries a step from (t, y) to t_next, which t + h need not round to: stages with c = 1 are evaluated there. False if
  /// Newton's method does not reach the goal or the explicit part is not finite; the error is infinite then. The
  /// observer discards all evaluations.
  template <class Rhs, class Observer>
  [[nodiscard]] bool step(Rhs& rhs, double t, double h, double t_next, Observer&& observer,
                          const NewtonGoal& goal = {}) {
    prepare(rhs, t);
    h_ = h;
    t_next_ = t_next;
    end_slope_known_ = false;
    solver_.forget_slow_jacobians();
    solved_ = solver_.finite(first_, EquationFault::right_hand_side, t) && solve_stages<1>(rhs, t, goal);
    observer.discard();
    if (!solved_) {
      solver_.forget_jacobians();
      return this->fail();
    }
    next_ = y_;
    detail::add_sum<detail::SolutionWeights<Method>>(next_, h, F_);
    detail::add_sum<detail::SolutionWeights<Method>>(next_, h, G_);
    return true;
  }

  /// Moves on to the end of the step tried last.
  void accept() {
    y_.swap(next_);
    first_stage_ready_ = false;
    if constexpr (ends_in_stage) {
      start_slope_ = F_[stages - 1] + G_[stages - 1];
      start_slope_known_ = true;
    } else if (end_slope_known_) {
      F_[0].swap(end_F_);
      G_[0].swap(end_G_);
      first_.swap(end_slope_);
      first_stage_ready_ = true;
    }
    end_slope_known_ = false;
  }

  /// What a step reads of those before it: the Jacobians.
  struct Carried {
    [[nodiscard]] static Index size(Index /*rows*/, Index path_rows, Index columns) {
      return NewtonSolver<State>::carried_size(path_rows, columns);
    }
  };
  Carried carry(Scalar* to) const {
    solver_.carry(to);
    return {};
  }
  void carry_on(const Carried& /*carried*/, const Scalar* from, Index path_rows) { solver_.carry_on(from, path_rows); }
  [[nodiscard]] static std::size_t storage_bytes(Index rows, Index path_rows, Index columns) {
    return (2 * stages + 10) * detail::heap_bytes<Scalar>(rows * columns) +
           NewtonSolver<State>::storage_bytes(rows, path_rows, columns);
  }

  /// f + g at the start of the step tried last; before accept(). The last stages of the step before where these tell
  /// it, else the first ones of this.
  template <class Rhs>
  const State& start_slope(Rhs& /*rhs*/, double /*t*/) {
    return start_slope_known_ ? start_slope_ : first_;
  }

  /// f + g at the end of the step tried last; before accept(). The last stages where the implicit part ends in one: its
  /// f alone is not at the solution, which it meets to O(h³), and g is not multiplied by a large Jacobian there. Else
  /// evaluated once, and the next step's first stage then.
  template <class Rhs>
  const State& end_slope(Rhs& rhs) {
    if (!end_slope_known_) {
      if constexpr (!ends_in_stage) evaluate(rhs, t_next_, next_, end_F_, end_G_);
      if constexpr (ends_in_stage)
        end_slope_ = F_[stages - 1] + G_[stages - 1];
      else
        end_slope_ = end_F_ + end_G_;
    }
    end_slope_known_ = true;
    return end_slope_;
  }

  /// Writes e = h Σ (b_i - b̂_i) (F_i + G_i) of the step tried last, all rows, not filtered; before accept().
  void write_error(State& error) const requires has_error {
    detail::set_sum<detail::ErrorWeights<Method>>(error, h_, F_);
    detail::add_sum<detail::ErrorWeights<Method>>(error, h_, G_);
  }

  /// Evaluates at the end, t, of an Euler step of length h, for the choice of the first step, into stage(1).
  template <class Rhs>
  void probe(Rhs& rhs, double t, double h) requires(stages > 1) {
    next_.noalias() = y_ + Scalar(h) * first_;
    evaluate(rhs, t, next_, F_[1], G_[1]);
    probed_ = F_[1] + G_[1];
  }

  /// f + g at the start of the step for i = 0, as probed at last for any other; of the parts below.
  [[nodiscard]] const State& stage(int i) const { return i == 0 ? first_ : probed_; }
  /// f of stage i + 1, i = 0 … s - 1, of the step tried last.
  [[nodiscard]] const State& explicit_stage(int i) const { return F_[std::size_t(i)]; }
  /// g of stage i + 1, from Newton's method.
  [[nodiscard]] const State& implicit_stage(int i) const { return G_[std::size_t(i)]; }

 private:
  /// Whether the last stage of the implicit part is the solution, but for f.
  static constexpr bool ends_in_stage = stiffly_accurate(Method::tableau.implicit_part());

  template <class Rhs>
  void evaluate(Rhs& rhs, double t, const State& y, State& f, State& g) {
    evaluate_part(rhs.explicit_part, t, y, f);
    evaluate_part(rhs.implicit_part, t, y, g);
  }
  template <class Part>
  void evaluate_part(Part& part, double t, const State& y, State& dy) {
    solver_.evaluate(part, t, y, dy);
  }

  template <int I, class Rhs>
  bool solve_stages(Rhs& rhs, double t, const NewtonGoal& goal) {
    if constexpr (I < stages) {
      // The first stage was evaluated and predicts nothing: off the slow manifold g points far away.
      using Predictor = detail::PredictorWeights<Method, I, 1>;
      constexpr double c = Method::tableau.c[std::size_t(I)];
      const double t_stage = c == 1 ? t_next_ : t + c * h_, h_gamma = h_ * Method::tableau.implicit_part().gamma();
      base_ = y_;
      detail::add_sum<detail::ExplicitPartWeights<Method, I>>(base_, h_, F_);
      detail::add_sum<detail::ImplicitPartWeights<Method, I>>(base_, h_, G_);
      if constexpr (detail::all_zero<Predictor>)
        next_ = y_;
      else
        detail::write_sum<Predictor>(next_, base_, h_gamma, G_);
      if (!solver_.solve_stage(rhs.implicit_part, t_stage, h_gamma, y_, base_, next_, G_[I], goal)) return false;
      evaluate_part(rhs.explicit_part, t_stage, next_, F_[I]);
      return solver_.finite(F_[I], EquationFault::right_hand_side, t_stage) && solve_stages<I + 1>(rhs, t, goal);
    } else {
      return true;
    }
  }

  State base_, first_, probed_;
  State start_slope_, end_slope_, end_F_, end_G_;
  std::array<State, std::size_t(stages)> F_, G_;
  bool first_stage_ready_ = false, start_slope_known_ = false, end_slope_known_ = false;
};

}  // namespace pathline
