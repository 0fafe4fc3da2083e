// Implicit Euler: its order, its damping, Newton on the path rows only, columns that do not know each other.
#include <pathline/ode/implicit_euler.hpp>

#include <pathline/ode/integrate.hpp>

#include <support/catch.hpp>
#include <support/ode_problems.hpp>

#include <cmath>
#include <limits>

namespace pathline {
namespace {

template <class Rhs, class State>
Statistics run(Index steps, Rhs&& rhs, State& y, double t0, double t1) {
  const double times[] = {t0, t1};
  Stepper<ImplicitEuler, State> stepper;
  return integrate(ImplicitEuler{}, FixedSteps(steps), rhs, y, times, stepper);
}

/// Van der Pol on its slow branches (|u| > 1), one oscillator per column, with a quadrature row below: q' = v².
struct VanDerPol {
  double mu = 100;
  template <class State>
  void operator()(double, const State& y, State& dy) const {
    dy.row(0) = y.row(1);
    dy.row(1) = (mu * (1 - y.row(0).array().square()) * y.row(1).array() - y.row(0).array()).matrix();
    if (y.rows() > 2) dy.row(2) = y.row(1).cwiseAbs2();
  }
  [[nodiscard]] Index path_rows() const { return 2; }
};

struct VanDerPolWithJacobian : VanDerPol {
  using VanDerPol::operator();
  void jacobian(double, const Batch<double>& y, Jacobians<double>& J) const {
    for (Index j = 0; j < y.cols(); ++j)
      J.middleCols(2 * j, 2) << 0, 1, -2 * mu * y(0, j) * y(1, j) - 1, mu * (1 - y(0, j) * y(0, j));
  }
};

static_assert(HasJacobian<VanDerPolWithJacobian, Batch<double>> && !HasJacobian<VanDerPol, Batch<double>>);

Batch<double> oscillators() { return Batch<double>{{2, -1.5, 1.8, 1.2}, {0, 0.2, -1, 3}, {0, 0, 5, 0}}; }

}  // namespace

TEST_CASE("Implicit Euler converges with order 1, forward and backward", "[ode][implicit][order]") {
  const auto [t0, t1] = GENERATE(table<double, double>({{0, 1}, {1, 0}}));
  const auto error = [&, t0 = t0, t1 = t1](Index steps) {
    Eigen::Vector2d y = CoupledProblem::exact(t0);
    run(steps, CoupledProblem{}, y, t0, t1);
    return (y - CoupledProblem::exact(t1)).norm();
  };
  CHECK(std::log2(error(400) / error(800)) == Approx(1).margin(0.05));
}

// R(ζ) = 1 / (1 - ζ); at ζ = -1e8 nothing is left, where explicit Euler would give -1e8.
TEST_CASE("Implicit Euler is L-stable: one huge step damps to 1 / (1 - h λ)", "[ode][implicit]") {
  Eigen::Vector2d y(1, -3);
  run(1, Decay{-1e8}, y, 0, 1);
  // Forward differences are exact to about 1e-8 for a linear field; Newton repairs what they miss.
  CHECK(y(0) == Approx(1 / (1 + 1e8)).epsilon(1e-6));
  CHECK(y(1) == Approx(-3 / (1 + 1e8)).epsilon(1e-6));
}

TEST_CASE("The new state solves the equation of the step to rounding", "[ode][implicit]") {
  VanDerPol rhs;
  Stepper<ImplicitEuler, Batch<double>> stepper;
  stepper.init(rhs, 0, oscillators());
  REQUIRE(stepper.step(rhs, 0, 0.05));
  Batch<double> dy(3, 4);
  rhs(0.05, stepper.y_next(), dy);
  const Batch<double> residual = stepper.y_next() - stepper.y() - 0.05 * dy;
  // A residual of an ulp in y, blown up by the stiffest 1 - h J = 1 + 0.05 · 300.
  CHECK(residual.cwiseAbs().maxCoeff() < 16 * 2e-15);
  CHECK((stepper.stage(0) - dy).norm() == 0);
}

TEST_CASE("Newton with the given Jacobian agrees with differences", "[ode][implicit]") {
  Batch<double> given = oscillators(), differences = given;
  const Statistics a = run(50, VanDerPolWithJacobian{}, given, 0, 2);
  const Statistics b = run(50, VanDerPol{}, differences, 0, 2);
  // Both solve the same equations to rounding; 50 steps add up some of it.
  CHECK((given - differences).cwiseAbs().maxCoeff() < 1e-11);
  CHECK(a.evaluations < b.evaluations);
  CHECK(a.newton_iterations > 0);
}

TEST_CASE("Quadrature rows grow by h f at the new point and do not enter Newton's method", "[ode][implicit]") {
  Batch<double> with = oscillators(), path = with.topRows(2);
  Batch<double> expected = with.bottomRows(1);
  VanDerPol rhs;
  const Statistics a = run(20, rhs, with, 0, 1);
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
  const Batch<double> start = oscillators();
  Batch<double> together = start;
  run(40, VanDerPolWithJacobian{}, together, 0, 2);
  for (Index j = 0; j < start.cols(); ++j) {
    Batch<double> alone = start.col(j);
    run(40, VanDerPolWithJacobian{}, alone, 0, 2);
    CHECK(together.col(j) == alone.col(0));
  }
}

TEST_CASE("The observer is left with the one evaluation at the new point", "[ode][implicit]") {
  struct Ledger : NoObserver {
    Counted<VanDerPol>& rhs;
    std::size_t seen = 0;
    bool right = true;
    explicit Ledger(Counted<VanDerPol>& counted) : rhs(counted) {}
    void discard() { seen = rhs.times.size(); }
    void accept(double t, double h, const Stepper<ImplicitEuler, Batch<double>>& stepper) {
      right = right && rhs.times.size() == seen + 1 && rhs.times.back() == stepper.t_next() &&
              std::abs(stepper.t_next() - (t + h)) < 1e-15;
    }
  };
  Counted<VanDerPol> rhs;
  Ledger ledger(rhs);
  Batch<double> y = oscillators().topRows(2);
  const double times[] = {0, 1};
  Stepper<ImplicitEuler, Batch<double>> stepper;
  const Statistics statistics = integrate(ImplicitEuler{}, FixedSteps(20), rhs, y, times, stepper, ledger);
  CHECK(ledger.right);
  CHECK(statistics.evaluations == Index(rhs.times.size()));
}

TEST_CASE("float states converge to float accuracy", "[ode][implicit]") {
  Batch<float> y = Batch<float>::Constant(3, 5, 2.F);
  run(10, Decay{-1000}, y, 0, 1);
  CHECK(y(2, 4) == Approx(2 * std::pow(101., -10.)).epsilon(1e-3));
}

TEST_CASE("A start at rest needs no Newton step beyond the first", "[ode][implicit]") {
  Eigen::Vector2d y(0, 0);
  const Statistics statistics = run(3, Decay{}, y, 0, 1);
  CHECK(y == Eigen::Vector2d(0, 0));
  CHECK(statistics.newton_iterations == 3);
}

// y = 1 + h (1 + y²) has no real solution for h = 1.
TEST_CASE("A step without solution is a NonlinearSolveError and leaves y alone", "[ode][implicit][errors]") {
  const auto rhs = [](double, const Eigen::Vector2d& y, Eigen::Vector2d& dy) {
    dy = Eigen::Vector2d::Ones() + y.cwiseAbs2();
  };
  Eigen::Vector2d y(1, 1);
  CHECK_THROWS_AS(run(1, rhs, y, 0, 1), NonlinearSolveError);
  CHECK(y == Eigen::Vector2d(1, 1));
  const auto nan = [](double, const Eigen::Vector2d&, Eigen::Vector2d& dy) {
    dy.setConstant(std::numeric_limits<double>::quiet_NaN());
  };
  CHECK_THROWS_AS(run(1, nan, y, 0, 1), NonlinearSolveError);
}

}  // namespace pathline
