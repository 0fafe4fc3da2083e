/// \file
/// Additive Runge–Kutta methods as data, for right-hand sides of which one part is stiff: the other is evaluated as by
/// an explicit method and stays out of Newton's. Run by the stepper of additive_stepper.hpp; docs/maths.md, (3.12).
#pragma once

#include <pathline/ode/implicit/additive/additive_stepper.hpp>

namespace pathline {

// clang-format off
/// ARK3(2)4L[2]SA: four stages, order 3(2); the implicit part is L-stable and stiffly accurate. Kennedy & Carpenter,
/// Appl. Numer. Math. 44 (2003) 139–181.
struct KennedyCarpenter3 {
  static constexpr double gamma = 1767732205903. / 4055673282236;
  static constexpr double b1 = 1471266399579. / 7840856788654, b2 = -4482444167858. / 7529755066697;
  static constexpr double b3 = 11266239266428. / 11593286722821;
  static constexpr AdditiveTableau<4> tableau{
      .explicit_a = {1767732205903. / 2027836641118,
                     5535828885825. / 10492691773637, 788022342437. / 10882634858940,
                     6485989280629. / 16251701735622, -4246266847089. / 9704473918619, 10755448449292. / 10357097424841},
      .implicit_a = {0,
                     gamma, gamma,
                     2746238789719. / 10658868560708, -640167445237. / 6845629431997, gamma,
                     b1, b2, b3, gamma},
      .b = {b1, b2, b3, gamma},
      .b_embedded = {2756255671327. / 12835298489170, -10771552573575. / 22201958757719, 9247589265047. / 10645013368117,
                     2193209047091. / 5459859503100},
      .c = {0, 1767732205903. / 2027836641118, 3. / 5, 1},
      .order = 3,
      .embedded_order = 2};
};

/// ARK4(3)6L[2]SA: six stages, order 4(3), of the same kind and source, γ = 1/4.
struct KennedyCarpenter4 {
  static constexpr AdditiveTableau<6> tableau{
      .explicit_a = {1. / 2,
                     13861. / 62500, 6889. / 62500,
                     -116923316275. / 2393684061468, -2731218467317. / 15368042101831, 9408046702089. / 11113171139209,
                     -451086348788. / 2902428689909, -2682348792572. / 7519795681897, 12662868775082. / 11960479115383,
                     3355817975965. / 11060851509271,
                     647845179188. / 3216320057751, 73281519250. / 8382639484533, 552539513391. / 3454668386233,
                     3354512671639. / 8306763924573, 4040. / 17871},
      .implicit_a = {0,
                     1. / 4, 1. / 4,
                     8611. / 62500, -1743. / 31250, 1. / 4,
                     5012029. / 34652500, -654441. / 2922500, 174375. / 388108, 1. / 4,
                     15267082809. / 155376265600, -71443401. / 120774400, 730878875. / 902184768, 2285395. / 8070912,
                     1. / 4,
                     82889. / 524892, 0, 15625. / 83664, 69875. / 102672, -2260. / 8211, 1. / 4},
      .b = {82889. / 524892, 0, 15625. / 83664, 69875. / 102672, -2260. / 8211, 1. / 4},
      .b_embedded = {4586570599. / 29645900160, 0, 178811875. / 945068544, 814220225. / 1159782912,
                     -3700637. / 11593932, 61727. / 225920},
      .c = {0, 1. / 2, 83. / 250, 31. / 50, 17. / 20, 1},
      .order = 4,
      .embedded_order = 3};
};
// clang-format on

}  // namespace pathline
