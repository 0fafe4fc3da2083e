// Every method has the order and the stability that it claims: on paper (static_asserts in the header) and in use.
#include <pathline/ode/implicit/fully_implicit/fully_implicit_methods.hpp>

#include <pathline/ode/explicit/explicit_tableau.hpp>
#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_methods.hpp>
#include <pathline/ode/implicit/fully_implicit/fully_implicit_stepper.hpp>

#include <support/catch.hpp>
#include <support/orders.hpp>

#include <Eigen/LU>

#include <cmath>
#include <complex>
#include <utility>

namespace pathline {

// A stepper checks its method where it is used; here all are checked.
static_assert(tableau_defect(GaussLegendre4::tableau) == TableauDefect::none, "GaussLegendre4: see TableauDefect");
static_assert(tableau_defect(RadauIia5::tableau) == TableauDefect::none, "RadauIia5: see TableauDefect");

namespace {

static_assert(FullyImplicitMethod<RadauIia5> && ImplicitMethod<RadauIia5> && SteppingMethod<RadauIia5>);
static_assert(!ExplicitMethod<RadauIia5> && !DiagonallyImplicitMethod<RadauIia5> && !FullyImplicitMethod<Kvaerno5>);
static_assert(EmbeddedMethod<RadauIia5> && !EmbeddedMethod<GaussLegendre4>);

template <class M>
using On2 = Stepper<M, Eigen::Vector2d>;
static_assert(On2<RadauIia5>::error_order == 4 && On2<RadauIia5>::filters_error && !On2<RadauIia5>::fsal);
static_assert(!On2<GaussLegendre4>::has_error && !On2<GaussLegendre4>::filters_error);

constexpr auto radau = detail::spectrum(RadauIia5::tableau.matrix());
static_assert(radau.real == 1 && radau.complex == 1);
static_assert(detail::nearly(radau.pairs[0].value.re, RadauIia5::gamma0), "the filter is that of the partner");

/// R(ζ) = 1 + ζ bᵀ(I - ζA)⁻¹1.
template <class M>
std::complex<double> stability(std::complex<double> zeta) {
  constexpr auto T = M::tableau;
  using Matrix = Eigen::Matrix<std::complex<double>, T.stages, T.stages>;
  using Vector = Eigen::Matrix<std::complex<double>, T.stages, 1>;
  Matrix matrix = Matrix::Identity();
  Vector b;
  for (int i = 0; i < T.stages; ++i) {
    b(i) = T.b[std::size_t(i)];
    for (int j = 0; j < T.stages; ++j) matrix(i, j) -= zeta * T.A(i, j);
  }
  return 1. + zeta * (b.transpose() * matrix.inverse() * Vector::Ones()).value();
}

/// Errors of single steps of length h, by the partner; it reads f at the start of the step.
double partner_error(double h) {
  CoupledProblem rhs;
  On2<RadauIia5> stepper;
  MeanError error;
  for (int i = 0; i < 20; ++i) {
    const double t = 0.1 * i;
    stepper.init(rhs, t, CoupledProblem::exact(t));
    REQUIRE(stepper.step(rhs, t, h));
    Eigen::Vector2d e;
    stepper.write_error(e);
    error.add(t + h, stepper.y_next() - e);
  }
  return error.root();
}

}  // namespace

// By the maximum principle the bound on the imaginary axis holds in the left half-plane, where R has no poles: they are
// the inverse eigenvalues of A, whose real parts are positive.
TEMPLATE_TEST_CASE("A fully implicit method is A-stable", "[ode][implicit]", GaussLegendre4, RadauIia5) {
  for (double omega = 1e-3; omega < 1e6; omega *= 1.03) {
    INFO("omega " << omega);
    REQUIRE(std::abs(stability<TestType>({0, omega})) <= 1 + 1e-13);
  }
  constexpr auto spectrum = detail::spectrum(TestType::tableau.matrix());
  for (std::size_t k = 0; k < spectrum.real + spectrum.complex; ++k) CHECK(spectrum.pairs[k].value.re > 0);
}

// Errors of 1e-11 and more, above the rounding of about 160 steps.
TEMPLATE_TEST_CASE("A fully implicit method converges with its order, forward and backward", "[ode][implicit][order]",
                   GaussLegendre4, RadauIia5) {
  const auto [t0, t1] = GENERATE(std::pair{0.0, 2.0}, std::pair{2.0, 0.0});
  const double slope = std::log2(global_error<TestType>(4, t0, t1) / global_error<TestType>(8, t0, t1));
  CHECK(slope == Approx(TestType::tableau.order).margin(0.2));
}

TEST_CASE("One step of Radau IIA and of its partner is wrong by their orders", "[ode][implicit][order]") {
  constexpr auto T = RadauIia5::tableau;
  CHECK(local_order<RadauIia5>(0.04, T.b) == Approx(T.order + 1).margin(0.25));
  CHECK(std::log2(partner_error(0.04) / partner_error(0.02)) == Approx(T.embedded_order + 1).margin(0.25));
}

}  // namespace pathline
