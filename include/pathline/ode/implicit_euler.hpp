/// \file
/// Implicit Euler with Newton's method: order 1, L-stable, for stiff problems. docs/maths.md, sections 2 and 3.
///
/// Columns are independent samples, so each has its own small Jacobian (path rows only), its own factors and its own
/// end of the iteration: a column's result does not depend on its neighbours. The right-hand side is always called
/// with the whole batch. Quadrature rows need no Newton: they grow by h times their derivative at the new point.
#pragma once

#include <pathline/ode/explicit_stepper.hpp>

#include <Eigen/LU>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace pathline {

/// y_next = y + h f(t + h, y_next). Used with FixedSteps: it has no error estimate.
struct ImplicitEuler {
  using implicit_method = void;
};

/// Storage of a step. After the first state of a shape nothing is allocated (path rows above 16: Eigen's LU may).
template <OdeState State>
class Stepper<ImplicitEuler, State> {
 public:
  using Scalar = typename State::Scalar;
  static constexpr int stages = 1;
  static constexpr bool fsal = false, has_error = false;
  static constexpr int max_iterations = 50;

  void reset(const State& y) {
    y_ = y;
    next_.resizeLike(y);
    F_.resizeLike(y);
    shifted_.resizeLike(y);
    columns_.resize(std::size_t(y.cols()));
    evaluations_ = newton_iterations_ = 0;
  }

  /// There is no stage at the start of a step.
  template <class Rhs>
  bool prepare(Rhs& /*rhs*/, double /*t*/) {
    return false;
  }

  template <class Rhs>
  void init(Rhs& /*rhs*/, double /*t*/, const State& y) {
    reset(y);
  }

  template <class Rhs>
  [[nodiscard]] bool step(Rhs& rhs, double t, double h) {
    const NoObserver nobody;
    return step(rhs, t, h, t + h, nobody);
  }

  /// Tries a step from (t, y) to t_next = t + h; false if Newton's method does not converge. The evaluations of the
  /// iteration are discarded by the observer; one more, at the solution, remains as stage(0).
  template <class Rhs, class Observer>
  [[nodiscard]] bool step(Rhs& rhs, double /*t*/, double h, double t_next, Observer&& observer) {
    h_ = h;
    t_next_ = t_next;
    const Index d = path_rows(rhs);
    next_ = y_;  // the old state is a better guess than explicit Euler's where it matters, at large h
    for (Column& column : columns_) {
      column.size = -1;
      column.stale = true;
      column.done = false;
    }
    bool converged = false;
    for (int k = 0; k < max_iterations && !converged; ++k) {
      evaluate(rhs, next_, F_);
      if (k == 0) detail::require_shape(F_, y_);
      refresh_jacobians(rhs, d);
      converged = true;
      for (Index j = 0; j < y_.cols(); ++j) {
        Column& column = columns_[std::size_t(j)];
        if (!column.done && !iterate(column, j, d)) return blame(column, j);
        converged = converged && column.done;
      }
      ++newton_iterations_;
    }
    observer.discard();
    for (Index j = 0; j < y_.cols() && !converged; ++j)
      if (!columns_[std::size_t(j)].done) return blame(columns_[std::size_t(j)], j);
    evaluate(rhs, next_, F_);
    const Index quadratures = y_.rows() - d;
    if (quadratures > 0)
      next_.bottomRows(quadratures) = y_.bottomRows(quadratures) + Scalar(h) * F_.bottomRows(quadratures);
    return true;
  }

  void accept() { y_.swap(next_); }

  [[nodiscard]] const State& y() const { return y_; }
  [[nodiscard]] const State& y_next() const { return next_; }
  /// f(t_next, y_next).
  [[nodiscard]] const State& stage(int /*i*/) const { return F_; }
  [[nodiscard]] int stages_evaluated() const { return 1; }
  [[nodiscard]] double h() const { return h_; }
  [[nodiscard]] double t_next() const { return t_next_; }
  [[nodiscard]] Index evaluations() const { return evaluations_; }  ///< Newton's and the differences' included.
  [[nodiscard]] Index newton_iterations() const { return newton_iterations_; }
  [[nodiscard]] Index failed_sample() const { return failed_sample_; }        ///< Of the last step that failed.
  [[nodiscard]] Index failed_component() const { return failed_component_; }  ///< Where its correction was largest.

 private:
  using Matrix = Jacobians<Scalar>;
  struct Column {
    Eigen::PartialPivLU<Matrix> factors{};
    Vector<Scalar> delta{};
    Scalar size = -1;  // of the last correction; negative before the first
    bool stale = true, done = false;
  };

  template <class Rhs>
  Index path_rows(const Rhs& rhs) const {
    if constexpr (HasPathRows<Rhs>)
      return rhs.path_rows();
    else
      return y_.rows();
  }

  template <class Rhs>
  void evaluate(Rhs& rhs, const State& y, State& dy) {
    detail::evaluate(rhs, t_next_, y, dy);
    ++evaluations_;
  }

  /// New factors of I - h J for the columns that ask for them.
  template <class Rhs>
  void refresh_jacobians(Rhs& rhs, Index d) {
    if (std::none_of(columns_.begin(), columns_.end(), [](const Column& c) { return c.stale && !c.done; })) return;
    J_.resize(d, d * y_.cols());
    if constexpr (HasJacobian<Rhs, State>)
      rhs.jacobian(t_next_, next_, J_);
    else
      differences(rhs, d);
    for (Index j = 0; j < y_.cols(); ++j) {
      Column& column = columns_[std::size_t(j)];
      if (!column.stale || column.done) continue;
      J_.middleCols(j * d, d) *= Scalar(-h_);
      J_.middleCols(j * d, d).diagonal().array() += Scalar(1);
      column.factors.compute(J_.middleCols(j * d, d));
      column.stale = false;
    }
  }

  /// Forward differences: one row of all columns at once, so d evaluations whatever the number of columns.
  template <class Rhs>
  void differences(Rhs& rhs, Index d) {
    const Scalar relative = std::sqrt(std::numeric_limits<Scalar>::epsilon());
    increments_.resize(y_.cols());
    moved_ = next_;
    for (Index i = 0; i < d; ++i) {
      for (Index j = 0; j < y_.cols(); ++j) {
        const Scalar scale = next_.col(j).head(d).cwiseAbs().maxCoeff();
        moved_(i, j) = next_(i, j) + relative * (scale > 0 ? scale : Scalar(1));
        increments_(j) = moved_(i, j) - next_(i, j);  // what the rounded sum really moved
      }
      evaluate(rhs, moved_, shifted_);
      for (Index j = 0; j < y_.cols(); ++j) {
        J_.col(j * d + i) = (shifted_.col(j).head(d) - F_.col(j).head(d)) / increments_(j);
        moved_(i, j) = next_(i, j);
      }
    }
  }

  /// Remembers where Newton's method failed; false, for the caller to return.
  bool blame(const Column& column, Index j) {
    failed_sample_ = j;
    failed_component_ = 0;
    for (Index i = 1; i < column.delta.size(); ++i)
      if (!(std::abs(column.delta(i)) <= std::abs(column.delta(failed_component_)))) failed_component_ = i;
    return false;
  }

  /// One correction of column j; false when it is not finite.
  bool iterate(Column& column, Index j, Index d) {
    constexpr Scalar eps = std::numeric_limits<Scalar>::epsilon();
    shifted_.col(j).head(d) = next_.col(j).head(d) - y_.col(j).head(d) - Scalar(h_) * F_.col(j).head(d);
    column.delta = column.factors.solve(shifted_.col(j).head(d));
    next_.col(j).head(d) -= column.delta;
    const Scalar size = column.delta.cwiseAbs().maxCoeff();
    if (!std::isfinite(size)) return false;
    const Scalar scale = std::max(next_.col(j).head(d).cwiseAbs().maxCoeff(), y_.col(j).head(d).cwiseAbs().maxCoeff());
    const bool first = column.size < 0;
    const Scalar rate = first ? Scalar(1) : size / column.size;
    // Gradients differentiate the solved equation, so it is solved to rounding: the error left behind is about
    // size · rate / (1 - rate). Where rounding itself stops the contraction, the larger bound ends it.
    column.done = size <= 4 * eps * scale || (rate < 1 && size * rate / (1 - rate) <= 4 * eps * scale) ||
                  (rate >= Scalar(0.5) && !first && size <= 1000 * eps * scale);
    column.stale = !first && rate > Scalar(0.1);
    column.size = size;
    return true;
  }

  State y_, next_, F_, shifted_, moved_;
  Matrix J_;
  Row<Scalar> increments_;
  std::vector<Column> columns_;
  double h_ = 0, t_next_ = 0;
  Index evaluations_ = 0, newton_iterations_ = 0, failed_sample_ = -1, failed_component_ = -1;
};

}  // namespace pathline
