/// \file
/// The method of order 8 with two error estimates, for smooth problems and tolerances below about 1e-8.
#pragma once

#include <pathline/ode/explicit/dense_weights.hpp>
#include <pathline/ode/explicit/explicit_stepper.hpp>

#include <array>
#include <cstddef>

namespace pathline {

namespace detail {

/// From factors of 1, θ, θ(1-θ) and θ²(1-θ) to those of 1, θ, θ² and θ³.
template <std::size_t E>
constexpr std::array<std::array<double, E>, 4> in_powers(const std::array<std::array<double, E>, 4>& nested) {
  std::array<std::array<double, E>, 4> rows{};
  for (std::size_t i = 0; i < E; ++i) {
    rows[0][i] = nested[0][i];
    rows[1][i] = nested[1][i] + nested[2][i];
    rows[2][i] = nested[3][i] - nested[2][i];
    rows[3][i] = -nested[3][i];
  }
  return rows;
}

}  // namespace detail

// clang-format off
/// Dormand–Prince 8(5,3): an 8(6) method of theirs with 12 stages, whose partner Hairer & Wanner replaced by two.
/// Hairer, Nørsett & Wanner I, sections II.5 and II.10, and their code DOP853. The code prints 30 digits: here are the
/// nearest doubles, and b_embedded is its b - er. Not the 8(7) method with 13 stages of Prince & Dormand (1981).
///
/// Two partners of orders 5 and 3 estimate the error together, E = E_5² / sqrt(E_5² + 0.01 E_3²): each alone is far too
/// large, and their quotient falls with h⁸ as a seventh-order partner would. docs/maths.md, (4.6).
///
/// Between its steps it has the extension of DOP853 (section II.6, and `contd8` of the code), of order 7. It takes
/// three more evaluations in steps that are looked into, and none in others.
struct Dop853 {
  static constexpr ExplicitTableau<12> tableau{
      .a = {0.05260015195876773,
            0.0197250569845379, 0.0591751709536137,
            0.02958758547680685, 0, 0.08876275643042054,
            0.2413651341592667, 0, -0.8845494793282861, 0.924834003261792,
            0.037037037037037035, 0, 0, 0.17082860872947386, 0.12546768756682242,
            0.037109375, 0, 0, 0.17025221101954405, 0.06021653898045596, -0.017578125,
            0.03709200011850479, 0, 0, 0.17038392571223998, 0.10726203044637328, -0.015319437748624402,
            0.008273789163814023,
            0.6241109587160757, 0, 0, -3.3608926294469414, -0.868219346841726, 27.59209969944671, 20.154067550477894,
            -43.48988418106996,
            0.47766253643826434, 0, 0, -2.4881146199716677, -0.590290826836843, 21.230051448181193,
            15.279233632882423, -33.28821096898486, -0.020331201708508627,
            -0.9371424300859873, 0, 0, 5.186372428844064, 1.0914373489967295, -8.149787010746927, -18.52006565999696,
            22.739487099350505, 2.4936055526796523, -3.0467644718982196,
            2.273310147516538, 0, 0, -10.53449546673725, -2.0008720582248625, -17.9589318631188, 27.94888452941996,
            -2.8589982771350235, -8.87285693353063, 12.360567175794303, 0.6433927460157636},
      .b = {0.054293734116568765, 0, 0, 0, 0, 4.450312892752409, 1.8915178993145003, -5.801203960010585,
            0.3111643669578199, -0.1521609496625161, 0.20136540080403034, 0.04471061572777259},
      .b_embedded = {0.04117368912237388, 0, 0, 0, 0, 5.675469339128614, 2.3872768489717506, -7.465581142465571,
                     0.6614932157077936, -0.48634006837553356, 0.11944219431891463, 0.06706592359165889},
      .c = {0, 0.05260015195876773, 0.0789002279381516, 0.1183503419072274, 0.2816496580927726, 1. / 3,
            0.25, 4. / 13, 0.6512820512820513, 0.6, 0.8571428571428571, 1},
      .order = 8,
      .embedded_order = 5};
  static constexpr std::array<double, 12> b_coarse{
      0.2440944881889764, 0, 0, 0, 0, 0, 0, 0, 0.7338466882816119, 0, 0, 0.022058823529411766};
  static constexpr int coarse_order = 3;
  static constexpr ExplicitTableau<16> dense_tableau = extended_stages(
      tableau,
      std::array<double, 42>{
            0.056167502283047954, 0, 0, 0, 0, 0, 0.25350021021662483, -0.2462390374708025, -0.12419142326381637,
            0.15329179827876568, 0.00820105229563469, 0.007567897660545699, -0.008298,
            0.03183464816350214, 0, 0, 0, 0, 0.028300909672366776, 0.053541988307438566, -0.05492374857139099, 0, 0,
            -0.00010834732869724932, 0.0003825710908356584, -0.00034046500868740456, 0.1413124436746325,
            -0.42889630158379194, 0, 0, 0, 0, -4.697621415361164, 7.683421196062599, 4.06898981839711,
            0.3567271874552811, 0, 0, 0, -0.0013990241651590145, 2.9475147891527724, -9.15095847217987},
      std::array<double, 3>{1. / 10, 1. / 5, 7. / 9});
  /// The code's d4 to d7, of its nested form.
  static constexpr std::array<std::array<double, 16>, 4> dense = detail::in_powers<16>({{
      {{-8.428938276109013, 0, 0, 0, 0, 0.5667149535193777, -3.0689499459498917, 2.38466765651207, 2.117034582445028,
        -0.871391583777973, 2.2404374302607883, 0.6315787787694688, -0.08899033645133331, 18.148505520854727,
        -9.194632392478356, -4.436036387594894}},
      {{10.427508642579134, 0, 0, 0, 0, 242.28349177525817, 165.20045171727028, -374.5467547226902,
        -22.113666853125306, 7.733432668472264, -30.674084731089398, -9.332130526430229, 15.697238121770845,
        -31.139403219565178, -9.35292435884448, 35.81684148639408}},
      {{19.985053242002433, 0, 0, 0, 0, -387.0373087493518, -189.17813819516758, 527.8081592054236,
        -11.57390253995963, 6.8812326946963, -1.0006050966910838, 0.7777137798053443, -2.778205752353508,
        -60.19669523126412, 84.32040550667716, 11.99229113618279}},
      {{-25.69393346270375, 0, 0, 0, 0, -154.18974869023643, -231.5293791760455, 357.6391179106141,
        93.40532418362432, -37.45832313645163, 104.0996495089623, 29.8402934266605, -43.53345659001114,
        96.32455395918828, -39.17726167561544, -149.72683625798564}}}});
  static constexpr int dense_order = 7;
};
// clang-format on

// Its 200 order conditions are checked by Stepper and by the test, not by all who include ode.hpp.
static_assert(row_sum_defect(Dop853::tableau) < detail::tableau_tolerance && DoublyEmbeddedMethod<Dop853>);
static_assert(DenselyStagedMethod<Dop853>);

}  // namespace pathline
