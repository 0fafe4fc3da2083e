/// \file
/// Newton's method for one implicit stage, Y = base + hγ f(t, Y), of every column of a batch at once. docs/maths.md,
/// (3.3) and (3.4); Hairer & Wanner II, section IV.8.
///
/// Columns are independent samples, so each has its own small Jacobian (path rows only), its own factors of I - hγJ and
/// its own end of the iteration: a column's result does not depend on its neighbours. The right-hand side is always
/// called with the whole batch. Jacobian and factors serve all stages of a step, and further steps while they do well;
/// a column whose corrections fall too slowly gets a new Jacobian at once.
#pragma once

#include <pathline/ode/concepts.hpp>
#include <pathline/ode/implicit/newton/jacobian.hpp>
#include <pathline/ode/implicit/newton/newton_columns.hpp>
#include <pathline/ode/implicit/newton/newton_goal.hpp>
#include <pathline/ode/implicit/newton/solve_factored.hpp>
#include <pathline/ode/stepper.hpp>

#include <Eigen/LU>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace pathline {

namespace detail {

template <OdeState State>
struct SingleStageColumn : NewtonColumn<typename State::Scalar> {
  using Scalar = typename State::Scalar;
  static constexpr Scalar slow_rate = Scalar(0.02);
  Eigen::PartialPivLU<SystemMatrix<State>> factors{};
  SystemColumns<State, 1> delta{};
  bool renewed = false, was_renewed = false;  // in this stage, before the coming correction and before the last

  void renew() { renewed = true; }
};

}  // namespace detail

/// Storage of the iteration. After the first state of a shape nothing is allocated (path rows above 16: Eigen's LU
/// may).
template <OdeState State>
class NewtonSolver : public detail::NewtonColumns<State, detail::SingleStageColumn<State>> {
  using Column = detail::SingleStageColumn<State>;
  using Base = detail::NewtonColumns<State, Column>;
  using Base::columns_, Base::iterations_, Base::J_;

 public:
  using Base::evaluate;
  using typename Base::Scalar;

  /// Prepares for states of the shape of y, without a Jacobian.
  void reset(const State& y) {
    F_.resizeLike(y);
    defect_.setZero(y.rows(), y.cols());
    last_defect_.resizeLike(y);
    this->reset_columns(y);
  }

  /// Bytes of the heap that it holds.
  [[nodiscard]] static std::size_t storage_bytes(Index rows, Index d, Index n) {
    using detail::heap_bytes;
    const std::size_t column = detail::heap_bytes_of_factors<Scalar>(d) + heap_bytes<Scalar>(d);
    return Base::storage_bytes(d, n) + std::size_t(n) * column + heap_bytes<Scalar>(d * d) +
           3 * heap_bytes<Scalar>(rows * n);
  }

  /// Solves Y = base + h_gamma · f(t, Y) for the path rows of all columns; rows below them stay. False when a column
  /// does not converge.
  /// \param start  State at the start of the step, for the size of rounding errors and tolerances.
  /// \param Y      In: the first guess. Out: the solution.
  template <class Rhs>
  [[nodiscard]] bool solve(Rhs& rhs, double t, double h_gamma, const State& start, const State& base, State& Y,
                           const NewtonGoal& goal = {}) {
    const Index d = detail::path_rows(rhs, Y);
    const bool other_matrix = h_gamma != h_gamma_;
    h_gamma_ = h_gamma;
    for (Column& column : columns_) {
      if (other_matrix) column.factored = false;
      column.size = -1;
      column.done = column.renewed = column.was_renewed = column.doubted = false;
    }
    const int max_iterations = goal.rounding() ? 50 : 10;
    bool converged = false;
    for (int k = 0; k < max_iterations && !converged; ++k) {
      evaluate(rhs, t, Y);
      refresh(rhs, t, Y, d, goal);
      converged = true;
      for (Index j = 0; j < Y.cols(); ++j) {
        Column& column = columns_[std::size_t(j)];
        if (!column.done && !iterate(column, j, d, start, base, Y, goal)) return blame_column(j, d, t);
        converged = converged && column.done;
      }
      ++iterations_;
    }
    for (Index j = 0; j < Y.cols() && !converged; ++j)
      if (!columns_[std::size_t(j)].done) return blame_column(j, d, t);
    return true;
  }

  /// The same, and K = (Y - base) / h_gamma, the derivative of the stage. For quadrature rows K is f at the
  /// solution, and Y follows from it.
  template <class Rhs>
  [[nodiscard]] bool solve_stage(Rhs& rhs, double t, double h_gamma, const State& start, const State& base, State& Y,
                                 State& K, const NewtonGoal& goal = {}) {
    if (!solve(rhs, t, h_gamma, start, base, Y, goal)) return false;
    const Index d = detail::path_rows(rhs, Y), quadratures = Y.rows() - d;
    if (Scalar(h_gamma) == 0)  // of a step that is no number in this scalar, between two times next to each other
      K.topRows(d) = F_.topRows(d);
    else
      K.topRows(d) = (Y.topRows(d) - base.topRows(d)) / Scalar(h_gamma);
    if (quadratures > 0) {
      evaluate(rhs, t, Y);
      K.bottomRows(quadratures) = F_.bottomRows(quadratures);
      Y.bottomRows(quadratures) = base.bottomRows(quadratures) + Scalar(h_gamma) * K.bottomRows(quadratures);
    }
    return true;
  }

  /// derivative() = f(t, y), counted.
  template <class Rhs>
  void evaluate(Rhs& rhs, double t, const State& y) {
    evaluate(rhs, t, y, F_);
  }

  /// e becomes (I - hγJ)⁻¹ e in the path rows of every column, by the factors of the last stage.
  template <class Rhs>
  void filter(const Rhs& rhs, State& e) {
    const Index d = detail::path_rows(rhs, e);
    for (Index j = 0; j < e.cols(); ++j) {
      Column& column = columns_[std::size_t(j)];
      detail::solve_factored(column.factors, e.col(j).head(d), column.delta);
      e.col(j).head(d) = column.delta;
    }
  }

  [[nodiscard]] const State& derivative() const { return F_; }  ///< Of the last evaluation.

 private:
  static constexpr Scalar kappa = Scalar(0.01);

  /// New Jacobians and new factors of I - hγJ, where they are wanted.
  template <class Rhs>
  void refresh(Rhs& rhs, double t, const State& Y, Index d, const NewtonGoal& goal) {
    J_.resize(d, d * Y.cols());
    const auto all = [](const Column&) { return true; };
    if (this->any_stale(all)) this->renew_jacobians(rhs, t, Y, F_, d, h_gamma_, goal, all);
    this->factor_columns(d, [&](Index j, const auto& J) {
      detail::factor_identity_minus(h_gamma_, J, M_, columns_[std::size_t(j)].factors);
    });
  }

  /// Remembers where and why Newton's method failed at t; false, for the caller to return.
  bool blame_column(Index j, Index d, double t) {
    const auto& delta = columns_[std::size_t(j)].delta;
    // The derivative is checked first: the solution of a linear system spreads a NaN over all entries.
    const bool away = this->runs_away(columns_[std::size_t(j)].size);
    for (Index i = 0; i < d; ++i)
      if (!std::isfinite(F_(i, j)))
        return this->blame(i, j, away ? EquationFault::no_convergence : EquationFault::right_hand_side, t);
    Index worst = 0;
    for (Index i = 0; i < d; ++i) {
      if (!std::isfinite(delta(i))) return this->blame_system(j, d, t);
      if (std::abs(delta(i)) > std::abs(delta(worst))) worst = i;
    }
    return this->blame(worst, j, EquationFault::no_convergence, t);
  }

  /// One correction of column j; false when it is not finite, or grows although the Jacobian is new.
  bool iterate(Column& column, Index j, Index d, const State& start, const State& base, State& Y,
               const NewtonGoal& goal) {
    constexpr Scalar eps = std::numeric_limits<Scalar>::epsilon();
    last_defect_.col(j).head(d) = defect_.col(j).head(d);
    defect_.col(j).head(d) = Y.col(j).head(d) - base.col(j).head(d) - Scalar(h_gamma_) * F_.col(j).head(d);
    detail::solve_factored(column.factors, defect_.col(j).head(d), column.delta);
    Y.col(j).head(d) -= column.delta;
    const Scalar size = column.delta.cwiseAbs().maxCoeff();
    if (!std::isfinite(size)) return false;
    const Scalar scale = std::max(Y.col(j).head(d).cwiseAbs().maxCoeff(), start.col(j).head(d).cwiseAbs().maxCoeff());
    const Scalar noise = std::max(scale, base.col(j).head(d).cwiseAbs().maxCoeff());
    const bool first = column.size < 0;
    const Scalar rate = first ? Scalar(1) : size / column.size;
    // By a Jacobian of an older stage a first correction says nothing: where the problem was stiffer then, it is far
    // too short.
    const bool telling = !first || (goal.rounding() && column.renewed);
    // To rounding: the remaining error is about size · rate / (1 - rate). Where rounding itself stops the
    // contraction, the larger bound ends it.
    const bool rounded = size <= 4 * eps * scale || (rate < 1 && size * rate / (1 - rate) <= 4 * eps * scale);
    const bool stalled = rate >= Scalar(0.5) && !first && size <= 1000 * eps * noise;
    column.done = telling && (size == 0 || stalled || (goal.rounding() && rounded));
    if (!goal.rounding() && !column.done && telling) column.done = within(goal, column, j, d, start, Y, rate);
    const bool doubtful =
        column.done && size > 0 && !column.doubted && in_doubt(goal, column, first, scale, j, d, base, Y);
    column.done = column.done && !doubtful;
    const bool slow = rate > (goal.rounding() ? Scalar(0.1) : Scalar(0.3));
    column.stale = doubtful ? !column.renewed : !column.done && !first && slow;
    if (doubtful) column.doubted = column.renewed;
    if (!first && size > 1000 * eps * noise) column.worst_rate = std::max(column.worst_rate, rate);
    column.size = size;
    const bool diverges = !goal.rounding() && !column.done && !doubtful && column.was_renewed && rate >= 1;
    column.was_renewed = column.renewed;
    return !diverges;
  }

  /// η · |δ| <= κ in units of the tolerance, η = Θ / (1 - Θ) by the rate Θ of the last two corrections of this stage
  /// (Hairer & Wanner II, equation IV.8.10, where the η of the stage before serves too).
  bool within(const NewtonGoal& goal, const Column& column, Index j, Index d, const State& start, const State& Y,
              Scalar rate) {
    if (!(rate < 1)) return false;
    const Scalar eta = rate / (1 - rate);
    Scalar worst = 0;
    for (Index i = 0; i < d; ++i) {
      const Scalar unit = detail::tolerance(goal, i, std::max(std::abs(start(i, j)), std::abs(Y(i, j))));
      worst = std::max(worst, std::abs(column.delta(i)) / unit);
    }
    return eta * worst <= kappa;
  }

  /// Whether some entry of column j is unsolved.
  bool in_doubt(const NewtonGoal& goal, const Column& column, bool first, Scalar scale, Index j, Index d,
                const State& base, const State& Y) {
    constexpr Scalar eps = std::numeric_limits<Scalar>::epsilon();
    rounding_.setZero(d);  // a Jacobian of another stage does not say how exactly f is computed here
    if (column.renewed) rounding_.noalias() = J_.middleCols(j * d, d).cwiseAbs() * Y.col(j).head(d).cwiseAbs();
    for (Index i = 0; i < d; ++i) {
      const Scalar before = first ? 0 : last_defect_(i, j), size = std::abs(Y(i, j));
      const Scalar allowed = goal.rounding() ? 4 * eps * scale : kappa * detail::tolerance(goal, i, size);
      const Scalar rounding =
          16 * eps * (Scalar(std::abs(h_gamma_)) * rounding_(i) + std::max(size, std::abs(base(i, j))));
      if (detail::unsolved(defect_(i, j), before, allowed, rounding)) return true;
    }
    return false;
  }

  State F_, defect_, last_defect_;
  detail::SystemColumns<State, 1> rounding_;
  detail::SystemMatrix<State> M_;
  double h_gamma_ = 0;
};

}  // namespace pathline
