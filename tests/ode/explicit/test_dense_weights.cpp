// The continuous extensions on paper: order conditions for all θ, and the forms that others print.
#include <pathline/ode/explicit/dense_weights.hpp>

#include <pathline/ode/explicit/dormand_prince_853.hpp>
#include <pathline/ode/explicit/embedded_pairs.hpp>
#include <pathline/ode/explicit/explicit_stepper.hpp>
#include <pathline/ode/explicit/fixed_step_tableaux.hpp>
#include <pathline/ode/explicit/tableaux.hpp>

#include <support/catch.hpp>

#include <array>
#include <cstddef>

namespace pathline {
namespace {

// Hermite's own error is O(h⁴), the end's O(h^(p+1)).
static_assert(dense_order_reached(Euler::tableau) == 1 && dense_order_reached(Midpoint::tableau) == 2);
static_assert(dense_order_reached(Heun::tableau) == 2 && dense_order_reached(BogackiShampine::tableau) == 3);
static_assert(dense_order_reached(SspRk3::tableau) == 3 && dense_order_reached(Rk4::tableau) == 3);
static_assert(dense_order_reached(Verner65::tableau) == 3 && dense_order_reached(Dop853::tableau) == 3);
static_assert(dense_order_reached(Dopri5::tableau) == 3, "without d it is the Hermite polynomial");

/// `dense` with its i-th entry changed in the twelfth digit.
template <class Method>
constexpr int order_with_wrong_digit(std::size_t i) {
  std::array<double, Method::tableau.b.size()> d = Method::dense;
  d[i] += 1e-11;
  return dense_order_reached(Method::tableau, d);
}
static_assert(order_with_wrong_digit<Dopri5>(0) == 0 && order_with_wrong_digit<Dopri5>(6) == 0);
static_assert(order_with_wrong_digit<Tsit5>(1) == 0 && order_with_wrong_digit<Tsit5>(4) == 0);

// What Dop853 has of its own, of order 7; a wrong digit of the twelfth place in a row of A, a wrong node or another
// method's first rows are seen.
static_assert(dense_order_reached(Dop853::tableau, Dop853::dense_tableau, Dop853::dense) == 7);
constexpr int order_of_changed_stages(std::size_t entry, double change) {
  ExplicitTableau<16> stages = Dop853::dense_tableau;
  stages.a[entry] += change;
  return dense_order_reached(Dop853::tableau, stages, Dop853::dense);
}
static_assert(order_of_changed_stages(5, 1e-11) == 0 && order_of_changed_stages(70, 1e-11) == 0);
static_assert(order_of_changed_stages(119, 1e-11) == 0);
constexpr int order_of_changed_row(std::size_t power, double change) {
  auto dense = Dop853::dense;
  dense[power][15] += change;
  return dense_order_reached(Dop853::tableau, Dop853::dense_tableau, dense);
}
static_assert(order_of_changed_row(0, 1e-10) == 0 && order_of_changed_row(3, 1e-10) == 0);
static_assert(DenselyStagedMethod<Dop853> && !DenselyStagedMethod<Dopri5> && !DenselyStagedMethod<Rk4>);
struct ShortRows : Dop853 {
  static constexpr std::array<std::array<double, 12>, 4> dense{};
};
static_assert(!DenselyStagedMethod<ShortRows> && !DenselyExtendedMethod<ShortRows>);

static_assert(DenselyExtendedMethod<Dopri5> && DenselyExtendedMethod<Tsit5>);
static_assert(!DenselyExtendedMethod<Rk4> && !DenselyExtendedMethod<Dop853>);
struct WithoutOrder : Dopri5 {
 private:
  static constexpr int dense_order = 4;
};
struct TooShort {
  static constexpr ExplicitTableau<7> tableau = Dopri5::tableau;
  static constexpr std::array<double, 6> dense{};
  static constexpr int dense_order = 4;
};
static_assert(!DenselyExtendedMethod<WithoutOrder> && !DenselyExtendedMethod<TooShort>);

/// b_i(θ) with f_1 as the last stage, which it is for a method that is first same as last.
template <class Method>
auto weights_at(double theta) {
  const detail::HermiteWeights at = detail::hermite_weights(theta);
  std::array<double, Method::tableau.b.size()> b{};
  for (std::size_t i = 0; i < b.size(); ++i) b[i] = at.rise * Method::tableau.b[i] + at.correction * Method::dense[i];
  b.front() += at.first;
  b.back() += at.last;
  return b;
}

}  // namespace

TEST_CASE("Tsit5 has the interpolant that Tsitouras prints", "[ode][dense]") {
  for (double t = 0; t <= 1; t += 1. / 16) {
    const double b[] = {
        -1.0530884977290216 * t * (t - 1.3299890189751412) * (t * t - 1.4364028541716351 * t + 0.7139816917074209),
        0.1017 * t * t * (t * t - 2.1966568338249754 * t + 1.2949852507374631),
        2.490627285651252793 * t * t * (t * t - 2.38535645472061657 * t + 1.57803468208092486),
        -16.54810288924490272 * (t - 1.21712927295533244) * (t - 0.61620406037800089) * t * t,
        47.37952196281928122 * (t - 1.203071208372362603) * (t - 0.658047292653547382) * t * t,
        -34.87065786149660974 * (t - 1.2) * (t - 0.666666666666666667) * t * t,
        2.5 * (t - 1) * (t - 0.6) * t * t};
    const auto ours = weights_at<Tsit5>(t);
    // The printed roots have 16 digits in front of a factor of 47.
    for (std::size_t i = 0; i < 7; ++i) CHECK(ours[i] == Approx(b[i]).margin(2e-14));
  }
}

TEST_CASE("Dopri5 has the interpolant of the code DOPRI5 in SciPy's form", "[ode][dense]") {
  // scipy.integrate RK45.P: b_i(θ) = Σ_k P_ik θ^(k+1).
  const double P[7][4] = {{1, -8048581381. / 2820520608, 8663915743. / 2820520608, -12715105075. / 11282082432},
                          {0, 0, 0, 0},
                          {0, 131558114200. / 32700410799, -68118460800. / 10900136933, 87487479700. / 32700410799},
                          {0, -1754552775. / 470086768, 14199869525. / 1410260304, -10690763975. / 1880347072},
                          {0, 127303824393. / 49829197408, -318862633887. / 49829197408, 701980252875. / 199316789632},
                          {0, -282668133. / 205662961, 2019193451. / 616988883, -1453857185. / 822651844},
                          {0, 40617522. / 29380423, -110615467. / 29380423, 69997945. / 29380423}};
  for (double t = 0; t <= 1; t += 1. / 16) {
    const auto ours = weights_at<Dopri5>(t);
    // Ten terms of size 10 and less.
    for (std::size_t i = 0; i < 7; ++i)
      CHECK(ours[i] == Approx(t * (P[i][0] + t * (P[i][1] + t * (P[i][2] + t * P[i][3])))).margin(2e-14));
  }
}

}  // namespace pathline
