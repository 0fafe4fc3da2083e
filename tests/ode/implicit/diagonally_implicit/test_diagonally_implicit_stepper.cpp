// One step of a diagonally implicit method: what its stages solve, what decays, what is kept, and whom it reads.
#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_stepper.hpp>

#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_methods.hpp>
#include <pathline/ode/integrate.hpp>

#include <support/catch.hpp>
#include <support/implicit_steps.hpp>
#include <support/ode_problems.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace pathline {
// |R(-1e8)| is 1e-8 times coefficients of the size of 10; explicit Euler would give 1e8.
TEMPLATE_TEST_CASE("An L-stable method damps in one step what is infinitely stiff", "[ode][implicit]", TrBdf2, Sdirk2,
                   Sdirk3, Sdirk4, Kvaerno3, Kvaerno5) {
  Eigen::Vector2d y(1, -3);
  run<TestType>(1, Decay{-1e8}, y, 0, 1);
  CHECK(y.cwiseAbs().maxCoeff() < 1e-6);
}

TEMPLATE_TEST_CASE("Midpoint and trapezoidal rule turn what is infinitely stiff over", "[ode][implicit]",
                   ImplicitMidpoint, CrankNicolson) {
  Eigen::Vector2d y(1, -3);
  run<TestType>(1, Decay{-1e8}, y, 0, 1);
  CHECK((y - Eigen::Vector2d(-1, 3)).norm() < 1e-6);
}

TEST_CASE("The implicit midpoint rule keeps quadratic invariants to rounding", "[ode][implicit]") {
  const RigidBody rhs;
  const Eigen::Vector3d start(std::cos(1.1), 0, std::sin(1.1));
  Eigen::Vector3d y = start, trapezoidal = start;
  run<ImplicitMidpoint>(1000, rhs, y, 0, 100);
  // Newton's method leaves up to 4 ulps in Y, hence 8 in 2 Y - y and 16 in its square, every step.
  CHECK(std::abs(y.squaredNorm() - 1) < 1000 * 16 * 2.3e-16);
  CHECK(std::abs(rhs.energy(y) - rhs.energy(start)) < 1000 * 16 * 2.3e-16);
  run<CrankNicolson>(1000, rhs, trapezoidal, 0, 100);
  CHECK(std::abs(rhs.energy(trapezoidal) - rhs.energy(start)) > 1e-6);
}

// With K_i = f(Y_i) of a problem that is not stiff this is the definition of the method; docs/maths.md, (2.2).
TEMPLATE_TEST_CASE("The stages of a step solve the equations of the tableau", "[ode][implicit]", ImplicitMidpoint,
                   CrankNicolson, Sdirk3, Kvaerno5) {
  constexpr auto T = TestType::tableau;
  const double t = 0.3, h = 0.1;
  CoupledProblem rhs;
  Stepper<TestType, Eigen::Vector2d> stepper;
  stepper.init(rhs, t, CoupledProblem::exact(t));
  REQUIRE(stepper.step(rhs, t, h));
  Eigen::Vector2d end = stepper.y(), f;
  for (int i = 0; i < T.stages; ++i) {
    Eigen::Vector2d Y = stepper.y();
    for (int j = 0; j <= i; ++j) Y += h * T.A(i, j) * stepper.stage(j);
    rhs(t + T.c[std::size_t(i)] * h, Y, f);
    CHECK((f - stepper.stage(i)).norm() < 1e-12);  // 4 ulps of Y, of size 3, over h γ >= 0.026
    end += h * T.b[std::size_t(i)] * stepper.stage(i);
  }
  CHECK((end - stepper.y_next()).norm() < 1e-14);
  if constexpr (EmbeddedMethod<TestType>) {
    Eigen::Vector2d partner = stepper.y(), e;
    for (int i = 0; i < T.stages; ++i) partner += h * T.b_embedded[std::size_t(i)] * stepper.stage(i);
    stepper.write_error(e);
    CHECK((e - (stepper.y_next() - partner)).norm() < 1e-14);
  }
}

TEMPLATE_TEST_CASE("Quadrature rows are weighted sums of their derivatives and stay out of Newton's method",
                   "[ode][implicit]", Sdirk4, Kvaerno5, ImplicitMidpoint) {
  Batch<double> with = oscillators_with_quadrature(), all = with, path = with.topRows(2);
  run<TestType>(40, OscillatorsWithQuadrature{}, with, 0, 1);
  run<TestType>(40, Oscillators{}, path, 0, 1);
  run<TestType>(40, Oscillators{}, all, 0, 1);
  CHECK(with.topRows(2) == path);
  // As a third path row the same equations are solved to rounding, of values up to 9.
  CHECK((with - all).cwiseAbs().maxCoeff() < 1e-11);
}

TEMPLATE_TEST_CASE("A sample's result is the same bits in any batch with fixed steps", "[ode][implicit]", TrBdf2,
                   Sdirk4, Kvaerno5) {
  const Batch<double> start = oscillators_with_quadrature();
  Batch<double> together = start;
  run<TestType>(40, OscillatorsWithQuadrature{}, together, 0, 2);
  for (Index j = 0; j < start.cols(); ++j) {
    Batch<double> alone = start.col(j);
    run<TestType>(40, OscillatorsWithQuadrature{}, alone, 0, 2);
    CHECK(together.col(j) == alone.col(0));
  }
}

TEST_CASE("A method that is first same as last evaluates its first stage once", "[ode][implicit]") {
  // A linear field: two corrections a stage, the second of which sees that nothing is left, and one Jacobian of two
  // differences for the whole solve.
  Eigen::Vector2d y(1, 2);
  const Statistics trapezoidal = run<CrankNicolson>(10, Decay{}, y, 0, 1);
  CHECK(trapezoidal.evaluations == 1 + trapezoidal.newton_iterations + 2);
  CHECK(trapezoidal.newton_iterations <= 2 * 10);
}

TEST_CASE("All evaluations of an implicit step are discarded but the first stage", "[ode][implicit]") {
  CoupledProblem rhs;
  Eigen::Vector2d y = CoupledProblem::exact(0);
  const double times[] = {0, 1};
  Stepper<Kvaerno3, Eigen::Vector2d> stepper;
  Journal journal;
  integrate(Kvaerno3{}, FixedSteps(3), rhs, y, times, stepper, journal);
  CHECK(journal.events == "okdadadao");
}

TEST_CASE("Stages at the end of a step are evaluated at its end exactly", "[ode][implicit]") {
  Counted<CoupledProblem> rhs;
  Eigen::Vector2d y = CoupledProblem::exact(0.1);
  run<Kvaerno3>(7, rhs, y, 0.1, 0.8);
  CHECK(*std::max_element(rhs.times.begin(), rhs.times.end()) == 0.8);
}

// The method itself is wrong by 3e-4 here.
TEST_CASE("float states of a fixed-step solve reach float accuracy", "[ode][implicit]") {
  Batch<float> y = Batch<float>::Constant(3, 5, 2.F);
  run<Sdirk3>(20, Decay{-3}, y, 0, 1);
  CHECK(y(2, 4) == Approx(2 * std::exp(-3.)).epsilon(1e-3));
}

// y = 1 + h (1 + y²) has no real solution for h = 1.
TEST_CASE("An implicit step without solution leaves y alone and has an infinite error", "[ode][implicit][errors]") {
  const auto rhs = [](double, const Eigen::Vector2d& y, Eigen::Vector2d& dy) {
    dy(0) = -y(0);
    dy(1) = 1 + y(1) * y(1);
  };
  Stepper<TrBdf2, Eigen::Vector2d> stepper;
  stepper.init(rhs, 0, Eigen::Vector2d(1, 1));
  CHECK_FALSE(stepper.step(rhs, 0, 2));
  CHECK(stepper.y() == Eigen::Vector2d(1, 1));
  CHECK(stepper.estimate_error(rhs, PiController{}) == std::numeric_limits<double>::infinity());
  CHECK(stepper.failed_component() == 1);
  CHECK(!std::isfinite(stepper.error()(1)));
  REQUIRE(stepper.step(rhs, 0, 0.01));
  CHECK(std::isfinite(stepper.estimate_error(rhs, PiController{})));

  Eigen::Vector2d y(1, 1);
  CHECK_THROWS_AS(run<Sdirk2>(1, rhs, y, 0, 2), NonlinearSolveError);
  CHECK(y == Eigen::Vector2d(1, 1));
}

}  // namespace pathline
