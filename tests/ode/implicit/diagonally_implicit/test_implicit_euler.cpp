// Implicit Euler: its order, its damping, Newton on the path rows only, columns that do not know each other.
#include <pathline/ode/implicit/diagonally_implicit/implicit_euler.hpp>

#include <pathline/ode/integrate.hpp>

#include <support/catch.hpp>
#include <support/implicit_steps.hpp>
#include <support/ode_problems.hpp>

#include <cmath>
#include <limits>

namespace pathline {
TEST_CASE("Implicit Euler converges with order 1, forward and backward", "[ode][implicit][order]") {
  const auto [t0, t1] = GENERATE(table<double, double>({{0, 1}, {1, 0}}));
  const auto error = [&, t0 = t0, t1 = t1](Index steps) {
    Eigen::Vector2d y = CoupledProblem::exact(t0);
    run<ImplicitEuler>(steps, CoupledProblem{}, y, t0, t1);
    return (y - CoupledProblem::exact(t1)).norm();
  };
  CHECK(std::log2(error(400) / error(800)) == Approx(1).margin(0.05));
}

// R(ζ) = 1 / (1 - ζ); at ζ = -1e8 nothing is left, where explicit Euler would give -1e8.
TEST_CASE("Implicit Euler is L-stable: one huge step damps to 1 / (1 - h λ)", "[ode][implicit]") {
  Eigen::Vector2d y(1, -3);
  run<ImplicitEuler>(1, Decay{-1e8}, y, 0, 1);
  // Forward differences are exact to about 1e-8 for a linear field; Newton repairs what they miss.
  CHECK(y(0) == Approx(1 / (1 + 1e8)).epsilon(1e-6));
  CHECK(y(1) == Approx(-3 / (1 + 1e8)).epsilon(1e-6));
}

TEST_CASE("The new state solves the equation of the step to rounding", "[ode][implicit]") {
  OscillatorsWithQuadrature rhs;
  Stepper<ImplicitEuler, Batch<double>> stepper;
  stepper.init(rhs, 0, oscillators_with_quadrature());
  REQUIRE(stepper.step(rhs, 0, 0.05));
  Batch<double> dy(3, 4);
  rhs(0.05, stepper.y_next(), dy);
  const Batch<double> residual = stepper.y_next() - stepper.y() - 0.05 * dy;
  // A residual of an ulp in y, blown up by the stiffest 1 - h J = 1 + 0.05 · 300.
  CHECK(residual.cwiseAbs().maxCoeff() < 16 * 2e-15);
  CHECK((stepper.stage(0) - dy).norm() == 0);
}

TEST_CASE("A step by hand ends at t + h, and its equation is that of the end", "[ode][implicit]") {
  const double t = 0.7, h = GENERATE(0.05, -0.05);
  CoupledProblem rhs;
  Stepper<ImplicitEuler, Eigen::Vector2d> stepper;
  stepper.init(rhs, t, CoupledProblem::exact(t));
  REQUIRE(stepper.step(rhs, t, h));
  CHECK(stepper.t_next() == t + h);
  CHECK(stepper.h() == h);
  Eigen::Vector2d dy;
  rhs(t + h, stepper.y_next(), dy);
  CHECK(stepper.stage(0) == dy);
  // A few ulps of y, of size 3; f at another time of the step would miss by h² ∂f/∂t, above 1e-3.
  CHECK((stepper.y_next() - stepper.y() - h * dy).norm() < 1e-14);
  CHECK(stepper.end_slope(rhs) == dy);
  rhs(t, stepper.y(), dy);
  CHECK(stepper.start_slope(rhs, t) == dy);
  // Evaluated once, and known after the step.
  const Index evaluations = stepper.evaluations();
  CHECK(stepper.start_slope(rhs, t) == dy);
  const Eigen::Vector2d end = stepper.end_slope(rhs);
  stepper.accept();
  CHECK(stepper.start_slope(rhs, t + h) == end);
  CHECK(stepper.evaluations() == evaluations);
  stepper.init(rhs, t, CoupledProblem::exact(t));
  CHECK(stepper.start_slope(rhs, t) == dy);
}

TEST_CASE("Newton with the given Jacobian agrees with differences", "[ode][implicit]") {
  Batch<double> given = oscillators_with_quadrature(), differences = given;
  const Statistics a = run<ImplicitEuler>(50, OscillatorsWithJacobian{}, given, 0, 2);
  const Statistics b = run<ImplicitEuler>(50, OscillatorsWithQuadrature{}, differences, 0, 2);
  // Both solve the same equations to rounding; 50 steps add up some of it.
  CHECK((given - differences).cwiseAbs().maxCoeff() < 1e-11);
  CHECK(a.evaluations < b.evaluations);
  CHECK(a.newton_iterations > 0);
}

TEST_CASE("Quadrature rows grow by h f at the new point and do not enter Newton's method", "[ode][implicit]") {
  Batch<double> with = oscillators_with_quadrature(), path = with.topRows(2);
  Batch<double> expected = with.bottomRows(1);
  OscillatorsWithQuadrature rhs;
  const Statistics a = run<ImplicitEuler>(20, rhs, with, 0, 1);
  struct Quadrature : NoObserver {
    Batch<double>& sum;
    explicit Quadrature(Batch<double>& q) : sum(q) {}
    void accept(double, double h, const Stepper<ImplicitEuler, Batch<double>>& stepper) {
      sum += h * stepper.y_next().row(1).cwiseAbs2();
    }
  } quadrature(expected);
  const double times[] = {0, 1};
  Stepper<ImplicitEuler, Batch<double>> stepper;
  const Statistics b = integrate(ImplicitEuler{}, FixedSteps(20), rhs, path, times, stepper, quadrature);
  CHECK(with.topRows(2) == path);
  CHECK((with.bottomRows(1) - expected).norm() < 1e-13 * expected.norm());
  CHECK(a == b);
}

TEST_CASE("A sample's result is the same bits in any batch", "[ode][implicit]") {
  const Batch<double> start = oscillators_with_quadrature();
  Batch<double> together = start;
  run<ImplicitEuler>(40, OscillatorsWithJacobian{}, together, 0, 2);
  for (Index j = 0; j < start.cols(); ++j) {
    Batch<double> alone = start.col(j);
    run<ImplicitEuler>(40, OscillatorsWithJacobian{}, alone, 0, 2);
    CHECK(together.col(j) == alone.col(0));
  }
}

TEST_CASE("The observer is left with the one evaluation at the new point", "[ode][implicit]") {
  struct Ledger : NoObserver {
    Counted<OscillatorsWithQuadrature>& rhs;
    std::size_t seen = 0;
    bool right = true;
    explicit Ledger(Counted<OscillatorsWithQuadrature>& counted) : rhs(counted) {}
    void discard() { seen = rhs.times.size(); }
    void accept(double t, double h, const Stepper<ImplicitEuler, Batch<double>>& stepper) {
      right = right && rhs.times.size() == seen + 1 && rhs.times.back() == stepper.t_next() &&
              std::abs(stepper.t_next() - (t + h)) < 1e-15;
    }
  };
  Counted<OscillatorsWithQuadrature> rhs;
  Ledger ledger(rhs);
  Batch<double> y = oscillators_with_quadrature().topRows(2);
  const double times[] = {0, 1};
  Stepper<ImplicitEuler, Batch<double>> stepper;
  const Statistics statistics = integrate(ImplicitEuler{}, FixedSteps(20), rhs, y, times, stepper, ledger);
  CHECK(ledger.right);
  CHECK(statistics.evaluations == Index(rhs.times.size()));
}

TEST_CASE("float states converge to float accuracy", "[ode][implicit]") {
  Batch<float> y = Batch<float>::Constant(3, 5, 2.F);
  run<ImplicitEuler>(10, Decay{-1000}, y, 0, 1);
  CHECK(y(2, 4) == Approx(2 * std::pow(101., -10.)).epsilon(1e-3));
}

TEST_CASE("A start at rest needs no Newton step beyond the first", "[ode][implicit]") {
  Eigen::Vector2d y(0, 0);
  const Statistics statistics = run<ImplicitEuler>(3, Decay{}, y, 0, 1);
  CHECK(y == Eigen::Vector2d(0, 0));
  CHECK(statistics.newton_iterations == 3);
}

// y = 1 + h (1 + y²) has no real solution for h = 1.
TEST_CASE("A step without solution is a NonlinearSolveError and leaves y alone", "[ode][implicit][errors]") {
  const auto rhs = [](double, const Eigen::Vector2d& y, Eigen::Vector2d& dy) {
    dy = Eigen::Vector2d::Ones() + y.cwiseAbs2();
  };
  Eigen::Vector2d y(1, 1);
  CHECK_THROWS_AS(run<ImplicitEuler>(1, rhs, y, 0, 1), NonlinearSolveError);
  CHECK(y == Eigen::Vector2d(1, 1));
  const auto nan = [](double, const Eigen::Vector2d&, Eigen::Vector2d& dy) {
    dy.setConstant(std::numeric_limits<double>::quiet_NaN());
  };
  CHECK_THROWS_WITH(
      run<ImplicitEuler>(1, nan, y, 0, 1),
      "solve: the right-hand side is not finite at t = 1, in the step that starts at t = 0 (step 1, first "
      "at component 0 of sample 0, 0 steps accepted, 0 rejected); take more steps or an adaptive control, "
      "or check the right-hand side near this time");
}

}  // namespace pathline
