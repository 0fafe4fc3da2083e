/// \file
/// How well the equations of an implicit step are solved: the goal of newton.hpp.
#pragma once

#include <pathline/ode/control/error_control.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace pathline {

/// How well a stage is solved: to a hundredth of the tolerance, which is rtol · |Y| + atol entry by entry, or, where
/// both are 0, to rounding of the largest entry of its column. Gradients differentiate the solved equation, and so need
/// it solved to rounding.
struct NewtonGoal {
  double rtol = 0, atol = 0;
  const double* row_rtol = nullptr;  ///< In place of the two for the first `rows` rows.
  const double* row_atol = nullptr;
  Index rows = 0;

  NewtonGoal() = default;
  NewtonGoal(double relative_tolerance, double absolute_tolerance)
      : rtol(relative_tolerance), atol(absolute_tolerance) {}
  /// The tolerances of a control, which must outlive the goal.
  template <AdaptiveControl Control>
  NewtonGoal(const Control& control) : rtol(control.rtol), atol(control.atol) {
    if constexpr (detail::HasRowTolerances<Control>) {
      row_rtol = control.row_rtol().data();
      row_atol = control.row_atol().data();
      rows = control.row_rtol().size();
    }
  }

  [[nodiscard]] bool rounding() const { return rtol == 0 && atol == 0 && rows == 0; }
  [[nodiscard]] double relative(Index i) const { return i < rows ? row_rtol[i] : rtol; }
  [[nodiscard]] double absolute(Index i) const { return i < rows ? row_atol[i] : atol; }
};

namespace detail {

/// What an entry of row i and of this size may be wrong by; never 0.
template <Real Scalar>
[[nodiscard]] Scalar tolerance(const NewtonGoal& goal, Index i, Scalar size) {
  return std::max(Scalar(goal.absolute(i)) + Scalar(goal.relative(i)) * size, std::numeric_limits<Scalar>::min());
}

/// Whether an entry may be unsolved although the corrections have become small. Where the Jacobian is far stiffer than
/// that entry is now its corrections are far too short, and those of other entries hide it from their rate. The defect
/// of its equation, Y - base - hγ f or h (K - f), cannot hide: it must have halved by the correction before, or be what
/// an entry that is not stiff may be wrong by, or rounding.
template <Real Scalar>
[[nodiscard]] bool unsolved(Scalar defect, Scalar before, Scalar allowed, Scalar rounding) {
  return std::abs(defect) > std::abs(before) / 2 && std::abs(defect) > std::max(allowed, rounding);
}

}  // namespace detail

}  // namespace pathline
