/// \file
/// More explicit methods with an error estimate, for any step control. BogackiShampine, Dopri5 and Tsit5 are in
/// tableaux.hpp, the pair of order 8 in dormand_prince_853.hpp.
#pragma once

#include <pathline/ode/explicit/explicit_stepper.hpp>

namespace pathline {

/// Heun's method with explicit Euler as its partner, 2(1): for rough right-hand sides and loose tolerances.
/// Hairer, Nørsett & Wanner I, section II.4.
struct HeunEuler {
  static constexpr ExplicitTableau<2> tableau{
      .a = {1}, .b = {1. / 2, 1. / 2}, .b_embedded = {1, 0}, .c = {0, 1}, .order = 2, .embedded_order = 1};
};

// clang-format off
/// Fehlberg 4(5): goes on with the solution of order 4, as Fehlberg did, and estimates its error by that of order 5.
/// NASA TR R-315 (1969), table III, "formula 2".
struct Fehlberg {
  static constexpr ExplicitTableau<6> tableau{
      .a = {1. / 4,
            3. / 32, 9. / 32,
            1932. / 2197, -7200. / 2197, 7296. / 2197,
            439. / 216, -8, 3680. / 513, -845. / 4104,
            -8. / 27, 2, -3544. / 2565, 1859. / 4104, -11. / 40},
      .b = {25. / 216, 0, 1408. / 2565, 2197. / 4104, -1. / 5, 0},
      .b_embedded = {16. / 135, 0, 6656. / 12825, 28561. / 56430, -9. / 50, 2. / 55},
      .c = {0, 1. / 4, 3. / 8, 12. / 13, 1, 1. / 2},
      .order = 4,
      .embedded_order = 5};
};

/// Cash–Karp 5(4). ACM TOMS 16 (1990) 201–222; their further partners of orders 1 to 3 are left out.
struct CashKarp {
  static constexpr ExplicitTableau<6> tableau{
      .a = {1. / 5,
            3. / 40, 9. / 40,
            3. / 10, -9. / 10, 6. / 5,
            -11. / 54, 5. / 2, -70. / 27, 35. / 27,
            1631. / 55296, 175. / 512, 575. / 13824, 44275. / 110592, 253. / 4096},
      .b = {37. / 378, 0, 250. / 621, 125. / 594, 0, 512. / 1771},
      .b_embedded = {2825. / 27648, 0, 18575. / 48384, 13525. / 55296, 277. / 14336, 1. / 4},
      .c = {0, 1. / 5, 3. / 10, 3. / 5, 1, 7. / 8},
      .order = 5,
      .embedded_order = 4};
};

/// Verner 6(5), SIAM J. Numer. Anal. 15 (1978) 772–790, as in the code DVERK of Hull, Enright & Jackson; Hairer,
/// Nørsett & Wanner I, section II.5. His later "most efficient" 6(5) has smaller errors, but weights of 176 that
/// cancel: in float they leave errors of 1e-5.
struct Verner65 {
  static constexpr ExplicitTableau<8> tableau{
      .a = {1. / 6,
            4. / 75, 16. / 75,
            5. / 6, -8. / 3, 5. / 2,
            -165. / 64, 55. / 6, -425. / 64, 85. / 96,
            12. / 5, -8, 4015. / 612, -11. / 36, 88. / 255,
            -8263. / 15000, 124. / 75, -643. / 680, -81. / 250, 2484. / 10625, 0,
            3501. / 1720, -300. / 43, 297275. / 52632, -319. / 2322, 24068. / 84065, 0, 3850. / 26703},
      .b = {3. / 40, 0, 875. / 2244, 23. / 72, 264. / 1955, 0, 125. / 11592, 43. / 616},
      .b_embedded = {13. / 160, 0, 2375. / 5984, 5. / 16, 12. / 85, 3. / 44, 0, 0},
      .c = {0, 1. / 6, 4. / 15, 2. / 3, 5. / 6, 1, 1. / 15, 1},
      .order = 6,
      .embedded_order = 5};
};
// clang-format on

}  // namespace pathline
