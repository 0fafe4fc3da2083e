// Events against closed forms: the harmonic oscillator and the falling ball.
#include <pathline/ode/output/events.hpp>

#include <pathline/ode/explicit/dormand_prince_853.hpp>
#include <pathline/ode/explicit/embedded_pairs.hpp>
#include <pathline/ode/implicit/additive/additive_methods.hpp>
#include <pathline/ode/implicit/additive/split_right_hand_side.hpp>
#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_methods.hpp>
#include <pathline/ode/implicit/fully_implicit/fully_implicit_methods.hpp>
#include <pathline/ode/multistep/adams_methods.hpp>
#include <pathline/ode/solve.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/ode_problems.hpp>

#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace pathline {
namespace {

using State = Eigen::Vector2d;
constexpr double pi = std::numbers::pi;
const PiController tight{.rtol = 1e-11, .atol = 1e-11};

// One type for all right-hand sides, one for all g and one for all resets: a solve is compiled once for a method, a
// control and a list of events. Lambdas as they are come with the states of other shapes below.
using Function = std::function<double(double, const State&)>;
using PlainEvent = Event<Function>;
using ResettingEvent = Event<Function, std::function<void(double, State&)>>;

/// y = (cos t, -sin t) from (1, 0).
const AnyRhs<State> oscillator = [](double, const State& y, State& dy) { dy << y(1), -y(0); };
const State upright(1, 0);

/// Height and velocity under gravity 2, so that a fall from h takes √h. Every method of order 2 solves it exactly.
const AnyRhs<State> falling = [](double, const State& y, State& dy) { dy << y(1), -2; };

const Function first = [](double, const State& y) { return y(0); };
const Function second = [](double, const State& y) { return y(1); };

template <class Solution>
std::vector<double> times_of(const Solution& solution, std::size_t event = 0) {
  std::vector<double> times;
  for (const auto& hit : solution.hits)
    if (hit.event == event) times.push_back(hit.t);
  return times;
}

struct Boolean {
  bool operator()(double, const State& y) const { return y(0) > 0; }
};
struct OfText {
  void operator()(double, const std::string&) const {}
};
static_assert(detail::EventOf<Event<decltype(first)>, State> && !detail::EventOf<Event<Boolean>, State>);
static_assert(!detail::EventWithReset<Event<decltype(first), OfText>, State>);
static_assert(detail::EventWithReset<Event<decltype(first)>, State>);

}  // namespace

// Errors of the solve add up to about 100 tolerances over 10 units of time; a mean step of 0.1 makes the extension of
// order 4 as good, the cubic 1e-7.
TEMPLATE_TEST_CASE("Zero crossings of an oscillator are told in order and with their states", "[ode][events]", Tsit5,
                   Dopri5, CashKarp) {
  const auto path =
      solve_events(oscillator, upright, 0, 10, std::tuple(Event(first), Event(second)), TestType{}, tight);
  const double precision = DenselyExtendedMethod<TestType> ? 1e-8 : 1e-5;
  REQUIRE(path.hits.size() == 6);
  for (std::size_t i = 0; i < 6; ++i) {
    const auto& hit = path.hits[i];
    // cos vanishes at odd multiples of π/2, sin at the even ones; 0 itself is where the solve starts.
    CHECK(hit.event == i % 2);
    CHECK(hit.t == Approx(pi / 2 * double(i + 1)).margin(precision));
    CHECK((hit.y - State(std::cos(hit.t), -std::sin(hit.t))).norm() < precision);
    CHECK(hit.y == path.trajectory(hit.t));
    // The time is exact for the interpolant: a few ulps of t.
    CHECK(std::abs(hit.y(Index(hit.event))) < 1e-14);
  }
  CHECK_FALSE(path.terminated);
  CHECK(path.trajectory.t1() == 10);
}

TEST_CASE("Events that only tell change neither steps nor evaluations", "[ode][events]") {
  const auto path = solve_events(oscillator, upright, 0, 10, std::tuple(Event(first)), Tsit5{}, tight);
  const auto plain = solve_trajectory(oscillator, upright, 0, 10, Tsit5{}, tight);
  CHECK(path.trajectory.statistics == plain.statistics);
  CHECK(path.trajectory.times() == plain.times());
  CHECK(path.y == plain(10));
  const auto other = solve_events(oscillator, upright, 0, 10, std::tuple(Event(first)), CashKarp{}, tight);
  CHECK(other.trajectory.statistics == solve_trajectory(oscillator, upright, 0, 10, CashKarp{}, tight).statistics);
  const auto none = solve_events(oscillator, upright, 0, 10, std::tuple(), Tsit5{}, tight);
  CHECK(none.trajectory.statistics == plain.statistics);
}

TEST_CASE("The direction of a crossing is that in which the solve goes", "[ode][events]") {
  const auto [t1, rising] =
      GENERATE(std::pair{10., true}, std::pair{10., false}, std::pair{-10., true}, std::pair{-10., false});
  const PlainEvent event(first, {.crossing = rising ? Crossing::rising : Crossing::falling});
  const auto path = solve_events(oscillator, upright, 0, t1, std::tuple(event), Tsit5{}, tight);
  // cos falls through 0 first, both ways from 0.
  const double sign = t1 < 0 ? -1 : 1;
  const std::vector<double> times = times_of(path);
  REQUIRE(times.size() == (rising ? 1U : 2U));
  for (std::size_t i = 0; i < times.size(); ++i)
    CHECK(times[i] == Approx(sign * pi * (rising ? 1.5 : 0.5 + 2. * double(i))).margin(1e-8));
}

TEST_CASE("A terminal event ends the solve, and no later event is told", "[ode][events]") {
  const PlainEvent stop(first, {.terminal = true});
  const PlainEvent later([](double t, const State&) { return t - 1.6; });
  const PlainEvent sooner([](double t, const State&) { return t - 1.5; });
  const auto path = solve_events(oscillator, upright, 0, 10, std::tuple(later, stop, sooner), Tsit5{}, tight);
  CHECK(path.terminated);
  CHECK(path.trajectory.t1() == Approx(pi / 2).margin(1e-8));
  REQUIRE(path.hits.size() == 2);
  CHECK(path.hits[0].event == 2);
  CHECK(path.hits[0].t == Approx(1.5).margin(1e-14));
  CHECK(path.hits[1].event == 1);
  CHECK(path.y == path.trajectory(path.trajectory.t1()));
  CHECK(std::abs(path.y(0)) < 1e-14);
  CHECK((path.trajectory(1.55) - State(std::cos(1.55), -std::sin(1.55))).norm() < 1e-8);
  CHECK_THROWS_AS(path.trajectory(1.58), ArgumentError);
}

// Dropped from height 1 at rest it lands at t = 1 with velocity -2; each bounce keeps the fraction r of the velocity,
// so that bounce k comes 2 r^k after bounce k - 1. The solution is exact, the times are to rounding.
TEMPLATE_TEST_CASE("A ball bounces at the times that are known", "[ode][events]", Rk4, BogackiShampine, Tsit5) {
  const double r = 0.75;
  int evaluations_at_ground = 0;
  const AnyRhs<State> rhs = [&](double, const State& y, State& dy) {
    if (std::abs(y(0)) < 1e-12 && y(1) > 0) ++evaluations_at_ground;
    dy << y(1), -2;
  };
  const ResettingEvent bounce(first, {.crossing = Crossing::falling}, [r](double, State& y) { y(1) *= -r; });
  const auto check = [&](const auto& control) {
    evaluations_at_ground = 0;
    const auto path = solve_events(rhs, State(1, 0), 0, 6, std::tuple(bounce), TestType{}, control);
    const std::vector<double> times = times_of(path);
    // 1 + 2 (r + r² + … ) = 7 is the end of all bounces.
    double expected = 1, speed = 2;
    std::size_t k = 0;
    for (; expected < 6; ++k) {
      REQUIRE(k < times.size());
      CHECK(times[k] == Approx(expected).margin(1e-12).epsilon(0));
      CHECK(path.hits[k].y(1) == Approx(-speed).margin(1e-12).epsilon(0));
      speed *= r;
      expected += speed;
    }
    CHECK(times.size() == k);
    // The first stage after a reset is that of the new state.
    CHECK(evaluations_at_ground >= int(k));
    CHECK(path.trajectory.t1() == 6);
    CHECK_FALSE(path.terminated);
    // On both sides of the first bounce and in the middle of the second arc.
    CHECK(path.trajectory(0.5)(0) == Approx(0.75).margin(1e-12));
    CHECK(path.trajectory(times[0])(1) == Approx(-2).margin(1e-12));
    CHECK(path.trajectory(std::nextafter(times[0], 2))(1) == Approx(1.5).margin(1e-12));
    CHECK(path.trajectory(1.75)(0) == Approx(0.75 * 0.75).margin(1e-12));
  };
  check(FixedSteps(100));
  if constexpr (EmbeddedMethod<TestType>) check(PiController{});
}

TEST_CASE("A start on an event is no event, whichever way g goes", "[ode][events]") {
  const Crossing crossing = GENERATE(Crossing::either, Crossing::rising, Crossing::falling);
  // Thrown up from the ground with velocity 2 it is back at t = 2.
  const auto path = solve_events(falling, State(0, 2), 0, 3, std::tuple(Event(first, {.crossing = crossing})));
  const std::vector<double> times = times_of(path);
  if (crossing == Crossing::rising) {
    CHECK(times.empty());
  } else {
    REQUIRE(times.size() == 1);
    CHECK(times[0] == Approx(2).margin(1e-12));
  }
  // It lands, is thrown up again by a reset, and rounding at the ground is no second event.
  const ResettingEvent again(first, {.crossing = crossing}, [](double, State& y) { y(1) = 2; });
  const auto juggled = times_of(solve_events(falling, State(0, 2), 0, 7, std::tuple(again)));
  CHECK(juggled.size() == (crossing == Crossing::rising ? 0U : 3U));
}

// One step of length 3 holds the whole flight above or below a height.
TEST_CASE("Two crossings in one step are found", "[ode][events]") {
  const double height = GENERATE(0.5, 0.9, 0.999, 1 - 1e-6, 1 - 1e-9);
  const double t0 = GENERATE(0., -0.99, 0.9, -1.96);
  // y = 1 - t², seen from t0 on: its top is anywhere in the step.
  const State y0(1 - t0 * t0, -2 * t0);
  const PlainEvent cross([height](double, const State& y) { return y(0) - height; });
  const auto path = solve_events(falling, y0, t0, t0 + 2, std::tuple(cross), Rk4{}, FixedSteps(1));
  std::vector<double> expected;
  for (const double t : {-std::sqrt(1 - height), std::sqrt(1 - height)})
    if (t > t0 && t < t0 + 2) expected.push_back(t);
  const std::vector<double> times = times_of(path);
  REQUIRE(times.size() == expected.size());
  // 1 - t² - height is known to 1e-15, and its slope is 2 √(1 - height): 6e-5 at the least.
  for (std::size_t i = 0; i < times.size(); ++i) CHECK(times[i] == Approx(expected[i]).margin(1e-10).epsilon(0));
}

TEST_CASE("Two crossings in one step are found wherever they lie", "[ode][events]") {
  int missed = 0;
  for (int trial = 1; trial <= 2000; ++trial) {
    // The top of 1 - t² at a fraction of a step of length 2, cut at heights down to 1e-3 below it.
    const double top = 0.05 + 0.9 * std::fmod(trial * std::numbers::phi, 1.), t0 = -2 * top;
    const double half = std::pow(10, -0.5 - std::fmod(trial * std::numbers::sqrt2, 1.));
    if (t0 > -half || t0 + 2 < half) continue;
    const PlainEvent cross([half](double, const State& y) { return y(0) - (1 - half * half); });
    const State y0(1 - t0 * t0, -2 * t0);
    if (solve_events(falling, y0, t0, t0 + 2, std::tuple(cross), Rk4{}, FixedSteps(1)).hits.size() != 2) ++missed;
  }
  CHECK(missed == 0);
}

TEST_CASE("A dip around the end of a step is found", "[ode][events]") {
  // The top of 1 - t² lies at the end of the tenth of 20 steps, or a little beside it.
  const double offset = GENERATE(0., 1e-5, -1e-5, 3e-4, -3e-4, 2e-3, -2e-3);
  const double t0 = -1 + offset;
  const PlainEvent cross([](double, const State& y) { return y(0) - (1 - 1e-4); });
  const auto path =
      solve_events(falling, State(1 - t0 * t0, -2 * t0), t0, t0 + 2, std::tuple(cross), Rk4{}, FixedSteps(20));
  const std::vector<double> times = times_of(path);
  REQUIRE(times.size() == 2);
  CHECK(times[0] == Approx(-0.01).margin(1e-12));
  CHECK(times[1] == Approx(0.01).margin(1e-12));
}

TEST_CASE("Grazing without a crossing is no event, and with one it is two", "[ode][events]") {
  // 1 + cos t comes to 0 at π; lifted or sunk by 1e-6 it stays above or crosses at π ∓ √2e-6.
  const double lift = GENERATE(1e-6, -1e-6);
  const PlainEvent touch([lift](double, const State& y) { return 1 + y(0) + lift; });
  const auto times = times_of(solve_events(oscillator, upright, 0, 6, std::tuple(touch), Tsit5{}, tight));
  if (lift > 0) {
    CHECK(times.empty());
  } else {
    REQUIRE(times.size() == 2);
    // Errors of 1e-9 over a slope of 1.4e-3.
    CHECK(times[0] == Approx(pi - std::sqrt(2e-6)).margin(2e-6).epsilon(0));
    CHECK(times[1] == Approx(pi + std::sqrt(2e-6)).margin(2e-6).epsilon(0));
  }
}

TEST_CASE("An event at the end of a step or of the solve is told once", "[ode][events]") {
  // 10 steps to t = 1 for a fall from height 1, and on to 2.
  const PlainEvent ground(first);
  CHECK(times_of(solve_events(falling, State(1, 0), 0, 2, std::tuple(ground), Rk4{}, FixedSteps(20))).size() == 1);
  // g is exactly 0 at the end of the solve, and an ulp to this or that side of it.
  for (const double at : {1., std::nextafter(1., 2.), std::nextafter(1., 0.)}) {
    const PlainEvent clock([at](double t, const State&) { return t - at; }, {.terminal = true});
    const auto path = solve_events(falling, State(1, 0), 0, 1, std::tuple(clock), Tsit5{});
    CHECK(path.hits.size() == (at > 1 ? 0U : 1U));
    CHECK(path.terminated == (at <= 1));
    CHECK(path.trajectory.t1() == Approx(1).epsilon(1e-15));
    CHECK(path.y(1) == Approx(-2).epsilon(1e-14));
  }
  // A reset at the very end is made; the trajectory keeps the state before it.
  const ResettingEvent kick([](double t, const State&) { return t - 1; }, {}, [](double, State& y) { y(1) = 5; });
  const auto kicked = solve_events(falling, State(1, 0), 0, 1, std::tuple(kick), Rk4{}, FixedSteps(4));
  CHECK(kicked.y(1) == 5);
  CHECK(kicked.trajectory(1)(1) == Approx(-2).epsilon(1e-14));
}

// torchdyn: the event is tested before the step is accepted. The first trial is as long as the solve.
TEST_CASE("A rejected trial tells no event, and drops none", "[ode][events]") {
  const auto path = solve_events(oscillator, upright, 0, 10, std::tuple(Event(first)), Tsit5{},
                                 PiController{.rtol = 1e-8, .atol = 1e-8, .initial_step = 10});
  CHECK(path.trajectory.statistics.rejected > 0);
  const std::vector<double> times = times_of(path);
  REQUIRE(times.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(times[i] == Approx(pi * (0.5 + double(i))).margin(1e-6));
}

// torchdiffeq: the tolerance of the event's time is the state's atol.
TEST_CASE("The time of an event is exact however loose the tolerances", "[ode][events]") {
  const auto loosely = solve_events(falling, State(1, 0), 0, 2, std::tuple(Event(first)), Rk4{}, FixedSteps(3));
  REQUIRE(loosely.hits.size() == 1);
  CHECK(loosely.hits[0].t == Approx(1).epsilon(1e-15));
  const PiController loose{.rtol = 0.01, .atol = 0.01};
  const auto path = solve_events(oscillator, upright, 0, 10, std::tuple(Event(first)), Tsit5{}, loose);
  REQUIRE_FALSE(path.hits.empty());
  for (const auto& hit : path.hits) CHECK(std::abs(hit.y(0)) < 1e-14);
}

// SciMLSensitivity #1447: an event within an ulp of an output; diffrax #720: an event on the first step.
TEST_CASE("A reset an ulp from the end of a step, from the start or from the end is made once", "[ode][events]") {
  const double at =
      GENERATE(5e-324, 1e-16, std::nextafter(0.5, 0.), 0.5, std::nextafter(0.5, 1.), std::nextafter(1., 0.), 1.);
  const ResettingEvent kick([at](double t, const State&) { return t - at; }, {}, [](double, State& y) { y(1) += 1; });
  const auto check = [&](const auto& path) {
    INFO("at 1 - " << 1 - at);
    REQUIRE(path.hits.size() == 1);
    CHECK(path.hits[0].t == Approx(at).margin(1e-15));
    CHECK_FALSE(path.terminated);
    CHECK(path.trajectory.t1() == 1);
    CHECK(path.y(0) == Approx(1 - at).margin(1e-13));  // 1 - t² + (t - at)
    CHECK(path.y(1) == Approx(-2 + 1).margin(1e-13));
  };
  check(solve_events(falling, State(1, 0), 0, 1, std::tuple(kick), Rk4{}, FixedSteps(4)));
  check(solve_events(falling, State(1, 0), 0, 1, std::tuple(kick)));
  // No time at all holds no event, even where g is 0.
  CHECK(solve_events(falling, State(1, 0), at, at, std::tuple(kick)).hits.empty());
}

TEST_CASE("Events at one time are all told, and their resets are made in order", "[ode][events]") {
  const Function half = [](double, const State& y) { return y(0) - 0.75; };  // 1 - t² at t = 1/2
  const ResettingEvent add(half, {}, [](double, State& y) { y(1) += 3; });
  const ResettingEvent twice([](double t, const State&) { return t - 0.5; }, {}, [](double, State& y) { y(1) *= 2; });
  const PlainEvent told([](double t, const State&) { return 1 - 2 * t; });
  const auto one = solve_events(falling, State(1, 0), 0, 0.6, std::tuple(told, add, twice));
  const auto other = solve_events(falling, State(1, 0), 0, 0.6, std::tuple(twice, add, told));
  REQUIRE(one.hits.size() == 3);
  REQUIRE(other.hits.size() == 3);
  for (const auto& hit : one.hits) CHECK(hit.t == Approx(0.5).epsilon(1e-14));
  // Velocity -1 at t = 1/2, then gravity for 0.1.
  CHECK(one.y(1) == Approx((-1 + 3) * 2 - 0.2).epsilon(1e-12));
  CHECK(other.y(1) == Approx(-1 * 2 + 3 - 0.2).epsilon(1e-12));
}

// Zeros are located to some ulps of the step, so that what happens at one time is found a little before or after it:
// most of all where that time is 0.
TEMPLATE_TEST_CASE("Events at one time are all told once, wherever it lies and however it rounds", "[ode][events]",
                   Tsit5, Rk4) {
  const auto control = [] {
    if constexpr (EmbeddedMethod<TestType>)
      return PiController{};
    else
      return FixedSteps(7);
  }();
  const double time = GENERATE(0., 1e-3, -0.1, 1.);
  const bool terminal = GENERATE(false, true);
  // The resets act on a third row, so that the fall goes on whatever comes first.
  using Three = Eigen::Vector3d;
  const auto fall_of_two = [](double, const Three& y, Three& dy) { dy << y(1), -2, 0; };
  int wrong = 0;
  for (int trial = 1; trial <= 400; ++trial) {
    const double c = 0.3 + 0.6 * std::fmod(trial * std::numbers::phi, 1.), s0 = 1 - c;  // the fall of 1 - s² to s = 1
    const Event fall([](double, const Three& y) { return y(0); },
                     {.crossing = Crossing::falling, .terminal = terminal});
    const Event twice([=](double t, const Three&) { return 2 * (time - t); }, {}, [](double, Three& y) { y(2) *= 2; });
    const Event add([=](double t, const Three&) { return t - time; }, {}, [](double, Three& y) { y(2) += 8; });
    const auto path = solve_events(fall_of_two, Three(1 - s0 * s0, -2 * s0, -2), time - c, time + 0.1,
                                   std::tuple(twice, fall, add), TestType{}, control);
    const std::size_t others = path.hits.size() - times_of(path, 1).size();
    const bool once = times_of(path, 1).size() == 1 && times_of(path, 0).size() <= 1 && times_of(path, 2).size() <= 1;
    // A terminal fall that rounding puts first leaves the others out.
    const bool right =
        terminal ? path.terminated && std::abs(path.trajectory.t1() - time) < 1e-14 : others == 2 && path.y(2) == 4;
    if (!once || !right) ++wrong;
  }
  CHECK(wrong == 0);
}

TEST_CASE("A jump over zero is no crossing, and later crossings are seen from its far side", "[ode][events]") {
  const ResettingEvent lift([](double t, const State&) { return t - 0.5; }, {},
                            [](double, State& y) { y = State(-1, 4); });
  const auto path = solve_events(falling, State(1, 0), 0, 5, std::tuple(Event(first), lift), Rk4{}, FixedSteps(9));
  const std::vector<double> times = times_of(path);
  // -1 + 4 s - s² = 0.
  REQUIRE(times.size() == 2);
  CHECK(times[0] == Approx(0.5 + 2 - std::sqrt(3)).margin(1e-12));
  CHECK(times[1] == Approx(0.5 + 2 + std::sqrt(3)).margin(1e-12));
}

TEST_CASE("Backward in time a ball bounces as well", "[ode][events]") {
  // Seen backward the flight of 1 - t² ends at t = -1 with velocity 2: reversed, it is the same arc again.
  const ResettingEvent bounce(first, {.crossing = Crossing::falling}, [](double, State& y) { y(1) = -y(1); });
  const auto path = solve_events(falling, State(1, 0), 0, -4, std::tuple(bounce));
  const std::vector<double> times = times_of(path);
  REQUIRE(times.size() == 2);
  CHECK(times[0] == Approx(-1).margin(1e-12));
  CHECK(times[1] == Approx(-3).margin(1e-12));
  CHECK(path.y(0) == Approx(1).margin(1e-12));
}

TEST_CASE("A reset a number before a jump, and a solve that ends at one", "[ode][events]") {
  const double before = std::nextafter(1., 0.);
  const AnyRhs<State> rhs = [](double t, const State& y, State& dy) { dy = t < 1 ? State(1, 1) : State(-y); };
  const ResettingEvent reset([=](double t, const State&) { return t - before; }, {}, [](double, State& y) { y *= 2; });
  const WithForcedPoints control(tight, {.jump_at = {1, 2}});
  const auto path = solve_events(rhs, State(0, 0), 0, 2, std::tuple(reset), Dopri5{}, control);
  CHECK(times_of(path) == std::vector<double>{before});
  CHECK(path.trajectory.t1() == 2);
  CHECK(path.trajectory(1.5)(0) == Approx(2 * std::exp(-0.5)).epsilon(1e-6));
  CHECK(path.y(0) == Approx(2 * std::exp(-1.)).epsilon(1e-9));
}

TEST_CASE("A batch has events of its own kind", "[ode][events]") {
  // The first sample of e^(-t) · (1, 2, 4) at which the largest is down to 1: 4 e^(-t) = 1.
  const Batch<double> y0{{1, 2, 4}};
  const Event largest([](double, const Batch<double>& y) { return y.maxCoeff() - 1; }, {.terminal = true});
  const auto path = solve_events(Decay{}, y0, 0, 5, std::tuple(largest), Tsit5{}, tight);
  CHECK(path.trajectory.t1() == Approx(std::log(4)).margin(1e-9));
  CHECK(path.y.cols() == 3);
}

TEST_CASE("Many resets use up the step limit, over all pieces", "[ode][events][errors]") {
  const ResettingEvent bounce(first, {.crossing = Crossing::falling}, [](double, State& y) { y(1) *= -0.5; });
  Index evaluations = 0;
  const AnyRhs<State> rhs = [&](double, const State& y, State& dy) {
    ++evaluations;
    dy << y(1), -2;
  };
  // Bounces of lengths 1, 1/2, 1/4, …: each takes two steps at least.
  try {
    (void)solve_events(rhs, State(1, 0), 0, 100, std::tuple(bounce), Tsit5{},
                       PiController{.initial_step = 1e-3, .max_steps = 30});
    FAIL("no error");
  } catch (const StepLimitError& error) {
    CHECK(error.statistics.accepted + error.statistics.rejected == 30);
  }
  // A step costs 6 evaluations, and each piece its first stage: one for two steps at most.
  CHECK(evaluations <= 30 * 6 + 15 + 1);
}

TEST_CASE("Steps used up at a reset are told with what the scalar can resolve", "[ode][events][errors]") {
  Statistics spent;
  spent.accepted = 9;
  CHECK_THROWS_WITH((detail::control_of_rest<Dopri5, float>(PiController{.max_steps = 9}, 0, 1, 2, spent)),
                    ContainsSubstring("take double"));
  CHECK_THROWS_AS((detail::control_of_rest<Dopri5, double>(PiController{.max_steps = 9}, 0, 1, 2, spent)),
                  StepLimitError);
  CHECK(detail::control_of_rest<Dopri5, float>(PiController{.max_steps = 10}, 0, 1, 2, spent).max_steps == 1);
}

TEST_CASE("What an event spoils is refused", "[ode][events][errors]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const PlainEvent bad_value([nan](double t, const State&) { return t < 0.5 ? 1 : nan; });
  CHECK_THROWS_AS((void)solve_events(falling, State(1, 0), 0, 1, std::tuple(bad_value)), NonFiniteError);
  try {
    (void)solve_events(falling, State(1, 0), 0, 1, std::tuple(bad_value), Rk4{}, FixedSteps(10));
  } catch (const NonFiniteError& error) {
    CHECK(error.subject == "the function of event 0");
    CHECK(error.statistics.accepted == 5);
    CHECK(error.statistics.evaluations == 5 * 4 + 1);
  }
  const AnyRhs<State> blows_up = [](double, const State& y, State& dy) { dy = y.cwiseAbs2(); };
  try {
    (void)solve_events(blows_up, State(1, 1), 0, 40, std::tuple(Event(first)), Rk4{}, FixedSteps(40));
    FAIL("no error");
  } catch (const NonFiniteError& error) {
    CHECK(error.subject == "the solution");
  }
  const ResettingEvent bad_reset(first, {}, [nan](double, State& y) { y(1) = nan; });
  CHECK_THROWS_AS((void)solve_events(falling, State(1, 0), 0, 2, std::tuple(bad_reset)), DataError);
  const Event grows([](double t, const Batch<double>&) { return t - 0.5; }, {},
                    [](double, Batch<double>& y) { y.setZero(2, 7); });
  CHECK_THROWS_WITH((void)solve_events(Decay{}, Batch<double>::Ones(2, 3), 0, 1, std::tuple(grows)),
                    "solve_events: the state after a reset has 7 columns, expected 3");
  CHECK_THROWS_AS((void)solve_events(falling, State(1, nan), 0, 1, std::tuple(Event(first))), DataError);
}

TEST_CASE("A search without events allocates nothing of its own", "[ode][events][memory]") {
  const PlainEvent never([](double, const State& y) { return 5 + y(0); });
  const auto requests = [&](Index steps) {
    const AllocationCounter counter;
    const auto path = solve_events(oscillator, upright, 0, 5, std::tuple(never), Dopri5{}, FixedSteps(steps));
    CHECK(path.hits.empty());
    return counter.count();
  };
  // The vectors of the trajectory double: times, states, slopes, corrections and where these end.
  CHECK(requests(400) - requests(100) <= 5 * 2);
}

// Between steps of about 1 / 12 the extension of order 7 errs by less than the solve; the cubic would by 1e-7.
TEST_CASE("Events of Dop853 are as exact as its steps, for three evaluations a step", "[ode][events]") {
  const auto path = solve_events(oscillator, upright, 0, 10, std::tuple(Event(first)), Dop853{}, tight);
  REQUIRE(path.hits.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(path.hits[i].t == Approx(pi * (0.5 + double(i))).margin(1e-9));
  const Statistics plain = solve(oscillator, upright, {0, 10}, Dop853{}, tight).statistics;
  CHECK(path.trajectory.steps() == std::size_t(plain.accepted));
  CHECK(path.trajectory.statistics.evaluations == plain.evaluations + 3 * plain.accepted + 1);
}

// y = (cos t, sin t) attracts within 1e-6: an explicit method would need more than 1e6 steps. The cubic errs by
// h⁴ / 384.
TEMPLATE_TEST_CASE("An implicit method finds the events of a stiff problem", "[ode][events][implicit]", Sdirk4,
                   RadauIia5, KennedyCarpenter4) {
  const auto stiff = [](double t, const State& y, State& dy) {
    dy << -1e6 * (y(0) - std::cos(t)) - std::sin(t), -1e6 * (y(1) - std::sin(t)) + std::cos(t);
  };
  const SplitRightHandSide rhs{[](double, const State&, State& dy) { dy.setZero(); }, stiff};
  const PiController control{.rtol = 1e-8, .atol = 1e-8, .max_step = 0.2, .k_I = 0.3, .k_P = 0.4};
  const ResettingEvent kick(second, {.crossing = Crossing::falling}, [](double, State& y) { y(1) = -0.5; });
  const auto path = solve_events(rhs, upright, 0, 5, std::tuple(Event(first), kick), TestType{}, control);
  REQUIRE(path.hits.size() == 3);
  CHECK(path.hits[0].t == Approx(pi / 2).margin(1e-5));
  CHECK(path.hits[1].event == 1);
  CHECK(path.hits[1].t == Approx(pi).margin(1e-5));
  CHECK(path.hits[2].t == Approx(1.5 * pi).margin(1e-5));
  CHECK(path.trajectory.statistics.accepted < 1000);
  CHECK((path.y - State(std::cos(5.), std::sin(5.))).norm() < 1e-6);
  CHECK((path.trajectory(4) - State(std::cos(4.), std::sin(4.))).norm() < 1e-5);
}

TEST_CASE("An Adams method meets events, and starts anew after each reset", "[ode][events][multistep]") {
  const ResettingEvent kick(first, {.crossing = Crossing::falling}, [](double, State& y) { y = State(0, 1); });
  const auto path =
      solve_events(oscillator, upright, 0, 4, std::tuple(kick), AdamsBashforthMoulton<4>{}, FixedSteps(400));
  REQUIRE(path.hits.size() == 1);
  CHECK(path.hits[0].t == Approx(pi / 2).margin(1e-7));
  CHECK((path.y - State(std::sin(4 - pi / 2), std::cos(4 - pi / 2))).norm() < 1e-6);
}

}  // namespace pathline
