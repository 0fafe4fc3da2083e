// One step of a Rosenbrock method: what its stages solve, what decays, whom it reads and when; and its failures.
#include <pathline/ode/implicit/rosenbrock/rosenbrock_stepper.hpp>

#include <pathline/ode/explicit/tableaux.hpp>
#include <pathline/ode/implicit/rosenbrock/rosenbrock_methods.hpp>
#include <pathline/ode/integrate.hpp>

#include <support/catch.hpp>
#include <support/implicit_steps.hpp>
#include <support/ode_problems.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace pathline {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// y' = A y + t b.
struct AffineSystem {
  Eigen::Matrix2d A{{-3, 1}, {0.5, -200}};
  Eigen::Vector2d b{2, -1};
  void operator()(double t, const Eigen::Vector2d& y, Eigen::Vector2d& dy) const { dy = A * y + t * b; }
  void jacobian(double, const Eigen::Vector2d&, Jacobians<double>& J) const { J = A; }
  void time_derivative(double, const Eigen::Vector2d&, Eigen::Vector2d& dfdt) const { dfdt = b; }
};

}  // namespace

TEMPLATE_TEST_CASE("The increments of a Rosenbrock step solve the equations of the tableau", "[ode][implicit]",
                   Rosenbrock23, Rodas4) {
  constexpr auto T = TestType::tableau;
  constexpr int S = T.stages;
  const double t = 0.3, h = 0.1;
  const AffineSystem rhs;
  Stepper<TestType, Eigen::Vector2d> stepper;
  stepper.init(rhs, t, Eigen::Vector2d(1, -2));
  REQUIRE(stepper.step(rhs, t, h));
  // u = Γ k, hence k_i = (u_i - Σ_{j<i} γ_ij k_j) / γ.
  std::array<Eigen::Vector2d, std::size_t(S)> k;
  Eigen::Vector2d end = stepper.y(), partner = end, f, e;
  for (int i = 0; i < S; ++i) {
    Eigen::Vector2d Y = stepper.y(), u = stepper.increment(i);
    double node = 0, weight = T.gamma;
    for (int j = 0; j < i; ++j) {
      u -= T.Gamma(i, j) * k[std::size_t(j)];
      Y += T.alpha(i, j) * k[std::size_t(j)];
      node += T.alpha(i, j);
      weight += T.Gamma(i, j);
    }
    k[std::size_t(i)] = u / T.gamma;
    rhs(t + node * h, Y, f);
    const Eigen::Vector2d expected = h * f + h * rhs.A * stepper.increment(i) + h * h * weight * rhs.b;
    CHECK((k[std::size_t(i)] - expected).norm() < 1e-11);  // ulps of k up to 100, times coefficients up to 34
    end += T.b[std::size_t(i)] * k[std::size_t(i)];
    partner += T.b_embedded[std::size_t(i)] * k[std::size_t(i)];
  }
  CHECK((end - stepper.y_next()).norm() < 1e-12);
  stepper.write_error(e);
  CHECK((e - (end - partner)).norm() < 1e-12);
}

// |R(-1e8)| is 1e-8 times coefficients of the size of 10, and the differences are exact to 1e-8.
TEMPLATE_TEST_CASE("A Rosenbrock method damps in one step what is infinitely stiff", "[ode][implicit]", Rosenbrock23,
                   Rodas4) {
  Eigen::Vector2d y(1, -3);
  run<TestType>(FixedSteps(1), Decay{-1e8}, y, 0, 1);
  CHECK(y.cwiseAbs().maxCoeff() < 1e-5);
}

TEMPLATE_TEST_CASE("A sample's result by a Rosenbrock method is the same bits in any batch with fixed steps",
                   "[ode][implicit]", Rosenbrock23, Rodas4) {
  const Batch<double> start = oscillators();
  Batch<double> together = start;
  run<TestType>(FixedSteps(400), Oscillators{}, together, 0, 2);
  REQUIRE(together.allFinite());
  for (Index j = 0; j < start.cols(); ++j) {
    Batch<double> alone = start.col(j);
    run<TestType>(FixedSteps(400), Oscillators{}, alone, 0, 2);
    CHECK(together.col(j) == alone.col(0));
  }
}

// Twice two differences for J and one for the time; Rosenbrock23 evaluates at the end of a step for the next one.
TEST_CASE("A Rosenbrock step evaluates its stages and its derivatives once", "[ode][implicit]") {
  Eigen::Vector2d y = CoupledProblem::exact(0);
  CHECK(run<Rodas4>(FixedSteps(10), CoupledProblem{}, y, 0, 1).evaluations == 10 * (6 + 5));
  CHECK(run<Rosenbrock23>(FixedSteps(10), CoupledProblem{}, y, 1, 0).evaluations == 1 + 10 * (2 + 5));
  CHECK(run<Rodas4>(FixedSteps(10), AffineSystem{}, y, 0, 1).evaluations == 10 * 6);
}

TEST_CASE("A second trial from the same point takes over f and its derivatives", "[ode][implicit]") {
  AnyRhs<Eigen::Vector2d> rhs = CoupledProblem{};
  Stepper<Rodas4, Eigen::Vector2d> stepper, fresh;
  stepper.init(rhs, 1, CoupledProblem::exact(1));
  REQUIRE(stepper.step(rhs, 1, 0.2));
  const Index before = stepper.evaluations();
  REQUIRE(stepper.step(rhs, 1, 0.1));
  CHECK(stepper.evaluations() == before + 5);
  fresh.init(rhs, 1, CoupledProblem::exact(1));
  REQUIRE(fresh.step(rhs, 1, 0.1));
  CHECK((fresh.y_next() - stepper.y_next()).norm() < 1e-9);  // what the differences leave
}

TEMPLATE_TEST_CASE("A restarted Rosenbrock stepper knows nothing of the right-hand side before", "[ode][implicit]",
                   Rosenbrock23, Rodas4) {
  AnyRhs<Eigen::Vector2d> before = Decay{-1}, after = Decay{-30};
  const bool accepted = GENERATE(false, true);
  Stepper<TestType, Eigen::Vector2d> stepper, fresh;
  stepper.init(before, 0, Eigen::Vector2d(1, 2));
  REQUIRE(stepper.step(before, 0, 0.1));
  if (accepted) stepper.accept();
  stepper.restart();
  fresh.init(after, 0.1, stepper.y());
  REQUIRE(stepper.step(after, 0.1, 0.1));
  REQUIRE(fresh.step(after, 0.1, 0.1));
  CHECK(stepper.y_next() == fresh.y_next());
}

TEST_CASE("All evaluations of a Rosenbrock step are discarded but the first stage", "[ode][implicit]") {
  AnyRhs<Eigen::Vector2d> rhs = CoupledProblem{};
  Eigen::Vector2d y = CoupledProblem::exact(0);
  const double times[] = {0, 1};
  Journal journal;
  Stepper<Rodas4, Eigen::Vector2d> stepper;
  integrate(Rodas4{}, FixedSteps(3), rhs, y, times, stepper, journal);
  CHECK(journal.events == "okdakdakdao");
}

TEMPLATE_TEST_CASE("A Rosenbrock method asks for nothing outside of the solve", "[ode][implicit]", Rosenbrock23,
                   Rodas4) {
  const bool backward = GENERATE(false, true);
  Counted<CoupledProblem> rhs;
  const double t0 = backward ? 0.8 : 0.1, t1 = backward ? 0.1 : 0.8;
  Eigen::Vector2d y = CoupledProblem::exact(t0);
  run<TestType>(FixedSteps(7), rhs, y, t0, t1);
  y = CoupledProblem::exact(t0);
  run<TestType>(PiController{}, rhs, y, t0, t1);
  CHECK(*std::min_element(rhs.times.begin(), rhs.times.end()) == 0.1);
  CHECK(*std::max_element(rhs.times.begin(), rhs.times.end()) == 0.8);
}

// The method itself is wrong by 1e-5 here.
TEST_CASE("float states of a Rosenbrock solve reach float accuracy", "[ode][implicit]") {
  Batch<float> y = Batch<float>::Constant(3, 5, 2.F);
  run<Rodas4>(FixedSteps(20), Decay{-3}, y, 0, 1);
  CHECK(y(2, 4) == Approx(2 * std::exp(-3.)).epsilon(1e-4));
  const auto forced = [](double t, const Eigen::Vector2f& at, Eigen::Vector2f& dy) {
    dy = Eigen::Vector2f::Constant(float(std::cos(t))) - 1000 * at;
  };
  Eigen::Vector2f z(1, 2);
  run<Rodas4>(PiController{.rtol = 1e-4, .atol = 1e-6}, forced, z, 0, 3);
  CHECK(z(1) == Approx((1000 * std::cos(3.) + std::sin(3.)) / (1e6 + 1)).epsilon(1e-3));
}

TEMPLATE_TEST_CASE("A Rosenbrock step into a NaN leaves y alone and has an infinite error", "[ode][implicit][errors]",
                   Rosenbrock23, Rodas4) {
  AnyRhs<Eigen::Vector2d> rhs = [](double, const Eigen::Vector2d& y, Eigen::Vector2d& dy) {
    dy = Eigen::Vector2d(-y(0), y(1) < 2 ? 1 : nan);
  };
  Stepper<TestType, Eigen::Vector2d> stepper;
  stepper.init(rhs, 0, Eigen::Vector2d(1, 1));
  CHECK_FALSE(stepper.step(rhs, 0, 3));
  CHECK(stepper.y() == Eigen::Vector2d(1, 1));
  CHECK(stepper.estimate_error(rhs, PiController{}) == std::numeric_limits<double>::infinity());
  CHECK(stepper.failed_component() == 1);
  CHECK(!std::isfinite(stepper.error()(1)));
  REQUIRE(stepper.step(rhs, 0, 0.1));
  CHECK(std::isfinite(stepper.estimate_error(rhs, PiController{})));

  Eigen::Vector2d y(1, 1);
  CHECK_THROWS_AS(run<TestType>(FixedSteps(1), rhs, y, 0, 3), NonFiniteError);
  CHECK(y == Eigen::Vector2d(1, 1));
}

// The root is not a number below 0, where the stages of the first step lie.
TEST_CASE("The control shortens a Rosenbrock step that leaves the domain of f", "[ode][implicit][errors]") {
  const auto rhs = [](double, const Eigen::Vector2d& y, Eigen::Vector2d& dy) {
    dy = -(y.array().exp() * y.array().sqrt()).matrix();
  };
  Eigen::Vector2d y(4, 3), reference(4, 3);
  CHECK(run<Rodas4>(PiController{.initial_step = 0.5}, rhs, y, 0, 0.5).rejected > 0);
  run<Dopri5>(PiController{.rtol = 1e-9, .atol = 1e-9}, rhs, reference, 0, 0.5);
  CHECK((y - reference).norm() < 1e-4);
}

TEST_CASE("Where f ends a Rosenbrock solve says where, and which sample", "[ode][implicit][errors]") {
  const auto rhs = [](double t, const Batch<double>& y, Batch<double>& dy) {
    dy = -y;
    if (t > 0.5) dy(0, 1) = nan;
  };
  Batch<double> y = Batch<double>::Ones(2, 3);
  try {
    run<Rodas4>(PiController{}, rhs, y, 0, 1);
    FAIL("no error");
  } catch (const NonFiniteError& error) {
    CHECK(error.t == Approx(0.5).epsilon(1e-6));
    // By where the steps fall a stage comes first to where f is not finite, or the difference for ∂f/∂t at the start.
    CHECK(error.asked_at >= 0.5);
    CHECK((error.fault == EquationFault::right_hand_side || error.fault == EquationFault::time_derivative));
    CHECK(error.sample == 1);
    CHECK(error.component == 0);
    CHECK(error.statistics.rejected > 0);
  }
  CHECK(y == Batch<double>::Ones(2, 3));
}

TEST_CASE("A derivative that is not finite fails a Rosenbrock step", "[ode][implicit][errors]") {
  struct Broken : AffineSystem {
    using AffineSystem::operator();
    bool of_time = false;
    void jacobian(double, const Eigen::Vector2d&, Jacobians<double>& J) const { J << 0, 1, of_time ? 0 : nan, 0; }
    void time_derivative(double, const Eigen::Vector2d&, Eigen::Vector2d& dfdt) const { dfdt << 0, of_time ? nan : 0; }
  };
  for (const bool of_time : {false, true}) {
    Broken rhs;
    rhs.of_time = of_time;
    Stepper<Rodas4, Eigen::Vector2d> stepper;
    stepper.init(rhs, 0, Eigen::Vector2d(1, 1));
    CHECK_FALSE(stepper.step(rhs, 0, 0.1));
    CHECK(stepper.failed_component() == 1);
    CHECK(stepper.failed_sample() == 0);
    CHECK(stepper.fault() == (of_time ? EquationFault::time_derivative : EquationFault::jacobian));
  }
}

// 1 - hγ · 4 = 0 for h = 1 and γ = 1/4. No stage can see it in f.
TEST_CASE("A singular matrix fails a Rosenbrock step, and another length does not", "[ode][implicit][errors]") {
  struct Growth {
    void operator()(double, const Eigen::Vector2d&, Eigen::Vector2d& dy) const { dy.setOnes(); }
    void jacobian(double, const Eigen::Vector2d&, Jacobians<double>& J) const { J << 4, 0, 0, 4; }
  };
  Growth rhs;
  Stepper<Rodas4, Eigen::Vector2d> stepper;
  stepper.init(rhs, 0, Eigen::Vector2d(1, 1));
  CHECK_FALSE(stepper.step(rhs, 0, 1));
  CHECK(stepper.fault() == EquationFault::singular_matrix);
  CHECK(stepper.step(rhs, 0, 0.1));
}

}  // namespace pathline
