/// \file
/// More explicit methods without an error estimate, for FixedSteps. Euler, Midpoint and Rk4 are in tableaux.hpp.
#pragma once

#include <pathline/ode/explicit/explicit_stepper.hpp>

namespace pathline {

/// The explicit trapezoidal rule, order 2; HeunEuler in embedded_pairs.hpp estimates its error.
/// Heun, Z. Math. Phys. 45 (1900) 23–38.
struct Heun {
  static constexpr ExplicitTableau<2> tableau{.a = {1}, .b = {1. / 2, 1. / 2}, .c = {0, 1}, .order = 2};
};

/// The method with two stages and order 2 that has the least bound of the truncation error.
/// Ralston, Math. Comp. 16 (1962) 431–437.
struct Ralston {
  static constexpr ExplicitTableau<2> tableau{.a = {2. / 3}, .b = {1. / 4, 3. / 4}, .c = {0, 2. / 3}, .order = 2};
};

/// The strong stability preserving method of order 3, a convex combination of Euler steps: where an Euler step keeps
/// positivity or does not raise a norm, so does this at the same length.
/// Shu & Osher, J. Comput. Phys. 77 (1988) 439–471, equation (2.18).
struct SspRk3 {
  static constexpr ExplicitTableau<3> tableau{
      .a = {1, 1. / 4, 1. / 4}, .b = {1. / 6, 1. / 6, 2. / 3}, .c = {0, 1, 1. / 2}, .order = 3};
};

/// Kutta's 3/8 rule, order 4: truncation errors a little smaller than Rk4's.
/// Kutta, Z. Math. Phys. 46 (1901) 435–453; Hairer, Nørsett & Wanner I, section II.1.
struct Kutta38 {
  static constexpr ExplicitTableau<4> tableau{.a = {1. / 3, -1. / 3, 1, 1, -1, 1},
                                              .b = {1. / 8, 3. / 8, 3. / 8, 1. / 8},
                                              .c = {0, 1. / 3, 2. / 3, 1},
                                              .order = 4};
};

}  // namespace pathline
