/// \file
/// What the parts of a solve must offer each other. A right-hand side needs nothing but a call; the rest is optional.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>

#include <array>
#include <concepts>
#include <type_traits>

namespace pathline {

/// A state: any plain Eigen matrix of float or double, static or dynamic, a column per sample.
template <class T>
concept OdeState =
    Real<typename T::Scalar> && std::same_as<T, typename T::PlainObject> && std::derived_from<T, Eigen::MatrixBase<T>>;

/// rhs(t, y, dy) writes dy, which has the shape of y and does not overlap it. Preferred: it allocates nothing.
template <class Rhs, class State>
concept WritingRightHandSide = requires(Rhs& rhs, double t, const State& y, State& dy) {
  rhs(t, y, dy);
};

/// dy = rhs(t, y).
template <class Rhs, class State>
concept ReturningRightHandSide = requires(Rhs& rhs, double t, const State& y, State& dy) {
  dy = rhs(t, y);
};

/// y' = f(t, y) in one of the two forms. Called with every column of the batch at once.
template <class Rhs, class State>
concept RightHandSide = WritingRightHandSide<Rhs, State> || ReturningRightHandSide<Rhs, State>;

/// rhs.explicit_part and rhs.implicit_part are right-hand sides, and rhs stands for their sum:
/// split_right_hand_side.hpp.
template <class Rhs, class State>
concept TwoPartRightHandSide = requires(Rhs& rhs) {
  rhs.explicit_part;
  rhs.implicit_part;
  requires RightHandSide<std::remove_reference_t<decltype((rhs.explicit_part))>, State>;
  requires RightHandSide<std::remove_reference_t<decltype((rhs.implicit_part))>, State>;
};

/// Only the top error_rows() rows of y enter the error norm and the choice of the first step; else all do.
template <class Rhs>
concept HasErrorRows = requires(const Rhs& rhs) {
  { rhs.error_rows() } -> std::convertible_to<Index>;
};

/// Only the top path_rows() rows of y feed back into the right-hand side; the rows below are quadratures. Else all do.
/// Within a step an explicit method may leave the rows below unset: the right-hand side does not read them.
template <class Rhs>
concept HasPathRows = requires(const Rhs& rhs) {
  { rhs.path_rows() } -> std::convertible_to<Index>;
};

/// rhs.path_slope(t, y, dy) is called in place of rhs(t, y, dy) where nobody reads the quadratures: it writes the path
/// rows of dy, and anything finite below them.
template <class Rhs, class State>
concept HasPathSlope = HasPathRows<Rhs> && requires(Rhs& rhs, double t, const State& y, State& dy) {
  rhs.path_slope(t, y, dy);
};

/// Whether there may be rows below the path rows. A right-hand side with path_rows() that has none says
/// `static constexpr bool has_quadratures = false`.
template <class Rhs>
inline constexpr bool may_have_quadratures = HasPathRows<Rhs>;
template <class Rhs>
requires requires { requires !Rhs::has_quadratures; }
inline constexpr bool may_have_quadratures<Rhs> = false;

/// The Jacobians of the columns side by side: path_rows × (path_rows · n).
template <class Scalar>
using Jacobians = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic>;

/// rhs.jacobian(t, y, J) writes ∂f_i/∂y_j of the path rows of every column; J has its shape already. One that takes a
/// BatchRef<Scalar>, or any matrix, lets a small static state be solved without the heap.
template <class Rhs, class State>
concept HasJacobian = requires(Rhs& rhs, double t, const State& y, Jacobians<typename State::Scalar>& J) {
  rhs.jacobian(t, y, J);
};

/// rhs.time_derivative(t, y, dfdt) writes ∂f/∂t of all rows; dfdt has its shape already. Read by Rosenbrock methods.
template <class Rhs, class State>
concept HasTimeDerivative = requires(Rhs& rhs, double t, const State& y, State& dfdt) {
  rhs.time_derivative(t, y, dfdt);
};

namespace detail {

template <class T, template <int> class Tableau>
inline constexpr bool is_tableau = false;
template <template <int> class Tableau, int S>
inline constexpr bool is_tableau<Tableau<S>, Tableau> = true;

/// Orders of a method and of its partner; 0 where there is none.
struct Orders {
  int solution = 0, embedded = 0;
};
template <class M>
inline constexpr Orders orders_of = [] {
  if constexpr (requires { M::tableau.embedded_order; })
    return Orders{M::tableau.order, M::tableau.embedded_order};
  else if constexpr (requires { M::embedded_order; })
    return Orders{M::order, M::embedded_order};
  else
    return Orders{};
}();

}  // namespace detail

/// A struct with `static constexpr Tableau<S> tableau`, S stages. Each family has a tableau of its own.
template <class M, template <int> class Tableau>
concept TableauMethod = requires {
  M::tableau;
  requires detail::is_tableau<std::remove_cvref_t<decltype(M::tableau)>, Tableau>;
};

namespace detail {

template <class M>
concept ImplicitTableau = requires {
  requires M::tableau.implicit;
};
template <class M>
concept SaysImplicit = requires {
  typename M::implicit_method;
};

}  // namespace detail

/// A method whose step solves equations and may fail to: its tableau says `static constexpr bool implicit = true`, or
/// the struct itself `using implicit_method = void`.
template <class M>
concept ImplicitMethod = detail::ImplicitTableau<M> || detail::SaysImplicit<M>;

/// A method that treats the two parts of a right-hand side differently: its tableau says `static constexpr bool
/// two_parts = true`.
template <class M>
concept TwoPartMethod = requires {
  requires M::tableau.two_parts;
};

/// A method that estimates its error, as step control needs it: its tableau, or the struct itself where it has none,
/// has an `embedded_order` above 0.
template <class M>
concept EmbeddedMethod = requires {
  requires(detail::orders_of<M>.embedded > 0);
};

/// A number of equal steps between two requested times.
template <class C>
concept FixedControl = requires(const C& control) {
  { control.steps_per_interval } -> std::convertible_to<Index>;
};

namespace detail {

/// factor(E_n, E_{n-1}, q).
template <class C>
concept FactorOfTwoErrors = requires(const C& control, double error, double previous_error, int q) {
  { control.factor(error, previous_error, q) } -> std::convertible_to<double>;
};
/// factor(E_n, {E_{n-1}, E_{n-2}}, q).
template <class C>
concept FactorOfThreeErrors = requires(const C& control, double error, std::array<double, 2> previous_errors, int q) {
  { control.factor(error, previous_errors, q) } -> std::convertible_to<double>;
};
template <class C>
concept HasStepFactor = FactorOfTwoErrors<C> || FactorOfThreeErrors<C>;

}  // namespace detail

/// Tolerances, and the factor by which the step changes: factor(E_n, E_{n-1}, q), or factor(E_n, {E_{n-1}, E_{n-2}}, q)
/// with a std::array, where q = min(order, embedded) + 1.
template <class C>
concept AdaptiveControl = detail::HasStepFactor<C> && requires(const C& control) {
  { control.rtol } -> std::convertible_to<double>;
  { control.atol } -> std::convertible_to<double>;
  { control.min_factor } -> std::convertible_to<double>;
  { control.initial_step } -> std::convertible_to<double>;
  { control.max_steps } -> std::convertible_to<Index>;
};

template <class C>
concept StepControl = FixedControl<C> || AdaptiveControl<C>;

/// Watches a solve: see NoObserver for what each call means.
template <class O, class Stepper, class State>
concept SolveObserver = requires(O& observer, double t, double h, const Stepper& stepper, Index i, const State& y) {
  observer.keep_first_stage();
  observer.discard();
  observer.accept(t, h, stepper);
  observer.output(i, y);
};

/// May end a solve early. Called after each accepted step, when the stepper has moved on to the end of it, t: true ends
/// the solve, after the outputs at t. It may ask the stepper to prepare(rhs, t), which is the next step's first stage.
template <class O, class Rhs, class Stepper>
concept StoppingObserver = requires(O& observer, Rhs& rhs, double t, Stepper& stepper) {
  { observer.stop(rhs, t, stepper) } -> std::convertible_to<bool>;
};

/// A stepper that knows f at both ends of the step tried last, as the solution within a step needs it: evaluated,
/// counted and kept for the next step unless a stage gives it. With `dense_corrections` > 0 it also writes the rest of
/// a polynomial of higher order: docs/maths.md, (5.1).
template <class Stepper, class Rhs>
concept DenseStepper = requires(Stepper& stepper, Rhs& rhs, double t) {
  stepper.start_slope(rhs, t);
  stepper.end_slope(rhs);
};

/// Looks into steps: read_step(rhs, t, stepper) comes just before accept(t, h, stepper), and may ask for the slopes of
/// a DenseStepper.
template <class O, class Rhs, class Stepper>
concept DenseObserver = requires(O& observer, Rhs& rhs, double t, Stepper& stepper) {
  observer.read_step(rhs, t, stepper);
};

/// Watches nothing and costs nothing. Derive from it to write only the calls that you need. An observer may also have
/// reject(stepper), which is called of each trial step that is not accepted, before its discard().
///
/// Fixed steps with a method that is first same as last leave out the last stage of the very last step, which is
/// not needed, if there is no observer or if the observer says `static constexpr bool reads_last_stage = false`.
struct NoObserver {
  /// The evaluation just made is K_1 at (t, y): it belongs to the coming steps, whatever is discarded.
  void keep_first_stage() const {}
  /// Evaluations since the last keep_first_stage or accept are dead: a rejected trial, a probe, Newton's iterations.
  void discard() const {}
  /// The step from t to t + h is accepted. Evaluations since the last call of any kind are its stages that were made
  /// in it, in order: 2 to s for an explicit method, where with "first same as last" the last one is also K_1 of the
  /// next step; the single one at the new point for implicit Euler, none for the other implicit methods, whose stages
  /// are solutions of equations, but at most one that a fully implicit method's error estimate made. stepper.y() is
  /// still the old state.
  template <class Stepper>
  void accept(double /*t*/, double /*h*/, const Stepper& /*stepper*/) const {}
  /// y is the solution at times[i]; i = 0 comes first.
  template <class State>
  void output(Index /*i*/, const State& /*y*/) const {}
};

namespace detail {

template <class Observer>
inline constexpr bool reads_last_stage = !std::same_as<std::remove_cv_t<Observer>, NoObserver>;
template <class Observer>
requires requires { requires !Observer::reads_last_stage; }
inline constexpr bool reads_last_stage<Observer> = false;

/// Whether the callable left its result in the shape of the state: an assignment to a dynamic matrix may resize it.
template <class State>
void require_shape(const State& got, const State& expected) {
  require_rows("solve: the right-hand side's result", got.rows(), expected.rows());
  require_columns("solve: the right-hand side's result", got.cols(), expected.cols());
}

/// dy = f(t, y), in whichever form the right-hand side has.
/// \throws ShapeError unless dy is left in the shape of y: sums of stages read its scalars by their number.
template <class Rhs, class State>
EIGEN_ALWAYS_INLINE void evaluate(Rhs& rhs, double t, const State& y, State& dy) {
  if constexpr (WritingRightHandSide<Rhs, State>)
    rhs(t, y, dy);
  else if constexpr (requires { dy.noalias() = rhs(t, y); })
    dy.noalias() = rhs(t, y);  // a product is written without a temporary
  else
    dy = rhs(t, y);
  if constexpr (State::SizeAtCompileTime == Eigen::Dynamic)
    if (dy.rows() != y.rows() || dy.cols() != y.cols()) require_shape(dy, y);
}

/// The rows of X that count for the error: X itself when the right-hand side does not say.
template <class Rhs, class Derived>
decltype(auto) error_part(const Rhs& rhs, const Eigen::MatrixBase<Derived>& X) {
  if constexpr (HasErrorRows<Rhs>)
    return X.derived().topRows(rhs.error_rows());
  else
    return X.derived();
}

}  // namespace detail
}  // namespace pathline
