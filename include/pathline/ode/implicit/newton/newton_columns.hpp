/// \file
/// What the solvers of implicit equations share. docs/maths.md, section 3.
///
/// The columns of a batch are independent samples: each keeps a Jacobian of its own for as long as that serves well,
/// and its result does not depend on its neighbours.
#pragma once

#include <pathline/ode/concepts.hpp>
#include <pathline/ode/implicit/newton/jacobian.hpp>
#include <pathline/ode/implicit/newton/newton_goal.hpp>
#include <pathline/ode/solve_checks.hpp>
#include <pathline/ode/stepper.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace pathline::detail {

/// Counts what the equations of implicit steps cost, and remembers where they could not be solved.
class EquationSolver {
 public:
  /// dy = f(t, y), counted.
  template <class Rhs, class State>
  void evaluate(Rhs& rhs, double t, const State& y, State& dy) {
    detail::evaluate(rhs, t, y, dy);
    ++evaluations_;
  }

  /// Whether all entries are; remembers the first that is not, and that it is this fault at t.
  template <class State>
  [[nodiscard]] bool finite(const State& X, EquationFault fault, double t) {
    if (X.allFinite()) return true;
    SolveFailure at;
    blame_first_nonfinite(X, at);
    return blame(at.component, at.sample, fault, t);
  }

  [[nodiscard]] Index evaluations() const { return evaluations_; }  ///< The differences' included.
  [[nodiscard]] Index iterations() const { return iterations_; }
  [[nodiscard]] Index failed_sample() const { return failed_sample_; }        ///< Of the last failure.
  [[nodiscard]] Index failed_component() const { return failed_component_; }  ///< Of Newton's: the largest correction.
  [[nodiscard]] EquationFault fault() const { return fault_; }
  [[nodiscard]] double failed_at() const { return failed_at_; }  ///< When something was not finite.

 protected:
  /// Remembers a failure; false, for the caller to return.
  bool blame(Index component, Index sample, EquationFault fault, double t) {
    failed_component_ = component;
    failed_sample_ = sample;
    fault_ = fault;
    failed_at_ = t;
    return false;
  }

  Index evaluations_ = 0, iterations_ = 0;

 private:
  Index failed_sample_ = -1, failed_component_ = -1;
  EquationFault fault_ = EquationFault::none;
  double failed_at_ = 0;
};

/// How the iteration of one column stands, and how well its Jacobian serves.
template <Real Scalar>
struct NewtonColumn {
  Scalar size = -1;       // of the last correction; negative before the first
  Scalar worst_rate = 0;  // since forget_slow_jacobians()
  bool stale = true, factored = false, done = false;
  bool doubted = false;  // in this iteration, by a Jacobian of its own: once is enough

  void forget() {
    stale = true;
    worst_rate = 0;
  }
};

/// The columns of a batch. `Column` is a NewtonColumn with a `slow_rate`, from which on a Jacobian serves badly, and
/// renew(), called when there is a new one.
template <OdeState State, class Column>
class NewtonColumns : public EquationSolver {
 public:
  using Scalar = typename State::Scalar;

  /// The next step computes the Jacobians anew.
  void forget_jacobians() {
    for (Column& column : columns_) column.forget();
  }

  /// What later steps read of one that was solved, of so many columns: the Jacobians, none of which is stale then, and
  /// how well they have served. Factors follow from these, to the bit.
  [[nodiscard]] static Index carried_size(Index d, Index n) { return (d * d + 1) * n; }
  void carry(Scalar* to) const {
    to = std::copy_n(J_.data(), J_.size(), to);
    for (const Column& column : columns_) {
      eigen_assert(!column.stale);
      *to++ = column.worst_rate;
    }
  }
  /// After a reset.
  void carry_on(const Scalar* from, Index d) {
    J_.resize(d, d * Index(columns_.size()));
    std::copy_n(from, J_.size(), J_.data());
    from += J_.size();
    for (Column& column : columns_) {
      column.worst_rate = *from++;
      column.stale = column.factored = false;
    }
  }
  /// Bytes of the heap: Jacobians, twice, and columns without what each of these holds.
  [[nodiscard]] static std::size_t storage_bytes(Index d, Index n) {
    return 2 * heap_bytes<Scalar>(d * d * n) + std::size_t(n) * sizeof(Column);
  }

  /// The same for the columns whose Jacobian has served badly since the last call: once a step.
  void forget_slow_jacobians() {
    for (Column& column : columns_) {
      if (column.worst_rate > Column::slow_rate) column.forget();
      column.worst_rate = 0;
    }
  }

 protected:
  void reset_columns(const State& y) {
    resize_columns(columns_, y.cols());
    forget_jacobians();
    evaluations_ = iterations_ = 0;
  }

  /// Whether some column of those that which(column) names needs a new Jacobian.
  template <class Which>
  [[nodiscard]] bool any_stale(const Which& which) const {
    return std::any_of(columns_.begin(), columns_.end(),
                       [&](const Column& column) { return column.stale && !column.done && which(column); });
  }

  /// New Jacobians at (t, Y) for these; F = f(t, Y).
  template <class Rhs, class Which>
  void renew_jacobians(Rhs& rhs, double t, const State& Y, const State& F, Index d, double h, const NewtonGoal& goal,
                       const Which& which) {
    evaluations_ += jacobian_.evaluate(rhs, t, Y, F, d, h, goal);
    for (Index j = 0; j < Y.cols(); ++j) {
      Column& column = columns_[std::size_t(j)];
      if (!column.stale || column.done || !which(column)) continue;
      J_.middleCols(j * d, d) = jacobian_.of_column(j);
      column.stale = column.factored = false;
      column.renew();
    }
  }

  /// factor(j, J) for the columns whose Jacobian or step has changed.
  template <class Factor>
  void factor_columns(Index d, const Factor& factor) {
    Index j = 0;
    for (Column& column : columns_) {
      if (!column.factored && !column.done) {
        factor(j, J_.middleCols(j * d, d));
        column.factored = true;
      }
      ++j;
    }
  }

  /// Whether an iterate, or a correction, of this size has left the numbers by itself: f is not finite there because
  /// Newton's method diverges.
  [[nodiscard]] static bool runs_away(Scalar size) { return !(size < std::sqrt(std::numeric_limits<Scalar>::max())); }

  /// Blames the Jacobian of column j, evaluated at t, if it is not finite, else the linear system.
  bool blame_system(Index j, Index d, double t) {
    for (Index i = 0; i < d; ++i)
      if (!J_.middleCols(j * d, d).row(i).allFinite()) return blame(i, j, EquationFault::jacobian, t);
    return blame(0, j, EquationFault::singular_matrix, t);
  }

  PerColumn<State, Column> columns_;
  StoredJacobians<State> J_;

 private:
  BatchJacobian<State> jacobian_;
};

}  // namespace pathline::detail
