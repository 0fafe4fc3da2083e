/// \file
/// What is checked at the start of a solve, and the cause that is named when it fails.
#pragma once

#include <pathline/ode/control/error_control.hpp>
#include <pathline/ode/control/step_control.hpp>
#include <pathline/ode/errors.hpp>
#include <pathline/ode/stepper.hpp>
#include <pathline/ode/tableau/tableau_checks.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

namespace pathline::detail {

/// Whether no stage lies outside of its step, where the right-hand side need not exist: at the ends of a solve at
/// least, where `Closing` takes the steps of a method that has one.
template <class Method>
constexpr bool stages_in_step() {
  if constexpr (requires { typename Method::Closing; })
    return stages_in_step<typename Method::Closing>();
  else if constexpr (requires { typename Method::Start; })
    return stages_in_step<typename Method::Start>();
  else if constexpr (requires { nodes_in_step(Method::tableau); })
    return nodes_in_step(Method::tableau);
  else
    return true;
}

/// One readable line for each combination that does not fit; `value` guards the code that would not compile then.
template <class Method, class Control, class Rhs, class State, class Observer = NoObserver>
struct SolveCheck {
  static constexpr bool state = OdeState<State>;
  static constexpr bool steps = SteppingMethod<Method, std::conditional_t<state, State, Batch<double>>>;
  static constexpr bool parts = !state || !TwoPartMethod<Method> || TwoPartRightHandSide<Rhs, State>;
  static constexpr bool calls = !state || TwoPartMethod<Method> || RightHandSide<Rhs, State>;
  static constexpr bool inside = !steps || stages_in_step<Method>();
  static constexpr bool estimate = !steps || !AdaptiveControl<Control> || EmbeddedMethod<Method>;
  static constexpr bool each_sample = requires { Control::each_sample; };
  static constexpr bool watches = [] {
    if constexpr (steps && state)
      return SolveObserver<Observer, Stepper<Method, State>, State>;
    else
      return true;
  }();
  static_assert(
      steps,
      "solve: there is no Stepper for this method: include the header that brings it (pathline/ode.hpp brings "
      "all). A method is a struct with a static constexpr `tableau`, such as an ExplicitTableau, or of a "
      "family with a Stepper of its own (pathline/ode/stepper.hpp)");
  static_assert(
      inside,
      "solve: the method has a node below 0 or above 1, and would ask the right-hand side before t0 or beyond "
      "t1: give a diagonally implicit one a `Closing` with nodes from 0 to 1, as Kvaerno5 has, or take another");
  static_assert(StepControl<Control> || each_sample,
                "solve: the step control must be FixedSteps or meet AdaptiveControl");
  static_assert(!each_sample, "solve: PerSample goes with t0 and t1, or with a list of times for each sample");
  static_assert(state, "solve: the state must be a plain Eigen matrix of float or double");
  static_assert(calls,
                "solve: the right-hand side must be callable as rhs(double t, const State& y, State& dy), or "
                "as dy = rhs(t, y)");
  static_assert(parts,
                "solve: an additive method needs a right-hand side in two parts, as SplitRightHandSide{f, g}, each "
                "callable as f(double t, const State& y, State& dy), or as dy = f(t, y)");
  static_assert(estimate, "solve: Method (Rk4, ImplicitEuler, ...) has no error estimate: use FixedSteps(n)");
  static_assert(watches, "solve: an observer needs keep_first_stage, discard, accept, output: derive from NoObserver");
  static constexpr bool value =
      steps && StepControl<Control> && state && calls && parts && inside && estimate && watches;
};

/// \throws ArgumentError unless the times are finite and go one way. Not `gnu::cold`, as each solve calls it: g++ would
/// take the solve's own loop for cold code, 10 % slower for a few equations.
[[gnu::noinline]] inline void require_times(std::span<const double> times) {
  if (times.empty()) throw ArgumentError("solve: times", "empty", "at least the time of y0");
  const double span = times.back() - times.front();
  for (std::size_t i = 0; i < times.size(); ++i) {
    const double before = times[i == 0 ? 0 : i - 1];
    const bool one_way = span > 0 ? times[i] >= before : span < 0 ? times[i] <= before : times[i] == before;
    if (std::isfinite(times[i]) && one_way) continue;
    throw ArgumentError(message({"solve: times[", i, "]"}), times[i],
                        "a finite number, and all times in one direction");
  }
  if (!std::isfinite(span)) throw ArgumentError("solve: times.back() - times.front()", span, "a finite number");
}

/// \throws ArgumentError when the right-hand side counts rows that y does not have.
template <class Rhs>
void require_row_counts(const Rhs& rhs, Index rows) {
  const auto check = [rows](const char* what, Index count) {
    if (count < 1 || count > rows) throw ArgumentError(what, count, message({"from 1 to the rows of y, ", rows}));
  };
  if constexpr (HasErrorRows<Rhs>) check("solve: error_rows()", rhs.error_rows());
  if constexpr (HasPathRows<Rhs>) check("solve: path_rows()", rhs.path_rows());
  if constexpr (requires { rhs.implicit_part; }) require_row_counts(rhs.implicit_part, rows);
}

/// The largest |y_ij| that is finite, 0 if none is.
template <class Derived>
[[nodiscard]] double largest_of(const Eigen::MatrixBase<Derived>& y) {
  double largest = 0;
  for (Index j = 0; j < y.cols(); ++j)
    for (Index i = 0; i < y.rows(); ++i)
      if (std::isfinite(y(i, j))) largest = std::max(largest, double(std::abs(y(i, j))));
  return largest;
}

/// Half of the last digit of a number of this type, relative to it: no error below can be met.
template <Real Scalar>
inline constexpr double half_digit = double(std::numeric_limits<Scalar>::epsilon()) / 2;

/// \throws ArgumentError for tolerances that no number of the state's type can meet: rtol > 0 below half a digit, or,
///         where it is 0, atol below half a digit of the largest entry.
[[gnu::noinline]] inline void require_met_by_rounding(const char* rtol_name, const char* atol_name, double rtol,
                                                      double atol, double largest, double half_digit_of_state) {
  const char* const digit = half_digit_of_state > 1e-10 ? ", half of the last digit of float: take a state of double"
                                                        : ", half of the last digit of double";
  if (rtol > 0 && rtol < half_digit_of_state)
    throw ArgumentError(rtol_name, rtol, message({"0 or at least ", half_digit_of_state, digit}));
  if (rtol == 0 && atol < half_digit_of_state * largest)
    throw ArgumentError(atol_name, atol,
                        message({"at least ", half_digit_of_state * largest, " beside entries of ", largest, digit}));
}

/// The same of a control and the rows of y0 that count.
template <AdaptiveControl Control, class Derived>
void require_met_by_rounding(const Control& control, const Eigen::MatrixBase<Derived>& y) {
  constexpr double half = half_digit<typename Derived::Scalar>;
  if constexpr (HasRowTolerances<Control>) {
    for (Index i = 0; i < y.rows(); ++i)
      require_met_by_rounding("solve: row_rtol of WithTolerances", "solve: row_atol of WithTolerances",
                              control.row_rtol()(i), control.row_atol()(i), largest_of(y.row(i)), half);
  } else {
    const double largest = control.rtol == 0 ? largest_of(y) : 0;
    require_met_by_rounding("solve: rtol", "solve: atol where rtol is 0,", control.rtol, control.atol, largest, half);
  }
}

/// What the advice of a failure depends on.
template <class Method, Real Scalar, AdaptiveControl Control>
void note_accuracy(const Control& control, SolveFailure& at) {
  at.order = orders_of<Method>.solution;
  at.rtol = control.rtol;
  at.epsilon = 2 * half_digit<Scalar>;
}

/// \throws ArgumentError, ShapeError for a control that this solve cannot follow; DataError for a start outside of the
///         domain.
template <AdaptiveControl Control, class Rhs, class State>
void require_followable(const Control& control, const Rhs& rhs, const State& y) {
  require_valid(control);
  require_rows_of_control(control, error_part(rhs, y).rows());
  require_met_by_rounding(control, error_part(rhs, y));
  if constexpr (HasDomain<Control>)
    if (!control.inside(y)) throw DataError("solve: y0 is outside of the domain of the step control");
}

/// Why a sample cannot start at y; null if it can.
template <AdaptiveControl Control, class Y>
[[nodiscard]] const char* fault_of_start(const Control& control, const Y& y) {
  if (!y.allFinite()) return " is not finite";
  if constexpr (HasDomain<Control>)
    if (!control.inside(y)) return " is outside of the domain of the step control";
  return nullptr;
}

template <class Derived>
void blame_first_nonfinite(const Eigen::MatrixBase<Derived>& X, SolveFailure& at) {
  for (Index j = 0; j < X.cols(); ++j)
    for (Index i = 0; i < X.rows(); ++i)
      if (!std::isfinite(X(i, j))) {
        at.sample = j;
        at.component = i;
        return;
      }
}

/// What is not finite by this fault; null where it is another.
[[gnu::cold]] inline const char* nonfinite_subject(EquationFault fault, bool gives_jacobian,
                                                   bool gives_time_derivative) {
  switch (fault) {
    case EquationFault::right_hand_side:
      return "the right-hand side";
    case EquationFault::jacobian:
      return gives_jacobian ? "the Jacobian that the right-hand side gives" : "the Jacobian by differences";
    case EquationFault::time_derivative:
      return gives_time_derivative ? "the time derivative that the right-hand side gives"
                                   : "the time derivative by differences";
    default:
      return nullptr;
  }
}

/// Whether the Jacobian of an implicit step is the right-hand side's own.
template <class Rhs, class State>
constexpr bool gives_jacobian() {
  if constexpr (requires(Rhs & rhs) { rhs.implicit_part; })
    return HasJacobian<std::remove_reference_t<decltype((std::declval<Rhs&>().implicit_part))>, State>;
  else
    return HasJacobian<Rhs, State>;
}

/// The first entry of an estimate that is not finite, else the one that is largest in units of the tolerance.
template <class Control, class Error, class Y, class YNext>
void blame_worst(const Control& control, const Error& error, const Y& y, const YNext& y_next, SolveFailure& at) {
  blame_first_nonfinite(error, at);
  if (at.sample >= 0) return;
  double worst = -1;
  for (Index j = 0; j < error.cols(); ++j)
    for (Index i = 0; i < error.rows(); ++i) {
      const double size = double(std::max(std::abs(y(i, j)), std::abs(y_next(i, j))));
      const double scaled = double(std::abs(error(i, j))) / tolerance(control, i, size);
      if (scaled > worst) {
        worst = scaled;
        at.sample = j;
        at.component = i;
      }
    }
}

}  // namespace pathline::detail
