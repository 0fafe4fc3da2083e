// A solve as a function of time: order, ends, both directions, edges, evaluations and the heap.
#include <pathline/ode/output/trajectory.hpp>

#include <pathline/ode/control/forced_points.hpp>
#include <pathline/ode/explicit/dormand_prince_853.hpp>
#include <pathline/ode/explicit/embedded_pairs.hpp>
#include <pathline/ode/explicit/fixed_step_tableaux.hpp>
#include <pathline/ode/implicit/additive/additive_methods.hpp>
#include <pathline/ode/implicit/additive/split_right_hand_side.hpp>
#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_methods.hpp>
#include <pathline/ode/implicit/diagonally_implicit/implicit_euler.hpp>
#include <pathline/ode/implicit/fully_implicit/fully_implicit_methods.hpp>
#include <pathline/ode/implicit/rosenbrock/rosenbrock_methods.hpp>
#include <pathline/ode/multistep/adams_methods.hpp>
#include <pathline/ode/output/save_at.hpp>
#include <pathline/ode/solve.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/ode_problems.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

namespace pathline {
namespace {

using State = Eigen::Vector2d;

/// Largest error at 7 inner points of each step.
double largest_error(const Trajectory<State>& path) {
  double worst = 0;
  for (std::size_t i = 1; i < path.times().size(); ++i)
    for (int k = 1; k < 8; ++k) {
      const double t = path.times()[i - 1] + (path.times()[i] - path.times()[i - 1]) * k / 8;
      worst = std::max(worst, (path(t) - CoupledProblem::exact(t)).norm());
    }
  return worst;
}

/// Without own slopes.
struct PlainRodas4 {
  static constexpr auto tableau = Rodas4::tableau;
};

/// CoupledProblem, for an additive method in two parts: u' and v'.
template <class Method>
auto coupled() {
  if constexpr (AdditiveMethod<Method>) {
    const auto f = [](double t, const State& y, State& dy) { dy << 2 * t * y(0) * std::log(y(1)), 0; };
    const auto g = [](double t, const State& y, State& dy) { dy << 0, -2 * t * y(1) * std::log(y(0)); };
    return SplitRightHandSide{f, g};
  } else {
    return CoupledProblem{};
  }
}

}  // namespace

// Between steps the error is O(h^min(p, q+1)): p of the method at the steps' ends, q of its extension within a step.
// The fifth-order pairs come to their slope late, as at the ends of steps (test_tableaux.cpp); a wrong order is off
// by 1.
TEMPLATE_TEST_CASE("Between its steps a solve converges with the order of method and extension", "[ode][dense][order]",
                   Euler, Midpoint, Heun, SspRk3, BogackiShampine, Rk4, Kutta38, Fehlberg, Dopri5, Tsit5, CashKarp,
                   Verner65) {
  int extension = dense_order_reached(TestType::tableau);
  if constexpr (DenselyExtendedMethod<TestType>) extension = TestType::dense_order;
  const int expected = std::min(TestType::tableau.order, extension + 1);
  const auto [t0, t1] = GENERATE(std::pair{0.0, 2.0}, std::pair{2.0, 0.0});
  const auto error = [t0 = t0, t1 = t1](Index steps) {
    return largest_error(
        solve_trajectory(CoupledProblem{}, CoupledProblem::exact(t0), t0, t1, TestType{}, FixedSteps(steps)));
  };
  CHECK(std::log2(error(320) / error(640)) == Approx(expected).margin(0.35));
}

// Multistep and implicit methods have the cubic. Errors of 1e-9 (Kvaerno5) and more.
TEMPLATE_TEST_CASE("Between steps that remember slopes, or solve for them, a solve converges with order min(p, 4)",
                   "[ode][dense][order][implicit]", Kvaerno5, Sdirk4, TrBdf2, ImplicitMidpoint, ImplicitEuler,
                   AdamsBashforth<3>, AdamsBashforthMoulton<4>, RadauIia5, Rosenbrock23, Rodas4, PlainRodas4,
                   KennedyCarpenter3, KennedyCarpenter4) {
  int order = 1;
  if constexpr (requires { TestType::tableau; }) order = TestType::tableau.order;
  if constexpr (MultistepMethod<TestType>) order = TestType::order;
  const auto [t0, t1] = GENERATE(std::pair{0.0, 2.0}, std::pair{2.0, 0.0});
  const auto error = [t0 = t0, t1 = t1](Index steps) {
    return largest_error(
        solve_trajectory(coupled<TestType>(), CoupledProblem::exact(t0), t0, t1, TestType{}, FixedSteps(steps)));
  };
  CHECK(std::log2(error(160) / error(320)) == Approx(std::min(order, 4)).margin(0.35));
}

// The extension of order 7 is as good as the steps: errors of 6e-10 and 2e-12, above rounding.
TEST_CASE("Between its steps Dop853 converges with order 8", "[ode][dense][order]") {
  const auto [t0, t1] = GENERATE(std::pair{0.0, 2.0}, std::pair{2.0, 0.0});
  const auto error = [t0 = t0, t1 = t1](Index steps) {
    return largest_error(
        solve_trajectory(CoupledProblem{}, CoupledProblem::exact(t0), t0, t1, Dop853{}, FixedSteps(steps)));
  };
  CHECK(std::log2(error(24) / error(48)) == Approx(8).margin(0.5));
}

TEMPLATE_TEST_CASE("The ends of the steps are those of solve, to the bit", "[ode][dense]", Rk4, Dopri5) {
  const State y0 = CoupledProblem::exact(0);
  const Trajectory<State> path = solve_trajectory(CoupledProblem{}, y0, 0, 2, TestType{}, FixedSteps(50));
  const Solution<State> ends = solve(CoupledProblem{}, y0, path.times(), TestType{}, FixedSteps(1));
  REQUIRE(path.steps() == 50);
  // 50 solves of one step have other roundings in t and h.
  for (std::size_t i = 0; i < path.times().size(); ++i) {
    CHECK((path.states()[i] - ends.states[i]).norm() < 1e-13);
    CHECK(path(path.times()[i]) == path.states()[i]);
  }
  CHECK(path(2) == solve(CoupledProblem{}, y0, 0, 2, TestType{}, FixedSteps(50)));
}

TEST_CASE("A trajectory is continuous at the ends of its steps, and so is its derivative", "[ode][dense]") {
  const auto path = solve_trajectory(CoupledProblem{}, CoupledProblem::exact(0), 0, 2, Tsit5{});
  State before, after;
  REQUIRE(path.steps() > 5);
  for (std::size_t i = 1; i < path.steps(); ++i) {
    const double t = path.times()[i];
    // An ulp of t moves y by 1e-15 times its slope, below 30; y' by that times y'', below 1000.
    CHECK((path(std::nextafter(t, 0)) - path(std::nextafter(t, 3))).norm() < 1e-13);
    path.differentiate(std::nextafter(t, 0), before);
    path.differentiate(std::nextafter(t, 3), after);
    CHECK((before - after).norm() < 1e-11);
  }
}

TEST_CASE("Backward in time a trajectory runs through the same values", "[ode][dense]") {
  const PiController control{.rtol = 1e-10, .atol = 1e-10};
  const auto there = solve_trajectory(CoupledProblem{}, CoupledProblem::exact(0), 0, 2, Dopri5{}, control);
  const auto back = solve_trajectory(CoupledProblem{}, CoupledProblem::exact(2), 2, 0, Dopri5{}, control);
  CHECK(back.t0() == 2);
  CHECK(back.t1() == 0);
  for (double t = 0; t <= 2; t += 0.01) {
    CHECK((there(t) - CoupledProblem::exact(t)).norm() < 2e-8);
    CHECK((back(t) - there(t)).norm() < 4e-8);
  }
}

TEST_CASE("A trajectory costs no evaluation but one at the end where its last slope is missing", "[ode][dense]") {
  const State y0 = CoupledProblem::exact(0);
  const auto plain = [&](const auto& method, const auto& control) {
    return solve(CoupledProblem{}, y0, {0, 2}, method, control).statistics;
  };
  const PiController adaptive;
  CHECK(solve_trajectory(CoupledProblem{}, y0, 0, 2, Tsit5{}).statistics == plain(Tsit5{}, adaptive));
  Statistics expected = plain(CashKarp{}, adaptive);
  ++expected.evaluations;
  CHECK(solve_trajectory(CoupledProblem{}, y0, 0, 2, CashKarp{}).statistics == expected);
  expected = plain(Dopri5{}, FixedSteps(7));  // leaves out its very last stage
  ++expected.evaluations;
  CHECK(solve_trajectory(CoupledProblem{}, y0, 0, 2, Dopri5{}, FixedSteps(7)).statistics == expected);

  Counted<CoupledProblem> counted{};
  CHECK(solve_trajectory(counted, y0, 0, 2, Rk4{}, FixedSteps(5)).statistics.evaluations == 21);
  CHECK(counted.times.size() == 21);
  CHECK(counted.times.back() == 2);
}

TEST_CASE("What the trajectory of any other method costs is known", "[ode][dense]") {
  const State y0 = CoupledProblem::exact(0);
  const auto more = [&](const auto& method, const auto& control) {
    const auto rhs = coupled<std::remove_cvref_t<decltype(method)>>();
    const auto path = solve_trajectory(rhs, y0, 0, 2, method, control);
    const Statistics plain = solve(rhs, y0, {0, 2}, method, control).statistics;
    CHECK(path.statistics.accepted == plain.accepted);
    CHECK(path.statistics.newton_iterations == plain.newton_iterations);
    return path.statistics.evaluations - plain.evaluations;
  };
  CHECK(more(Dop853{}, FixedSteps(10)) == 3 * 10 + 1);
  // The slopes are stages, or the first slope was evaluated at the start of the solve anyhow.
  CHECK(more(Kvaerno3{}, PiController{}) == 0);
  CHECK(more(Sdirk4{}, PiController{}) == 0);
  CHECK(more(Sdirk2{}, FixedSteps(10)) == 0);
  CHECK(more(ImplicitEuler{}, FixedSteps(10)) == 1);
  CHECK(more(ImplicitMidpoint{}, FixedSteps(10)) == 10);
  CHECK(more(AdamsBashforth<2>{}, FixedSteps(10)) == 1);
  CHECK(more(Rosenbrock23{}, FixedSteps(10)) == 0);
  CHECK(more(Rodas4{}, FixedSteps(10)) == 0);
  CHECK(more(PlainRodas4{}, FixedSteps(10)) == 1);
  CHECK(more(KennedyCarpenter4{}, FixedSteps(10)) == 0);
}

// cos t attracts with rates of 0.05 to 3e6. An error estimate that is damped once more than the solution hides all of
// it; f at the end multiplies what there is by the rate.
TEMPLATE_TEST_CASE("At and between its steps a stiff solve keeps to its tolerance", "[ode][dense][implicit]",
                   Rosenbrock23, Rodas4, KennedyCarpenter4) {
  using One = Eigen::Matrix<double, 1, 1>;
  const auto drift = [](double t, const One&, One& dy) { dy(0) = -std::sin(t); };
  const auto pull = [](double t, const One& y, One& dy) { dy(0) = -std::exp(3 * (t - 1)) * (y(0) - std::cos(t)); };
  const SplitRightHandSide rhs{drift, pull};
  const auto path = solve_trajectory(rhs, One(1.3), 0, 6, TestType{}, PiController{.rtol = 1e-4, .atol = 1e-4});
  for (const double t : path.times())
    if (t > 5) CHECK(path(t)(0) == Approx(std::cos(t)).margin(2e-4));
  // By where the steps fall: of 40 first steps of Rodas4 the worst place between two steps is off by up to 3.3e-4, and
  // 15 are off by more than 2e-4.
  for (double t = 5; t < 6; t += 0.01) CHECK(path(t)(0) == Approx(std::cos(t)).margin(4e-4));
}

TEST_CASE("A solve over no time is a trajectory of one point", "[ode][dense]") {
  Counted<CoupledProblem> counted{};
  const auto path = solve_trajectory(counted, State(1, 2), 3, 3);
  CHECK(counted.times.empty());
  CHECK(path.steps() == 0);
  CHECK(path(3) == State(1, 2));
  CHECK_THROWS_AS(path(3.1), ArgumentError);
  State slope;
  CHECK_THROWS_AS(path.differentiate(3, slope), ArgumentError);
}

TEST_CASE("Outside of its span a trajectory says what it is", "[ode][dense][errors]") {
  const auto path = solve_trajectory(CoupledProblem{}, CoupledProblem::exact(0), 0, 2);
  CHECK_THROWS_WITH(path(2.5), "Trajectory: t is 2.5, expected from 0 to 2");
  CHECK_THROWS_AS(path(-1e-9), ArgumentError);
  CHECK_THROWS_AS(path(std::numeric_limits<double>::quiet_NaN()), ArgumentError);
  const auto back = solve_trajectory(CoupledProblem{}, CoupledProblem::exact(2), 2, 0.5);
  CHECK_THROWS_WITH(back(0.25), "Trajectory: t is 0.25, expected from 2 to 0.5");
  CHECK_THROWS_AS((void)solve_trajectory(CoupledProblem{}, State(1, std::nan("")), 0, 2), DataError);
}

TEST_CASE("By hand a trajectory is closed by the slope at its end, and mixes methods", "[ode][dense]") {
  CoupledProblem rhs;
  State y = CoupledProblem::exact(0);
  Trajectory<State> path(0, y);
  const double first[] = {0.5, 1}, second[] = {1, 1.5}, third[] = {1.5, 2};
  Stepper<Rk4, State> plain;
  Stepper<Dopri5, State> extended;
  Stepper<Dop853, State> staged;
  plain.init(rhs, 0, y);
  for (int i = 0; i < 40; ++i) {
    plain.step(rhs, i / 80., 1. / 80);
    path.append(plain);
    plain.accept();
  }
  y = plain.y();
  CHECK_FALSE(path.closed());
  CHECK_THROWS_WITH(path(0.499), "Trajectory: the last step is open, expected close() with f at its end");
  CHECK(path(0.4).allFinite());
  integrate(Dopri5{}, FixedSteps(40), rhs, y, first, extended, TrajectoryRecorder<State>(path));
  integrate(Rk4{}, FixedSteps(40), rhs, y, second, plain, TrajectoryRecorder<State>(path));
  integrate(Dop853{}, FixedSteps(10), rhs, y, third, staged, TrajectoryRecorder<State>(path));
  REQUIRE(path.closed());
  for (double t = 0; t <= 2; t += 0.0037) CHECK((path(t) - CoupledProblem::exact(t)).norm() < 1e-6);
  plain.init(rhs, 2, y);
  plain.step(rhs, 2, 0.01);
  path.append(plain);
  plain.accept();
  plain.prepare(rhs, 2.01);
  path.close(plain.stage(0));
  CHECK((path(2.005) - CoupledProblem::exact(2.005)).norm() < 1e-6);
}

// y = 1 - |t - 1|: the Hermite polynomial through both slopes at the jump would be wrong by a fourth of a step, 0.1.
TEST_CASE("Where the right-hand side jumps a trajectory has a kink", "[ode][dense]") {
  const double sign = GENERATE(1., -1.);
  const auto rhs = [sign](double t, const State&, State& dy) { dy.setConstant(sign * t < 1 ? sign : -sign); };
  const WithForcedPoints control(PiController{.max_step = 0.4}, {.jump_at = {sign}});
  const auto path = solve_trajectory(rhs, State(0, 0), 0, 2 * sign, Dopri5{}, control);
  const auto saved = solve(rhs, State(0, 0), 0, 2 * sign, SaveAt{{0.9 * sign, sign, 1.1 * sign}}, Dopri5{}, control);
  for (double t = 0; t <= 2; t += 0.01) CHECK(path(sign * t)(0) == Approx(1 - std::abs(t - 1)).margin(1e-12));
  CHECK(saved.states[0](0) == Approx(0.9));
  CHECK(saved.states[1](0) == Approx(1));
  CHECK(saved.states[2](0) == Approx(0.9));
}

// y = 1 + t up to 1, and 2 exp(1 - t) behind it.
TEST_CASE("A jump where a solve starts or ends leaves its span and its outputs whole", "[ode][dense]") {
  const auto rhs = [](double t, const State& y, State& dy) { dy = t < 1 ? State(1, 1) : State(-y); };
  const WithForcedPoints control(PiController{}, {.jump_at = {1}});
  const auto to_jump = solve_trajectory(rhs, State(1, 1), 0, 1, Dopri5{}, control);
  CHECK(to_jump.t1() == 1);
  CHECK(to_jump(1)(0) == Approx(2));
  const auto from_jump = solve_trajectory(rhs, State(2, 2), 1, 2, Dopri5{}, control);
  CHECK(from_jump.t0() == 1);
  CHECK(from_jump.closed());
  CHECK(from_jump(1)(0) == 2);
  CHECK(from_jump(2)(0) == Approx(2 * std::exp(-1.)).epsilon(1e-5));
  const auto saved = solve(rhs, State(1, 1), 0, 1, SaveAt{{0.5, 1, 1}}, Dopri5{}, control);
  CHECK(saved.states[1](0) == Approx(2));
  CHECK(saved.states[2](0) == Approx(2));
}

TEST_CASE("Evaluating a trajectory allocates nothing", "[ode][dense][memory]") {
  const auto path = solve_trajectory(Decay{}, Batch<float>::Ones(3, 50), 0, 2);
  Batch<float> y(3, 50);
  const AllocationCounter counter;
  for (double t = 0; t <= 2; t += 0.1) path.evaluate(t, y);
  path.differentiate(1, y);
  CHECK(counter.count() == 0);
  // Default tolerance 1e-6 and float's rounding 1e-7, over about 10 steps.
  CHECK((path(1.234).array() - float(std::exp(-1.234))).abs().maxCoeff() < 1e-5F);
}

TEST_CASE("A trajectory outlives the solve and is copied by value", "[ode][dense]") {
  auto path = [] {
    const auto local = solve_trajectory(Decay{}, State(1, 2), 0, 1);
    const Trajectory<State> copy = local;
    return copy;
  }();
  const Trajectory<State> moved = std::move(path);
  CHECK((moved(0.5) - std::exp(-0.5) * State(1, 2)).norm() < 1e-5);
}

TEMPLATE_TEST_CASE("Cut short within its last step a trajectory remains what it was", "[ode][dense]", Rk4, Tsit5,
                   Dop853) {
  const auto [t0, t1] = GENERATE(std::pair{0., 2.}, std::pair{2., 0.});
  const auto whole = solve_trajectory(CoupledProblem{}, CoupledProblem::exact(t0), t0, t1, TestType{}, FixedSteps(10));
  auto part = whole;
  const double start = whole.times()[9], cut = start + 0.7 * (t1 - start);
  part.truncate(cut);
  CHECK(part.t1() == cut);
  CHECK_THROWS_AS(part(t1), ArgumentError);
  State ours, theirs;
  for (int k = 0; k <= 20; ++k) {
    const double t = k == 20 ? cut : t0 + (cut - t0) * k / 20;
    CHECK((part(t) - whole(t)).norm() < 1e-14 * whole(t).norm());
    part.differentiate(t, ours);
    whole.differentiate(t, theirs);
    CHECK((ours - theirs).norm() < 1e-12 * (1 + theirs.norm()));
  }
  part.truncate(cut);
  CHECK(part.t1() == cut);
  part.truncate(start);
  CHECK(part.steps() == 9);
  CHECK(part(start) == whole(start));
  CHECK(part(t0 + 0.9 * (start - t0)) == whole(t0 + 0.9 * (start - t0)));
  CHECK_THROWS_AS(part.truncate(t1), ArgumentError);
}

TEMPLATE_TEST_CASE("A trajectory goes on from another state", "[ode][dense]", Rk4, Tsit5) {
  auto path = solve_trajectory(Decay{}, State(1, 2), 0, 1, TestType{}, FixedSteps(20));
  const State before = path(1);
  State y(5, 7);
  path.jump(y);
  CHECK(path(1) == before);
  const double times[] = {1, 2};
  Decay rhs;
  Stepper<TestType, State> stepper;
  integrate(TestType{}, FixedSteps(20), rhs, y, times, stepper, TrajectoryRecorder<State>(path));
  stepper.prepare(rhs, 2);
  path.close(stepper.stage(0));
  CHECK(path.states()[20] == before);
  CHECK(path.states()[21] == State(5, 7));
  CHECK(path(1) == before);
  CHECK((path(0.98) - std::exp(-0.98) * State(1, 2)).norm() < 1e-7);
  CHECK((path(1.02) - std::exp(-0.02) * State(5, 7)).norm() < 1e-6);
  CHECK((path(2) - std::exp(-1) * State(5, 7)).norm() < 1e-6);
}

}  // namespace pathline
