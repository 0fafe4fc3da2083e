/// \file
/// Diagonally implicit Runge–Kutta methods as data, for stiff problems: one small linear system per stage and sample.
/// Run by the stepper of diagonally_implicit_stepper.hpp; docs/maths.md, (3.3).
///
/// R is the stability function. A-stable: |R(ζ)| <= 1 where Re ζ <= 0. L-stable: besides R(∞) = 0, so that what
/// decays within a step is gone after it.
#pragma once

#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_stepper.hpp>

namespace pathline {

namespace detail {

inline constexpr double sqrt2 = 1.4142135623730950488;

/// The root of γ³ - 3γ² + 3γ/2 - 1/6 between 1/3 and 1/2: three stages of order 3 with R(∞) = 0 need it.
inline constexpr double alexander_gamma = 0.43586652150845899942;

}  // namespace detail

/// Implicit midpoint rule, order 2. A-stable with R(∞) = -1: stiff components oscillate and do not decay. Keeps
/// quadratic invariants. The Gauss method of one stage; Hairer, Lubich & Wanner, section IV.2.
struct ImplicitMidpoint {
  static constexpr DiagonallyImplicitTableau<1> tableau{.a = {1. / 2}, .b = {1}, .c = {1. / 2}, .order = 2};
};

/// The implicit trapezoidal rule, order 2. A-stable with R(∞) = -1. Crank & Nicolson, Proc. Camb. Phil. Soc. 43 (1947)
/// 50–67.
struct CrankNicolson {
  static constexpr DiagonallyImplicitTableau<2> tableau{
      .a = {0, 1. / 2, 1. / 2}, .b = {1. / 2, 1. / 2}, .c = {0, 1}, .order = 2};
};

/// A trapezoidal step of length γ = 2 - √2, then the backward difference formula of order 2: order 2 with a partner of
/// order 3, L-stable. Bank et al., IEEE Trans. CAD 4 (1985) 436–451; the partner is that of Hosea & Shampine, Appl.
/// Numer. Math. 20 (1996) 21–37. For loose tolerances.
struct TrBdf2 {
  static constexpr double w = detail::sqrt2 / 4, delta = 1 - detail::sqrt2 / 2;  ///< δ = γ/2.
  static constexpr DiagonallyImplicitTableau<3> tableau{.a = {0, delta, delta, w, w, delta},
                                                        .b = {w, w, delta},
                                                        .b_embedded = {(1 - w) / 3, (3 * w + 1) / 3, delta / 3},
                                                        .c = {0, 2 * delta, 1},
                                                        .order = 2,
                                                        .embedded_order = 3};
};

/// Two stages, order 2, L-stable, stiffly accurate. Alexander, SIAM J. Numer. Anal. 14 (1977) 1006–1021.
struct Sdirk2 {
  static constexpr double gamma = 1 - detail::sqrt2 / 2;
  static constexpr DiagonallyImplicitTableau<2> tableau{
      .a = {gamma, 1 - gamma, gamma}, .b = {1 - gamma, gamma}, .c = {gamma, 1}, .order = 2};
};

/// Three stages, order 3, L-stable, stiffly accurate. Alexander (1977), theorem 5.
struct Sdirk3 {
  static constexpr double gamma = detail::alexander_gamma;
  static constexpr double b1 = -1.5 * gamma * gamma + 4 * gamma - 0.25, b2 = 1.5 * gamma * gamma - 5 * gamma + 1.25;
  static constexpr DiagonallyImplicitTableau<3> tableau{.a = {gamma, (1 - gamma) / 2, gamma, b1, b2, gamma},
                                                        .b = {b1, b2, gamma},
                                                        .c = {gamma, (1 + gamma) / 2, 1},
                                                        .order = 3};
};

// clang-format off
/// Five stages, order 4(3), L-stable, stiffly accurate, γ = 1/4. Hairer & Wanner II, table IV.6.5, and their code
/// SDIRK4.
struct Sdirk4 {
  static constexpr DiagonallyImplicitTableau<5> tableau{
      .a = {1. / 4,
            1. / 2, 1. / 4,
            17. / 50, -1. / 25, 1. / 4,
            371. / 1360, -137. / 2720, 15. / 544, 1. / 4,
            25. / 24, -49. / 48, 125. / 16, -85. / 12, 1. / 4},
      .b = {25. / 24, -49. / 48, 125. / 16, -85. / 12, 1. / 4},
      .b_embedded = {59. / 48, -17. / 96, 225. / 32, -85. / 12, 0},
      .c = {1. / 4, 3. / 4, 11. / 20, 1. / 2, 1},
      .order = 4,
      .embedded_order = 3};
};

/// Kværnø 3(2), an explicit first stage and first same as last; L-stable. |R(∞)| of its partner is 0.96.
/// BIT 44 (2004) 489–502.
struct Kvaerno3 {
  static constexpr double g = detail::alexander_gamma;
  static constexpr double a31 = (-4 * g * g + 6 * g - 1) / (4 * g), a32 = (1 - 2 * g) / (4 * g);
  static constexpr double b1 = (6 * g - 1) / (12 * g), b2 = -1 / ((24 * g - 12) * g);
  static constexpr double b3 = (-6 * g * g + 6 * g - 1) / (6 * g - 3);
  static constexpr DiagonallyImplicitTableau<4> tableau{
      .a = {0,
            g, g,
            a31, a32, g,
            b1, b2, b3, g},
      .b = {b1, b2, b3, g},
      .b_embedded = {a31, a32, g, 0},
      .c = {0, 2 * g, 1, 1},
      .order = 3,
      .embedded_order = 2};
};

/// ESDIRK5(4)7L[2]SA2, seven stages with an explicit first one, first same as last, γ = 23/125; L-stable, and all nodes
/// lie within the step. Kennedy & Carpenter, Appl. Numer. Math. 146 (2019) 221–244.
struct Esdirk547L2SA2 {
  static constexpr double gamma = 23. / 125;
  static constexpr double a3 = 791020047304. / 3561426431547, a4 = -158159076358. / 11257294102345;
  static constexpr double a5 = -1653327111580. / 4048416487981, a6 = -4540011970825. / 8418487046959;
  static constexpr double b1 = -188593204321. / 4778616380481, b3 = 2809310203510. / 10304234040467;
  static constexpr double b4 = 1021729336898. / 2364210264653, b5 = 870612361811. / 2470410392208;
  static constexpr double b6 = -1307970675534. / 8059683598661;
  static constexpr DiagonallyImplicitTableau<7> tableau{
      .a = {0,
            gamma, gamma,
            a3, a3, gamma,
            a4, a4, -85517644447. / 5003708988389, gamma,
            a5, a5, 1514767744496. / 9099671765375, 14283835447591. / 12247432691556, gamma,
            a6, a6, -1790937573418. / 7393406387169, 10819093665085. / 7266595846747,
            4109463131231. / 7386972500302, gamma,
            b1, b1, b3, b4, b5, b6, gamma},
      .b = {b1, b1, b3, b4, b5, b6, gamma},
      .b_embedded = {-582099335757. / 7214068459310, -582099335757. / 7214068459310, 615023338567. / 3362626566945,
                     3192122436311. / 6174152374399, 6156034052041. / 14430468657929, -1011318518279. / 9693750372484,
                     1914490192573. / 13754262428401},
      .c = {0, 46. / 125, 7121331996143. / 11335814405378, 49. / 353, 3706679970760. / 5295570149437, 347. / 382, 1},
      .order = 5,
      .embedded_order = 4};
};

/// Kværnø 5(4), seven stages with an explicit first one, first same as last, γ = 0.26; L-stable. The first choice for
/// stiff problems at tight tolerances. BIT 44 (2004) 489–502; digits as in diffrax's kvaerno5.py. Its third stage lies
/// at c = 1.23, outside of the step: where that is beyond the end of the solve, or a forced jump, Closing takes the
/// step.
struct Kvaerno5 {
  using Closing = Esdirk547L2SA2;
  static constexpr DiagonallyImplicitTableau<7> tableau{
      .a = {0,
            .26, .26,
            .13, .84033320996790809, .26,
            .22371961478320505, .47675532319799699, -.06470895363112615, .26,
            .16648564323248321, .10450018841591720, .03631482272098715, -.13090704451073998, .26,
            .13855640231268224, 0, -.04245337201752043, .02446657898003141, .61943039072480676, .26,
            .13659751177640291, 0, -.05496908796538376, -.04118626728321046, .62993304899016403, .06962479448202728, .26},
      .b = {.13659751177640291, 0, -.05496908796538376, -.04118626728321046, .62993304899016403, .06962479448202728, .26},
      .b_embedded = {.13855640231268224, 0, -.04245337201752043, .02446657898003141, .61943039072480676, .26, 0},
      .c = {0, .52, 1.230333209967908, .8957659843500759, .43639360985864756, 1, 1},
      .order = 5,
      .embedded_order = 4};
};
// clang-format on

}  // namespace pathline
