// Newton's method for all stages of a step: what it solves and how well, whose Jacobian serves how long, who is to
// blame.
#include <pathline/ode/implicit/fully_implicit/coupled_newton.hpp>

#include <pathline/ode/implicit/fully_implicit/fully_implicit_methods.hpp>

#include <support/catch.hpp>
#include <support/implicit_steps.hpp>

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace pathline {
namespace {

using Newton = CoupledNewton<RadauIia5, Batch<double>>;
using Stages = Newton::Stages;

Stages zeros(const Batch<double>& y) {
  const Batch<double> zero = Batch<double>::Zero(y.rows(), y.cols());
  return {zero, zero, zero};
}

constexpr double h = 0.05;
constexpr double eps = std::numeric_limits<double>::epsilon();

/// y_2' = (1 - rate) λ y_2 with λ = -2³⁰ as its Jacobian, so that the corrections of all stages of a step of length 1
/// are (1 - rate) Z, and the next ones by the factor `rate` smaller, to 1e-8 of them. y_1 = 1 tells the size of
/// rounding.
struct Contraction {
  double rate;
  Index jacobian_calls = 0;
  void operator()(double, const Batch<double>& y, Batch<double>& dy) const {
    dy(0, 0) = 0;
    dy(1, 0) = (1 - rate) * -0x1p30 * y(1, 0);
  }
  void jacobian(double, const Batch<double>&, Jacobians<double>& J) {
    ++jacobian_calls;
    J = Batch<double>{{0, 0}, {0, -0x1p30}};
  }
};

/// Newton's method for its stages from Z = `first`.
struct Contracted {
  Contraction rhs;
  Newton newton{};
  Batch<double> y{{1}, {0}};
  bool solved = false;

  Contracted(double rate, double first, const NewtonGoal& goal) : rhs{rate} {
    newton.reset(y);
    solve(first, goal);
  }
  void solve(double first, const NewtonGoal& goal) {
    Stages Z = zeros(y);
    for (Batch<double>& stage : Z) stage(1, 0) = first;
    solved = newton.solve(rhs, 0, 1, 1, y, false, Z, goal);
  }
};

/// A step by `newton` as it is.
Stages solved(Newton& newton, OscillatorsWithJacobian& rhs, const Batch<double>& y, double step,
              const NewtonGoal& goal) {
  Stages Z = zeros(y);
  REQUIRE(newton.solve(rhs, 0, step, step, y, false, Z, goal));
  return Z;
}

}  // namespace

TEST_CASE("Newton's method solves all stages to rounding and leaves quadrature rows alone", "[ode][newton]") {
  OscillatorsWithJacobian rhs{{{20}}};
  Batch<double> y(3, 4);
  y << oscillators(), Row<double>::Constant(4, 7);
  Newton newton;
  newton.reset(y);
  const Stages Z = solved(newton, rhs, y, h, {});
  CHECK(newton.evaluations() == 3 * newton.iterations());
  newton.evaluate_stages(rhs, 0, h, y, Z);
  for (int i = 0; i < 3; ++i) {
    Batch<double> left = Z[std::size_t(i)];
    for (int j = 0; j < 3; ++j) left -= h * RadauIia5::tableau.A(i, j) * newton.derivative(j);
    // 4 ulps of Y, of size 3, times the largest entry of I - hA⊗J, 6.
    CHECK(left.topRows(2).cwiseAbs().maxCoeff() < 4 * 2.3e-16 * 3 * 6);
    CHECK(Z[std::size_t(i)].row(2).isZero(0));
  }
}

TEST_CASE("A tolerance ends the coupled iteration earlier and within a hundredth of it", "[ode][newton]") {
  const double tolerance = GENERATE(1e-3, 1e-5, 1e-7);
  OscillatorsWithJacobian rhs{{{20}}};
  const Batch<double> y = oscillators();
  Newton newton;
  newton.reset(y);
  const Stages exact = solved(newton, rhs, y, h, {});
  const Index iterations = newton.iterations();
  newton.reset(y);
  const Stages Z = solved(newton, rhs, y, h, {tolerance, tolerance});
  CHECK(newton.iterations() < iterations);
  const Batch<double> unit = (tolerance * (1 + y.cwiseAbs().array())).matrix();
  for (std::size_t i = 0; i < 3; ++i) CHECK((Z[i] - exact[i]).cwiseQuotient(unit).cwiseAbs().maxCoeff() < 0.01);
}

// The error behind correction k, counted from 1, is Θ^k of the first guess. The iteration ends at the first k >= 2
// where that is below 4 ε of y, or κ = 1/100 of the tolerance; first guesses a tenth to either side of the bound tell
// every factor in it.
TEST_CASE("The coupled iteration ends where its rate says that the error is small enough", "[ode][newton]") {
  constexpr double rate = 0.25;
  const double to_rounding = 4 * eps * std::pow(4, 8), to_tolerance = 1e-8 * std::pow(4, 6);
  CHECK(Contracted(rate, 0.9 * to_rounding, {}).newton.iterations() == 8);
  CHECK(Contracted(rate, 1.1 * to_rounding, {}).newton.iterations() == 9);
  CHECK(Contracted(rate, 0.9 * to_tolerance, {0, 1e-6}).newton.iterations() == 6);
  CHECK(Contracted(rate, 1.1 * to_tolerance, {0, 1e-6}).newton.iterations() == 7);
  CHECK(Contracted(rate, 1e-12, {0, 1e-6}).newton.iterations() == 2);
  CHECK(Contracted(rate, 0, {0, 1e-6}).newton.iterations() == 2);
  CHECK(Contracted(rate, 0, {}).newton.iterations() == 1);
}

TEST_CASE("A coupled rate of 0.1 to rounding or 0.3 to a tolerance asks for a new Jacobian", "[ode][newton]") {
  const NewtonGoal tolerance{1e-6, 1e-6};
  CHECK(Contracted(0.0625, 1e-8, {}).rhs.jacobian_calls == 1);
  // The sixth correction is by a new one.
  CHECK(Contracted(0.25, 0.9 * 4 * eps * std::pow(4, 5), {}).rhs.jacobian_calls == 1);
  CHECK(Contracted(0.25, 0.9 * 4 * eps * std::pow(4, 8), {}).rhs.jacobian_calls == 2);
  CHECK(Contracted(0.25, 1e-4, tolerance).rhs.jacobian_calls == 1);
  CHECK(Contracted(0.3125, 1e-4, tolerance).rhs.jacobian_calls == 2);
  // Between steps: 0.005.
  Contracted fast(1. / 256, 1, {}), slow(1. / 128, 1, {});
  fast.newton.forget_slow_jacobians();
  slow.newton.forget_slow_jacobians();
  fast.solve(1, {});
  slow.solve(1, {});
  CHECK(fast.rhs.jacobian_calls == 1);
  CHECK(slow.rhs.jacobian_calls == 2);
}

TEST_CASE("The coupled iteration is given up after 50 corrections to rounding, or where 10 would miss a tolerance",
          "[ode][newton][errors]") {
  // The last correction may still be the one that is small enough.
  CHECK(Contracted(0.25, 0.9e-8 * std::pow(4, 10), {0, 1e-6}).solved);
  const Contracted hopeless(0.25, 1.1e-8 * std::pow(4, 10), {0, 1e-6});
  CHECK_FALSE(hopeless.solved);
  CHECK(hopeless.newton.evaluations() == 2 * 3);  // the second correction tells the rate
  CHECK(Contracted(0.4375, 0.9 * 4 * eps * std::pow(16. / 7, 50), {}).solved);
  const Contracted rounding(0.4375, 1.1 * 4 * eps * std::pow(16. / 7, 50), {});
  CHECK_FALSE(rounding.solved);
  CHECK(rounding.newton.evaluations() == 50 * 3);
}

// f is a small difference of terms of size 1e8: its rounding is seen in the defects, which no Jacobian can make
// smaller. The Jacobian tells its size: that of the middle stage for this stage alone, that of the last one for all.
TEST_CASE("The rounding of a stiff right-hand side raises no doubt that does not end", "[ode][newton]") {
  struct Stiff {
    std::vector<std::pair<double, Batch<double>>> jacobians{};
    void operator()(double, const Batch<double>& y, Batch<double>& dy) const {
      dy = Batch<double>{{-1e8 * (y(0, 0) - y(1, 0))}, {0.7}};
    }
    void jacobian(double t, const Batch<double>& y, Jacobians<double>& J) {
      jacobians.emplace_back(t, y);
      J = Batch<double>{{-1e8, 1e8}, {0, 0}};
    }
  } rhs;
  const Batch<double> y{{1.1}, {0.3}};
  Newton newton;
  newton.reset(y);
  Stages Z = zeros(y);
  REQUIRE(newton.solve(rhs, 0, 1, 1, y, false, Z));
  const Index iterations = newton.iterations();
  newton.forget_jacobians();
  rhs.jacobians.clear();
  const Stages before = Z;
  REQUIRE(newton.solve(rhs, 0, 1, 1, y, false, Z));
  CHECK(newton.iterations() - iterations == 2);
  REQUIRE(rhs.jacobians.size() == 2);
  CHECK(rhs.jacobians[0].first == RadauIia5::tableau.c[1]);
  CHECK(rhs.jacobians[0].second == y + before[1]);
  CHECK(rhs.jacobians[1].first == 1);
  CHECK((rhs.jacobians[1].second - y - Z[2]).norm() < 1e-14);
}

TEST_CASE("A column's stages are the same bits in any batch, for either goal", "[ode][newton]") {
  const NewtonGoal goal = GENERATE(NewtonGoal{}, NewtonGoal{1e-5, 1e-5});
  const Batch<double> y = oscillators();
  OscillatorsWithJacobian rhs{{{20}}};
  Newton newton;
  newton.reset(y);
  // The second step starts from factors that some columns renew and others do not.
  solved(newton, rhs, y, h, goal);
  const Stages together = solved(newton, rhs, y, 2 * h, goal);
  for (Index j = 0; j < y.cols(); ++j) {
    const Batch<double> mine = y.col(j);
    newton.reset(mine);
    solved(newton, rhs, mine, h, goal);
    const Stages alone = solved(newton, rhs, mine, 2 * h, goal);
    for (std::size_t i = 0; i < 3; ++i) CHECK(together[i].col(j) == alone[i].col(0));
  }
}

TEST_CASE("A Jacobian serves all stages and steps until the corrections fall slowly", "[ode][newton]") {
  OscillatorsWithJacobian rhs{{{20}}};
  const Batch<double> y = oscillators();
  const NewtonGoal goal{1e-6, 1e-6};
  Newton newton;
  newton.reset(y);
  solved(newton, rhs, y, 1e-4, goal);
  CHECK(rhs.jacobian_calls == 1);
  newton.forget_slow_jacobians();
  solved(newton, rhs, y, 2e-4, goal);  // other factors of the same Jacobian
  CHECK(rhs.jacobian_calls == 1);
  newton.forget_jacobians();
  solved(newton, rhs, y, 2e-4, goal);
  CHECK(rhs.jacobian_calls == 2);
  // At a long step elsewhere its errors tell: it is renewed on the way.
  const Batch<double> elsewhere{{2.6, -2.2, 2.4, 2}, {1, 0, -1, 1}};
  solved(newton, rhs, elsewhere, h, goal);
  CHECK(rhs.jacobian_calls > 2);
}

// By the Jacobian of a place where the problem was 1e6 times stiffer every correction is 1e6 times too short.
TEST_CASE("No correction of the stages by an older Jacobian is taken on trust", "[ode][newton]") {
  const NewtonGoal goal = GENERATE(NewtonGoal{}, NewtonGoal{1e-6, 1e-6});
  double k = 1e8;
  const auto rhs = [&k](double, const Eigen::Vector2d& y, Eigen::Vector2d& dy) {
    dy = -k * (y - Eigen::Vector2d(1, 2));
  };
  const Eigen::Vector2d start(1, 2);
  CoupledNewton<RadauIia5, Eigen::Vector2d> newton;
  newton.reset(start);
  std::array<Eigen::Vector2d, 3> Z{};
  for (Eigen::Vector2d& stage : Z) stage.setZero();
  REQUIRE(newton.solve(rhs, 0, 1, 1, start, false, Z, goal));
  k = 1;
  const Eigen::Vector2d off(2, 0);
  REQUIRE(newton.solve(rhs, 0, 1, 1, off, false, Z, goal));
  // R(-1) of Radau IIA is within 1e-4 of 1/e.
  CHECK(Z[2](0) == Approx(std::exp(-1.) - 1).epsilon(1e-3));
  CHECK(Z[2](1) == Approx(2 - 2 * std::exp(-1.)).epsilon(1e-3));
}

// The Jacobian of the middle stage is right for the first two stages, whose corrections fall at once, and 1e8 times too
// stiff for the last one, or for the second entry; their corrections look like rounding.
TEST_CASE("Corrections that are too short are not hidden by those of other stages and entries", "[ode][newton]") {
  const auto exact = [](double t) { return Eigen::Vector2d(std::cos(t), std::cos(t)); };
  double late = 0.7, old = 1e8;
  const auto rhs = [&](double t, const Eigen::Vector2d& y, Eigen::Vector2d& dy) {
    const Eigen::Vector2d k(t < late ? 1e8 : 1, old);
    dy = -k.cwiseProduct(y - exact(t)) - Eigen::Vector2d(std::sin(t), std::sin(t));
  };
  const NewtonGoal goal{1e-6, 1e-6};
  CoupledNewton<RadauIia5, Eigen::Vector2d> newton;
  const Eigen::Vector2d start(1, 1);
  newton.reset(start);
  std::array<Eigen::Vector2d, 3> Z{};
  const auto solve_from_zero = [&] {
    for (Eigen::Vector2d& stage : Z) stage.setZero();
    return newton.solve(rhs, 0, 1, 1, start, false, Z, goal);
  };
  CHECK_FALSE(solve_from_zero());  // no one Jacobian serves all stages
  late = 2;
  newton.forget_jacobians();
  REQUIRE(solve_from_zero());
  old = 1;  // the Jacobian just made is too stiff for the second entry
  REQUIRE(solve_from_zero());
  for (int i = 0; i < 3; ++i) {
    const Eigen::Vector2d Y = start + Z[std::size_t(i)];
    CHECK((Y - exact(RadauIia5::tableau.c[std::size_t(i)])).norm() < 1e-2);  // of the method, in one step of length 1
  }
}

TEST_CASE("A column that its first guess leads astray starts again from the old state", "[ode][newton]") {
  const auto rhs = [](double, const Batch<double>& y, Batch<double>& dy) { dy = -y.cwiseSqrt(); };
  const Batch<double> y{{4, 1}};
  Newton newton;
  newton.reset(y);
  Stages right = zeros(y), wrong = zeros(y);
  REQUIRE(newton.solve(rhs, 0, 0.1, 0.1, y, false, right));
  wrong[1](0, 1) = -5;  // a square root of -4
  newton.reset(y);
  CHECK_FALSE(newton.solve(rhs, 0, 0.1, 0.1, y, false, wrong));
  CHECK(newton.failed_sample() == 1);
  wrong = zeros(y);
  wrong[1](0, 1) = -5;
  newton.reset(y);
  REQUIRE(newton.solve(rhs, 0, 0.1, 0.1, y, true, wrong));
  for (std::size_t i = 0; i < 3; ++i) CHECK(wrong[i] == right[i]);
}

// Y = y + h Y² has no real solution for h y > 1/4, and neither have the stages of a step that long.
TEST_CASE("Stages without solution say which sample and component failed", "[ode][newton][errors]") {
  const Batch<double> y{{0.1, 0.1, 0.1}, {0.1, 5, 0.1}};
  const auto rhs = [](double, const Batch<double>& x, Batch<double>& dx) { dx = x.cwiseAbs2(); };
  Newton newton;
  const NewtonGoal goal = GENERATE(NewtonGoal{}, NewtonGoal{1e-6, 1e-6});
  newton.reset(y);
  Stages Z = zeros(y);
  CHECK_FALSE(newton.solve(rhs, 0, 1, 1, y, false, Z, goal));
  CHECK(newton.failed_sample() == 1);
  CHECK(newton.failed_component() == 1);
  CHECK(newton.fault() == EquationFault::no_convergence);
}

TEST_CASE("A Jacobian of the stages that is not finite is to blame, at its own time", "[ode][newton][errors]") {
  struct {
    void operator()(double, const Batch<double>& y, Batch<double>& dy) const { dy = -y; }
    void jacobian(double, const Batch<double>&, Jacobians<double>& J) const {
      J = Batch<double>{{-1, 0, -1, 0}, {0, -1, 0, std::numeric_limits<double>::quiet_NaN()}};
    }
  } rhs;
  const Batch<double> y{{1, 2}, {3, 4}};
  Newton newton;
  newton.reset(y);
  Stages Z = zeros(y);
  CHECK_FALSE(newton.solve(rhs, 1, 2, 3, y, false, Z));
  CHECK(newton.fault() == EquationFault::jacobian);
  CHECK(newton.failed_sample() == 1);
  CHECK(newton.failed_component() == 1);
  CHECK(newton.failed_at() == 1 + 2 * RadauIia5::tableau.c[1]);
}

TEST_CASE("Stages that are not a number end the iteration at once", "[ode][newton][errors]") {
  const auto rhs = [](double, const Eigen::Vector2d& y, Eigen::Vector2d& dy) {
    dy = Eigen::Vector2d(y(0), std::numeric_limits<double>::quiet_NaN());
  };
  const Eigen::Vector2d y(1, 1);
  CoupledNewton<GaussLegendre4, Eigen::Vector2d> newton;
  newton.reset(y);
  std::array<Eigen::Vector2d, 2> Z{Eigen::Vector2d::Zero(), Eigen::Vector2d::Zero()};
  CHECK_FALSE(newton.solve(rhs, 0, 1, 1, y, false, Z));
  CHECK(newton.evaluations() == 4);  // two stages, and two for the differences
  CHECK(newton.failed_component() == 1);
  CHECK(newton.fault() == EquationFault::right_hand_side);
  CHECK(newton.failed_at() == GaussLegendre4::tableau.c[0]);
}

}  // namespace pathline
