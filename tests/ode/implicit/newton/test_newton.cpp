// Newton's method for a stage: what it solves and how well, whose Jacobian serves how long, who is to blame.
#include <pathline/ode/implicit/newton/newton.hpp>

#include <support/catch.hpp>
#include <support/implicit_steps.hpp>
#include <support/ode_problems.hpp>

#include <Eigen/LU>

#include <cmath>
#include <limits>

namespace pathline {
namespace {

/// y' = y² has no real solution of Y = base + hγ Y² where 4 hγ base > 1.
struct Square {
  template <class State>
  void operator()(double, const State& y, State& dy) const {
    dy = y.cwiseAbs2();
  }
};

constexpr double h_gamma = 0.02;

/// One equation, Y = rate · Y, whose Jacobian is given as `slope`. Where that is 0 a correction is (1 - rate) Y, and
/// the next one is by the factor `rate` smaller.
struct Contraction {
  double rate, slope = 0;
  Index jacobian_calls = 0;
  void operator()(double, const Batch<double>& y, Batch<double>& dy) const { dy = rate * y; }
  void jacobian(double, const Batch<double>&, Jacobians<double>& J) {
    ++jacobian_calls;
    J(0, 0) = slope;
  }
};

/// Newton's method for it from `first`, with a start of size 1, which tells the size of rounding.
struct Contracted {
  Contraction rhs;
  NewtonSolver<Batch<double>> newton{};
  Batch<double> one = Batch<double>::Ones(1, 1), zero = Batch<double>::Zero(1, 1), Y{};
  bool solved = false;

  Contracted(double rate, double first, const NewtonGoal& goal, double slope = 0) : rhs{rate, slope} {
    newton.reset(one);
    solve(first, goal);
  }
  void solve(double first, const NewtonGoal& goal) {
    Y.setConstant(1, 1, first);
    solved = newton.solve(rhs, 0, 1, one, zero, Y, goal);
  }
};

constexpr double eps = std::numeric_limits<double>::epsilon();

}  // namespace

TEST_CASE("Newton's method solves a stage to rounding and leaves quadrature rows alone", "[ode][newton]") {
  OscillatorsWithJacobian rhs{{{20}}};
  Batch<double> start(3, 4);
  start << oscillators(), Row<double>::Constant(4, 7);
  const Batch<double> base = start + 0.01 * Batch<double>::Ones(3, 4);
  Batch<double> Y = start, dy(3, 4);
  NewtonSolver<Batch<double>> newton;
  newton.reset(start);
  REQUIRE(newton.solve(rhs, 0, h_gamma, start, base, Y));
  rhs(0, Y, dy);
  // An ulp of 3 in the residual's terms, of which hγ f is the largest (0.02 · 20 · 3).
  CHECK((Y - base - h_gamma * dy).topRows(2).cwiseAbs().maxCoeff() < 16 * 2.3e-16 * 3);
  CHECK(Y.bottomRows(1) == start.bottomRows(1));
  CHECK(newton.iterations() == newton.evaluations());
}

TEST_CASE("A tolerance ends the iteration earlier and within a hundredth of it", "[ode][newton]") {
  const double tolerance = GENERATE(1e-3, 1e-5, 1e-7);
  OscillatorsWithJacobian rhs{{{20}}};
  const Batch<double> start = oscillators();
  NewtonSolver<Batch<double>> newton;
  Batch<double> exact = start, Y = start;
  newton.reset(start);
  REQUIRE(newton.solve(rhs, 0, h_gamma, start, start, exact));
  const Index iterations = newton.iterations();
  newton.reset(start);
  REQUIRE(newton.solve(rhs, 0, h_gamma, start, start, Y, {tolerance, tolerance}));
  CHECK(newton.iterations() < iterations);
  const Batch<double> unit = (tolerance * (1 + start.cwiseAbs().cwiseMax(exact.cwiseAbs()).array())).matrix();
  CHECK((Y - exact).cwiseQuotient(unit).cwiseAbs().maxCoeff() < 0.01);
  CHECK(Y != exact);
}

// From Y_0 the corrections are (1 - Θ) Θ^k Y_0, and the error behind correction k is Θ / (1 - Θ) of it, which is
// Θ^(k+1) Y_0. The iteration ends at the first k >= 1 where that is below 4 ε of the start, or κ = 1/100 of the
// tolerance; first guesses a tenth to either side of the bound tell every factor in it.
TEST_CASE("The iteration ends where its rate says that the error is small enough", "[ode][newton]") {
  constexpr double rate = 0.25;
  const double to_rounding = 4 * eps * std::pow(4, 10), to_tolerance = 1e-8 * std::pow(4, 6);
  CHECK(Contracted(rate, 0.9 * to_rounding, {}).newton.iterations() == 10);
  CHECK(Contracted(rate, 1.1 * to_rounding, {}).newton.iterations() == 11);
  CHECK(Contracted(rate, 0.9 * to_tolerance, {0, 1e-6}).newton.iterations() == 6);
  CHECK(Contracted(rate, 1.1 * to_tolerance, {0, 1e-6}).newton.iterations() == 7);
  CHECK(Contracted(rate, -0.9 * to_tolerance, {1e-6, 0}).newton.iterations() == 6);
  CHECK(Contracted(rate, -1.1 * to_tolerance, {1e-6, 0}).newton.iterations() == 7);
}

// A first correction tells nothing of the rate: to rounding it is enough where it is below 4 ε itself.
TEST_CASE("One correction is enough only to rounding, and where it is that small", "[ode][newton]") {
  const double bound = 4 * eps / 0.75;  // of the first guess
  CHECK(Contracted(0.25, 0.9 * bound, {}).newton.iterations() == 1);
  CHECK(Contracted(0.25, 1.1 * bound, {}).newton.iterations() == 2);
  CHECK(Contracted(0.25, 0.9 * bound, {1e-6, 1e-6}).newton.iterations() == 2);
  CHECK(Contracted(0.25, 0, {1e-6, 1e-6}).newton.iterations() == 2);
  CHECK(Contracted(0.25, 0, {}).newton.iterations() == 1);
  Contracted again(0.25, 0.5 * bound, {});
  again.solve(0.5 * bound, {});  // by the Jacobian of the stage before
  CHECK(again.newton.iterations() == 1 + 2);
  CHECK(again.rhs.jacobian_calls == 1);
  // Nor is it enough where the defect, here Y itself and twice the correction, is not that small.
  CHECK(Contracted(0, 0.9 * 4 * eps, {}, -1).newton.iterations() == 1);
  CHECK(Contracted(0, 1.1 * 4 * eps, {}, -1).newton.iterations() == 2);
}

// From a rate of 1/2 on corrections below 1000 ε are taken to be rounding. Where the defect has not halved there is one
// correction more.
TEST_CASE("Slow corrections of the size of rounding end the iteration", "[ode][newton]") {
  const double bound = 1000 * eps * std::pow(2, 12);  // the corrections are first / 2, first / 4, …
  CHECK(Contracted(0.5, 0.9 * bound, {}).newton.iterations() == 12);
  CHECK(Contracted(0.5, 1.1 * bound, {}).newton.iterations() == 13);
  const double slower = 1000 * eps / 0.375 * std::pow(1.6, 11);  // 0.375 first, 0.375 · 0.625 first, …
  CHECK(Contracted(0.625, 0.9 * slower, {}).newton.iterations() == 12 + 1);
  CHECK(Contracted(0.625, 1.1 * slower, {}).newton.iterations() == 13 + 1);
}

TEST_CASE("A rate of 0.1 to rounding or 0.3 to a tolerance asks for a new Jacobian", "[ode][newton]") {
  const NewtonGoal tolerance{1e-6, 1e-6};
  CHECK(Contracted(0.0625, 1, {}).rhs.jacobian_calls == 1);
  CHECK(Contracted(0.125, 1, {}).rhs.jacobian_calls > 1);
  CHECK(Contracted(0.25, 1, tolerance).rhs.jacobian_calls == 1);
  CHECK(Contracted(0.3125, 1, tolerance).rhs.jacobian_calls > 1);
  // Between steps: 0.02.
  Contracted fast(1. / 64, 1, {}), slow(1. / 32, 1, {});
  fast.newton.forget_slow_jacobians();
  slow.newton.forget_slow_jacobians();
  fast.solve(1, {});
  slow.solve(1, {});
  CHECK(fast.rhs.jacobian_calls == 1);
  CHECK(slow.rhs.jacobian_calls == 2);
  // Corrections below 1000 ε tell nothing of the Jacobian.
  Contracted small(1. / 16, 900 * eps, {});
  small.newton.forget_slow_jacobians();
  small.solve(1, {});
  CHECK(small.rhs.jacobian_calls == 1);
}

TEST_CASE("The iteration is given up after 50 corrections to rounding, 10 to a tolerance, or where it diverges",
          "[ode][newton][errors]") {
  const Contracted rounding(0.75, 1, {}), tolerance(0.75, 1, {1e-6, 1e-6}), away(-1, 1, {1e-6, 1e-6});
  CHECK_FALSE(rounding.solved);
  CHECK(rounding.newton.iterations() == 50);
  CHECK_FALSE(tolerance.solved);
  CHECK(tolerance.newton.iterations() == 10);
  CHECK_FALSE(away.solved);
  CHECK(away.newton.evaluations() == 2);
  // The last correction may still be the one that is small enough.
  CHECK(Contracted(0.4375, 0.9 * 4 * eps * std::pow(16. / 7, 50), {}).solved);
  CHECK_FALSE(Contracted(0.4375, 1.1 * 4 * eps * std::pow(16. / 7, 50), {}).solved);
  CHECK(Contracted(0.25, 0.9e-8 * std::pow(4, 10), {0, 1e-6}).solved);
  CHECK_FALSE(Contracted(0.25, 1.1e-8 * std::pow(4, 10), {0, 1e-6}).solved);
}

TEST_CASE("A column's stage is the same bits in any batch, for either goal", "[ode][newton]") {
  const NewtonGoal goal = GENERATE(NewtonGoal{}, NewtonGoal{1e-5, 1e-5});
  const Batch<double> start = oscillators();
  OscillatorsWithJacobian rhs{{{20}}};
  NewtonSolver<Batch<double>> newton;
  Batch<double> together = start;
  newton.reset(start);
  // The second stage starts from factors that some columns renew and others do not.
  REQUIRE(newton.solve(rhs, 0, h_gamma, start, start, together, goal));
  REQUIRE(newton.solve(rhs, 0, 3 * h_gamma, start, start, together, goal));
  for (Index j = 0; j < start.cols(); ++j) {
    const Batch<double> mine = start.col(j);
    Batch<double> alone = mine;
    newton.reset(mine);
    REQUIRE(newton.solve(rhs, 0, h_gamma, mine, mine, alone, goal));
    REQUIRE(newton.solve(rhs, 0, 3 * h_gamma, mine, mine, alone, goal));
    CHECK(together.col(j) == alone.col(0));
  }
}

TEST_CASE("A Jacobian serves until the corrections fall slowly", "[ode][newton]") {
  OscillatorsWithJacobian rhs{{{20}}};
  const Batch<double> start = oscillators();
  Batch<double> Y = start;
  const NewtonGoal goal{1e-6, 1e-6};
  NewtonSolver<Batch<double>> newton;
  newton.reset(start);
  const auto solve = [&](double step) { return newton.solve(rhs, 0, step, start, start, Y, goal); };
  REQUIRE(solve(1e-5));
  CHECK(rhs.jacobian_calls == 1);
  newton.forget_slow_jacobians();
  REQUIRE(solve(2e-5));  // other factors of the same Jacobian
  CHECK(rhs.jacobian_calls == 1);
  newton.forget_jacobians();
  REQUIRE(solve(2e-5));
  CHECK(rhs.jacobian_calls == 2);
  // At a long step its errors tell: it is renewed on the way.
  const Batch<double> elsewhere{{2.6, -2.2, 2.4, 2}, {1, 0, -1, 1}};
  Y = elsewhere;
  REQUIRE(newton.solve(rhs, 0, h_gamma, elsewhere, elsewhere, Y, goal));
  CHECK(rhs.jacobian_calls > 2);
}

// By a Jacobian 1e8 times too stiff for one entry its corrections look like rounding, and those of the other
// fall at once.
TEST_CASE("An entry whose corrections are too short is not hidden by another", "[ode][newton]") {
  const NewtonGoal goal = GENERATE(NewtonGoal{}, NewtonGoal{1e-6, 1e-6});
  const Index changed = GENERATE(0, 1);
  double k = 1e8;
  const auto rhs = [&](double, const Eigen::Vector2d& y, Eigen::Vector2d& dy) {
    dy = -1e8 * (y - Eigen::Vector2d(0.5, 0.5));
    dy(changed) = -k * (y(changed) - 0.5);
  };
  const Eigen::Vector2d start(1, 1);
  Eigen::Vector2d Y = start;
  NewtonSolver<Eigen::Vector2d> newton;
  newton.reset(start);
  REQUIRE(newton.solve(rhs, 0, 1, start, start, Y, goal));
  newton.forget_slow_jacobians();
  k = 1;
  Y = start;
  REQUIRE(newton.solve(rhs, 0, 1, start, start, Y, goal));
  CHECK(Y(changed) == Approx(0.75).margin(1e-7));
  CHECK(Y(1 - changed) == Approx(0.5).margin(1e-7));
}

// 16 ulps of 1e8 are 200: by the older Jacobian any defect would be rounding.
TEST_CASE("An older Jacobian does not tell by how much f is rounded", "[ode][newton]") {
  const NewtonGoal goal = GENERATE(NewtonGoal{}, NewtonGoal{1e-3, 1e-3});
  float k = 1e8F;
  const auto rhs = [&k](double, const Eigen::Vector2f& y, Eigen::Vector2f& dy) {
    dy = -k * (y - Eigen::Vector2f(0.5F, 2));
  };
  const Eigen::Vector2f start(1, 1);
  Eigen::Vector2f Y = start;
  NewtonSolver<Eigen::Vector2f> newton;
  newton.reset(start);
  REQUIRE(newton.solve(rhs, 0, 1, start, start, Y, goal));
  k = 1;
  Y = start;
  REQUIRE(newton.solve(rhs, 0, 1, start, start, Y, goal));
  CHECK((Y - Eigen::Vector2f(0.75F, 1.5F)).norm() < 1e-5);
}

TEST_CASE("The filter applies the inverse of I - hγJ to path rows", "[ode][newton]") {
  OscillatorsWithJacobian rhs{{{20}}};
  Batch<double> start(3, 4), Y(3, 4);
  start << oscillators(), Row<double>::Constant(4, 7);
  Y = start;
  NewtonSolver<Batch<double>> newton;
  newton.reset(start);
  // The first Jacobian is that of the first guess, and one iteration is enough for a tolerance this loose.
  REQUIRE(newton.solve(rhs, 0, 1e-6, start, start, Y, {1, 1}));
  REQUIRE(rhs.jacobian_calls == 1);
  newton.forget_slow_jacobians();
  REQUIRE(newton.solve(rhs, 0, h_gamma, start, start, Y, {100, 100}));
  REQUIRE(rhs.jacobian_calls == 1);
  Batch<double> e = Batch<double>::Random(3, 4);
  const Batch<double> before = e;
  newton.filter(rhs, e);
  Jacobians<double> J(2, 8);
  rhs.jacobian(0, start, J);
  for (Index j = 0; j < 4; ++j) {
    const Eigen::Matrix2d M = Eigen::Matrix2d::Identity() - h_gamma * J.middleCols(2 * j, 2);
    CHECK((e.col(j).head(2) - M.inverse() * before.col(j).head(2)).norm() < 1e-14);
  }
  CHECK(e.row(2) == before.row(2));
}

// Robertson's second species matters at the size of 1e-9 beside a first of size 1: moved by 1.5e-8, the differences
// would miss 6e7 y_2 = 0.06 by 3e7 · 1.5e-8 = 0.45.
TEST_CASE("Differences follow the size of each entry where the tolerances tell it", "[ode][newton]") {
  struct Robertson {
    void operator()(double, const Eigen::Vector3d& y, Eigen::Vector3d& dy) const {
      dy(0) = -0.04 * y(0) + 1e4 * y(1) * y(2);
      dy(2) = 3e7 * y(1) * y(1);
      dy(1) = -dy(0) - dy(2);
    }
  } rhs;
  const Eigen::Vector3d start(1, 1e-9, 0);
  Eigen::Vector3d Y = start, e(0, 1, 0);
  NewtonSolver<Eigen::Vector3d> newton;
  newton.reset(start);
  // Entries matter above 1e-4. The step is so short that the Jacobian at the start serves to the end.
  REQUIRE(newton.solve(rhs, 0, 1e-6, start, start, Y, {1e-6, 1e-10}));
  REQUIRE(newton.iterations() == 2);
  newton.filter(rhs, e);
  // Moved by 1.5e-12 it misses 0.06 by 4.5e-5, and the rounding of f, of size 0.04, adds 5e-6.
  CHECK((1 / e(1) - 1) / 1e-6 == Approx(0.06).margin(1e-4).epsilon(0));
}

TEST_CASE("The derivative of a stage is its increment over hγ, and f where that does not tell it", "[ode][newton]") {
  OscillatorsWithJacobian rhs{{{20}}};
  Batch<double> start(3, 4), K(3, 4), dy(3, 4);
  start << oscillators(), Row<double>::Constant(4, 7);
  const Batch<double> base = start + 0.01 * Batch<double>::Ones(3, 4);
  Batch<double> Y = start;
  NewtonSolver<Batch<double>> newton;
  newton.reset(start);
  REQUIRE(newton.solve_stage(rhs, 0, h_gamma, start, base, Y, K));
  rhs(0, Y, dy);
  CHECK(K.topRows(2) == (Y - base).topRows(2) / h_gamma);
  CHECK((K - dy).cwiseAbs().maxCoeff() < 1e-12);  // an ulp of 3 over hγ, some times
  CHECK(K.row(2) == dy.row(2));
  CHECK(Y.row(2) == base.row(2) + h_gamma * K.row(2));

  // A step that is no number in float.
  const Eigen::Vector2f from(3, 0.5F);
  Eigen::Vector2f same = from, slope(0, 0);
  NewtonSolver<Eigen::Vector2f> in_float;
  Square square;
  in_float.reset(from);
  REQUIRE(in_float.solve_stage(square, 0, 1e-60, from, from, same, slope));
  CHECK(same == from);
  CHECK(slope == Eigen::Vector2f(9, 0.25F));
}

TEST_CASE("A stage without solution says which sample and component failed", "[ode][newton][errors]") {
  Batch<double> start{{0.1, 0.1, 0.1}, {0.1, 1, 0.1}}, Y = start;
  Square rhs;
  NewtonSolver<Batch<double>> newton;
  const NewtonGoal goal = GENERATE(NewtonGoal{}, NewtonGoal{1e-6, 1e-6});
  newton.reset(start);
  CHECK_FALSE(newton.solve(rhs, 0, 1, start, start, Y, goal));
  CHECK(newton.failed_sample() == 1);
  CHECK(newton.failed_component() == 1);
  CHECK(newton.fault() == EquationFault::no_convergence);
}

TEST_CASE("A Jacobian that is not finite and one that makes a singular matrix are told apart",
          "[ode][newton][errors]") {
  struct : Square {
    double slope = 0;
    void jacobian(double, const Batch<double>&, Jacobians<double>& J) const {
      J = Eigen::MatrixXd{{-1, 0, -1, 0}, {0, -1, 0, slope}};
    }
  } rhs;
  const Batch<double> start{{0.1, 0.1}, {0.1, 0.1}};
  NewtonSolver<Batch<double>> newton;
  const auto fault = [&](double slope) {
    rhs.slope = slope;
    Batch<double> Y = start;
    newton.reset(start);
    CHECK_FALSE(newton.solve(rhs, 0.5, 0.25, start, start, Y));
    CHECK(newton.failed_sample() == 1);
    return newton.fault();
  };
  CHECK(fault(std::numeric_limits<double>::quiet_NaN()) == EquationFault::jacobian);
  CHECK(newton.failed_component() == 1);
  CHECK(fault(4) == EquationFault::singular_matrix);  // 1 - hγ · 4 = 0
}

TEST_CASE("A right-hand side that is not a number ends the iteration at once", "[ode][newton][errors]") {
  const auto rhs = [](double, const Eigen::Vector2d&, Eigen::Vector2d& dy) {
    dy.setConstant(std::numeric_limits<double>::quiet_NaN());
  };
  const Eigen::Vector2d start(1, 1);
  Eigen::Vector2d Y = start;
  NewtonSolver<Eigen::Vector2d> newton;
  newton.reset(start);
  CHECK_FALSE(newton.solve(rhs, 0.5, 1, start, start, Y));
  CHECK(newton.fault() == EquationFault::right_hand_side);
  CHECK(newton.failed_component() == 0);
  CHECK(newton.failed_at() == 0.5);
  CHECK(newton.evaluations() == 3);  // the first, and two for the differences
}

TEST_CASE("A tolerance below the rounding of float ends at rounding", "[ode][newton]") {
  const Eigen::Vector2f start(1, 0.5F);
  Eigen::Vector2f Y = start, dy;
  Square rhs;
  NewtonSolver<Eigen::Vector2f> newton;
  newton.reset(start);
  REQUIRE(newton.solve(rhs, 0, 0.1, start, start, Y, {1e-9, 1e-9}));
  // Y = (1 - sqrt(1 - 4 · 0.1 y)) / 0.2.
  CHECK(Y(0) == Approx((1 - std::sqrt(0.6)) / 0.2).epsilon(1e-6));
  CHECK(Y(1) == Approx((1 - std::sqrt(0.8)) / 0.2).epsilon(1e-6));
}

}  // namespace pathline
