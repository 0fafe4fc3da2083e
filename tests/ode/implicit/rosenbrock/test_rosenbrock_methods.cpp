// Every Rosenbrock method has the order and the stability that it claims: on paper (static_asserts in the header) and
// in use.
#include <pathline/ode/implicit/rosenbrock/rosenbrock_methods.hpp>

#include <pathline/ode/explicit/explicit_tableau.hpp>
#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_tableau.hpp>
#include <pathline/ode/implicit/rosenbrock/rosenbrock_stepper.hpp>

#include <support/catch.hpp>
#include <support/orders.hpp>

#include <array>
#include <cmath>
#include <complex>
#include <cstddef>
#include <utility>

namespace pathline {

// A stepper checks its method where it is used; here all are checked.
static_assert(tableau_defect(Rosenbrock23::tableau) == TableauDefect::none, "Rosenbrock23: see TableauDefect");
static_assert(tableau_defect(Rodas4::tableau) == TableauDefect::none, "Rodas4: see TableauDefect");

namespace {

static_assert(RosenbrockMethod<Rodas4> && ImplicitMethod<Rodas4> && EmbeddedMethod<Rodas4>);
static_assert(!DiagonallyImplicitMethod<Rodas4> && !ExplicitMethod<Rodas4> && !RosenbrockMethod<int>);

template <class M>
using On2 = Stepper<M, Eigen::Vector2d>;
static_assert(On2<Rosenbrock23>::fsal && !On2<Rodas4>::fsal);
static_assert(On2<Rosenbrock23>::error_order == 3 && On2<Rodas4>::error_order == 4);

/// |R(iω)|, stage by stage: K_i = ζ (1 + Σ_{j<i} β_ij K_j) / (1 - ζγ).
template <class M>
double amplification(double omega, const std::array<double, std::size_t(M::tableau.stages)>& weights) {
  using Complex = std::complex<double>;
  const Complex zeta(0, omega);
  std::array<Complex, std::size_t(M::tableau.stages)> K{};
  Complex y = 1;
  for (int i = 0; i < M::tableau.stages; ++i) {
    Complex base = 1;
    for (int j = 0; j < i; ++j) base += M::tableau.beta(i, j) * K[std::size_t(j)];
    K[std::size_t(i)] = zeta * base / (1. - zeta * M::tableau.gamma);
    y += weights[std::size_t(i)] * K[std::size_t(i)];
  }
  return std::abs(y);
}

/// With its derivatives.
struct Differentiated : CoupledProblem {
  void jacobian(double t, const State& y, Jacobians<double>& J) const {
    J << 2 * t * std::log(y(1)), 2 * t * y(0) / y(1), -2 * t * y(1) / y(0), -2 * t * std::log(y(0));
  }
  void time_derivative(double, const State& y, State& dfdt) const {
    dfdt << 2 * y(0) * std::log(y(1)), -2 * y(1) * std::log(y(0));
  }
};
static_assert(HasTimeDerivative<Differentiated, Eigen::Vector2d> &&
              !HasTimeDerivative<CoupledProblem, Eigen::Vector2d>);

/// The same problem with the time as a third, and an own Jacobian.
struct Autonomous {
  void operator()(double, const Eigen::Vector3d& y, Eigen::Vector3d& dy) const {
    dy << 2 * y(2) * y(0) * std::log(y(1)), -2 * y(2) * y(1) * std::log(y(0)), 1;
  }
  void jacobian(double, const Eigen::Vector3d& y, Jacobians<double>& J) const {
    J << 2 * y(2) * std::log(y(1)), 2 * y(2) * y(0) / y(1), 2 * y(0) * std::log(y(1)),    //
        -2 * y(2) * y(1) / y(0), -2 * y(2) * std::log(y(0)), -2 * y(1) * std::log(y(0)),  //
        0, 0, 0;
  }
  void time_derivative(double, const Eigen::Vector3d&, Eigen::Vector3d& dfdt) const { dfdt.setZero(); }
};

/// Errors of single steps of the method and of its partner.
template <class Method>
std::pair<double, double> local_errors(double h) {
  Differentiated rhs;
  Stepper<Method, Eigen::Vector2d> stepper;
  MeanError solution, partner;
  for (int i = 0; i < 20; ++i) {
    const double t = 0.1 * i;
    Eigen::Vector2d e;
    stepper.init(rhs, t, CoupledProblem::exact(t));
    REQUIRE(stepper.step(rhs, t, h));
    stepper.write_error(e);
    solution.add(t + h, stepper.y_next());
    partner.add(t + h, stepper.y_next() - e);
  }
  return {solution.root(), partner.root()};
}

}  // namespace

// As for diagonally implicit methods: the bound on the imaginary axis is one on the left half-plane.
TEMPLATE_TEST_CASE("A Rosenbrock method is A-stable, and L-stable", "[ode][implicit]", Rosenbrock23, Rodas4) {
  for (double omega = 1e-3; omega < 1e6; omega *= 1.03) {
    INFO("omega " << omega);
    REQUIRE(amplification<TestType>(omega, TestType::tableau.b) <= 1 + 1e-13);
  }
  CHECK(std::abs(stability_at_infinity(TestType::tableau, TestType::tableau.b)) < 1e-13);
}

TEMPLATE_TEST_CASE("A Rosenbrock method converges with its order, forward and backward", "[ode][implicit][order]",
                   Rosenbrock23, Rodas4) {
  const auto [t0, t1] = GENERATE(std::pair{0.0, 2.0}, std::pair{2.0, 0.0});
  const double slope =
      std::log2(global_error<TestType, Differentiated>(8, t0, t1) / global_error<TestType, Differentiated>(16, t0, t1));
  CHECK(slope == Approx(TestType::tableau.order).margin(0.2));
  const double differences = std::log2(global_error<TestType>(8, t0, t1) / global_error<TestType>(16, t0, t1));
  CHECK(differences == Approx(TestType::tableau.order).margin(0.2));
}

TEMPLATE_TEST_CASE("One step of a Rosenbrock pair and of its partner is wrong by their orders",
                   "[ode][implicit][order]", Rosenbrock23, Rodas4) {
  const auto [coarse, coarse_partner] = local_errors<TestType>(0.02);
  const auto [fine, fine_partner] = local_errors<TestType>(0.01);
  CHECK(std::log2(coarse / fine) == Approx(TestType::tableau.order + 1).margin(0.25));
  CHECK(std::log2(coarse_partner / fine_partner) == Approx(TestType::tableau.embedded_order + 1).margin(0.25));
}

// The definition for f(t, y) is that for the system with t' = 1: Hairer & Wanner II, equation IV.7.4a.
TEMPLATE_TEST_CASE("A Rosenbrock step is the same with the time as a state", "[ode][implicit]", Rosenbrock23, Rodas4) {
  const double t = 0.7, h = 0.1;
  Differentiated rhs;
  Autonomous autonomous;
  Stepper<TestType, Eigen::Vector2d> stepper;
  Stepper<TestType, Eigen::Vector3d> with_time;
  const Eigen::Vector2d y = CoupledProblem::exact(t);
  stepper.init(rhs, t, y);
  with_time.init(autonomous, 0, Eigen::Vector3d(y(0), y(1), t));
  REQUIRE(stepper.step(rhs, t, h));
  REQUIRE(with_time.step(autonomous, 0, h));
  CHECK((with_time.y_next().head(2) - stepper.y_next()).norm() < 1e-14);
  CHECK(with_time.y_next()(2) == Approx(t + h));
}

}  // namespace pathline
