/// \file
/// The method of order 8 with two error estimates, for smooth problems and tolerances below about 1e-8.
#pragma once

#include <pathline/ode/concepts.hpp>
#include <pathline/ode/tableau_checks.hpp>

#include <array>

namespace pathline {

// clang-format off
/// Dormand–Prince 8(5,3): an 8(6) method of theirs with 12 stages, whose partner Hairer & Wanner replaced by two.
/// Hairer, Nørsett & Wanner I, sections II.5 and II.10, and their code DOP853. The code prints 30 digits: here are the
/// nearest doubles, and b_embedded is its b - er. Not the 8(7) method with 13 stages of Prince & Dormand (1981).
///
/// Two partners of orders 5 and 3 estimate the error together, E = E_5² / sqrt(E_5² + 0.01 E_3²): each alone is far too
/// large, and their quotient falls with h⁸ as a seventh-order partner would. docs/maths.md, section 4.
///
/// Between its steps it has the cubic Hermite polynomial, of order 3. The extension of order 7 in DOP853, which takes
/// three more stages a step, is left out: where outputs must have the order of the steps, land on them.
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
};
// clang-format on

// Its 200 order conditions are checked by Stepper and by the test, not by all who include ode.hpp.
static_assert(row_sum_defect(Dop853::tableau) < detail::tableau_tolerance && DoublyEmbeddedMethod<Dop853>);

}  // namespace pathline
