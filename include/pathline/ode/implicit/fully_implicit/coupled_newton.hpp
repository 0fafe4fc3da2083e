/// \file
/// Newton's method for all stages of a fully implicit step together, Z_i = h Σ a_ij f(t + c_j h, y + Z_j), of every
/// column of a batch at once. docs/maths.md, (3.6); Hairer & Wanner II, section IV.8.
///
/// As in newton.hpp, columns are independent samples with a Jacobian, factors (stage_systems.hpp) and an end of their
/// own, and no correction by an older Jacobian is taken on trust. One Jacobian serves all stages: that of the stage
/// nearest to the middle of the step, at its first guess, or that of the last stage where some stage may be unsolved.
#pragma once

#include <pathline/ode/concepts.hpp>
#include <pathline/ode/implicit/fully_implicit/fully_implicit_tableau.hpp>
#include <pathline/ode/implicit/fully_implicit/stage_systems.hpp>
#include <pathline/ode/implicit/newton/jacobian.hpp>
#include <pathline/ode/implicit/newton/newton_columns.hpp>
#include <pathline/ode/implicit/newton/newton_goal.hpp>
#include <pathline/ode/stepper.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

namespace pathline {

namespace detail {

/// Its corrections are measured in units of the goal.
template <Real Scalar>
struct CoupledColumn : NewtonColumn<Scalar> {
  static constexpr Scalar slow_rate = Scalar(0.005);
  int iterations = 0;      // since begin()
  int since_renewal = -1;  // corrections by a Jacobian that was computed since begin(); -1: it is older
  bool late = false;       // that Jacobian is, or is to be, of the last stage
  bool predicted = false;

  void begin(bool with_prediction) {
    this->size = -1;
    iterations = 0;
    since_renewal = -1;
    this->done = this->doubted = late = false;
    predicted = with_prediction;
  }
  void renew() {
    since_renewal = 0;
    this->size = -1;
  }
};

}  // namespace detail

/// Storage of the iteration. After the first state of a shape nothing is allocated (path rows above 16: Eigen's LU
/// may).
template <FullyImplicitMethod Method, OdeState State>
class CoupledNewton : public detail::NewtonColumns<State, detail::CoupledColumn<typename State::Scalar>> {
  using Column = detail::CoupledColumn<typename State::Scalar>;
  using Base = detail::NewtonColumns<State, Column>;
  using Base::columns_, Base::iterations_, Base::J_;

 public:
  using Base::evaluate;
  using typename Base::Scalar;
  static constexpr int stages = Method::tableau.stages;
  using Stages = std::array<State, std::size_t(stages)>;
  /// Whether A has a real eigenvalue, whose factors filter() applies.
  static constexpr bool has_filter = detail::StageSystems<Method, State>::spectrum.real > 0;

  /// Prepares for states of the shape of y, without a Jacobian.
  void reset(const State& y) {
    for (State& F : F_) F.resizeLike(y);
    for (State& defect : defects_) defect.setZero(y.rows(), y.cols());
    for (State& defect : last_defects_) defect.resizeLike(y);
    Y_.resizeLike(y);
    systems_.resize(y.cols());
    this->reset_columns(y);
  }

  /// Bytes of the heap that it holds.
  [[nodiscard]] static std::size_t storage_bytes(Index rows, Index d, Index n) {
    return Base::storage_bytes(d, n) + std::size_t(n) * detail::StageSystems<Method, State>::bytes_of_column(d) +
           (3 * stages + 1) * detail::heap_bytes<Scalar>(rows * n);
  }

  /// Solves for the path rows of Z of all columns; the rows below must be 0. False when a column does not converge.
  /// \param y          State at t, the start of the step.
  /// \param predicted  Whether the first guess is more than 0. A column that it leads astray starts again from 0.
  template <class Rhs>
  [[nodiscard]] bool solve(Rhs& rhs, double t, double h, double t_next, const State& y, bool predicted, Stages& Z,
                           const NewtonGoal& goal = {}) {
    const Index d = detail::path_rows(rhs, y);
    for (Column& column : columns_) {
      if (h != h_) column.factored = false;
      column.begin(predicted);
    }
    h_ = h;
    for (bool converged = false; !converged; ++iterations_) {
      evaluate_stages(rhs, t, t_next, y, Z);
      refresh(rhs, t, t_next, y, Z, d, goal);
      converged = true;
      for (Index j = 0; j < y.cols(); ++j) {
        Column& column = columns_[std::size_t(j)];
        if (column.done) continue;
        if (!iterate(column, j, d, y, Z, goal)) {
          if (!column.predicted) return blame_column(j, d, t, t_next);
          for (State& stage : Z) stage.col(j).setZero();
          column.forget();
          column.begin(false);
        }
        converged = converged && column.done;
      }
    }
    return true;
  }

  /// Leaves f(t + c_i h, y + Z_i) in derivative(i).
  template <class Rhs>
  void evaluate_stages(Rhs& rhs, double t, double t_next, const State& y, const Stages& Z) {
    for (int i = 0; i < stages; ++i) {
      Y_ = y + Z[std::size_t(i)];
      evaluate(rhs, stage_time(i, t, t_next), Y_, F_[std::size_t(i)]);
    }
  }

  /// e becomes (I - hγ₀J)⁻¹ e in the path rows of every column, γ₀ the real eigenvalue of A.
  template <class Rhs>
  void filter(const Rhs& rhs, State& e) requires has_filter {
    const Index d = detail::path_rows(rhs, e);
    for (Index j = 0; j < e.cols(); ++j) {
      auto column = e.col(j).head(d);
      systems_.filter(j, column);
    }
  }

  [[nodiscard]] const State& derivative(int i) const { return F_[std::size_t(i)]; }

 private:
  using StageColumns = typename detail::StageSystems<Method, State>::StageColumns;

  static constexpr auto inverse = detail::inverse(Method::tableau.matrix());
  /// The stage whose node is nearest to 1/2.
  static constexpr int middle = [] {
    constexpr auto c = Method::tableau.c;
    const auto distance = [&](int i) { return detail::size_of(c[std::size_t(i)] - 0.5); };
    int nearest = 0;
    for (int i = 1; i < stages; ++i)
      if (distance(i) < distance(nearest)) nearest = i;
    return nearest;
  }();

  [[nodiscard]] double stage_time(int i, double t, double t_next) const {
    const double c = Method::tableau.c[std::size_t(i)];
    return c == 1 ? t_next : t + c * h_;
  }

  /// New Jacobians and new factors, where they are wanted.
  template <class Rhs>
  void refresh(Rhs& rhs, double t, double t_next, const State& y, const Stages& Z, Index d, const NewtonGoal& goal) {
    J_.resize(d, d * y.cols());
    for (const bool late : {false, true}) {
      const auto waits = [late](const Column& column) { return column.late == late; };
      if (!this->any_stale(waits)) continue;
      const int stage = late ? stages - 1 : middle;
      const State& F = F_[std::size_t(stage)];
      Y_ = y + Z[std::size_t(stage)];
      this->renew_jacobians(rhs, stage_time(stage, t, t_next), Y_, F, d, h_, goal, waits);
    }
    this->factor_columns(d, [&](Index j, const auto& J) { systems_.factor(j, J, h_); });
  }

  /// One correction of column j; false when it is not finite, or the iteration will not reach the goal.
  bool iterate(Column& column, Index j, Index d, const State& y, Stages& Z, const NewtonGoal& goal) {
    constexpr Scalar eps = std::numeric_limits<Scalar>::epsilon();
    correct(j, d, Z);
    if (!correction_.allFinite()) return false;
    const Scalar moved = correction_.cwiseAbs().maxCoeff();
    Scalar scale = std::numeric_limits<Scalar>::min();
    for (Index i = 0; i < d; ++i) scale = std::max(scale, magnitude(y, Z, i, j));
    const Scalar size = goal.rounding() ? moved / scale : in_tolerances(goal, j, y, Z);
    const Scalar wanted = goal.rounding() ? 4 * eps : Scalar(0.01);  // κ of Hairer & Wanner II, equation IV.8.10
    const int left = (goal.rounding() ? 50 : 10) - ++column.iterations;

    const bool first = column.size < 0, renewed = column.since_renewal >= 0;
    const Scalar rate = first ? Scalar(1) : size / column.size;
    const Scalar eta = rate < 1 ? rate / (1 - rate) : std::numeric_limits<Scalar>::infinity();
    // By an older Jacobian a first correction says nothing: where the problem was stiffer then, it is far too short.
    const bool telling = !first || (goal.rounding() && renewed);
    const bool stalled = !first && rate >= Scalar(0.5) && moved <= 1000 * eps * scale;
    const bool reached =
        telling && (moved == 0 || stalled || eta * size <= wanted || (goal.rounding() && size <= wanted));
    const bool doubtful =
        reached && !column.doubted && moved != 0 && in_doubt(column, first, wanted, j, d, y, Z, goal, scale);
    column.done = reached && !doubtful;
    if (!first && moved > 1000 * eps * scale) column.worst_rate = std::max(column.worst_rate, rate);
    column.size = size;
    if (renewed) ++column.since_renewal;
    if (column.done) return true;

    if (left == 0) return false;
    if (doubtful) {
      column.doubted = column.late && goal.rounding();
      column.stale = !column.late;
      column.late = true;
    }
    if (first || doubtful) return true;
    // Whether it will take too long at this rate; to rounding, a fixed step has no other choice than to go on.
    const bool hopeless = !goal.rounding() && !(eta * size * std::pow(rate, Scalar(left)) <= wanted);
    if (hopeless && renewed) return false;
    const bool slow = hopeless || rate > (goal.rounding() ? Scalar(0.1) : Scalar(0.3));
    column.stale = slow && (!renewed || column.since_renewal > 4);
    return true;
  }

  /// Z -= (I - hA⊗J)⁻¹ (Z - h (A⊗I) F) in column j.
  void correct(Index j, Index d, Stages& Z) {
    residual_.resize(d, stages);
    for (int i = 0; i < stages; ++i) {
      residual_.col(i) = Z[std::size_t(i)].col(j).head(d);
      for (int l = 0; l < stages; ++l)
        residual_.col(i) -= Scalar(h_ * Method::tableau.A(i, l)) * F_[std::size_t(l)].col(j).head(d);
    }
    systems_.solve(j, residual_, correction_);
    // Not A⁻¹ times the residual, by which the rounding of a stiff stage would spread to the others.
    for (int i = 0; i < stages; ++i) {
      auto defect = defects_[std::size_t(i)].col(j).head(d);
      last_defects_[std::size_t(i)].col(j).head(d) = defect;
      defect = Scalar(-h_) * F_[std::size_t(i)].col(j).head(d);
      for (int l = 0; l < stages; ++l)
        defect += Scalar(inverse[std::size_t(i)][std::size_t(l)]) * Z[std::size_t(l)].col(j).head(d);
    }
    for (int i = 0; i < stages; ++i) Z[std::size_t(i)].col(j).head(d) -= correction_.col(i);
  }

  /// Whether some entry of the defects h (K_i - f(y + Z_i)), K = A⁻¹Z / h, is unsolved: the Jacobian of one stage may
  /// be far too stiff for another.
  bool in_doubt(const Column& column, bool first, Scalar wanted, Index j, Index d, const State& y, const Stages& Z,
                const NewtonGoal& goal, Scalar scale) {
    constexpr Scalar eps = std::numeric_limits<Scalar>::epsilon();
    rounding_.setZero(d);
    const bool renewed = column.since_renewal >= 0;
    for (Index i = 0; i < d && (column.late || renewed); ++i)
      rounding_ += J_.col(j * d + i).cwiseAbs() * magnitude(y, Z, i, j);
    for (std::size_t s = 0; s < std::size_t(stages); ++s) {
      // A Jacobian of another step, or of an earlier stage, does not say how exactly f is computed here.
      const bool tells = column.late || (renewed && s == std::size_t(middle));
      const Scalar h = tells ? Scalar(std::abs(h_)) : Scalar(0);
      for (Index i = 0; i < d; ++i) {
        const Scalar unit = goal.rounding() ? scale : detail::tolerance(goal, i, magnitude(y, Z, i, j));
        const Scalar before = first ? 0 : last_defects_[s](i, j);
        const Scalar rounding = 16 * eps * (h * rounding_(i) + magnitude(y, Z, i, j));
        if (detail::unsolved(defects_[s](i, j), before, wanted * unit, rounding)) return true;
      }
    }
    return false;
  }

  /// The largest entry in row i of column j in the step.
  [[nodiscard]] static Scalar magnitude(const State& y, const Stages& Z, Index i, Index j) {
    Scalar result = std::abs(y(i, j));
    for (const State& stage : Z) result = std::max(result, std::abs(y(i, j) + stage(i, j)));
    return result;
  }

  /// The largest entry of the correction in units of its tolerance.
  [[nodiscard]] Scalar in_tolerances(const NewtonGoal& goal, Index j, const State& y, const Stages& Z) const {
    Scalar worst = 0;
    for (Index i = 0; i < correction_.rows(); ++i)
      worst =
          std::max(worst, correction_.row(i).cwiseAbs().maxCoeff() / detail::tolerance(goal, i, magnitude(y, Z, i, j)));
    return worst;
  }

  /// Remembers where and why Newton's method failed; false, for the caller to return.
  bool blame_column(Index j, Index d, double t, double t_next) {
    // The derivatives are checked first: the solution of a linear system spreads a NaN over all entries.
    const bool away = this->runs_away(Y_.col(j).head(d).cwiseAbs().maxCoeff());
    for (int s = 0; s < stages; ++s)
      for (Index i = 0; i < d; ++i)
        if (!std::isfinite(F_[std::size_t(s)](i, j)))
          return this->blame(i, j, away ? EquationFault::no_convergence : EquationFault::right_hand_side,
                             stage_time(s, t, t_next));
    if (!correction_.allFinite()) {
      const bool late = columns_[std::size_t(j)].late;
      return this->blame_system(j, d, stage_time(late ? stages - 1 : middle, t, t_next));
    }
    Index worst = 0;
    correction_.cwiseAbs().rowwise().maxCoeff().maxCoeff(&worst);
    return this->blame(worst, j, EquationFault::no_convergence, t);
  }

  Stages F_, defects_, last_defects_;
  State Y_;
  detail::SystemColumns<State, 1> rounding_;
  detail::StageSystems<Method, State> systems_;
  StageColumns residual_, correction_;
  double h_ = 0;
};

}  // namespace pathline
