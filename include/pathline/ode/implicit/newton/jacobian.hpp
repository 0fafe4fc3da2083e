/// \file
/// The Jacobians of the right-hand side at every column of a batch: by rhs.jacobian where it offers one, else by
/// differences. docs/maths.md, section 3.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/ode/concepts.hpp>
#include <pathline/ode/implicit/newton/newton_goal.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

namespace pathline {
namespace detail {

/// The rows of y that feed back into the right-hand side.
template <class Rhs, class State>
[[nodiscard]] Index path_rows(const Rhs& rhs, const State& y) {
  if constexpr (HasPathRows<Rhs>)
    return rhs.path_rows();
  else
    return y.rows();
}

/// Whether the linear systems of a state are stored within its stepper: where the compiler knows their size and it is
/// small. Those of larger states lie on the heap, and not on the stack.
template <class State>
inline constexpr bool small_systems = [] {
  constexpr long rows = State::RowsAtCompileTime, size = State::SizeAtCompileTime;
  return size != Eigen::Dynamic && rows * size <= 256;
}();

/// The most rows of a small system, or Eigen::Dynamic; two at the least, as Eigen takes one to be a row vector.
template <class State>
inline constexpr int most_rows = small_systems<State> ? std::max(2, int(State::RowsAtCompileTime)) : Eigen::Dynamic;

/// d × d, d × s and d × 1 for the d path rows of one column.
template <class State, class Scalar = typename State::Scalar>
using SystemMatrix =
    Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::ColMajor, most_rows<State>, most_rows<State>>;
template <class State, int Columns, class Scalar = typename State::Scalar>
using SystemColumns = Eigen::Matrix<Scalar, Eigen::Dynamic, Columns, Eigen::ColMajor, most_rows<State>, Columns>;

/// The Jacobians of all columns side by side.
template <class State>
using StoredJacobians =
    Eigen::Matrix<typename State::Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::ColMajor, most_rows<State>,
                  small_systems<State> ? int(State::ColsAtCompileTime) * most_rows<State> : Eigen::Dynamic>;

/// A T for each column of a state.
template <class State, class T>
using PerColumn =
    std::conditional_t<small_systems<State>, std::array<T, std::size_t(State::ColsAtCompileTime)>, std::vector<T>>;
template <class T, std::size_t N>
void resize_columns(std::array<T, N>& /*columns*/, Index /*n*/) {}
template <class T>
void resize_columns(std::vector<T>& columns, Index n) {
  columns.resize(std::size_t(n));
}

}  // namespace detail

/// Which differences stand for a Jacobian. Newton's method repairs what forward ones leave, about 1e-8 of an entry; a
/// method whose order rests on the Jacobian takes central ones, about 1e-11 and twice the evaluations. Where one
/// side lies outside of the domain of f, either is a difference to the other side.
enum class Differences : std::uint8_t { forward, central };

/// Storage of the Jacobians of a batch, and of the differences that they may come from. After the first state of a
/// shape nothing is allocated; for a small static state nothing at all, unless rhs.jacobian wants a Jacobians&.
template <OdeState State>
class BatchJacobian {
 public:
  using Scalar = typename State::Scalar;

  /// Evaluates ∂f/∂y of the top d rows at (t, Y), for every column; returns the number of evaluations of f.
  /// \param F     f(t, Y).
  /// \param h     What the Jacobian will be multiplied by: it bounds the rounding of the differences.
  /// \param goal  The tolerances, which say what sizes of an entry matter; none by default.
  /// \param kind  Without rhs.jacobian.
  /// \throws ShapeError where rhs.jacobian has changed the shape of J.
  template <class Rhs>
  Index evaluate(Rhs& rhs, double t, const State& Y, const State& F, Index d, double h, const NewtonGoal& goal = {},
                 Differences kind = Differences::forward) {
    J_.resize(d, d * Y.cols());
    if constexpr (HasJacobian<Rhs, State>) {
      given_jacobian(rhs, t, Y, d);
      return 0;
    } else {
      return differences(rhs, t, Y, F, d, h, goal, kind);
    }
  }

  /// d × d, of column j.
  [[nodiscard]] auto of_column(Index j) const { return J_.middleCols(j * J_.rows(), J_.rows()); }

 private:
  template <class Rhs>
  void given_jacobian(Rhs& rhs, double t, const State& Y, Index d) {
    constexpr bool takes_view = requires(BatchRef<Scalar> & J) { rhs.jacobian(t, Y, J); };
    if constexpr (detail::small_systems<State> && takes_view) {
      BatchRef<Scalar> view = J_;
      rhs.jacobian(t, Y, view);
    } else {
      Jacobians<Scalar>& J = dynamic_jacobians();
      J.resize(d, d * Y.cols());
      rhs.jacobian(t, Y, J);
      require_rows("solve: the right-hand side's Jacobian", J.rows(), d);
      require_columns("solve: the right-hand side's Jacobian", J.cols(), d * Y.cols());
      if constexpr (detail::small_systems<State>) J_ = J;
    }
  }

  [[nodiscard]] Jacobians<Scalar>& dynamic_jacobians() {
    if constexpr (detail::small_systems<State>)
      return given_;
    else
      return J_;
  }

  /// One row of all columns at once, so d evaluations, or 2 d, whatever the number of columns; returns their number.
  template <class Rhs>
  Index differences(Rhs& rhs, double t, const State& Y, const State& F, Index d, double h, const NewtonGoal& goal,
                    Differences kind) {
    constexpr Scalar eps = std::numeric_limits<Scalar>::epsilon();
    const bool central = kind == Differences::central;
    const Scalar relative = central ? std::cbrt(eps) : std::sqrt(eps);
    increments_.resize(Y.cols());
    moved_ = Y;
    derivative_.resizeLike(Y);
    below_.resizeLike(Y);
    Index evaluations = 0;
    for (Index i = 0; i < d; ++i) {
      for (Index j = 0; j < Y.cols(); ++j) {
        increments_(j) = relative * movement(Y, F, i, j, d, h, goal);
        moved_(i, j) = Y(i, j) + increments_(j);
      }
      detail::evaluate(rhs, t, moved_, derivative_);
      // From one side where the point on the other lies outside of the domain of f.
      const auto inside = [d](const State& f, Index j) { return f.col(j).head(d).allFinite(); };
      bool look_below = central;
      for (Index j = 0; j < Y.cols(); ++j) look_below = look_below || (inside(F, j) && !inside(derivative_, j));
      for (Index j = 0; j < Y.cols() && look_below; ++j) moved_(i, j) = Y(i, j) - increments_(j);
      if (look_below) detail::evaluate(rhs, t, moved_, below_);
      evaluations += look_below ? 2 : 1;
      for (Index j = 0; j < Y.cols(); ++j) {
        const bool below = look_below && (central || !inside(derivative_, j)) && inside(below_, j);
        const bool above = !below || inside(derivative_, j);
        const Scalar low = below ? Y(i, j) - increments_(j) : Y(i, j);
        const Scalar high = above ? Y(i, j) + increments_(j) : Y(i, j);
        const State &from = below ? below_ : F, &to = above ? derivative_ : F;
        // What the rounded sums really moved.
        J_.col(j * d + i) = (to.col(j).head(d) - from.col(j).head(d)) / (high - low);
        moved_(i, j) = Y(i, j);
      }
    }
    return evaluations;
  }

  /// The size to which the movement of an entry is relative: the largest of its column; its own where the tolerances
  /// say below which size it does not matter, but no less than keeps the rounding of f below 1e-3 in hJ, where every
  /// row is measured by its own size.
  static Scalar movement(const State& Y, const State& F, Index i, Index j, Index d, double h, const NewtonGoal& goal) {
    const Scalar largest = Y.col(j).head(d).cwiseAbs().maxCoeff();
    // Relative to less than that a movement would be none.
    const Scalar least = std::numeric_limits<Scalar>::min() / std::numeric_limits<Scalar>::epsilon();
    const Scalar scale = largest > least ? largest : Scalar(1);
    const auto size = [&](Index k) {
      if (!(goal.relative(k) > 0 && goal.absolute(k) > 0)) return scale;
      return std::min(scale, std::max({std::abs(Y(k, j)), Scalar(goal.absolute(k) / goal.relative(k)), least}));
    };
    const Scalar own = size(i);
    Scalar steepest = 0;
    for (Index k = 0; k < d && own < scale; ++k) steepest = std::max(steepest, std::abs(F(k, j)) / size(k));
    const Scalar rounding = 1000 * std::sqrt(std::numeric_limits<Scalar>::epsilon()) * Scalar(std::abs(h)) * steepest;
    return std::min(scale, own * std::max(Scalar(1), rounding));
  }

  detail::StoredJacobians<State> J_;
  Jacobians<Scalar> given_;  // of a small system, by a rhs.jacobian that takes no view
  State moved_, derivative_, below_;
  Eigen::Matrix<Scalar, 1, State::ColsAtCompileTime> increments_;
};

}  // namespace pathline
