// Implicit methods under step control: stiff problems with known solutions, tolerances, failures on the way.
#include <pathline/ode.hpp>

#include <support/catch.hpp>
#include <support/ode_problems.hpp>
#include <support/stiff_problems.hpp>

#include <cmath>
#include <functional>
#include <limits>
#include <type_traits>

namespace pathline {
namespace {

/// A right-hand side that offers nothing else goes by one type, so that a method is compiled once for all of them.
template <class Method, class Rhs, class State, class Control>
Statistics run(Rhs&& rhs, State& y, double t0, double t1, const Control& control) {
  using Function = std::remove_reference_t<Rhs>;
  const double times[] = {t0, t1};
  Stepper<Method, State> stepper;
  if constexpr (HasJacobian<Function, State> || HasErrorRows<Function>) {
    return integrate(Method{}, control, rhs, y, times, stepper);
  } else {
    std::function<void(double, const State&, State&)> any(std::ref(rhs));
    return integrate(Method{}, control, any, y, times, stepper);
  }
}

}  // namespace

// Values of Mazzia & Magherini, Test Set for IVP Solvers 2.4 (2008), problem ROBER, and of SciPy's Radau at 1e-12, at
// t = 40 of the latter: 0.71582706871941, 9.1855347645578e-6, 0.28416374574583.
TEMPLATE_TEST_CASE("Methods of order 5 solve Robertson's reactions up to 1e11", "[ode][implicit][stiff]", Kvaerno5,
                   RadauIia5) {
  const PiController control{.rtol = 1e-8, .atol = 1e-12};
  // The step follows an estimate of order 3 in the one and 4 in the other.
  const Index steps = std::is_same_v<TestType, RadauIia5> ? 1500 : 600;
  Eigen::Vector3d y(1, 0, 0);
  const Statistics early = run<TestType>(ByDifferences<Robertson>{}, y, 0, 40, control);
  CHECK(y(0) == Approx(0.7158270687194).epsilon(1e-8));
  CHECK(y(1) == Approx(9.1855347646e-6).epsilon(1e-8));
  CHECK(y(2) == Approx(0.2841637457458).epsilon(1e-8));
  CHECK(early.accepted < steps / 3);

  y = Eigen::Vector3d(1, 0, 0);
  const Statistics late = run<TestType>(ByDifferences<Robertson>{}, y, 0, 1e11, control);
  CHECK(y(0) == Approx(0.2083340149701e-7).epsilon(1e-4));
  CHECK(y(1) == Approx(0.8333360770335e-13).epsilon(1e-4));
  CHECK(y(2) == Approx(0.9999999791665).epsilon(1e-8));
  CHECK(std::abs(y.sum() - 1) < 1e-8);
  CHECK(late.accepted < steps);
  CHECK(late.rejected < 20);

  Eigen::Vector3d given(1, 0, 0);
  const Statistics with_jacobian = run<TestType>(Robertson{}, given, 0, 1e11, control);
  CHECK(given(0) == Approx(0.2083340149701e-7).epsilon(1e-4));
  CHECK(with_jacobian.evaluations < late.evaluations);
}

// The same values, for Jacobians by differences and by the right-hand side.
TEMPLATE_TEST_CASE("Rodas4 solves Robertson's reactions up to 1e11", "[ode][implicit][stiff]", ByDifferences<Robertson>,
                   Robertson) {
  const PiController control{.rtol = 1e-6, .atol = 1e-12};
  Eigen::Vector3d y(1, 0, 0);
  run<Rodas4>(TestType{}, y, 0, 40, control);
  CHECK(y(0) == Approx(0.7158270687194).epsilon(1e-6));
  CHECK(y(1) == Approx(9.1855347646e-6).epsilon(1e-6));
  CHECK(y(2) == Approx(0.2841637457458).epsilon(1e-6));

  y = Eigen::Vector3d(1, 0, 0);
  const Statistics late = run<Rodas4>(TestType{}, y, 0, 1e11, control);
  CHECK(y(0) == Approx(0.2083340149701e-7).epsilon(1e-3));
  CHECK(y(1) == Approx(0.8333360770335e-13).epsilon(1e-3));
  CHECK(y(2) == Approx(0.9999999791665).epsilon(1e-6));
  CHECK(late.accepted < 600);
  CHECK(late.rejected < 20);
}

// The same test set, problem VDPOL, in its time t / 1000: 1.706167732170, -0.8928097010248; SciPy's Radau at 1e-12
// agrees in 12 digits.
TEST_CASE("Implicit pairs solve van der Pol's equation with mu = 1000 by their tolerances", "[ode][implicit][stiff]") {
  const auto solved = [](auto method, double tolerance) {
    Eigen::Vector2d y(2, 0);
    const Statistics statistics = run<decltype(method)>(ByDifferences<VanDerPol>{}, y, 0, 2000,
                                                        PiController{.rtol = tolerance, .atol = tolerance});
    // The time of a jump moves by the tolerance times about 1000, and the slow branch by less.
    CHECK(std::abs(y(0) - 1.706167732170) < 2000 * tolerance);
    CHECK(y(1) == Approx(-0.8928097010248e-3).epsilon(2000 * tolerance));
    return statistics;
  };
  CHECK(solved(Kvaerno5{}, 1e-6).accepted < 400);
  CHECK(solved(RadauIia5{}, 1e-6).accepted < 800);
  CHECK(solved(Sdirk4{}, 1e-6).accepted < 1000);
  CHECK(solved(Rodas4{}, 1e-6).accepted < 1000);
  CHECK(solved(Kvaerno3{}, 1e-5).accepted < 2000);
  CHECK(solved(TrBdf2{}, 1e-5).accepted < 2000);
}

// Values of the same test set; an extrapolation method in extended precision agrees to 1e-12. HIRES by its Jacobian,
// the Oregonator by differences.
TEST_CASE("Kvaerno5 solves HIRES and the Oregonator by its tolerance", "[ode][implicit][stiff]") {
  const auto relative_error = [](auto method, auto rhs, auto problem, double tolerance) {
    using Problem = decltype(problem);
    using State = Eigen::Matrix<double, int(Problem::y0.size()), 1>;
    State y(Problem::y0.data());
    const State exact(Problem::y_end.data());
    const PiController control{.rtol = tolerance, .atol = 1e-4 * tolerance};
    const Statistics statistics = run<decltype(method)>(rhs, y, 0, Problem::t_end, control);
    CHECK(statistics.rejected < statistics.accepted / 4);
    return ((y - exact).array() / exact.array()).abs().maxCoeff();
  };
  CHECK(relative_error(Kvaerno5{}, Hires{}, Hires{}, 1e-6) < 1e-5);
  CHECK(relative_error(Kvaerno5{}, ByDifferences<Oregonator>{}, Oregonator{}, 1e-6) < 1e-4);
}

// Its large entries are linear and solved by one correction. Judged by these, small ones were left unsolved, the error
// estimate saw what was left, and Kvaerno5 took 1888 steps.
TEST_CASE("Newton's method does not judge small entries by large ones", "[ode][implicit][stiff]") {
  Eigen::Matrix<double, 8, 1> y(Hires::y0.data());
  const double tolerance = 1e-9;
  const Statistics statistics =
      run<Kvaerno5>(Hires{}, y, 0, Hires::t_end, PiController{.rtol = tolerance, .atol = 1e-4 * tolerance});
  CHECK(statistics.accepted < 1400);
}

TEST_CASE("The Jacobians of the stiff problems are those of their right-hand sides", "[ode][implicit][stiff]") {
  const auto difference = [](auto problem, const auto& y) {
    using State = std::remove_cvref_t<decltype(y)>;
    State dy;
    problem(0, y, dy);
    Jacobians<double> exact(y.size(), y.size());
    problem.jacobian(0, y, exact);
    BatchJacobian<State> differences;
    ByDifferences<decltype(problem)> rhs{problem};
    differences.evaluate(rhs, 0, y, dy, y.size(), 0);
    return (differences.of_column(0) - exact).norm() / exact.norm();
  };
  // Differences are right to the root of the rounding error.
  CHECK(difference(Robertson{}, Eigen::Vector3d(1, 2, 3)) < 1e-6);
  CHECK(difference(VanDerPol{}, Eigen::Vector2d(2, 3)) < 1e-6);
  CHECK(difference(Oregonator{}, Eigen::Vector3d(2, 3, 4)) < 1e-6);
  CHECK(difference(Hires{}, Eigen::Matrix<double, 8, 1>(Eigen::VectorXd::LinSpaced(8, 1, 2))) < 1e-6);
}

// Dopri5 needs a step of 3.3 / 1e5 for stability; the implicit methods follow the cosine.
TEST_CASE("The steps of implicit pairs follow the smooth solution", "[ode][implicit][stiff]") {
  const auto rhs = [](double t, const Eigen::Vector2d& y, Eigen::Vector2d& dy) {
    dy = -1e5 * (y - Eigen::Vector2d::Constant(std::cos(t)));
  };
  const auto steps = [&](auto method) {
    Eigen::Vector2d y(1, 1);
    const Statistics statistics = run<decltype(method)>(rhs, y, 0, 10, PiController{});
    CHECK((y - Eigen::Vector2d::Constant(std::cos(10.))).norm() < 1e-4);
    return statistics.accepted;
  };
  CHECK(steps(Kvaerno5{}) < 300);
  CHECK(steps(RadauIia5{}) < 300);
  CHECK(steps(Sdirk4{}) < 300);
  CHECK(steps(TrBdf2{}) < 1000);
}

TEMPLATE_TEST_CASE("The global error of an implicit pair follows the tolerance, forward and backward",
                   "[ode][implicit][integrate]", TrBdf2, Sdirk4, Kvaerno3, Kvaerno5, RadauIia5, Rosenbrock23, Rodas4) {
  for (const double tolerance : {1e-4, 1e-6})
    for (const bool backward : {false, true}) {
      const double t0 = backward ? 2 : 0, t1 = 2 - t0;
      Eigen::Vector2d y = CoupledProblem::exact(t0);
      const PiController control{.rtol = tolerance, .atol = tolerance};
      run<TestType>(CoupledProblem{}, y, t0, t1, control);
      INFO("tolerance " << tolerance << ", backward " << backward);
      CHECK((y - CoupledProblem::exact(t1)).norm() < 1000 * tolerance);
    }
}

TEST_CASE("float states follow a tolerance that float can meet", "[ode][implicit][integrate]") {
  const Eigen::Vector2f y =
      solve(Decay{-1000}, Eigen::Vector2f(1, 2), 0, 1e-3, Kvaerno5{}, PiController{.rtol = 1e-4, .atol = 1e-5});
  CHECK(y(1) == Approx(2 * std::exp(-1.)).epsilon(1e-3));
}

TEST_CASE("One call solves a stiff problem with the default control", "[ode][implicit][integrate]") {
  const Eigen::Vector2d y = solve(ByDifferences<VanDerPol>{}, Eigen::Vector2d(2, 0), 0, 2000, Kvaerno5{});
  CHECK(y(0) == Approx(1.7061677).epsilon(1e-4));
}

// The derivative that a solved stage hands on carries Newton's leftover over hγ: of a step of 1e-12 that is 1e4 times
// an ulp, and a step of 0.1 would see it.
TEST_CASE("A sliver before an output does not spoil the step after it", "[ode][implicit][integrate]") {
  CoupledProblem rhs;
  const Eigen::Vector2d y0 = CoupledProblem::exact(1);
  const PiController control{.rtol = 1e-10, .atol = 1e-10, .initial_step = 1e-3};
  const auto plain = solve(rhs, y0, {1., 2.}, Kvaerno5{}, control);
  const auto sliver = solve(rhs, y0, {1., 1 + 1e-13, 2.}, Kvaerno5{}, control);
  CHECK((plain.states.back() - CoupledProblem::exact(2)).norm() < 1e-8);
  CHECK((sliver.states.back() - CoupledProblem::exact(2)).norm() < 1e-8);
  CHECK(sliver.statistics.rejected <= plain.statistics.rejected);
}

// The root is not a number below 0, where the stages of the first step would lie.
TEMPLATE_TEST_CASE("The control recovers where Newton's method fails at a step too long", "[ode][implicit][errors]",
                   Kvaerno5, RadauIia5) {
  const auto rhs = [](double, const Eigen::Vector2d& y, Eigen::Vector2d& dy) {
    dy = -(y.array().exp() * y.array().sqrt()).matrix();
  };
  Eigen::Vector2d y(4, 3), reference(4, 3);
  const Statistics statistics = run<TestType>(rhs, y, 0, 0.5, PiController{.initial_step = 0.5});
  CHECK(statistics.rejected > 0);
  run<Dopri5>(rhs, reference, 0, 0.5, PiController{.rtol = 1e-9, .atol = 1e-9});
  CHECK((y - reference).norm() < 1e-4);
}

TEMPLATE_TEST_CASE("A right-hand side that ends is a NonFiniteError there", "[ode][implicit][errors]", TrBdf2,
                   RadauIia5) {
  const auto rhs = [](double t, const Eigen::Vector2d& y, Eigen::Vector2d& dy) {
    dy = -y;
    if (t > 0.5) dy(0) = std::numeric_limits<double>::quiet_NaN();
  };
  Eigen::Vector2d y(1, 1);
  try {
    run<TestType>(rhs, y, 0, 1, PiController{});
    FAIL("no error");
  } catch (const NonFiniteError& error) {
    CHECK(error.t == Approx(0.5).epsilon(1e-6));
    CHECK(error.asked_at > 0.5);
    CHECK(error.subject == "the right-hand side");
    CHECK(error.sample == 0);
    CHECK(error.component == 0);
    CHECK(error.statistics.rejected > 0);
  }
  CHECK(y == Eigen::Vector2d(1, 1));
}

TEST_CASE("A solution that blows up is a StepSizeError or a NonlinearSolveError near its end",
          "[ode][implicit][errors]") {
  const auto rhs = [](double, const Eigen::Vector2d& y, Eigen::Vector2d& dy) { dy = y.cwiseAbs2(); };
  Eigen::Vector2d y(1, 0.5);
  try {
    run<Kvaerno5>(rhs, y, 0, 2, PiController{});
    FAIL("no error");
  } catch (const SolveError& error) {
    CHECK(error.t == Approx(1).epsilon(1e-3));
    CHECK(error.component == 0);
    CHECK((dynamic_cast<const StepSizeError*>(&error) || dynamic_cast<const NonlinearSolveError*>(&error)));
  }
}

// Without an explicit first stage the start is evaluated all the same.
TEMPLATE_TEST_CASE("A start that is not finite is told at once", "[ode][implicit][errors]", Sdirk4, Kvaerno3) {
  const auto rhs = [](double, const Eigen::Vector2d&, Eigen::Vector2d& dy) {
    dy = Eigen::Vector2d(0, std::numeric_limits<double>::quiet_NaN());
  };
  Eigen::Vector2d y(1, 1);
  try {
    run<TestType>(rhs, y, 0, 1, PiController{});
    FAIL("no error");
  } catch (const NonFiniteError& error) {
    CHECK(error.component == 1);
    CHECK(error.statistics.evaluations == 1);
  }
}

// y' = -k(t) (y - cos t) - sin t, and from t = 5 on sin 3(t - 5) beside it, with k from 1e8 down to 1 after t = 2: by a
// Jacobian that is too stiff every correction looks small.
TEMPLATE_TEST_CASE("A stiffness that falls during the solve leaves no stage unsolved", "[ode][implicit]", TrBdf2,
                   Sdirk4, Kvaerno3, RadauIia5) {
  using One = Eigen::Matrix<double, 1, 1>;
  const auto rhs = [](double t, const One& y, One& dy) {
    const double k = t < 2 ? 1e8 : std::max(1., 1e8 * std::exp(-10 * (t - 2)));
    dy(0) = -k * (y(0) - std::cos(t)) - std::sin(t) + (t > 5 ? std::sin(3 * (t - 5)) : 0);
  };
  const auto exact = [](double t) {
    const double s = t - 5;
    return std::cos(t) + (s > 0 ? (std::sin(3 * s) - 3 * std::cos(3 * s)) / 10 + 0.3 * std::exp(-s) : 0);
  };
  One y(1.);
  for (const double t : {5., 8.}) {
    One at = y;
    run<TestType>(rhs, at, 0, t, PiController{.rtol = 1e-5, .atol = 1e-5});
    CHECK(std::abs(at(0) - exact(t)) < 2e-3);
  }
}

// The older Jacobian is 1e8 and more times too stiff at once, of the first stages or of all: what f is rounded by there
// does not tell how exactly it is computed here.
TEMPLATE_TEST_CASE("A stiffness that falls within a step leaves no stage unsolved", "[ode][implicit]", float, double) {
  using One = Eigen::Matrix<TestType, 1, 1>;
  const double fall = GENERATE(0.5, 2., 3.1), before = GENERATE(1e6, 1e10);
  INFO("from " << before << " at t = " << fall);
  const auto rhs = [&](double t, const One& y, One& dy) {
    const double k = t < fall ? before : 0.01;
    dy(0) = TestType(k) * (TestType(std::cos(t)) - y(0)) - TestType(std::sin(t));
  };
  const auto error = [&](auto method) {
    One y(TestType(1));
    run<decltype(method)>(rhs, y, 0, 4, PiController{.rtol = 1e-3, .atol = 1e-3});
    return std::abs(double(y(0)) - std::cos(4.));
  };
  CHECK(error(RadauIia5{}) < 1e-2);
  CHECK(error(TrBdf2{}) < 1e-2);
}

// k from 1e9 to 8e12: f of the stage that the Jacobian is of is rounded by more than the tolerance.
TEST_CASE("Rounding in the stage of a new Jacobian refuses no step", "[ode][implicit]") {
  using One = Eigen::Matrix<double, 1, 1>;
  const auto rhs = [](double t, const One& y, One& dy) {
    dy(0) = 1e9 * std::exp(3 * t) * (std::cos(t) - y(0)) - std::sin(t);
  };
  const PiController smooth{.rtol = 1e-7, .atol = 1e-7, .k_I = 0.3, .k_P = 0.4};  // refuses few steps by itself
  One y(1.);
  const Statistics statistics = run<RadauIia5>(rhs, y, 0, 3, smooth);
  CHECK(y(0) == Approx(std::cos(3.)).epsilon(1e-9));
  CHECK(statistics.rejected <= 6);
  CHECK(statistics.evaluations < 700);  // 550, and 960 where each such step is taken for unsolved
}

TEMPLATE_TEST_CASE("A small entry is solved beside a large one", "[ode][implicit]", Kvaerno5, RadauIia5) {
  struct Cubic {
    void operator()(double, const Eigen::Vector2d& y, Eigen::Vector2d& dy) const {
      dy << 0, -1e12 * y(1) * y(1) * y(1);
    }
    void jacobian(double, const Eigen::Vector2d& y, Jacobians<double>& J) const { J << 0, 0, 0, -3e12 * y(1) * y(1); }
  };
  const WithTolerances control(PiController{}, Eigen::Vector2d(1e-6, 1e-6), Eigen::Vector2d(1e-6, 1e-10));
  const double exact = 1 / std::sqrt(1e6 + 2e12);
  for (const double large : {1., 1e8, 1e12}) {
    Eigen::Vector2d y(large, 1e-3);
    run<TestType>(Cubic{}, y, 0, 1, control);
    CHECK(y(1) == Approx(exact).epsilon(1e-4));
  }
}

TEST_CASE("Rows that are solved without being counted have the controller's own tolerances", "[ode][implicit]") {
  struct TopCounts {
    [[nodiscard]] Index error_rows() const { return 1; }
    void operator()(double, const Eigen::VectorXd& y, Eigen::VectorXd& dy) const { dy = -1000 * y; }
  };
  const WithTolerances control(PiController{}, Eigen::VectorXd::Constant(1, 1e-6), Eigen::VectorXd::Constant(1, 1e-6));
  Eigen::VectorXd y = Eigen::VectorXd::Ones(64);
  run<Kvaerno5>(TopCounts{}, y, 0, 0.01, control);
  CHECK((y.array() - std::exp(-10)).abs().maxCoeff() < 1e-4);
}

TEMPLATE_TEST_CASE("A decay may go all the way down to zero", "[ode][implicit]", float, double) {
  Eigen::Matrix<TestType, 1, 1> y(TestType(1));
  CHECK_NOTHROW(run<ImplicitEuler>(Decay{-1000}, y, 0, 30, FixedSteps(300)));
  CHECK(std::abs(y(0)) <= std::numeric_limits<TestType>::min());
}

}  // namespace pathline
