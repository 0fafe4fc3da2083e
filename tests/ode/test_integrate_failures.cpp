// How a solve ends when the problem is bad: in bounded time, with a typed error that says where, and y unchanged.
#include <pathline/ode/integrate.hpp>

#include <pathline/ode/explicit/tableaux.hpp>
#include <pathline/ode/solve_checks.hpp>

#include <support/catch.hpp>
#include <support/ode_problems.hpp>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace pathline {
namespace {

using State = Eigen::Vector2d;
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

struct Result {
  State y;
  Statistics statistics;
};

template <class Method, class Control, class Rhs>
Result run(const Method& method, const Control& control, Rhs&& rhs, State y, const std::vector<double>& times) {
  Stepper<Method, State> stepper;
  const Statistics statistics = integrate(method, control, rhs, y, times, stepper);
  return {y, statistics};
}

}  // namespace

TEST_CASE("A right-hand side that is NaN from the start ends at once and says where", "[ode][errors]") {
  Counted<Decay> rhs{.rhs = {nan}};
  const auto adaptive = [&] { return run(Dopri5{}, PiController{}, rhs, State(1, 1), {0, 1}); };
  CHECK_THROWS_AS(adaptive(), NonFiniteError);
  CHECK(rhs.times.size() == 1);
  CHECK_THROWS_AS(run(Rk4{}, FixedSteps(10), rhs, State(1, 1), {0, 1}), NonFiniteError);
}

// zuko: NaN < 1 is false and the loop never ends; odeint-v2 #79: NaN > 1 is false and the step is accepted.
TEST_CASE("A right-hand side that becomes NaN ends in a StepSizeError in bounded time", "[ode][errors]") {
  Counted<Decay> counter{.rhs = {1}};
  auto rhs = [&](double t, const State& y, State& dy) {
    counter(t, y, dy);
    if (t > 0.5) dy(1) = nan;
  };
  try {
    run(Dopri5{}, PiController{}, rhs, State(1, 1), {0, 1});
    FAIL("must throw");
  } catch (const StepSizeError& error) {
    CHECK(error.t == Approx(0.5).margin(1e-9));
    CHECK(error.sample == 0);
    CHECK(error.component == 1);
    CHECK(error.statistics.evaluations == Index(counter.times.size()));
    CHECK(counter.times.size() < 1000);
  }
}

TEST_CASE("NaN at every step but the first point underflows near t = 0 too", "[ode][errors]") {
  Counted<Decay> counter{.rhs = {1}};
  auto rhs = [&](double t, const State& y, State& dy) {
    counter(t, y, dy);
    if (t != 0) dy.setConstant(nan);
  };
  CHECK_THROWS_AS(run(Dopri5{}, PiController{}, rhs, State(1, 1), {0, 1}), StepSizeError);
  CHECK(counter.times.size() < 300);
}

// y' = sqrt(1 - y²) grows to 1 and stays; a trial beyond 1 sees NaN and must only be a shorter step.
TEST_CASE("A trial that leaves the domain is retried with a shorter step", "[ode][integrate]") {
  const auto rhs = [](double, const State& y, State& dy) {
    dy = y(0) > 0.99 ? State::Constant(nan) : State(1 - y(0), 0);
  };
  const double t1 = 4;  // y(4) = 1 - e^-4 = 0.98
  const Result r = run(Dopri5{}, PiController{.initial_step = 4}, rhs, State(0, 0), {0, t1});
  CHECK(r.statistics.rejected > 0);
  CHECK(r.y(0) == Approx(1 - std::exp(-t1)).margin(1e-5));
}

TEST_CASE("A solution that blows up ends in a StepSizeError near its pole", "[ode][errors]") {
  const auto rhs = [](double, const State& y, State& dy) { dy = y.cwiseAbs2(); };
  const bool backward = GENERATE(false, true);
  try {
    run(Dopri5{}, PiController{}, rhs, backward ? State(-1, -2) : State(1, 2), {0, backward ? -1. : 1.});
    FAIL("must throw");
  } catch (const StepSizeError& error) {
    // The pole is at 1/2; the numerical one is off by some tolerances.
    CHECK(std::abs(error.t) == Approx(0.5).margin(1e-4));
    CHECK(error.component == 1);
    CHECK(std::string(error.what()).find("t = ") != std::string::npos);
    CHECK(error.statistics.accepted > 0);
  }
}

TEST_CASE("max_steps counts accepted and rejected steps over all outputs", "[ode][errors]") {
  std::vector<double> times;
  for (int i = 0; i <= 100; ++i) times.push_back(i);
  try {
    run(Dopri5{}, PiController{.max_steps = 50}, CoupledProblem{}, State(2, 1.5), times);
    FAIL("must throw");
  } catch (const StepLimitError& error) {
    CHECK(error.statistics.accepted + error.statistics.rejected == 50);
  }
  const Result enough = run(Dopri5{}, PiController{}, CoupledProblem{}, State(2, 1.5), {0, 2});
  const Index used = enough.statistics.accepted + enough.statistics.rejected;
  CHECK_NOTHROW(run(Dopri5{}, PiController{.max_steps = used}, CoupledProblem{}, State(2, 1.5), {0, 2}));
  CHECK_THROWS_AS(run(Dopri5{}, PiController{.max_steps = used - 1}, CoupledProblem{}, State(2, 1.5), {0, 2}),
                  StepLimitError);
}

TEST_CASE("Fixed steps that overflow are an error that names sample and component", "[ode][errors]") {
  const auto rhs = [](double, const Batch<double>& y, Batch<double>& dy) { dy = y.cwiseAbs2(); };
  Batch<double> y{{0, 0, 0}, {0, 0, 5}};
  const Batch<double> before = y;
  const double times[] = {0, 10};
  Stepper<Rk4, Batch<double>> stepper;
  try {
    integrate(Rk4{}, FixedSteps(100), rhs, y, times, stepper);
    FAIL("must throw");
  } catch (const NonFiniteError& error) {
    CHECK(error.sample == 2);
    CHECK(error.component == 1);
  }
  CHECK(y == before);  // nothing is half-written
}

TEST_CASE("Times that are not finite or turn back are refused by index", "[ode][errors]") {
  const auto times = GENERATE(values<std::vector<double>>(
      {{0, 1, 0.5}, {1, 0, 0.5}, {0, nan}, {nan, 1}, {0, 1, 0}, {}, {-1e308, 1e308}, {0, INFINITY}}));
  CHECK_THROWS_AS(run(Dopri5{}, PiController{}, Decay{}, State(1, 1), times), ArgumentError);
  CHECK_THROWS_WITH(run(Rk4{}, FixedSteps(1), Decay{}, State(1, 1), {0, 1, 0.5}), ContainsSubstring("times[2] is 0.5"));
}

}  // namespace pathline
