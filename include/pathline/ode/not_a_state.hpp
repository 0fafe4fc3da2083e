/// \file
/// Says in one line what a state is, if something else is passed: a std::vector, an array, a number, integers.
///
/// Each front of a solve has an overload here that is chosen where its argument is no Eigen matrix of float or double,
/// and does not compile. Without it the compiler would list every candidate that does not fit.
#pragma once

#include <pathline/ode/stepper.hpp>

#include <complex>
#include <concepts>
#include <initializer_list>
#include <type_traits>

namespace pathline {
namespace detail {

template <class T>
inline constexpr bool is_complex = false;
template <class T>
inline constexpr bool is_complex<std::complex<T>> = true;

template <class Derived>
Derived matrix_of(const Eigen::MatrixBase<Derived>&);
template <class T>
concept EigenMatrix = requires(const T& y0) {
  matrix_of(y0);
};

/// An expression of a state: a matrix, map, block or sum of float or double, or a class derived from one.
template <class T>
concept StateExpression = EigenMatrix<T> && requires(const T& y0) {
  requires OdeState<typename decltype(matrix_of(y0))::PlainObject>;
};
template <class T>
concept NotAState = !StateExpression<T>;

/// One readable line for what is none.
template <class T>
struct StateAdvice {
  static constexpr bool matrix = EigenMatrix<T>;
  static constexpr bool array = !matrix && requires(const T& y0) { y0.matrix(); };
  static constexpr bool complex = [] {
    if constexpr (matrix)
      return is_complex<typename T::Scalar>;
    else
      return is_complex<T>;
  }();
  static constexpr bool numbers = matrix && !complex;
  static constexpr bool number = std::is_arithmetic_v<T>;
  static constexpr bool list = !matrix && !array && requires(const T& y0) {
    y0.size();
    requires std::is_arithmetic_v<std::remove_cvref_t<decltype(*y0.data())>>;
  };
  static constexpr bool braces = std::same_as<T, std::initializer_list<double>>;
  static constexpr bool pointer = std::is_array_v<T> || std::is_pointer_v<T>;
  static_assert(!complex,
                "solve: a state is an Eigen matrix of float or double: stack the real and imaginary parts of complex "
                "numbers in its rows");
  static_assert(!numbers, "solve: a state is an Eigen matrix of float or double: y0.cast<double>() for other numbers");
  static_assert(!array, "solve: a state is an Eigen matrix or vector: y0.matrix() for an Eigen array");
  static_assert(!number,
                "solve: a state is an Eigen matrix or vector: Eigen::Matrix<double, 1, 1>(y0) for a single number y0");
  static_assert(!list,
                "solve: a state is an Eigen matrix or vector: Eigen::Map<const Eigen::VectorXd>(v.data(), v.size()) "
                "for a std::vector or std::array v of double");
  static_assert(!pointer,
                "solve: a state is an Eigen matrix or vector: Eigen::Map<const Eigen::VectorXd>(y0, n) for a C array "
                "of n double");
  static_assert(!braces, "solve: a state is an Eigen matrix or vector: Eigen::Vector2d(1, 2) for a list in braces");
  static_assert(braces || complex || numbers || array || number || list || pointer,
                "solve: a state is an Eigen matrix or vector of float or double, such as Eigen::VectorXd");
  static constexpr bool given = true;
};

template <class T>
constexpr auto refuse_state(const T& y0) {
  static_assert(StateAdvice<T>::given);
  return y0;  // of a type that lets a caller's next line compile
}

/// Nothing, or that line where T is none: a base of classes that hold states.
template <class T>
struct AdviceOn {};
template <NotAState T>
struct AdviceOn<T> : StateAdvice<T> {};

}  // namespace detail

template <class Rhs, detail::NotAState State, class... Rest>
auto solve(Rhs&& /*rhs*/, const State& y0, const Rest&... /*rest*/) {
  return detail::refuse_state(y0);
}
template <class Rhs, class List = std::initializer_list<double>, class... Rest>
auto solve(Rhs&& /*rhs*/, std::initializer_list<double> y0, const Rest&... /*rest*/) {
  return detail::refuse_state(List(y0));
}
template <class Rhs, detail::NotAState State, class... Rest>
auto solve(Rhs&& /*rhs*/, const State& y0, std::initializer_list<double> /*times*/, const Rest&... /*rest*/) {
  return detail::refuse_state(y0);
}
template <class Method, class Rhs, detail::NotAState State, class... Rest>
requires SteppingMethod<Method>
auto solve(Rhs&& /*rhs*/, const State& y0, const Rest&... /*rest*/) { return detail::refuse_state(y0); }
template <class Rhs, detail::NotAState State, class... Rest>
auto try_solve(Rhs&& /*rhs*/, const State& y0, const Rest&... /*rest*/) {
  return detail::refuse_state(y0);
}
template <class Rhs, detail::NotAState State, class... Rest>
auto solve_trajectory(Rhs&& /*rhs*/, const State& y0, const Rest&... /*rest*/) {
  return detail::refuse_state(y0);
}
template <class Rhs, detail::NotAState State, class... Rest>
auto solve_events(Rhs&& /*rhs*/, const State& y0, const Rest&... /*rest*/) {
  return detail::refuse_state(y0);
}

template <class Velocity, class Force, class Q, class P, class... Rest>
requires(detail::NotAState<Q> || detail::NotAState<P>) auto solve_separable(Velocity&& /*velocity*/, Force&& /*force*/,
                                                                            const Q& q0, const P& p0,
                                                                            const Rest&... /*rest*/) {
  if constexpr (detail::NotAState<Q>)
    return detail::refuse_state(q0);
  else
    return detail::refuse_state(p0);
}
template <class Acceleration, class Q, class V, class... Rest>
requires(detail::NotAState<Q> || detail::NotAState<V>) auto solve_second_order(Acceleration&& /*acceleration*/,
                                                                               const Q& q0, const V& v0,
                                                                               const Rest&... /*rest*/) {
  if constexpr (detail::NotAState<Q>)
    return detail::refuse_state(q0);
  else
    return detail::refuse_state(v0);
}

}  // namespace pathline
