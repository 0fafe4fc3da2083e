/// \file
/// Rosenbrock methods as data, for stiff problems: linearly implicit, so that a step solves one small linear system per
/// stage and sample and there is no Newton's method that could fail. Run by the stepper of rosenbrock_stepper.hpp;
/// docs/maths.md, (3.9).
///
/// Their order rests on the Jacobian: offer rhs.jacobian(t, y, J), and rhs.time_derivative(t, y, dfdt) where f depends
/// on time; differences cost two evaluations for each row and one more.
#pragma once

#include <pathline/ode/implicit/rosenbrock/rosenbrock_stepper.hpp>

#include <array>

namespace pathline {

/// Three stages, order 2 with a partner of order 3, L-stable, first same as last: two evaluations a step beside the
/// derivatives. For loose tolerances. Shampine & Reichelt, SIAM J. Sci. Comput. 18 (1997) 1–22, as ode23s.
struct Rosenbrock23 {
  static constexpr double d = 0.29289321881345247560, e = 6 + 1.4142135623730950488;  ///< 1 / (2 + √2), 6 + √2.
  static constexpr RosenbrockTableau<3> tableau{.gamma = d,
                                                .alphas = {1. / 2, 0, 1},
                                                .gammas = {-d, (e - 2) * d, -e* d},
                                                .b = {0, 1, 0},
                                                .b_embedded = {1. / 6, 2. / 3, 1. / 6},
                                                .order = 2,
                                                .embedded_order = 3};
  static constexpr std::array<double, 3> start_slope{1 / (1 - 2 * d), -2 * d / (1 - 2 * d), 0};
  static constexpr std::array<double, 3> end_slope{-1 / (1 - 2 * d), (2 - 2 * d) / (1 - 2 * d), 0};
};

// clang-format off
/// Six stages, order 4(3), L-stable, stiffly accurate, γ = 1/4; so is its partner, the input of the last stage. Hairer
/// & Wanner II, section IV.7, and their code RODAS, whose coefficients for the increments u_i are here turned back into
/// those of the definition, in exact arithmetic.
struct Rodas4 {
  static constexpr RosenbrockTableau<6> tableau{
      .gamma = 1. / 4,
      .alphas = {.386,
                 .1460747075254179, .063925292474582104,
                 -.3308115036677301, .71115102516828477, .24966047849944542,
                 -4.5525571863180314, 1.7101813632413319, 4.0143473321031724, -.17197150902647376,
                 2.4286337654669876, -.38274873376478463, -1.8557203309295804, .55983529922737629, 1. / 4},
      .gammas = {-.3543,
                 -.13360250526817555, -.012897494731824468,
                 1.5268491730064671, -.53365628875045723, -1.2793928842560101,
                 6.9811909517850186, -2.0929300970061164, -5.8700676630327528, .73180680825385003,
                 -2.0801894941809365, .59576235567668334, 1.701617798267262, -.088514519835880434, -.3786761399271284},
      .b = {.34844427128605154, .21301362191189871, -.15410253266231846, .4713207793914958, -.12867613992712837, 1. / 4},
      .b_embedded = {2.4286337654669876, -.38274873376478463, -1.8557203309295804, .55983529922737629, 1. / 4, 0},
      .order = 4,
      .embedded_order = 3};
  /// Those of the continuous extension in the same code.
  static constexpr std::array<double, 6> start_slope{5.135415220731389, .9097106086451752, -4.646064738078258,
                                                     -.7766693821950931, .12760829089678713, 1. / 4};
  static constexpr std::array<double, 6> end_slope{8.303495037879431, -2.3781053495150544, -6.792349919949433,
                                                   .35332352090688035, 1.263636710678174, 1. / 4};
};
// clang-format on

}  // namespace pathline
