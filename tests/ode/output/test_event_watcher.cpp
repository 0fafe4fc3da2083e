// Events at the start, resets that end in rest or end the solve, and bounces that pile up.
#include <pathline/ode/output/event_watcher.hpp>

#include <pathline/ode/output/events.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <tuple>
#include <vector>

namespace pathline {
namespace {

using State = Eigen::Vector2d;

/// Height and velocity under gravity 2, which the ground carries at rest.
const auto falling = [](double, const State& y, State& dy) {
  if (y.isZero(0))
    dy.setZero();
  else
    dy << y(1), -2;
};
const auto height = [](double, const State& y) { return y(0); };

/// Keeps a part of the velocity, and comes to rest below a least one; or moves the ball elsewhere.
struct Bounce {
  double restitution = 0.5, least = 0;
  bool ends = false, moves = false;
  State elsewhere{0, 0};
  AfterReset operator()(double, State& y) const {
    if (moves) {
      y = elsewhere;
      return AfterReset::go_on;
    }
    y(1) *= -restitution;
    if (std::abs(y(1)) >= least) return AfterReset::go_on;
    y.setZero();
    return ends ? AfterReset::end : AfterReset::go_on;
  }
};

template <class Control = PiController, class Method = Dopri5>
EventSolution<State> drop(const State& y0, double t1, const Bounce& bounce, const EventOptions& options = {},
                          const Control& control = {}, const Method& method = {}) {
  return solve_events(falling, y0, 0, t1, std::tuple(Event(height, options, bounce)), method, control);
}

const EventOptions from_above{.crossing = Crossing::falling};

}  // namespace

TEST_CASE("A start on the ground is an event where that is asked for", "[ode][events]") {
  const Bounce bounce{.restitution = 1};
  const auto told = [&](double velocity, Crossing crossing, double t1 = 1.5) {
    return drop(State(0, velocity), t1, bounce, {.crossing = crossing, .at_start = true});
  };
  // Thrown at the ground it bounces at once, and is back after t = velocity; thrown up it does not.
  const auto down = told(-1, Crossing::falling);
  REQUIRE(down.hits.size() == 2);
  CHECK(down.hits[0].t == 0);
  CHECK(down.hits[0].y == State(0, -1));
  CHECK(down.hits[1].t == Approx(1).epsilon(1e-13));
  CHECK(down.trajectory(0) == State(0, -1));
  CHECK(down.trajectory(0.5)(0) == Approx(0.25).epsilon(1e-13));
  State slope;
  down.trajectory.differentiate(0, slope);
  CHECK((slope - State(1, -2)).norm() < 1e-12);
  const auto up = told(1, Crossing::falling);
  REQUIRE(up.hits.size() == 1);
  CHECK(up.hits[0].t == Approx(1).epsilon(1e-13));
  CHECK(told(1, Crossing::rising, 0.5).hits.size() == 1);
  CHECK(told(-1, Crossing::rising, 0.5).hits.empty());
  CHECK(told(-1, Crossing::either, 0.5).hits.size() == 1);
  CHECK(told(0, Crossing::falling, 0.5).hits.size() == 1);  // at rest it is on the ground for good
  // Backward in time the flight of velocity 1 falls below the ground.
  CHECK(told(1, Crossing::falling, -0.5).hits.size() == 1);
  CHECK(told(-1, Crossing::falling, -0.5).hits.empty());
  CHECK(drop(State(1e-300, -1), 0.5, bounce, {.at_start = true}).hits.size() == 1);
  CHECK(drop(State(0, -1), 0.5, bounce).hits.empty());
}

TEST_CASE("A terminal event may end the solve at its start", "[ode][events]") {
  const auto path = drop(State(0, -1), 5, {.moves = true}, {.terminal = true, .at_start = true});
  CHECK(path.terminated);
  CHECK(path.trajectory.t1() == 0);
  REQUIRE(path.hits.size() == 1);
  CHECK(path.hits[0].t == 0);
  CHECK(path.hits[0].y == State(0, -1));
  CHECK(path.trajectory(0) == State(0, -1));
  CHECK(path.y == State(0, 0));
}

// Dropped from height 1 it lands at 1 with velocity -2; the bounces of restitution r follow after 2 r, 2 r², … .
TEST_CASE("A ball comes to rest and stays there", "[ode][events]") {
  const double r = GENERATE(0.1, 0.5, 0.9), least = 1e-3;
  const auto check = [&](const EventSolution<State>& path) {
    double expected = 1, speed = 2;
    std::size_t k = 0;
    for (; speed >= least; ++k) {
      REQUIRE(k < path.hits.size());
      CHECK(path.hits[k].t == Approx(expected).margin(1e-10).epsilon(0));
      speed *= r;
      expected += speed;
    }
    CHECK(path.hits.size() == k);
    CHECK(path.y == State(0, 0));
    CHECK_FALSE(path.terminated);
    CHECK(path.trajectory.t1() == 50);
    CHECK(path.trajectory(40) == State(0, 0));
  };
  check(drop(State(1, 0), 50, {.restitution = r, .least = least}, from_above));
  check(drop(State(1, 0), 50, {.restitution = r, .least = least}));
  check(drop(State(1, 0), 50, {.restitution = r, .least = least}, from_above, FixedSteps(100), Rk4{}));
}

TEST_CASE("A reset may end the solve", "[ode][events]") {
  const auto path = drop(State(1, 0), 50, {.least = 0.1, .ends = true}, from_above);
  CHECK(path.terminated);
  // Up with 1, 1/2, 1/4, 1/8, and 1/16, which is too slow.
  REQUIRE(path.hits.size() == 5);
  CHECK(path.trajectory.t1() == Approx(1 + 1 + 0.5 + 0.25 + 0.125).epsilon(1e-13));
  CHECK(path.trajectory.t1() == path.hits.back().t);
  CHECK(path.y == State(0, 0));
}

TEST_CASE("A reset that does not turn back, or moves the state away, is no bounce", "[ode][events]") {
  const auto after = [](const State& y) { return drop(State(1, 0), 2, {.moves = true, .elsewhere = y}, from_above); };
  CHECK(after(State(0, -1)).y(0) == Approx(-1 - 1));            // through the ground
  CHECK(after(State(-5, 0.5)).y(0) == Approx(-5 - 0.5));        // and below it, upwards
  CHECK(after(State(-1e-3, 2)).y(0) == Approx(-1e-3 + 2 - 1));  // and up through it, which is no event from above
  CHECK(after(State(3, -1)).y(0) == Approx(3 - 1 - 1));
}

TEST_CASE("What a function does where another event resets the state is told once", "[ode][events]") {
  const auto kicked_at_half = [](const auto& told, double velocity) {
    const auto kick = [velocity](double, State& y) { y(1) = velocity; };
    const Event at_half([](double t, const State&) { return t - 0.5; }, {}, kick);
    const auto path = solve_events(falling, State(0.75, 1), 0, 1, std::tuple(told, at_half), Rk4{}, FixedSteps(1));
    std::vector<double> times;
    for (const auto& hit : path.hits)
      if (hit.event == 0) times.push_back(hit.t);
    return times;
  };
  const auto function = [](double rests_from) {
    return Event(
        [rests_from](double t, const State& y) { return rests_from > 0 ? std::max(0., rests_from - t) : y(0) - 1; });
  };
  // Thrown up with velocity 1 from 3/4 the ball touches height 1 at t = 1/2, when the kick turns that into a crossing.
  const auto ceiling = function(0);
  CHECK(kicked_at_half(ceiling, 1) == std::vector<double>{0.5});
  CHECK(kicked_at_half(ceiling, 0).empty());
  CHECK(kicked_at_half(ceiling, -1).empty());
  for (const double before : {1e-3, 1e-6, 1e-9}) CHECK(kicked_at_half(function(0.5 - before), 1).size() == 1);
}

TEST_CASE("Bounces that pile up are an error, and not a fall through the ground", "[ode][events][errors]") {
  const double r = GENERATE(1e-6, 0.01, 0.1, 0.3, 0.5, 0.7, 0.8), fall = GENERATE(1., 2., 0.3);
  const double rest = fall * (1 + 2 * r / (1 - r));
  const State start(fall * fall, 0);
  const auto refused = [&](const auto& solve) {
    try {
      const EventSolution<State> path = solve();
      FAIL("no error, height " << path.y(0));
    } catch (const EventPileUpError& error) {
      CHECK(error.event == 0);
      CHECK(std::abs(error.t) == Approx(rest).margin(1e-5));
      CHECK_THAT(error.what(), ContainsSubstring("event 0 follows its reset too soon to be seen"));
    }
  };
  refused([&] { return drop(start, 50, {.restitution = r}, from_above); });
  refused([&] { return drop(start, 50, {.restitution = r}); });
  refused([&] { return drop(start, -50, {.restitution = r}, from_above); });
  refused([&] { return drop(start, 50, {.restitution = r}, from_above, FixedSteps(100), Rk4{}); });
  // Before the time of rest there is nothing to refuse.
  CHECK(drop(start, 0.9 * rest, {.restitution = r}, from_above).y(0) >= 0);
  CHECK(drop(start, 50, {.restitution = r, .least = 1e-7}, from_above).y == State(0, 0));
}

}  // namespace pathline
