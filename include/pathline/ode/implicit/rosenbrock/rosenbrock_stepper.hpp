/// \file
/// One step of a Rosenbrock method, as an object that owns all the storage of a step. docs/maths.md, (3.11);
/// Hairer & Wanner II, section IV.7.
///
/// The unknowns are u_i = Σ γ_ij k_j of the tableau, so that stage by stage
/// (I - hγJ) u_i = hγ f(t + α_i h, y + Σ a_ij u_j) + γ Σ c_ij u_j + h²γγ_i ∂f/∂t,
/// with J and ∂f/∂t at the start of the step and one factorisation for all stages of a column.
#pragma once

#include <pathline/ode/implicit/implicit_stepper.hpp>
#include <pathline/ode/implicit/newton/jacobian.hpp>
#include <pathline/ode/implicit/newton/newton_columns.hpp>
#include <pathline/ode/implicit/newton/newton_goal.hpp>
#include <pathline/ode/implicit/newton/solve_factored.hpp>
#include <pathline/ode/implicit/rosenbrock/rosenbrock_tableau.hpp>
#include <pathline/ode/stepper.hpp>
#include <pathline/ode/tableau/weighted_stages.hpp>

#include <Eigen/LU>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

namespace pathline {
namespace detail {

/// The first `Count` of the weights that a function gives, as weighted_stages() reads them.
template <int Count, auto Function>
struct WeightsOf {
  static constexpr int count = Count;
  static constexpr auto weights = Function();
  static constexpr double weight(int j) { return weights[std::size_t(j)]; }
};

/// Weights of the increments u_j: rows of α and of -Γ⁻¹, of which what is left of the diagonal is read, the solution,
/// its error and own slopes.
template <class Method>
struct IncrementWeights {
  static constexpr auto tableau = Method::tableau;
  using Weights = std::array<double, std::size_t(tableau.stages)>;

  template <int I>
  static constexpr Weights stage() {
    Weights row{};
    for (int j = 0; j < tableau.stages; ++j) row[std::size_t(j)] = tableau.alpha(I, j);
    return in_increments(tableau, row);
  }
  template <int I>
  static constexpr Weights coupling() {
    Weights row{};
    row[std::size_t(I)] = -1;
    return in_increments(tableau, row);
  }
  static constexpr Weights solution() { return in_increments(tableau, tableau.b); }
  static constexpr Weights error() {
    Weights row = tableau.b;
    for (std::size_t j = 0; j < row.size(); ++j) row[j] -= tableau.b_embedded[j];
    return in_increments(tableau, row);
  }
  static constexpr Weights start_slope() { return in_increments(tableau, Method::start_slope); }
  static constexpr Weights end_slope() { return in_increments(tableau, Method::end_slope); }
};

template <class Method, int I>
using IncrementsOfStage = WeightsOf<I, &IncrementWeights<Method>::template stage<I>>;
template <class Method, int I>
using IncrementsOfCoupling = WeightsOf<I, &IncrementWeights<Method>::template coupling<I>>;
template <class Method>
using IncrementsOfSolution = WeightsOf<Method::tableau.stages, &IncrementWeights<Method>::solution>;
template <class Method>
using IncrementsOfError = WeightsOf<Method::tableau.stages, &IncrementWeights<Method>::error>;
template <class Method>
using IncrementsOfStartSlope = WeightsOf<Method::tableau.stages, &IncrementWeights<Method>::start_slope>;
template <class Method>
using IncrementsOfEndSlope = WeightsOf<Method::tableau.stages, &IncrementWeights<Method>::end_slope>;

/// Whether own slopes, where there are some, make a cubic of the order that the method allows.
template <class Method>
constexpr bool slopes_hold() {
  if constexpr (SlopedRosenbrockMethod<Method>)
    return cubic_order_reached(Method::tableau, Method::start_slope, Method::end_slope) ==
           std::min(Method::tableau.order, 3);
  else
    return true;
}

/// The linear systems of a step: the derivatives at its start and, of every column, the factors of I - hγJ.
template <OdeState State>
class RosenbrockSystems : public EquationSolver {
 public:
  using Scalar = typename State::Scalar;

  void reset(const State& y) {
    time_derivative_.resizeLike(y);
    resize_columns(factors_, y.cols());
    linearized_ = false;
    evaluations_ = 0;
  }

  /// The state, or the right-hand side, is another one.
  void forget_derivatives() { linearized_ = false; }

  /// Derivatives at (t, y), unless a trial before has left them, and factors; false where f or a derivative is not
  /// finite.
  /// \param f        f(t, y).
  /// \param t_next   The end of the step, t + h.
  /// \param h_gamma  hγ.
  template <class Rhs>
  [[nodiscard]] bool linearize(Rhs& rhs, double t, double h, double t_next, double h_gamma, const State& y,
                               const State& f, const NewtonGoal& goal) {
    const Index d = y.rows();
    if (!linearized_) {
      if (!finite(f, EquationFault::right_hand_side, t)) return false;
      evaluations_ += jacobian_.evaluate(rhs, t, y, f, d, h_gamma, goal, Differences::central);
      differentiate_by_time(rhs, t, h, t_next, y, f);
      for (Index j = 0; j < y.cols(); ++j)
        for (Index i = 0; i < d; ++i)
          if (!jacobian_.of_column(j).row(i).allFinite()) return blame(i, j, EquationFault::jacobian, t);
      if (!finite(time_derivative_, EquationFault::time_derivative, t)) return false;
      linearized_ = true;
    }
    for (Index j = 0; j < y.cols(); ++j)
      factor_identity_minus(h_gamma, jacobian_.of_column(j), M_, factors_[std::size_t(j)]);
    return true;
  }

  /// U = (I - hγJ)⁻¹ R of every column.
  void solve(const State& R, State& U) const {
    for (Index j = 0; j < R.cols(); ++j) detail::solve_factored(factors_[std::size_t(j)], R.col(j), U.col(j));
  }

  [[nodiscard]] const State& time_derivative() const { return time_derivative_; }  ///< ∂f/∂t at the start.

 private:
  template <class Rhs>
  void differentiate_by_time(Rhs& rhs, double t, double h, double t_next, const State& y, const State& f) {
    if constexpr (HasTimeDerivative<Rhs, State>) {
      rhs.time_derivative(t, y, time_derivative_);
    } else {
      // Rounding of t, ε|t| / δ, and the curvature of f over times of the length of the step, δ / h, are equal.
      const double eps = std::numeric_limits<Scalar>::epsilon(), length = std::abs(h);
      // Two roots, and h twice in a stage: the product of two times, or h², may be no number.
      const double rounding = eps * std::max(std::abs(t), std::abs(t_next));
      const double delta = std::min(length, std::sqrt(rounding) * std::sqrt(length));
      const double moved = t + std::copysign(delta, h);
      evaluate(rhs, moved, y, time_derivative_);
      const Scalar distance = Scalar(moved - t);
      // A distance too short to divide by: what f changes by in the step is below the rounding of f.
      if (std::abs(distance) < std::numeric_limits<Scalar>::min() / std::numeric_limits<Scalar>::epsilon())
        time_derivative_.setZero();
      else
        time_derivative_ = (time_derivative_ - f) / distance;
    }
  }

  State time_derivative_;
  BatchJacobian<State> jacobian_;
  SystemMatrix<State> M_;
  PerColumn<State, Eigen::PartialPivLU<SystemMatrix<State>>> factors_;
  bool linearized_ = false;  // the derivatives belong to the start of the step
};

}  // namespace detail

/// Storage is sized by the first state of a shape and kept (rows above 16: Eigen's LU may allocate). Columns do not
/// know each other: with fixed steps a column's result is the same bits in any batch. Not for use by two threads at
/// once.
template <RosenbrockMethod Method, OdeState State>
class Stepper<Method, State> : public detail::ImplicitStepper<Method, State, detail::RosenbrockSystems<State>> {
  using Base = detail::ImplicitStepper<Method, State, detail::RosenbrockSystems<State>>;
  using Base::y_, Base::next_, Base::error_, Base::solver_, Base::h_, Base::t_next_, Base::solved_;

 public:
  using Base::has_error, Base::stages, Base::step, Base::estimate_error;
  using typename Base::Scalar;
  static constexpr bool fsal = first_same_as_last(Method::tableau);
  /// (I - hγJ)⁻¹ is not applied to the error estimate again: a solution that is not stiffly accurate is wrong in the
  /// stiff components too, and the estimate must show it.
  static constexpr bool filters_error = false;

  using Carried = NothingCarried;
  [[nodiscard]] static std::size_t storage_bytes(Index rows, Index path_rows, Index columns) {
    using detail::heap_bytes;
    const std::size_t column =
        sizeof(Eigen::PartialPivLU<detail::SystemMatrix<State>>) + detail::heap_bytes_of_factors<Scalar>(path_rows);
    return (stages + 9) * heap_bytes<Scalar>(rows * columns) + std::size_t(columns) * column +
           heap_bytes<Scalar>(path_rows * path_rows * columns) + heap_bytes<Scalar>(path_rows * path_rows);
  }

  /// Starts at y without evaluating anything. Allocates only when the shape is new.
  void reset(const State& y) {
    static_assert(detail::slopes_hold<Method>(), "this method's start_slope and end_slope are not of its order, or 3");
    static_assert(
        SlopedRosenbrockMethod<Method> || !(
                                              requires { Method::start_slope; } || requires { Method::end_slope; }),
        "own slopes of a Rosenbrock method are start_slope and end_slope, a weight for each stage");
    this->start_at(y);
    first_.resizeLike(y);
    last_.resizeLike(y);
    work_.resizeLike(y);
    for (State& increment : U_) increment.resizeLike(y);
    start_slope_ = end_slope_ = y;
    first_stage_ready_ = start_slope_known_ = end_slope_known_ = false;
  }

  /// Forgets f(t, y) and its derivatives: the right-hand side has changed. y stays.
  void restart() {
    first_stage_ready_ = start_slope_known_ = false;
    solver_.forget_derivatives();
  }

  /// Evaluates f(t, y) into stage(0) unless the last step left it there; true if it was evaluated.
  template <class Rhs>
  bool prepare(Rhs& rhs, double t) {
    if (first_stage_ready_) return false;
    solver_.evaluate(rhs, t, y_, first_);
    first_stage_ready_ = true;
    return true;
  }

  /// Tries a step from (t, y) to t_next, which t + h need not round to: stages with α_i = 1 are evaluated there, and
  /// nothing outside of the step. Derivatives are evaluated once for all trials from one t. False if f, a derivative or
  /// a solution is not finite; the error is infinite then. The observer discards all evaluations.
  /// \param goal  The tolerances, which say what sizes of an entry matter to the differences.
  template <class Rhs, class Observer>
  [[nodiscard]] bool step(Rhs& rhs, double t, double h, double t_next, Observer&& observer,
                          const NewtonGoal& goal = {}) {
    static_assert(!may_have_quadratures<Rhs>,
                  "Rosenbrock methods need the Jacobian of all rows, quadratures included: for a right-hand side with "
                  "path_rows() take a diagonally implicit method such as Kvaerno5");
    prepare(rhs, t);
    h_ = h;
    t_next_ = t_next;
    end_slope_known_ = false;
    solved_ = solver_.linearize(rhs, t, h, t_next, h * gamma, y_, first_, goal) && solve_stages<0>(rhs, t);
    observer.discard();
    return solved_ || this->fail();
  }

  /// Moves on to the end of the step tried last.
  void accept() {
    if constexpr (sloped) {
      if (!end_slope_known_) write_end_slope();
      start_slope_.swap(end_slope_);
      start_slope_known_ = true;
    } else if (end_slope_known_) {
      first_.swap(end_slope_);
    }
    first_stage_ready_ = fsal || (!sloped && end_slope_known_);
    if constexpr (fsal) first_.swap(last_);
    y_.swap(next_);
    end_slope_known_ = false;
    solver_.forget_derivatives();
  }

  /// The slope at the start of the step tried last; before accept(). Of a method with own slopes that at the end of the
  /// step before, so that both are one; else f(t, y).
  template <class Rhs>
  const State& start_slope(Rhs& /*rhs*/, double /*t*/) {
    if constexpr (sloped) {
      if (!start_slope_known_) write_slope<detail::IncrementsOfStartSlope<Method>>(start_slope_);
      return start_slope_;
    } else {
      return first_;
    }
  }

  /// The slope at the end of the step tried last, likewise. f where the method has none of its own: the last stage if
  /// that is first same as last, else evaluated once, and f(t, y) of the next step then.
  template <class Rhs>
  const State& end_slope(Rhs& rhs) {
    if constexpr (!sloped && fsal) return last_;
    if (!end_slope_known_) {
      if constexpr (sloped)
        write_end_slope();
      else
        solver_.evaluate(rhs, t_next_, next_, end_slope_);
    }
    end_slope_known_ = true;
    return end_slope_;
  }

  /// Writes e, the solution less that of the partner, of the step tried last, all rows, not filtered; before accept().
  void write_error(State& error) const requires has_error {
    detail::set_sum<detail::IncrementsOfError<Method>>(error, 1, U_);
  }

  /// Evaluates at the end, t, of an Euler step of length h, for the choice of the first step; overwrites stage(1).
  template <class Rhs>
  void probe(Rhs& rhs, double t, double h) requires(stages > 1) {
    next_.noalias() = y_ + Scalar(h) * first_;
    solver_.evaluate(rhs, t, next_, last_);
  }

  /// f at the start of the step for i = 0; else as evaluated last, by probe() or for the last stage.
  [[nodiscard]] const State& stage(int i) const { return i == 0 ? first_ : last_; }
  /// u_{i+1}, i = 0 … s - 1, of the step tried last.
  [[nodiscard]] const State& increment(int i) const {
    eigen_assert(i >= 0 && i < stages);
    return U_[std::size_t(i)];
  }

 private:
  static constexpr double gamma = Method::tableau.gamma;
  static constexpr bool sloped = SlopedRosenbrockMethod<Method>;

  void write_end_slope() { write_slope<detail::IncrementsOfEndSlope<Method>>(end_slope_); }
  template <class Weights>
  void write_slope(State& slope) {
    if (std::isfinite(Scalar(1 / h_)))
      detail::set_sum<Weights>(slope, 1 / h_, U_);
    else  // h is too short to divide by
      slope = first_;
  }

  template <int I, class Rhs>
  bool solve_stages(Rhs& rhs, double t) {
    if constexpr (I < stages) {
      constexpr double alpha = detail::row_sum_of_alpha(Method::tableau, I);
      constexpr double weight_of_time = detail::row_sum_of_gamma(Method::tableau, I);
      using Coupling = detail::IncrementsOfCoupling<Method, I>;
      if constexpr (I > 0) {
        detail::write_sum<detail::IncrementsOfStage<Method, I>>(next_, y_, 1, U_);
        const double t_stage = alpha == 1 ? t_next_ : t + alpha * h_;
        solver_.evaluate(rhs, t_stage, next_, last_);
        if (!solver_.finite(last_, EquationFault::right_hand_side, t_stage)) return false;
      }
      const State& f = I == 0 ? first_ : last_;
      work_ = Scalar(h_ * gamma) * f;
      if constexpr (weight_of_time != 0)
        work_ += Scalar(h_ * gamma * weight_of_time) * (Scalar(h_) * solver_.time_derivative());
      if constexpr (!detail::all_zero<Coupling>) detail::add_sum<Coupling>(work_, gamma, U_);
      solver_.solve(work_, U_[I]);
      return solve_stages<I + 1>(rhs, t);
    } else {
      // With "first same as last" the last stage's input is the solution.
      if constexpr (!fsal) detail::write_sum<detail::IncrementsOfSolution<Method>>(next_, y_, 1, U_);
      return solver_.finite(next_, EquationFault::singular_matrix, t) &&
             solver_.finite(U_[stages - 1], EquationFault::singular_matrix, t);
    }
  }

  State first_, last_, work_;
  std::array<State, std::size_t(stages)> U_;
  State start_slope_, end_slope_;
  bool first_stage_ready_ = false, start_slope_known_ = false, end_slope_known_ = false;
};

}  // namespace pathline
