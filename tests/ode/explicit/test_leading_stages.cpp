#include <pathline/ode/explicit/leading_stages.hpp>

#include <pathline/ode/explicit/dormand_prince_853.hpp>
#include <pathline/ode/explicit/fixed_step_tableaux.hpp>
#include <pathline/ode/explicit/tableaux.hpp>
#include <pathline/ode/integrate.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <array>
#include <cmath>

using namespace pathline;

namespace {

template <class Method>
constexpr auto count = std::count(detail::leads_only<Method>.begin(), detail::leads_only<Method>.end(), true);

// The zeros of the printed tableaux: b, b̂ and d of Dormand & Prince at the second stage, b of DOP853 at the second to
// the fifth. The last stage of Dopri5 has b = 0 too, but its slope starts the next step and is in the error.
static_assert(count<Dopri5> == 1 && detail::leads_only<Dopri5>[1]);
static_assert(count<Dop853> == 4 && detail::leads_only<Dop853>[1] && detail::leads_only<Dop853>[4]);
static_assert(count<Rk4> == 0 && count<Tsit5> == 0 && count<BogackiShampine> == 0);

/// Of three stages the second leads only, and in each method below one thing reads it.
struct Leading {
  static constexpr ExplicitTableau<3> tableau{.a = {1. / 2, 0, 1},
                                              .b = {1. / 2, 0, 1. / 2},
                                              .b_embedded = {1, 0, 0},
                                              .c = {0, 1. / 2, 1},
                                              .order = 2,
                                              .embedded_order = 1};
};
constexpr ExplicitTableau<3> with_weights(std::array<double, 3> b, std::array<double, 3> b_embedded) {
  ExplicitTableau<3> tableau = Leading::tableau;
  tableau.b = b;
  tableau.b_embedded = b_embedded;
  return tableau;
}
struct InSolution {
  static constexpr ExplicitTableau<3> tableau = with_weights({0, 1, 0}, {1, 0, 0});
};
struct InPartner {
  static constexpr ExplicitTableau<3> tableau = with_weights({1. / 2, 0, 1. / 2}, {0, 1, 0});
};
struct InCoarsePartner : Leading {
  static constexpr std::array<double, 3> b_coarse{0, 1, 0};
  static constexpr int coarse_order = 1;
};
struct InExtension : Leading {
  static constexpr std::array<double, 3> dense{0, 1, -1};
  static constexpr int dense_order = 2;
};
struct InOneRowOfExtension : Leading {
  static constexpr ExplicitTableau<4> dense_tableau{
      .a = {1. / 2, 0, 1, 1. / 2, 0, 1. / 2}, .b = {}, .c = {0, 1. / 2, 1, 1}};
  static constexpr std::array<std::array<double, 4>, 3> dense{{{1, 0, -1, 0}, {0, 1, -1, 0}, {1, 0, 0, -1}}};
  static constexpr int dense_order = 2;
};
static_assert(DoublyEmbeddedMethod<InCoarsePartner> && DenselyExtendedMethod<InExtension>);
static_assert(DenselyStagedMethod<InOneRowOfExtension>);
static_assert(count<Leading> == 1 && detail::leads_only<Leading>[1]);
static_assert(count<InSolution> == 0 && count<InPartner> == 0 && count<InCoarsePartner> == 0);
static_assert(count<InExtension> == 0 && count<InOneRowOfExtension> == 0);

/// z' = -z, and the quadrature of z².
struct Decay {
  int complete = 0, of_path = 0;
  [[nodiscard]] static Index path_rows() { return 1; }
  void operator()(double /*t*/, const Batch<double>& y, Batch<double>& dy) {
    ++complete;
    dy.row(0) = -y.row(0);
    dy.row(1) = y.row(0).cwiseAbs2();
  }
};
struct DecayOfPath : Decay {
  void path_slope(double /*t*/, const Batch<double>& y, Batch<double>& dy) {
    ++of_path;
    dy.row(0) = -y.row(0);
    dy.row(1).setConstant(1e3);  // to be read by nobody
  }
};
static_assert(!HasPathSlope<Decay, Batch<double>> && HasPathSlope<DecayOfPath, Batch<double>>);

template <class Rhs>
struct Solved {
  Rhs rhs;
  Batch<double> y = Batch<double>::Constant(2, 3, 1);
  Statistics statistics;
  explicit Solved(double tolerance) {
    Stepper<Dopri5, Batch<double>> stepper;
    const std::array<double, 2> times{0, 2};
    statistics = integrate(Dopri5{}, PiController{.rtol = tolerance, .atol = tolerance, .initial_step = 2}, rhs, y,
                           times, stepper);
  }
};

}  // namespace

TEST_CASE("Stages that only lead to later ones need no quadratures", "[ode][explicit_stepper]") {
  const Solved<Decay> all(1e-6);
  const Solved<DecayOfPath> some(1e-6);
  CHECK(some.y == all.y);
  CHECK(some.y(1, 0) == Approx(1 + (1 - std::exp(-4.)) / 2).epsilon(1e-5));
  REQUIRE(some.statistics.rejected > 0);
  CHECK(some.statistics.evaluations == all.statistics.evaluations);
  CHECK(some.rhs.of_path == some.statistics.accepted + some.statistics.rejected);
  CHECK(some.rhs.complete + some.rhs.of_path == all.rhs.complete);
}
