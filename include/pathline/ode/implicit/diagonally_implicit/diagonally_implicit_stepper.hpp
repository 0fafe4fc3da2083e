/// \file
/// One step of a diagonally implicit Runge–Kutta method, as an object that owns all the storage of a step.
/// docs/maths.md, (3.3); Hairer & Wanner II, sections IV.6 and IV.8.
///
/// Stage by stage Newton's method solves Y = base + hγ f(t + c_i h, Y) for the path rows (newton.hpp), and the stage's
/// derivative is (Y - base) / (hγ): where the problem is stiff f(Y) would multiply what Newton's method leaves by a
/// large Jacobian. Quadrature rows need no Newton: their derivative is evaluated at the solved stage.
#pragma once

#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_tableau.hpp>
#include <pathline/ode/implicit/implicit_stepper.hpp>
#include <pathline/ode/implicit/newton/newton.hpp>
#include <pathline/ode/implicit/stage_predictor.hpp>
#include <pathline/ode/stepper.hpp>
#include <pathline/ode/tableau/tableau_checks.hpp>
#include <pathline/ode/tableau/weighted_stages.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>

namespace pathline {

namespace detail {

/// Takes the steps that would ask the right-hand side where it need not exist; see Stepper::stay_within().
template <class Method>
struct ClosingMethod {
  using type = Method;
};
template <class Method>
requires requires { typename Method::Closing; }
struct ClosingMethod<Method> {
  using type = typename Method::Closing;
};

/// Whether `Closing` can stand in for `Method` in a step between others.
template <class Method, class Closing>
constexpr bool closes_alike() {
  if constexpr (std::same_as<Method, Closing>) {
    return true;
  } else {
    constexpr auto T = Method::tableau;
    constexpr auto C = Closing::tableau;
    return tableau_defect(C) == TableauDefect::none && T.stages == C.stages && T.order == C.order &&
           T.embedded_order == C.embedded_order && stiffly_accurate(T) == stiffly_accurate(C) &&
           T.has_explicit_first_stage() == C.has_explicit_first_stage() && nodes_in_step(C) &&
           partner_amplifies<Method>() == partner_amplifies<Closing>();
  }
}

}  // namespace detail

/// Storage is sized by the first state of a shape and kept (path rows above 16: Eigen's LU may allocate). Columns do
/// not know each other: with fixed steps a column's result is the same bits in any batch. Not for use by two threads
/// at once.
template <DiagonallyImplicitMethod Method, OdeState State>
class Stepper<Method, State> : public detail::ImplicitStepper<Method, State, NewtonSolver<State>> {
  using Base = detail::ImplicitStepper<Method, State, NewtonSolver<State>>;
  using Base::y_, Base::next_, Base::error_, Base::solver_, Base::h_, Base::t_next_, Base::solved_;
  static constexpr bool explicit_first = Method::tableau.has_explicit_first_stage();
  static constexpr bool ends_in_stage = stiffly_accurate(Method::tableau);
  using Closing = typename detail::ClosingMethod<Method>::type;
  static constexpr bool closes = !std::same_as<Closing, Method>;

 public:
  using Base::has_error, Base::stages, Base::step, Base::estimate_error;
  using typename Base::Scalar;
  static constexpr bool fsal = first_same_as_last(Method::tableau);
  /// Whether (I - hγJ)⁻¹ is applied to the error estimate: where the partner amplifies infinitely stiff components,
  /// which are no error of the solution. Hosea & Shampine (1996), section 5; Hairer & Wanner II, equation IV.8.19.
  static constexpr bool filters_error = detail::partner_amplifies<Method>();

  /// Starts at y without evaluating anything, with stages wherever the nodes lie. Allocates only when the shape is new.
  void reset(const State& y) {
    static_assert(detail::closes_alike<Method, Closing>(),
                  "Closing must be a method of the same number of stages, first "
                  "and last stage, orders and stability at infinity, with all nodes from 0 to 1");
    this->start_at(y);
    earliest_ = -std::numeric_limits<double>::infinity();
    latest_ = std::numeric_limits<double>::infinity();
    base_.resizeLike(y);
    for (State& stage : K_) stage.resizeLike(y);
    if constexpr (!explicit_first) slope_ = y;
    if constexpr (!ends_in_stage) end_slope_ = y;
    first_stage_ready_ = first_stage_solved_ = started_ = slope_known_ = slope_solved_ = end_slope_known_ = false;
  }

  /// Evaluates f(t, y) into stage(0) unless the last step left it there; true if it was evaluated. Methods without an
  /// explicit first stage need it at the very start alone, where it shows whether f is finite and how long the first
  /// step may be.
  template <class Rhs>
  bool prepare(Rhs& rhs, double t) {
    if (first_stage_ready_ || (started_ && !explicit_first)) return false;
    solver_.evaluate(rhs, t, y_, K_[0]);
    first_stage_ready_ = started_ = true;
    first_stage_solved_ = false;
    return true;
  }

  /// From now on no stage lies outside of the times from a to b: Method::Closing, of the same order and with nodes
  /// within the step, takes the steps of which one would.
  void stay_within(double a, double b) requires(closes) {
    earliest_ = std::min(a, b);
    latest_ = std::max(a, b);
  }

  /// Forgets K_1 and the Jacobians: the right-hand side has changed. y stays.
  void restart() {
    first_stage_ready_ = first_stage_solved_ = started_ = slope_known_ = slope_solved_ = false;
    solver_.forget_jacobians();
  }

  /// Tries a step from (t, y) to t_next, which t + h need not round to: stages with c = 1 are evaluated there. False if
  /// Newton's method does not reach the goal; the error is infinite then. The observer discards all evaluations.
  template <class Rhs, class Observer>
  [[nodiscard]] bool step(Rhs& rhs, double t, double h, double t_next, Observer&& observer,
                          const NewtonGoal& goal = {}) {
    // K_1 of a solved stage carries its rounding and what Newton's method left, divided by the old step: too much for
    // one that is far longer, as after a sliver before an output.
    if (first_stage_solved_ && std::abs(h) > 20 * std::abs(h_)) first_stage_ready_ = false;
    if (prepare(rhs, t)) observer.keep_first_stage();
    if constexpr (!explicit_first) {
      if (first_stage_ready_) slope_.swap(K_[0]);  // K_1 is to be another
      slope_known_ = slope_known_ || first_stage_ready_;
      first_stage_ready_ = false;
    }
    h_ = h;
    t_next_ = t_next;
    end_slope_known_ = false;
    solver_.forget_slow_jacobians();
    closing_ = closes && leaves_span(t, h);
    if (explicit_first && !solver_.finite(K_[0], EquationFault::right_hand_side, t))
      solved_ = false;
    else if (closing_)
      solved_ = solve_by<Closing>(rhs, t, goal);
    else
      solved_ = solve_by<Method>(rhs, t, goal);
    observer.discard();
    if (!solved_) {
      solver_.forget_jacobians();
      return this->fail();
    }
    // The last stage of a stiffly accurate method is the solution.
    if constexpr (!ends_in_stage) detail::write_sum<detail::SolutionWeights<Method>>(next_, y_, h, K_);
    return true;
  }

  /// Moves on to the end of the step tried last.
  void accept() {
    y_.swap(next_);
    first_stage_solved_ = fsal;
    const bool known = ends_in_stage || end_slope_known_;
    (explicit_first ? first_stage_ready_ : slope_known_) = known;
    if (known) (explicit_first ? K_[0] : slope_).swap(ends_in_stage ? K_[stages - 1] : end_slope_);
    slope_solved_ = ends_in_stage;
    end_slope_known_ = false;
  }

  /// What a step reads of those before it: the Jacobians, the length of the last, and the last stage if that is K_1.
  struct Carried {
    double h = 0;
    [[nodiscard]] static Index size(Index rows, Index path_rows, Index columns) {
      return (fsal ? rows * columns : 0) + NewtonSolver<State>::carried_size(path_rows, columns);
    }
  };
  Carried carry(Scalar* to) const {
    if constexpr (fsal) to = std::copy_n(K_[stages - 1].data(), next_.size(), to);
    solver_.carry(to);
    return {h_};
  }
  void carry_on(const Carried& carried, const Scalar* from, Index path_rows) {
    if constexpr (fsal) {
      std::copy_n(from, y_.size(), K_[0].data());
      from += y_.size();
    }
    first_stage_ready_ = first_stage_solved_ = fsal;
    started_ = true;
    h_ = carried.h;
    solver_.carry_on(from, path_rows);
  }
  [[nodiscard]] static std::size_t storage_bytes(Index rows, Index path_rows, Index columns) {
    return (stages + 6) * detail::heap_bytes<Scalar>(rows * columns) +
           NewtonSolver<State>::storage_bytes(rows, path_rows, columns);
  }

  /// f(t, y) at the start of the step tried last; before accept(). Evaluated unless a stage gives it: at most once a
  /// step, by a method such as the midpoint rule.
  template <class Rhs>
  const State& start_slope(Rhs& rhs, double t) {
    if constexpr (explicit_first) return K_[0];
    if (!slope_known_) solver_.evaluate(rhs, t, y_, slope_);
    slope_known_ = true;
    return slope_;
  }

  /// f at the end of the step tried last; before accept(). The last stage where it ends the step: what Newton's method
  /// leaves is not multiplied by a large Jacobian there. Else evaluated once, and known at the next step's start then.
  template <class Rhs>
  const State& end_slope(Rhs& rhs) {
    if constexpr (ends_in_stage) return K_[stages - 1];
    if (!end_slope_known_) solver_.evaluate(rhs, t_next_, next_, end_slope_);
    end_slope_known_ = true;
    return end_slope_;
  }

  /// h times f(t, y) at the start of the step tried last, less its extrapolation from the stages; before accept(). A
  /// kink or jump of f between the start and the first stage shows here, and nowhere in the error estimate.
  template <class Rhs>
  const State& start_misfit(Rhs& rhs, double t) requires(has_error && !explicit_first) {
    if (closing_)
      detail::set_sum<detail::StartWeights<Closing>>(base_, -h_, K_);
    else
      detail::set_sum<detail::StartWeights<Method>>(base_, -h_, K_);
    base_ += Scalar(h_) * start_slope(rhs, t);
    return base_;
  }
  /// Whether the slope at the start was a stage of the step before: evaluated it may point far off a slow manifold.
  [[nodiscard]] bool start_was_solved() const { return slope_solved_; }

  /// Writes e = h Σ (b_i - b̂_i) K_i of the step tried last, all rows, not filtered; before accept().
  void write_error(State& error) const requires has_error {
    if (closing_)
      detail::set_sum<detail::ErrorWeights<Closing>>(error, h_, K_);
    else
      detail::set_sum<detail::ErrorWeights<Method>>(error, h_, K_);
  }

  /// Evaluates at the end, t, of an Euler step of length h, for the choice of the first step; overwrites stage(1).
  template <class Rhs>
  void probe(Rhs& rhs, double t, double h) requires(stages > 1) {
    next_.noalias() = y_ + Scalar(h) * K_[0];
    solver_.evaluate(rhs, t, next_, K_[1]);
  }

  /// Whether Method::Closing took the step tried last.
  [[nodiscard]] bool closing() const { return closing_; }
  /// K_{i+1}, i = 0 … s - 1, of the step tried last; valid until accept().
  [[nodiscard]] const State& stage(int i) const {
    eigen_assert(i >= 0 && i < stages);
    return K_[std::size_t(i)];
  }

 private:
  /// Whether a stage of a step from t lies outside of the times of stay_within().
  [[nodiscard]] bool leaves_span(double t, double h) const {
    constexpr auto c = Method::tableau.c;
    const double first = t + h * *std::min_element(c.begin(), c.end()),
                 last = t + h * *std::max_element(c.begin(), c.end());
    return std::min(first, last) < earliest_ || std::max(first, last) > latest_;
  }

  /// All stages, by the tableau of `Taken`.
  template <class Taken, class Rhs>
  bool solve_by(Rhs& rhs, double t, const NewtonGoal& goal) {
    constexpr int begin = explicit_first ? 1 : 0;
    return first_stage_solved_ ? solve_stages<Taken, begin, 0>(rhs, t, goal)
                               : solve_stages<Taken, begin, begin>(rhs, t, goal);
  }

  /// Stages I to s; `First` is the first stage whose derivative may predict others. A K_1 that was evaluated may not:
  /// off the slow manifold of a stiff problem it points far away.
  template <class Taken, int I, int First, class Rhs>
  bool solve_stages(Rhs& rhs, double t, const NewtonGoal& goal) {
    if constexpr (I < stages) {
      using Predictor = detail::PredictorWeights<Taken, I, First>;
      constexpr double c = Taken::tableau.c[std::size_t(I)];
      const double t_stage = c == 1 ? t_next_ : t + c * h_, h_gamma = h_ * Taken::tableau.gamma();
      detail::write_sum<detail::StageWeights<Taken, I>>(base_, y_, h_, K_);
      if constexpr (detail::all_zero<Predictor>)
        next_ = y_;
      else
        detail::write_sum<Predictor>(next_, base_, h_gamma, K_);
      if (!solver_.solve_stage(rhs, t_stage, h_gamma, y_, base_, next_, K_[std::size_t(I)], goal)) return false;
      return solve_stages<Taken, I + 1, First>(rhs, t, goal);
    } else {
      return true;
    }
  }

  State base_;
  std::array<State, std::size_t(stages)> K_;
  State slope_, end_slope_;          // f(t, y) where it is not K_1; f at the end where it is not K_s
  bool first_stage_ready_ = false;   // K_1 belongs to (t, y)
  bool first_stage_solved_ = false;  // and it was the last stage of a step
  bool slope_known_ = false, end_slope_known_ = false, slope_solved_ = false;
  bool started_ = false;
  double earliest_ = 0, latest_ = 0;  // of stay_within()
  bool closing_ = false;              // the step tried last was Closing's
};

}  // namespace pathline
