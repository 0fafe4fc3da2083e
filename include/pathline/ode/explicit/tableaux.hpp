/// \file
/// Explicit Runge–Kutta methods as data: a method is a struct with a `tableau` and nothing else. The stepper turns the
/// numbers into code at compile time; whether a method is "first same as last" is read off the numbers.
///
/// Your own method is these few lines; its row sums and order conditions are checked when it is compiled:
/// ```
/// struct Kutta3 {
///   static constexpr ExplicitTableau<3> tableau{
///       .a = {1. / 2, -1, 2}, .b = {1. / 6, 2. / 3, 1. / 6}, .c = {0, 1. / 2, 1}, .order = 3};
/// };
/// ```
/// With `.b_embedded` and `.embedded_order` it estimates its error. More methods: fixed_step_tableaux.hpp,
/// embedded_pairs.hpp, dormand_prince_853.hpp.
#pragma once

#include <pathline/ode/explicit/explicit_stepper.hpp>

#include <array>

namespace pathline {

/// Explicit Euler, order 1: one residual layer. Euler, Institutionum calculi integralis I (1768).
struct Euler {
  static constexpr ExplicitTableau<1> tableau{.a = {}, .b = {1}, .c = {0}, .order = 1};
};

/// Explicit midpoint rule, order 2. Runge, Math. Ann. 46 (1895).
struct Midpoint {
  static constexpr ExplicitTableau<2> tableau{.a = {1. / 2}, .b = {0, 1}, .c = {0, 1. / 2}, .order = 2};
};

/// The classical method of order 4, without an error estimate. Kutta, Z. Math. Phys. 46 (1901).
struct Rk4 {
  static constexpr ExplicitTableau<4> tableau{.a = {1. / 2, 0, 1. / 2, 0, 0, 1},
                                              .b = {1. / 6, 1. / 3, 1. / 3, 1. / 6},
                                              .c = {0, 1. / 2, 1. / 2, 1},
                                              .order = 4};
};

/// Bogacki–Shampine 3(2), first same as last. Appl. Math. Lett. 2 (1989) 321–325.
struct BogackiShampine {
  static constexpr ExplicitTableau<4> tableau{.a = {1. / 2, 0, 3. / 4, 2. / 9, 1. / 3, 4. / 9},
                                              .b = {2. / 9, 1. / 3, 4. / 9, 0},
                                              .b_embedded = {7. / 24, 1. / 4, 1. / 3, 1. / 8},
                                              .c = {0, 1. / 2, 3. / 4, 1},
                                              .order = 3,
                                              .embedded_order = 2};
};

// clang-format off
/// Dormand–Prince 5(4), first same as last. J. Comput. Appl. Math. 6 (1980) 19–26. Its dense output is Shampine's, as
/// in dopri5.f; Hairer, Nørsett & Wanner I, section II.6.
struct Dopri5 {
  static constexpr ExplicitTableau<7> tableau{
      .a = {1. / 5,
            3. / 40, 9. / 40,
            44. / 45, -56. / 15, 32. / 9,
            19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729,
            9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656,
            35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84},
      .b = {35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84, 0},
      .b_embedded = {5179. / 57600, 0, 7571. / 16695, 393. / 640, -92097. / 339200, 187. / 2100, 1. / 40},
      .c = {0, 1. / 5, 3. / 10, 4. / 5, 8. / 9, 1, 1},
      .order = 5,
      .embedded_order = 4};
  static constexpr std::array<double, 7> dense{
      -12715105075. / 11282082432, 0, 87487479700. / 32700410799, -10690763975. / 1880347072,
      701980252875. / 199316789632, -1453857185. / 822651844, 69997945. / 29380423};
  static constexpr int dense_order = 4;
};

/// Tsitouras 5(4), first same as last; errors a little smaller than Dormand–Prince's at the same cost.
/// Comput. Math. Appl. 62 (2011) 770–775. He gives b_embedded - b, which is kept as such here. Of
/// his free interpolant (section 4) the leading coefficients are d, and the rest follows from them.
struct Tsit5 {
  static constexpr ExplicitTableau<7> tableau{
      .a = {.161,
            -.008480655492356989, .335480655492357,
            2.8971530571054935, -6.359448489975075, 4.3622954328695815,
            5.325864828439257, -11.748883564062828, 7.4955393428898365, -.09249506636175525,
            5.86145544294642, -12.92096931784711, 8.159367898576159, -.071584973281401, -.028269050394068383,
            .09646076681806523, .01, .4798896504144996, 1.379008574103742, -3.290069515436081, 2.324710524099774},
      .b = {.09646076681806523, .01, .4798896504144996, 1.379008574103742, -3.290069515436081, 2.324710524099774, 0},
      .b_embedded = {.09646076681806523 + .00178001105222577714, .01 + .0008164344596567469,
                     .4798896504144996 - .007880878010261995, 1.379008574103742 + .1447110071732629,
                     -3.290069515436081 - .5823571654525552, 2.324710524099774 + .45808210592918697, -1. / 66},
      .c = {0, .161, .327, .9, .9800255409045097, 1, 1},
      .order = 5,
      .embedded_order = 4};
  static constexpr std::array<double, 7> dense{
      -1.0530884977290216, .1017, 2.490627285651252793, -16.54810288924490272, 47.37952196281928122,
      -34.87065786149660974, 2.5};
  static constexpr int dense_order = 4;
};
// clang-format on

}  // namespace pathline
