/// \file
/// Fully implicit Runge–Kutta methods as data: the stages of a step are solved together, for the highest orders that
/// their number allows. Run by the stepper of fully_implicit_stepper.hpp; docs/maths.md, (3.6).
///
/// Your own method is a few lines:
/// ```
/// struct RadauIia3 {
///   static constexpr FullyImplicitTableau<2> tableau{
///       .a = {5. / 12, -1. / 12, 3. / 4, 1. / 4}, .b = {3. / 4, 1. / 4}, .c = {1. / 3, 1}, .order = 3};
/// };
/// ```
#pragma once

#include <pathline/ode/implicit/fully_implicit/fully_implicit_stepper.hpp>

namespace pathline {

namespace detail {

inline constexpr double sqrt3 = 1.7320508075688772935, sqrt6 = 2.4494897427831780982;

}  // namespace detail

/// Gauss–Legendre collocation, two stages of order 4. A-stable with R(∞) = 1, symmetric, symplectic; keeps quadratic
/// invariants. Used with FixedSteps. Hairer, Lubich & Wanner, sections II.1.3 and IV.2.
struct GaussLegendre4 {
  static constexpr double r = detail::sqrt3 / 6;
  static constexpr FullyImplicitTableau<2> tableau{
      .a = {1. / 4, 1. / 4 - r, 1. / 4 + r, 1. / 4}, .b = {1. / 2, 1. / 2}, .c = {1. / 2 - r, 1. / 2 + r}, .order = 4};
};

// clang-format off
/// Radau IIA, three stages of order 5, L-stable, stiffly accurate. Hairer & Wanner II, table IV.5.6. The partner of
/// order 3 is that of their code RADAU5 (section IV.8): the two differ by γ₀h times what f(t, y) differs from the slope
/// u'(t) = Σ ℓ_i K_i of the collocation polynomial, γ₀ being the real eigenvalue of A.
struct RadauIia5 {
  static constexpr double r = detail::sqrt6;
  static constexpr double gamma0 = .27488882959567736775;  ///< (6 + 81^⅓ - 9^⅓) / 30.
  static constexpr double l1 = 1. / 3 + r / 2, l2 = 1. / 3 - r / 2, l3 = 1. / 3;
  static constexpr FullyImplicitTableau<3> tableau{
      .a = {(88 - 7 * r) / 360, (296 - 169 * r) / 1800, (-2 + 3 * r) / 225,
            (296 + 169 * r) / 1800, (88 + 7 * r) / 360, (-2 - 3 * r) / 225,
            (16 - r) / 36, (16 + r) / 36, 1. / 9},
      .b = {(16 - r) / 36, (16 + r) / 36, 1. / 9},
      .b_embedded = {(16 - r) / 36 - gamma0 * l1, (16 + r) / 36 - gamma0 * l2, 1. / 9 - gamma0 * l3},
      .start_embedded = gamma0,
      .c = {(4 - r) / 10, (4 + r) / 10, 1},
      .order = 5,
      .embedded_order = 3};
};
// clang-format on

}  // namespace pathline
