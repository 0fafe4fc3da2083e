// Every method has the order and the stability that it claims: on paper (static_asserts in the header) and in use.
#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_methods.hpp>

#include <pathline/ode/explicit/explicit_tableau.hpp>
#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_stepper.hpp>

#include <support/catch.hpp>
#include <support/orders.hpp>

#include <array>
#include <cmath>
#include <complex>
#include <cstddef>
#include <utility>

namespace pathline {

// A stepper checks its method where it is used; here all are checked.
static_assert(tableau_defect(ImplicitMidpoint::tableau) == TableauDefect::none, "ImplicitMidpoint: see TableauDefect");
static_assert(tableau_defect(CrankNicolson::tableau) == TableauDefect::none, "CrankNicolson: see TableauDefect");
static_assert(tableau_defect(TrBdf2::tableau) == TableauDefect::none, "TrBdf2: see TableauDefect");
static_assert(tableau_defect(Sdirk2::tableau) == TableauDefect::none, "Sdirk2: see TableauDefect");
static_assert(tableau_defect(Sdirk3::tableau) == TableauDefect::none, "Sdirk3: see TableauDefect");
static_assert(tableau_defect(Sdirk4::tableau) == TableauDefect::none, "Sdirk4: see TableauDefect");
static_assert(tableau_defect(Kvaerno3::tableau) == TableauDefect::none, "Kvaerno3: see TableauDefect");
static_assert(tableau_defect(Esdirk547L2SA2::tableau) == TableauDefect::none, "Esdirk547L2SA2: see TableauDefect");
static_assert(tableau_defect(Kvaerno5::tableau) == TableauDefect::none, "Kvaerno5: see TableauDefect");

namespace {

static_assert(EmbeddedMethod<TrBdf2> && EmbeddedMethod<Sdirk4> && EmbeddedMethod<Kvaerno3> && EmbeddedMethod<Kvaerno5>);
static_assert(!EmbeddedMethod<ImplicitMidpoint> && !EmbeddedMethod<CrankNicolson> && !EmbeddedMethod<Sdirk2> &&
              !EmbeddedMethod<Sdirk3>);
static_assert(ImplicitMethod<Kvaerno5> && !ExplicitMethod<Kvaerno5> && !DoublyEmbeddedMethod<Kvaerno5>);

template <class M>
using On2 = Stepper<M, Eigen::Vector2d>;
static_assert(On2<CrankNicolson>::fsal && On2<TrBdf2>::fsal && On2<Kvaerno3>::fsal && On2<Kvaerno5>::fsal);
static_assert(!On2<ImplicitMidpoint>::fsal && !On2<Sdirk2>::fsal && !On2<Sdirk4>::fsal);
static_assert(On2<TrBdf2>::error_order == 3 && On2<Sdirk4>::error_order == 4 && On2<Kvaerno5>::error_order == 5);
static_assert(On2<TrBdf2>::filters_error && On2<Sdirk4>::filters_error, "their partners amplify what is stiff");
static_assert(!On2<Kvaerno3>::filters_error && !On2<Kvaerno5>::filters_error);

constexpr bool vanishes(double x) { return x < 1e-13 && x > -1e-13; }

template <class M>
constexpr double limit = stability_at_infinity(M::tableau, M::tableau.b);
static_assert(limit<ImplicitMidpoint> == -1 && limit<CrankNicolson> == -1);
static_assert(vanishes(limit<TrBdf2>) && vanishes(limit<Sdirk2>) && vanishes(limit<Sdirk3>) &&
              vanishes(limit<Sdirk4>) && vanishes(limit<Kvaerno3>) && vanishes(limit<Kvaerno5>) &&
              vanishes(limit<Esdirk547L2SA2>));

/// |R(iω)|: stage by stage, since A is lower triangular.
template <class M>
double amplification(double omega) {
  using Complex = std::complex<double>;
  constexpr auto T = M::tableau;
  const Complex zeta(0, omega);
  std::array<Complex, std::size_t(T.stages)> K{};
  Complex y = 1;
  for (int i = 0; i < T.stages; ++i) {
    Complex base = 1;
    for (int j = 0; j < i; ++j) base += T.A(i, j) * K[std::size_t(j)];
    K[std::size_t(i)] = zeta * base / (1. - zeta * T.A(i, i));
    y += T.b[std::size_t(i)] * K[std::size_t(i)];
  }
  return std::abs(y);
}

}  // namespace

// By the maximum principle the bound on the imaginary axis holds in the left half-plane, where R has no poles: they
// lie at 1/γ > 0.
TEMPLATE_TEST_CASE("A method is A-stable", "[ode][implicit]", ImplicitMidpoint, CrankNicolson, TrBdf2, Sdirk2, Sdirk3,
                   Sdirk4, Kvaerno3, Kvaerno5, Esdirk547L2SA2) {
  for (double omega = 1e-3; omega < 1e6; omega *= 1.03) {
    INFO("omega " << omega);
    REQUIRE(amplification<TestType>(omega) <= 1 + 1e-13);
  }
}

// Errors of 1e-10 (Kvaerno5) and more, above the rounding of about 500 steps.
TEMPLATE_TEST_CASE("An implicit method converges with its order, forward and backward", "[ode][implicit][order]",
                   ImplicitMidpoint, CrankNicolson, TrBdf2, Sdirk2, Sdirk3, Sdirk4, Kvaerno3, Kvaerno5,
                   Esdirk547L2SA2) {
  const auto [t0, t1] = GENERATE(std::pair{0.0, 2.0}, std::pair{2.0, 0.0});
  const double slope = std::log2(global_error<TestType>(8, t0, t1) / global_error<TestType>(16, t0, t1));
  CHECK(slope == Approx(TestType::tableau.order).margin(0.2));
}

// The only step of a solve is the last, and Closing's: wrong by h⁶. A stage put back to the end would leave h³.
TEST_CASE("Kvaerno5 keeps its order where another method takes the last step", "[ode][implicit][order]") {
  const auto error = [](double h) {
    MeanError sum;
    for (int i = 0; i < 20; ++i) {
      const double times[] = {0.1 * i, 0.1 * i + h};
      CoupledProblem rhs;
      Eigen::Vector2d y = CoupledProblem::exact(times[0]);
      Stepper<Kvaerno5, Eigen::Vector2d> stepper;
      integrate(Kvaerno5{}, FixedSteps(1), rhs, y, times, stepper, ErrorAtOutputs(times));
      sum.add(times[1], y);
    }
    return sum.root();
  };
  CHECK(std::log2(error(0.04) / error(0.02)) == Approx(6).margin(0.25));
}

TEMPLATE_TEST_CASE("One step of an implicit pair and of its partner is wrong by their orders", "[ode][implicit][order]",
                   TrBdf2, Sdirk4, Kvaerno3, Kvaerno5, Esdirk547L2SA2) {
  constexpr auto T = TestType::tableau;
  CHECK(local_order<TestType>(0.02, T.b) == Approx(T.order + 1).margin(0.25));
  CHECK(local_order<TestType>(0.02, T.b_embedded) == Approx(T.embedded_order + 1).margin(0.25));
}

}  // namespace pathline
