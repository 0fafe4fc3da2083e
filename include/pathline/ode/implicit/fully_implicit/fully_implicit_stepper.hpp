/// \file
/// One step of a fully implicit Runge–Kutta method, as an object that owns all the storage of a step. docs/maths.md,
/// (3.6); Hairer & Wanner II, section IV.8.
///
/// Newton's method solves Z_i = h Σ a_ij f(t + c_j h, y + Z_j) for the path rows of all stages together
/// (coupled_newton.hpp), starting from the polynomial through the slopes of the step before. The stages' derivatives
/// are K = A⁻¹Z / h: where the problem is stiff f(y + Z) would multiply what Newton's method leaves by a large
/// Jacobian. Quadrature rows need no Newton: their derivatives are evaluated at the solved stages.
#pragma once

#include <pathline/ode/control/error_control.hpp>
#include <pathline/ode/implicit/fully_implicit/coupled_newton.hpp>
#include <pathline/ode/implicit/fully_implicit/fully_implicit_tableau.hpp>
#include <pathline/ode/implicit/implicit_stepper.hpp>
#include <pathline/ode/stepper.hpp>
#include <pathline/ode/tableau/weighted_stages.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

namespace pathline {

namespace detail {

/// Row I of A⁻¹.
template <class Method, int I>
struct InverseWeights {
  static constexpr int count = Method::tableau.stages;
  static constexpr auto matrix = inverse(Method::tableau.matrix());
  static constexpr double weight(int j) { return matrix[std::size_t(I)][std::size_t(j)]; }
};

}  // namespace detail

/// Storage is sized by the first state of a shape and kept (path rows above 16: Eigen's LU may allocate). Columns do
/// not know each other: with fixed steps a column's result is the same bits in any batch. Not for use by two threads
/// at once.
template <FullyImplicitMethod Method, OdeState State>
class Stepper<Method, State> : public detail::ImplicitStepper<Method, State, CoupledNewton<Method, State>> {
  using Base = detail::ImplicitStepper<Method, State, CoupledNewton<Method, State>>;
  using Base::y_, Base::next_, Base::error_, Base::solver_, Base::h_, Base::t_next_, Base::solved_;

 public:
  using Base::has_error, Base::stages, Base::step;
  using typename Base::Scalar;
  static constexpr bool fsal = false;
  /// Whether (I - hγ₀J)⁻¹ is applied to the error estimate, γ₀ the real eigenvalue of A: infinitely stiff components,
  /// which the partner amplifies, are no error of the solution. Hairer & Wanner II, equation IV.8.19.
  static constexpr bool filters_error = has_error && CoupledNewton<Method, State>::has_filter;

  /// Starts at y without evaluating anything. Allocates only when the shape is new.
  void reset(const State& y) {
    this->start_at(y);
    for (State& stage : Z_) stage.resizeLike(y);
    for (State& stage : K_) stage.resizeLike(y);
    for (State& stage : last_K_) stage.resizeLike(y);
    start_.resizeLike(y);
    if constexpr (!ends_in_stage) end_.resizeLike(y);
    restart();
  }

  /// Evaluates f(t, y) into stage(0): at the very start, where it shows whether f is finite and how long the first step
  /// may be, and where the error estimate reads it, for every step; true if it was evaluated.
  template <class Rhs>
  bool prepare(Rhs& rhs, double t) {
    if (start_ready_ || (started_ && !reads_start)) return false;
    solver_.evaluate(rhs, t, y_, K_[0]);
    start_ = K_[0];
    started_ = start_ready_ = true;
    return true;
  }

  /// Forgets slopes and Jacobians: the right-hand side has changed. y stays.
  void restart() {
    started_ = start_ready_ = end_ready_ = accepted_ = false;
    last_h_ = 0;
    solver_.forget_jacobians();
  }

  /// Tries a step from (t, y) to t_next, which t + h need not round to: stages with c = 1 are evaluated there. False if
  /// Newton's method does not reach the goal; the error is infinite then. The observer discards all evaluations.
  template <class Rhs, class Observer>
  [[nodiscard]] bool step(Rhs& rhs, double t, double h, double t_next, Observer&& observer,
                          const NewtonGoal& goal = {}) {
    prepare(rhs, t);
    t_ = t;
    h_ = h;
    t_next_ = t_next;
    first_try_ = accepted_;
    accepted_ = end_ready_ = false;
    solver_.forget_slow_jacobians();
    const Index d = detail::path_rows(rhs, y_), quadratures = y_.rows() - d;
    const bool predicted = predict(d);
    // The estimate reads f(t, y).
    solved_ = (!reads_start || solver_.finite(start_, EquationFault::right_hand_side, t)) &&
              solver_.solve(rhs, t, h, t_next, y_, predicted, Z_, goal);
    if (solved_ && quadratures > 0) solver_.evaluate_stages(rhs, t, t_next, y_, Z_);
    observer.discard();
    if (!solved_) {
      solver_.forget_jacobians();
      return this->fail();
    }
    write_stages(quadratures);
    detail::write_sum<detail::SolutionWeights<Method>>(next_, y_, h, K_);
    if constexpr (ends_in_stage) next_.topRows(d) = y_.topRows(d) + Z_[stages - 1].topRows(d);
    return true;
  }

  /// Moves on to the end of the step tried last.
  void accept() {
    y_.swap(next_);
    for (std::size_t i = 0; i < std::size_t(stages); ++i) last_K_[i].swap(K_[i]);
    last_h_ = h_;
    start_ready_ = end_ready_;
    if (end_ready_) start_.swap(end_);
    end_ready_ = false;
    accepted_ = true;
  }

  /// What a step reads of those before it: the Jacobians, and the slopes of the last step.
  struct Carried {
    double h = 0;
    [[nodiscard]] static Index size(Index rows, Index path_rows, Index columns) {
      return stages * rows * columns + CoupledNewton<Method, State>::carried_size(path_rows, columns);
    }
  };
  Carried carry(Scalar* to) const {
    for (const State& stage : K_) to = std::copy_n(stage.data(), stage.size(), to);
    solver_.carry(to);
    return {h_};
  }
  void carry_on(const Carried& carried, const Scalar* from, Index path_rows) {
    for (State& stage : last_K_) {
      std::copy_n(from, stage.size(), stage.data());
      from += stage.size();
    }
    last_h_ = carried.h;
    started_ = true;
    solver_.carry_on(from, path_rows);
  }
  [[nodiscard]] static std::size_t storage_bytes(Index rows, Index path_rows, Index columns) {
    return (3 * stages + 5) * detail::heap_bytes<Scalar>(rows * columns) +
           CoupledNewton<Method, State>::storage_bytes(rows, path_rows, columns);
  }

  /// f(t, y) at the start of the step tried last; before accept(). The last stage of the step before where that ended
  /// it: what Newton's method leaves is not multiplied by a large Jacobian there. Else evaluated, unless it is known.
  template <class Rhs>
  const State& start_slope(Rhs& rhs, double t) {
    if constexpr (ends_in_stage)
      if (follows_on()) return last_K_[stages - 1];
    if (!start_ready_) solver_.evaluate(rhs, t, y_, start_);
    start_ready_ = true;
    return start_;
  }

  /// f at the end of the step tried last, likewise; evaluated it is known at the next step's start.
  template <class Rhs>
  const State& end_slope(Rhs& rhs) {
    if constexpr (ends_in_stage) return K_[stages - 1];
    if (!end_ready_) solver_.evaluate(rhs, t_next_, next_, end_);
    end_ready_ = true;
    return end_;
  }

  /// E of the step tried last as the control measures it (error_control.hpp), over the rows that the right-hand side
  /// includes in the error; infinite where Newton's method failed. A first step, or one after a step that was refused,
  /// whose error seems too large gets a second opinion, for one evaluation more (Hairer & Wanner II, equation IV.8.20):
  /// of a transient that the step damps, no error is left then.
  template <class Rhs, AdaptiveControl Control>
  double estimate_error(Rhs& rhs, const Control& control) requires has_error {
    if (!solved_) return std::numeric_limits<double>::infinity();
    write_error(start_, error_);
    const double error = this->measured_error(rhs, control);
    if (!filters_error || !reads_start || first_try_ || !(error > 1 && std::isfinite(error))) return error;
    Z_[0] = y_ - error_;
    solver_.evaluate(rhs, t_, Z_[0], Z_[1]);
    write_error(Z_[1], error_);
    return this->measured_error(rhs, control);
  }

  template <class Rhs>
  double estimate_error(Rhs& rhs, double rtol, double atol) requires has_error {
    return estimate_error(rhs, IController{.rtol = rtol, .atol = atol});
  }

  /// Writes e = h Σ (b_i - b̂_i) K_i - h b̂_0 f(t, y) of the step tried last, all rows, not filtered; before accept().
  void write_error(State& error) const requires has_error { write_error(start_, error); }

  /// Evaluates at the end, t, of an Euler step of length h, for the choice of the first step; overwrites stage(1).
  template <class Rhs>
  void probe(Rhs& rhs, double t, double h) requires(stages > 1) {
    next_.noalias() = y_ + Scalar(h) * K_[0];
    solver_.evaluate(rhs, t, next_, K_[1]);
  }

  /// K_{i+1}, i = 0 … s - 1, of the step tried last; valid until accept().
  [[nodiscard]] const State& stage(int i) const {
    eigen_assert(i >= 0 && i < stages);
    return K_[std::size_t(i)];
  }

 private:
  using Stages = typename CoupledNewton<Method, State>::Stages;
  static constexpr bool ends_in_stage = stiffly_accurate(Method::tableau);
  static constexpr bool reads_start = has_error && Method::tableau.start_embedded != 0;

  /// Whether the step before says something: at the start there is none, and one far shorter shows its rounding.
  [[nodiscard]] bool follows_on() const { return last_h_ != 0 && std::abs(h_) <= 20 * std::abs(last_h_); }

  /// First guess of Z: of the slopes, the polynomial through those of the step before (Hairer & Wanner II, equation
  /// IV.8.5, for any nodes); else 0, and false.
  bool predict(Index d) {
    for (State& stage : Z_) stage.setZero();
    if (!follows_on()) return false;
    constexpr auto T = Method::tableau;
    const auto node = [&](int i) { return T.c[std::size_t(i)]; };
    double guess[stages][stages]{};  // A times the Lagrange polynomials at the new nodes
    for (int l = 0; l < stages; ++l)
      for (int j = 0; j < stages; ++j) {
        double lagrange = 1;
        for (int m = 0; m < stages; ++m)
          if (m != j) lagrange *= (1 + node(l) * h_ / last_h_ - node(m)) / (node(j) - node(m));
        for (int i = 0; i < stages; ++i) guess[i][j] += T.A(i, l) * lagrange;
      }
    for (int i = 0; i < stages; ++i)
      for (int j = 0; j < stages; ++j)
        Z_[std::size_t(i)].topRows(d) += Scalar(h_ * guess[i][j]) * last_K_[std::size_t(j)].topRows(d);
    return true;
  }

  /// K = A⁻¹Z / h in the path rows, the derivatives that were evaluated below them.
  template <int I = 0>
  void write_stages(Index quadratures) {
    if constexpr (I < stages) {
      State& K = K_[std::size_t(I)];
      if (std::isfinite(Scalar(1 / h_)))
        detail::set_sum<detail::InverseWeights<Method, I>>(K, 1 / h_, Z_);
      else  // h is too short to divide by
        K = solver_.derivative(I);
      if (quadratures > 0) K.bottomRows(quadratures) = solver_.derivative(I).bottomRows(quadratures);
      write_stages<I + 1>(quadratures);
    }
  }

  void write_error(const State& start, State& error) const {
    detail::set_sum<detail::ErrorWeights<Method>>(error, h_, K_);
    if constexpr (reads_start) error -= Scalar(h_ * Method::tableau.start_embedded) * start;
  }

  Stages Z_, K_, last_K_;  // last_K_ of the step accepted last, whose length was last_h_
  State start_, end_;      // f(t, y), and f at the end where it is not K_s
  double t_ = 0, last_h_ = 0;
  bool started_ = false, start_ready_ = false, end_ready_ = false, accepted_ = false;
  bool first_try_ = false;  // the step tried last is the first from its start, which a step led to
};

}  // namespace pathline
