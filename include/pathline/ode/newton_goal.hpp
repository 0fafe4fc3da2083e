/// \file
/// How well the equations of an implicit step are solved: the goal of newton.hpp.
#pragma once

#include <pathline/ode/error_control.hpp>

namespace pathline {

/// How well a stage is solved: to a hundredth of the tolerance, which is rtol · |Y| + atol entry by entry, or, where
/// both are 0, to rounding of the largest entry of its column. Gradients differentiate the solved equation, and so need
/// it solved to rounding.
struct NewtonGoal {
  double rtol = 0, atol = 0;
  const double* row_rtol = nullptr;  ///< In place of the two for the first `rows` rows.
  const double* row_atol = nullptr;
  Index rows = 0;

  [[nodiscard]] bool rounding() const { return rtol == 0 && atol == 0 && rows == 0; }
  [[nodiscard]] double relative(Index i) const { return i < rows ? row_rtol[i] : rtol; }
  [[nodiscard]] double absolute(Index i) const { return i < rows ? row_atol[i] : atol; }
};

namespace detail {

/// The tolerances of a control, which must outlive the goal.
template <AdaptiveControl Control>
[[nodiscard]] NewtonGoal newton_goal(const Control& control) {
  NewtonGoal goal{.rtol = control.rtol, .atol = control.atol};
  if constexpr (HasRowTolerances<Control>) {
    goal.row_rtol = control.row_rtol().data();
    goal.row_atol = control.row_atol().data();
    goal.rows = control.row_rtol().size();
  }
  return goal;
}

}  // namespace detail

}  // namespace pathline
