/// \file
/// Methods whose steps can be taken back by a formula: a gradient needs no record of the states, and has them to
/// rounding (gradient/reversible/). Run by the steppers of reversible_stepper.hpp and reversible_heun_stepper.hpp.
/// docs/maths.md, (6.11) to (6.13).
///
///     const NeuralOde ode(field, Reversible<Dopri5>{}, PiController{});
#pragma once

#include <pathline/ode/explicit/explicit_tableau.hpp>
#include <pathline/ode/reversible/reversible_heun_stepper.hpp>
#include <pathline/ode/reversible/reversible_stepper.hpp>

#include <ratio>

namespace pathline {

namespace detail {

/// Said by constraints: a class whose own assertion fails is no method to clang any more, which is a second error.
template <class Method>
concept ReversibleNeedsAnExplicitMethod = ExplicitMethod<Method>;
template <class Ratio>
concept CouplingAboveZeroAndAtMostOne = (Ratio::num > 0) && (Ratio::num <= Ratio::den);

}  // namespace detail

/// Any explicit Runge–Kutta method, made reversible: a second state z goes along, twice the evaluations, the order of
/// the method. McCallum & Foster, Efficient, accurate and stable gradients for neural ODEs (2024), arXiv 2410.11648.
///
/// \tparam Method    An explicit Runge–Kutta method. Its error estimate, if it has one, steers the steps.
/// \tparam Coupling  λ in (0, 1], a std::ratio. On the way back each step magnifies rounding errors by up to 1/λ, which
///                   is 2e4 in 1000 steps of λ = 0.99; take std::ratio<999, 1000> for more. The smaller λ, the nearer
///                   the two states are to each other: under step control errors were 5 to 25 times those of the
///                   explicit method with λ = 0.99, and 0.8 to 2.8 times with λ = 1/2, which in double serves for 20
///                   steps between output times.
template <class Method, class Coupling = std::ratio<99, 100>>
requires detail::ReversibleNeedsAnExplicitMethod<Method> && detail::CouplingAboveZeroAndAtMostOne<Coupling>
struct Reversible {
  using Base = Method;
  using CouplingRatio = Coupling;
  static constexpr double coupling = double(Coupling::num) / double(Coupling::den);
  static constexpr int order = detail::orders_of<Method>.solution, embedded_order = detail::orders_of<Method>.embedded;
};

}  // namespace pathline
