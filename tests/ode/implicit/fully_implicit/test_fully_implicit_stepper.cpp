// One step of a fully implicit method: what its stages solve, what decays, what is kept, and whom it reads.
#include <pathline/ode/implicit/fully_implicit/fully_implicit_stepper.hpp>

#include <pathline/ode/implicit/fully_implicit/fully_implicit_methods.hpp>
#include <pathline/ode/integrate.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/implicit_steps.hpp>
#include <support/ode_problems.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace pathline {
namespace {

/// A method of one's own: Radau IIA of order 3.
struct RadauIia3 {
  static constexpr FullyImplicitTableau<2> tableau{
      .a = {5. / 12, -1. / 12, 3. / 4, 1. / 4}, .b = {3. / 4, 1. / 4}, .c = {1. / 3, 1}, .order = 3};
};

}  // namespace

// |R(-1e8)| of Radau is 1e-8 times 9, that of Gauss 1 - 12e-8.
TEST_CASE("Radau IIA damps in one step what is infinitely stiff, Gauss keeps it", "[ode][implicit]") {
  Eigen::Vector2d radau(1, -3), gauss = radau;
  run<RadauIia5>(1, Decay{-1e8}, radau, 0, 1);
  CHECK(radau.cwiseAbs().maxCoeff() < 1e-6);
  run<GaussLegendre4>(1, Decay{-1e8}, gauss, 0, 1);
  CHECK((gauss - Eigen::Vector2d(1, -3)).norm() < 1e-6);
}

TEST_CASE("Gauss-Legendre keeps quadratic invariants to rounding", "[ode][implicit]") {
  const RigidBody rhs;
  const Eigen::Vector3d start(std::cos(1.1), 0, std::sin(1.1));
  Eigen::Vector3d y = start, radau = start;
  run<GaussLegendre4>(1000, rhs, y, 0, 100);
  // Newton's method leaves up to 4 ulps in Z, hence 14 in √3 (Z_2 - Z_1) and 28 in the square, every step.
  CHECK(std::abs(y.squaredNorm() - 1) < 1000 * 28 * 2.3e-16);
  CHECK(std::abs(rhs.energy(y) - rhs.energy(start)) < 1000 * 28 * 2.3e-16);
  run<RadauIia3>(1000, rhs, radau, 0, 100);
  CHECK(std::abs(rhs.energy(radau) - rhs.energy(start)) > 1e-6);
}

// With K_i = f(Y_i) of a problem that is not stiff this is the definition of the method; docs/maths.md, (2.2).
TEMPLATE_TEST_CASE("The coupled stages of a step solve the equations of the tableau", "[ode][implicit]", GaussLegendre4,
                   RadauIia5, RadauIia3) {
  constexpr auto T = TestType::tableau;
  const double t = 0.3, h = 0.1;
  CoupledProblem rhs;
  Stepper<TestType, Eigen::Vector2d> stepper;
  stepper.init(rhs, t, CoupledProblem::exact(t));
  REQUIRE(stepper.step(rhs, t, h));
  Eigen::Vector2d end = stepper.y(), f;
  for (int i = 0; i < T.stages; ++i) {
    Eigen::Vector2d Y = stepper.y();
    for (int j = 0; j < T.stages; ++j) Y += h * T.A(i, j) * stepper.stage(j);
    rhs(t + T.c[std::size_t(i)] * h, Y, f);
    CHECK((f - stepper.stage(i)).norm() < 1e-12);  // 4 ulps of Y, of size 3, times 10 / h
    end += h * T.b[std::size_t(i)] * stepper.stage(i);
  }
  CHECK((end - stepper.y_next()).norm() < 1e-14);
}

TEMPLATE_TEST_CASE("Quadrature rows stay out of the coupled Newton's method", "[ode][implicit]", GaussLegendre4,
                   RadauIia5) {
  Batch<double> with = oscillators_with_quadrature(), all = with, path = with.topRows(2);
  run<TestType>(40, OscillatorsWithQuadrature{}, with, 0, 1);
  run<TestType>(40, Oscillators{}, path, 0, 1);
  run<TestType>(40, Oscillators{}, all, 0, 1);
  CHECK(with.topRows(2) == path);
  // As a third path row the same equations are solved to rounding, of values up to 9.
  CHECK((with - all).cwiseAbs().maxCoeff() < 1e-11);
}

TEMPLATE_TEST_CASE("A sample's result by a fully implicit method is the same bits in any batch with fixed steps",
                   "[ode][implicit]", GaussLegendre4, RadauIia5) {
  const Batch<double> start = oscillators_with_quadrature();
  Batch<double> together = start;
  run<TestType>(40, OscillatorsWithQuadrature{}, together, 0, 2);
  for (Index j = 0; j < start.cols(); ++j) {
    Batch<double> alone = start.col(j);
    run<TestType>(40, OscillatorsWithQuadrature{}, alone, 0, 2);
    CHECK(together.col(j) == alone.col(0));
  }
}

TEST_CASE("A Jacobian of the right-hand side gives what differences give", "[ode][implicit]") {
  struct WithJacobian : Oscillators {
    void jacobian(double, const Batch<double>& y, Jacobians<double>& J) const {
      for (Index j = 0; j < y.cols(); ++j)
        J.middleCols(2 * j, 2) << 0, 1, -2 * mu * y(0, j) * y(1, j) - 1, mu * (1 - y(0, j) * y(0, j));
    }
  };
  Batch<double> given = oscillators_with_quadrature().topRows(2), differences = given;
  const Statistics exact = run<RadauIia5>(40, WithJacobian{}, given, 0, 1);
  const Statistics moved = run<RadauIia5>(40, Oscillators{}, differences, 0, 1);
  // Both solved to rounding, of values up to 200 that the jump multiplies.
  CHECK((given - differences).cwiseAbs().maxCoeff() < 1e-10);
  CHECK(exact.evaluations < moved.evaluations);
}

// A linear field: two corrections a step, the second of which sees that nothing is left, one Jacobian of two
// differences for the whole solve, and the start of each step.
TEST_CASE("One Jacobian and its factors serve all steps of a linear problem", "[ode][implicit]") {
  Eigen::Vector2d y(1, 2);
  const Statistics statistics = run<RadauIia5>(10, Decay{}, y, 0, 1);
  CHECK(statistics.newton_iterations == 2 * 10);
  CHECK(statistics.evaluations == 3 * 20 + 2 + 10);
  const Statistics gauss = run<GaussLegendre4>(10, Decay{}, y, 0, 1);
  CHECK(gauss.evaluations == 2 * gauss.newton_iterations + 2 + 1);
}

TEST_CASE("The slopes of the last step foretell the stages of the next", "[ode][implicit]") {
  CoupledProblem rhs;
  Stepper<RadauIia5, Eigen::Vector2d> goes_on, starts;
  goes_on.init(rhs, 0.5, CoupledProblem::exact(0.5));
  const NoObserver nobody;
  const NewtonGoal goal{1e-9, 1e-9};
  REQUIRE(goes_on.step(rhs, 0.5, 0.02, 0.52, nobody, goal));
  goes_on.accept();
  const Index before = goes_on.newton_iterations();
  REQUIRE(goes_on.step(rhs, 0.52, 0.03, 0.55, nobody, goal));
  starts.init(rhs, 0.52, goes_on.y());
  REQUIRE(starts.step(rhs, 0.52, 0.03, 0.55, nobody, goal));
  CHECK((goes_on.y_next() - starts.y_next()).norm() < 1e-10);
  CHECK(goes_on.newton_iterations() - before < starts.newton_iterations());
}

TEST_CASE("All evaluations of a fully implicit step are discarded but that at its start", "[ode][implicit]") {
  CoupledProblem rhs;
  Eigen::Vector2d y = CoupledProblem::exact(0);
  const double times[] = {0, 1};
  Stepper<RadauIia5, Eigen::Vector2d> radau;
  Stepper<GaussLegendre4, Eigen::Vector2d> gauss;
  Journal journal, of_gauss;
  integrate(RadauIia5{}, FixedSteps(3), rhs, y, times, radau, journal);
  CHECK(journal.events == "okdakdakdao");
  integrate(GaussLegendre4{}, FixedSteps(3), rhs, y, times, gauss, of_gauss);
  CHECK(of_gauss.events == "okdadadao");
}

TEST_CASE("The last coupled stage is evaluated at the end of the step exactly", "[ode][implicit]") {
  Counted<CoupledProblem> rhs;
  Eigen::Vector2d y = CoupledProblem::exact(0.1);
  run<RadauIia5>(7, rhs, y, 0.1, 0.8);
  CHECK(*std::max_element(rhs.times.begin(), rhs.times.end()) == 0.8);
}

TEST_CASE("float states of a fully implicit fixed-step solve reach float accuracy", "[ode][implicit]") {
  Batch<float> y = Batch<float>::Constant(3, 5, 2.F);
  run<RadauIia5>(20, Decay{-3}, y, 0, 1);
  CHECK(y(2, 4) == Approx(2 * std::exp(-3.)).epsilon(1e-5));
}

// Of y' = λ y with hλ = -1e6 the filtered estimate is γ₀hλ / (1 - γ₀hλ) y, all of the old y; the second opinion is
// that of y minus it, nothing.
TEST_CASE("A transient that the first step damps is no error", "[ode][implicit]") {
  const Decay rhs{-1e6};
  const PiController control{.rtol = 1e-3, .atol = 1e-3};
  Stepper<RadauIia5, Eigen::Vector2d> stepper;
  stepper.init(rhs, 0, Eigen::Vector2d(1, -3));
  REQUIRE(stepper.step(rhs, 0, 1));
  const Index evaluations = stepper.evaluations();
  CHECK(stepper.estimate_error(rhs, control) < 0.1);
  CHECK(stepper.evaluations() == evaluations + 1);
  stepper.accept();
  // A step that another led to is judged by the first opinion alone.
  stepper.reset(Eigen::Vector2d(1, -3));
  REQUIRE(stepper.step(rhs, 0, 1e-9));
  CHECK(stepper.estimate_error(rhs, control) < 1e-3);
  stepper.accept();
  REQUIRE(stepper.step(rhs, 1e-9, 1e-8));
  stepper.accept();
  REQUIRE(stepper.step(rhs, 1e-8, 1));
  CHECK(stepper.estimate_error(rhs, control) > 100);
}

TEST_CASE("A fully implicit step without solution leaves y alone and has an infinite error",
          "[ode][implicit][errors]") {
  const auto rhs = [](double t, const Eigen::Vector2d& y, Eigen::Vector2d& dy) {
    dy = -y;
    if (t > 1) dy(1) = std::numeric_limits<double>::quiet_NaN();
  };
  Stepper<RadauIia5, Eigen::Vector2d> stepper;
  stepper.init(rhs, 0, Eigen::Vector2d(1, 1));
  CHECK_FALSE(stepper.step(rhs, 0, 2));
  CHECK(stepper.y() == Eigen::Vector2d(1, 1));
  CHECK(stepper.estimate_error(rhs, PiController{}) == std::numeric_limits<double>::infinity());
  CHECK(stepper.failed_component() == 1);
  CHECK(stepper.failed_at() > 1);
  CHECK(!std::isfinite(stepper.error()(1)));
  REQUIRE(stepper.step(rhs, 0, 0.01));
  CHECK(std::isfinite(stepper.estimate_error(rhs, PiController{})));

  Eigen::Vector2d y(1, 1);
  CHECK_THROWS_AS(run<GaussLegendre4>(1, rhs, y, 0, 2), NonFiniteError);
  CHECK(y == Eigen::Vector2d(1, 1));
}

// f(y) of a problem this stiff multiplies the rounding of y by 1e8.
TEST_CASE("The slopes at the ends of a step are stages where these are, else evaluated once", "[ode][implicit]") {
  const auto rhs = [](double t, const Eigen::Vector2d& y, Eigen::Vector2d& dy) {
    dy = -1e8 * (y - Eigen::Vector2d::Constant(std::cos(t)));
  };
  Stepper<RadauIia5, Eigen::Vector2d> radau;
  radau.init(rhs, 0, Eigen::Vector2d(1, 1));
  REQUIRE(radau.step(rhs, 0, 0.1));
  CHECK(radau.start_slope(rhs, 0) == Eigen::Vector2d(0, 0));
  radau.accept();
  REQUIRE(radau.step(rhs, 0.1, 0.1));
  const Index evaluations = radau.evaluations();
  CHECK(radau.start_slope(rhs, 0.1)(0) == Approx(-std::sin(0.1)).epsilon(1e-3));  // u' of order 2, h = 0.1
  CHECK(radau.end_slope(rhs)(0) == Approx(-std::sin(0.2)).epsilon(1e-3));
  CHECK(radau.evaluations() == evaluations);

  CoupledProblem smooth;
  Stepper<GaussLegendre4, Eigen::Vector2d> gauss;
  gauss.init(smooth, 0.5, CoupledProblem::exact(0.5));
  REQUIRE(gauss.step(smooth, 0.5, 0.1));
  const Index before = gauss.evaluations();
  Eigen::Vector2d f;
  smooth(0.6, gauss.y_next(), f);
  CHECK(gauss.end_slope(smooth) == f);
  CHECK(gauss.end_slope(smooth) == f);
  CHECK(gauss.evaluations() == before + 1);
  gauss.accept();
  REQUIRE(gauss.step(smooth, 0.6, 0.1));
  CHECK(gauss.start_slope(smooth, 0.6) == f);
}

TEST_CASE("A restart forgets slopes and Jacobians", "[ode][implicit]") {
  double rate = -1;
  const auto rhs = [&rate](double, const Eigen::Vector2d& y, Eigen::Vector2d& dy) { dy = rate * y; };
  Stepper<RadauIia5, Eigen::Vector2d> stepper, fresh;
  stepper.init(rhs, 0, Eigen::Vector2d(1, -3));
  REQUIRE(stepper.step(rhs, 0, 0.1));
  stepper.accept();
  stepper.restart();
  rate = -50;
  fresh.init(rhs, 0.1, stepper.y());
  CHECK(stepper.prepare(rhs, 0.1));
  REQUIRE(stepper.step(rhs, 0.1, 0.1));
  REQUIRE(fresh.step(rhs, 0.1, 0.1));
  CHECK(stepper.y_next() == fresh.y_next());
  CHECK(stepper.estimate_error(rhs, PiController{}) == fresh.estimate_error(rhs, PiController{}));
}

TEST_CASE("A second solve with a fully implicit method allocates nothing", "[ode][memory]") {
  Stepper<RadauIia5, Batch<double>> stepper;
  Decay rhs{-3};
  const double times[] = {0, 0.5, 0.5, 2};
  Batch<double> first = Batch<double>::Ones(3, 20), second = first;
  integrate(RadauIia5{}, PiController{}, rhs, first, times, stepper);
  const AllocationCounter counter;
  integrate(RadauIia5{}, PiController{}, rhs, second, times, stepper);
  CHECK(counter.count() == 0);
  CHECK(first == second);
}

}  // namespace pathline
