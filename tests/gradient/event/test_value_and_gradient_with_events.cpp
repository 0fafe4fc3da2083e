// Gradients through events against closed forms and central differences of the whole computation.
#include <pathline/gradient/event/value_and_gradient_with_events.hpp>

#include <pathline/gradient/adjoint.hpp>
#include <pathline/gradient/adjoint/interpolated_adjoint.hpp>
#include <pathline/gradient/checkpoint/checkpoints.hpp>
#include <pathline/gradient/implicit_step_pullback.hpp>
#include <pathline/gradient/multistep/multistep_pullback.hpp>
#include <pathline/gradient/parts/additive_pullback.hpp>
#include <pathline/nn/compose/split_field.hpp>
#include <pathline/nn/differentiable.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/ode/implicit/additive/additive_methods.hpp>
#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_methods.hpp>
#include <pathline/ode/implicit/rosenbrock/rosenbrock_methods.hpp>
#include <pathline/ode/multistep/adams_methods.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/differences.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

namespace pathline {
namespace {

// One type for all fields, one for all functions of events and one for all resets: a gradient through events is
// compiled once for a method, a control and a kind of gradient.
enum class Motion { ball, pendulum, clock, decay };
struct Mover {
  Motion motion = Motion::ball;
  template <class T, class Y, class P, class D>
  void operator()(const T& t, const Y& y, const P& p, D& dy) const {
    using std::sin;
    switch (motion) {
      case Motion::ball:  // y = (height, velocity, place); p = (gravity, wind)
        dy[0] = y[1];
        dy[1] = -p[0];
        dy[2] = p[1] + 0 * t;
        break;
      case Motion::pendulum:  // driven; y = (angle, velocity)
        dy[0] = y[1];
        dy[1] = -p[0] * sin(y[0]) - p[1] * y[1] + 0.3 * sin(2 * t);
        break;
      case Motion::clock:
        for (Index i = 0; i < y.size(); ++i) dy[i] = T(1);
        break;
      case Motion::decay:
        for (Index i = 0; i < y.size(); ++i) dy[i] = -p[0] * y[i];
        break;
    }
  }
};

enum class Where { never, height, velocity, line, network, cube, square };
struct Function {
  Where where = Where::never;
  template <class T, class Y, class P>
  T operator()(const T& t, const Y& y, const P& p) const {
    using std::sin, std::tanh;
    switch (where) {
      case Where::height:
        return y[0];
      case Where::velocity:
        return y[1];
      case Where::line:
        return y[0] - p[0] - p[1] * sin(t);
      case Where::network: {
        T sum = y[0] - 0.2;
        for (Index k = 0; k < p.size() / 4; ++k)
          sum += p[4 * k] * tanh(p[4 * k + 1] * y[0] + p[4 * k + 2] * y[1] + p[4 * k + 3] + t);
        return sum;
      }
      case Where::cube:
        return (t - p[0]) * (t - p[0]) * (t - p[0]);
      case Where::square:
        return (t - p[0]) * y[0];
      case Where::never:
        break;
    }
    return T(1);
  }
};

enum class Change { nothing, bounce, kick, rest, end };
struct Reset {
  Change change = Change::nothing;
  template <class T, class Y, class P, class N>
  AfterReset operator()(const T& t, const Y& y, const P& p, N& y_new) const {
    using std::cos;
    switch (change) {
      case Change::bounce:
        y_new[0] = T(0);
        y_new[1] = -p[0] * y[1];
        break;
      case Change::kick:
        y_new[1] = -p[2] * y[1] + 0.4 * cos(3 * t) - 0.1 * y[0] * y[1];
        break;
      case Change::rest:
        for (Index i = 0; i < y.size(); ++i) y_new[i] = T(0);
        break;
      case Change::end:
        y_new[1] = p[0] * y[1] * y[1] + t;
        return AfterReset::end;
      case Change::nothing:
        break;
    }
    return AfterReset::go_on;
  }
};

using ResettingEvent = DifferentiableEvent<Function, Reset>;
using PlainEvent = DifferentiableEvent<Function>;
using Events = std::tuple<ResettingEvent, PlainEvent>;

ResettingEvent resetting(Where where, Change change, const Vector<double>& p, EventOptions how = {}) {
  return ResettingEvent(Function{where}, how, Reset{change}, p);
}
PlainEvent plain(Where where, const Vector<double>& p = {}, EventOptions how = {}) {
  return PlainEvent(Function{where}, how, {}, p);
}
ResettingEvent no_reset() { return resetting(Where::never, Change::nothing, {}); }

auto field_of(Motion motion, Index dim, const Vector<double>& p) { return differentiable(Mover{motion}, dim, p); }
const PiController tight{.rtol = 1e-11, .atol = 1e-11};

struct Problem {
  Motion motion;
  Vector<double> theta, y0;
  std::vector<double> times;
  Events events;

  template <class... Policies, class Loss>
  [[nodiscard]] auto gradient(const Loss& loss, const Policies&... policies) const {
    const NeuralOde ode(field_of(motion, y0.size(), theta), policies...);
    return value_and_gradient_with_events(ode, y0, times, events, loss);
  }
  template <class... Policies, class Loss>
  [[nodiscard]] double value(const Loss& loss, const Policies&... policies) const {
    const NeuralOde ode(field_of(motion, y0.size(), theta), policies...);
    const EventPath<double> path = solve_with_events(ode, y0, times, events);
    EventPathBar<double> bar = detail::zero_bar(path);
    return loss(path, bar);
  }
  /// Every number that a gradient is of, in the order of flat().
  [[nodiscard]] std::vector<double*> numbers() {
    std::vector<double*> all;
    const auto add = [&all](Vector<double>& v) {
      for (Index i = 0; i < v.size(); ++i) all.push_back(&v(i));
    };
    add(theta), add(y0);
    for (double& t : times) all.push_back(&t);
    add(std::get<0>(events).parameters), add(std::get<1>(events).parameters);
    return all;
  }
};
template <class Result>
std::vector<double> flat(const Result& result) {
  std::vector<double> all;
  const auto add = [&all](const auto& v) { all.insert(all.end(), v.data(), v.data() + v.size()); };
  add(result.parameters), add(result.initial), add(result.times);
  for (const auto& event : result.events) add(event);
  return all;
}

/// The largest difference between the gradient and central differences of the whole computation.
template <class Loss, class... Policies>
double error_of(Problem problem, const Loss& loss, const Policies&... policies) {
  const std::vector<double> found = flat(problem.gradient(loss, policies...));
  double worst = 0;
  std::size_t k = 0;
  for (double* number : problem.numbers()) {
    const double h = 2e-5, x = *number;
    *number = x + h;
    const double above = problem.value(loss, policies...);
    *number = x - h;
    const double below = problem.value(loss, policies...);
    *number = x;
    INFO("number " << k << ": " << found[k] << ", by differences " << (above - below) / (2 * h));
    const double error = std::abs(found[k++] - (above - below) / (2 * h));
    CHECK(error < 1e-4);  // tells which, where the caller's bound is missed by far
    worst = std::max(worst, error);
  }
  CHECK(k == found.size());
  return worst;
}

/// Reads all that there is: the times and states of all events, the states at the output times, the end.
struct ReadAll {
  double operator()(const EventPath<double>& path, EventPathBar<double>& bar) const {
    double sum = std::sin(path.t);
    bar.t += std::cos(path.t);
    const auto read = [&sum](const Batch<double>& y, Batch<double>& y_bar, double weight) {
      for (Index i = 0; i < y.size(); ++i) {
        sum += weight * std::sin(y(i) + double(i));
        y_bar(i) += weight * std::cos(y(i) + double(i));
      }
    };
    for (std::size_t k = 0; k < path.hits.size(); ++k) {
      const double weight = 1 / double(k + 1);
      sum += weight * path.hits[k].t * path.hits[k].t;
      bar.hits[k].t += weight * 2 * path.hits[k].t;
      read(path.hits[k].y, bar.hits[k].y, weight);
    }
    for (std::size_t k = 0; k < path.states.size(); ++k)
      if (!path.states[k].hasNaN()) read(path.states[k], bar.states[k], 0.5);
    read(path.y, bar.y, 0.7);
    return sum;
  }
};

/// A driven pendulum that is kicked where it meets a moving line from above, and seen where it turns round.
Problem kicked_pendulum(double t0, double t1) {
  const double span = t1 - t0;
  return {.motion = Motion::pendulum,
          .theta = Vector<double>{{4, 0.1}},
          .y0 = Vector<double>{{1, -0.5}},
          .times = {t0, t0 + 0.31 * span, t0 + 0.77 * span, t1},
          .events = {resetting(Where::line, Change::kick, Vector<double>{{0.2, 0.3, 0.8}}), plain(Where::velocity)}};
}

}  // namespace

TEST_CASE("A landing time has the derivatives of its closed form", "[gradient][event]") {
  const double h = 1.7, v = 0.6, g = 9.81, s = std::sqrt(v * v + 2 * g * h);
  const Problem fall{.motion = Motion::ball,
                     .theta = Vector<double>{{g, 1.5}},
                     .y0 = Vector<double>{{h, v, 0.2}},
                     .times = {0.1, 3},
                     .events = {no_reset(), plain(Where::height, {}, {.terminal = true})}};
  const auto time_of_end = [](const EventPath<double>& path, EventPathBar<double>& bar) {
    bar.t += 1;
    return path.t;
  };
  // Each method of order 2 or more is exact for it; rounding is left.
  const auto result = fall.gradient(time_of_end, Dopri5{}, PiController{});
  CHECK(result.value == Approx(0.1 + (v + s) / g).epsilon(1e-13));
  CHECK(result.initial(0) == Approx(1 / s).epsilon(1e-12));
  CHECK(result.initial(1) == Approx((1 + v / s) / g).epsilon(1e-12));
  CHECK(result.initial(2) == 0);
  CHECK(result.parameters(0) == Approx(h / (g * s) - (v + s) / (g * g)).epsilon(1e-12));
  CHECK(result.parameters(1) == 0);
  CHECK(result.times(0) == Approx(1).epsilon(1e-12));
  CHECK(result.times(1) == 0);

  // Where it lies then: the wind's and the time's derivatives together.
  const auto place = [](const EventPath<double>& path, EventPathBar<double>& bar) {
    bar.hits[0].y(2) += 1;
    return path.hits[0].y(2);
  };
  const auto landed = fall.gradient(place, Dopri5{}, PiController{});
  CHECK(landed.parameters(1) == Approx((v + s) / g).epsilon(1e-12));
  CHECK(landed.initial(0) == Approx(1.5 / s).epsilon(1e-12));
  CHECK(landed.times(0) == Approx(0).margin(1e-12));
}

TEST_CASE("A ball's landing place after bounces has the closed form's derivative by its restitution",
          "[gradient][event]") {
  const double h = 1.2, g = 9.81, e = 0.75, wind = 0.8, first = std::sqrt(2 * h / g);
  const Problem ball{
      .motion = Motion::ball,
      .theta = Vector<double>{{g, wind}},
      .y0 = Vector<double>{{h, 0, 0}},
      .times = {0, 2.4},
      .events = {resetting(Where::height, Change::bounce, Vector<double>{{e}}, {.crossing = Crossing::falling}),
                 plain(Where::velocity)}};
  for (const std::size_t bounces : {1U, 2U, 4U}) {
    double flights = 0, by_restitution = 0;  // in units of the first fall
    for (std::size_t i = 1; i < bounces; ++i) {
      flights += 2 * std::pow(e, double(i));
      by_restitution += 2 * double(i) * std::pow(e, double(i) - 1);
    }
    std::size_t seen = 0;
    const auto place = [&](const EventPath<double>& path, EventPathBar<double>& bar) {
      std::size_t k = 0;
      for (seen = 0; k < path.hits.size(); ++k)
        if (path.hits[k].event == 0 && ++seen == bounces) break;
      bar.hits[k].y(2) += 1;
      return path.hits[k].y(2);
    };
    const auto result = ball.gradient(place, Dopri5{}, PiController{});
    REQUIRE(seen == bounces);
    INFO(bounces << " bounces");
    CHECK(result.value == Approx(wind * first * (1 + flights)).epsilon(1e-12));
    CHECK(result.events[0](0) == Approx(wind * first * by_restitution).epsilon(1e-11).margin(1e-14));
    CHECK(result.parameters(0) == Approx(-0.5 / g * wind * first * (1 + flights)).epsilon(1e-11));
    CHECK(result.initial(0) == Approx(0.5 / h * wind * first * (1 + flights)).epsilon(1e-11));
    CHECK(result.events[1].size() == 0);
  }
}

// Solves to 1e-11 and differences over 2e-5 leave errors of 1e-7, by the solves and by the third derivative.
TEST_CASE("Gradients through events agree with central differences of all that a loss can read", "[gradient][event]") {
  for (const Problem& problem : {kicked_pendulum(0, 4), kicked_pendulum(3, -1)}) {
    const double error = error_of(problem, ReadAll{}, Dopri5{}, tight);
    CHECK(error < 1e-6);
    const auto exact = problem.gradient(ReadAll{}, Dopri5{}, tight);
    const std::vector<double> mine = flat(exact);
    const auto differ = [&mine](const auto& other) {
      const std::vector<double> theirs = flat(other);
      double worst = 0;
      for (std::size_t k = 0; k < mine.size(); ++k) worst = std::max(worst, std::abs(mine[k] - theirs[k]));
      return worst;
    };
    CHECK(differ(problem.gradient(ReadAll{}, Dopri5{}, tight, Adjoint{})) < 1e-8);
    CHECK(differ(problem.gradient(ReadAll{}, Dopri5{}, FixedSteps(1000), Backpropagation<Checkpoints>{})) < 1e-8);
    CHECK(differ(problem.gradient(ReadAll{}, Kvaerno5{}, PiController{.rtol = 1e-9, .atol = 1e-9})) < 1e-5);

    // Events and outputs read off the steps, and no more of these than on the way out.
    const auto interpolated = [](const auto& storage) {
      return std::remove_cvref_t<decltype(storage)>{.outputs = OutputTimes::interpolate};
    };
    CHECK(differ(problem.gradient(ReadAll{}, Dopri5{}, tight, interpolated(Backpropagation<>{}))) < 1e-8);
    const auto coarse =
        problem.gradient(ReadAll{}, Dopri5{}, FixedSteps(100), interpolated(Backpropagation<Checkpoints>{}));
    CHECK(differ(coarse) < 1e-6);
    CHECK(coarse.backward.accepted <= 2 * coarse.forward.accepted);  // out once more, and back
  }
}

TEST_CASE("Gradients through events agree among methods and among ways to make them", "[gradient][event]") {
  const Problem problem = kicked_pendulum(0, 4);
  const auto exact = problem.gradient(ReadAll{}, Dopri5{}, tight);
  const auto difference_to = [&exact](const auto& other) {
    const std::vector<double> mine = flat(exact), theirs = flat(other);
    double worst = 0;
    for (std::size_t k = 0; k < mine.size(); ++k) worst = std::max(worst, std::abs(mine[k] - theirs[k]));
    return worst;
  };
  const PiController control{.rtol = 1e-9, .atol = 1e-9};
  CHECK(difference_to(problem.gradient(ReadAll{}, Dopri5{}, tight, Backpropagation<RecomputeStages>{})) == 0);
  CHECK(difference_to(problem.gradient(ReadAll{}, Dopri5{}, tight, InterpolatedAdjoint{})) < 1e-8);
  CHECK(difference_to(problem.gradient(ReadAll{}, Rodas4{}, control)) < 1e-6);
  CHECK(difference_to(problem.gradient(ReadAll{}, AdamsBashforthMoulton<4>{}, FixedSteps(2000))) < 1e-8);

  // The pendulum as the implicit part; the explicit one is a decay at a rate of 0, which has a derivative too.
  const auto in_parts = [&](double rate) {
    return NeuralOde(
        SplitField(field_of(Motion::decay, 2, Vector<double>{{rate}}), field_of(problem.motion, 2, problem.theta)),
        KennedyCarpenter4{}, control);
  };
  auto by_parts = value_and_gradient_with_events(in_parts(0), problem.y0, problem.times, problem.events, ReadAll{});
  const auto value = [&](double rate) {
    const EventPath<double> path = solve_with_events(in_parts(rate), problem.y0, problem.times, problem.events);
    EventPathBar<double> bar = detail::zero_bar(path);
    return ReadAll{}(path, bar);
  };
  CHECK(by_parts.parameters(0) == Approx((value(1e-4) - value(-1e-4)) / 2e-4).epsilon(1e-5));
  by_parts.parameters = Vector<double>(by_parts.parameters.tail(2));
  CHECK(difference_to(by_parts) < 1e-5);
}

TEST_CASE("Output times may repeat, and lie at an event or a rounding beside it", "[gradient][event]") {
  const Problem kicked = kicked_pendulum(0, 4);
  const NeuralOde ode(field_of(kicked.motion, 2, kicked.theta), Dopri5{}, tight);
  const auto of_state = [&](const std::vector<double>& times, std::size_t k) {
    const auto angle = [k](const EventPath<double>& path, EventPathBar<double>& bar) {
      bar.states[k](0) += 1;
      return path.states[k](0);
    };
    return value_and_gradient_with_events(ode, kicked.y0, times, kicked.events, angle);
  };
  const auto start = of_state({0, 0, 4}, 1);
  CHECK(start.value == kicked.y0(0));
  CHECK(start.initial == Vector<double>{{1, 0}});
  CHECK(start.times == Vector<double>{{-kicked.y0(1), kicked.y0(1), 0}});

  const auto hits = solve_with_events(ode, kicked.y0, kicked.times, kicked.events).hits;
  for (const std::size_t hit : {0U, 1U}) {  // a reset, before which the output is taken, and none
    const double t = hits[hit].t, just = 1e-7;
    const std::vector<double> before = flat(of_state({0, t - just, 4}, 1));
    const auto at = of_state({0, std::nextafter(t, 0.), t, t, 4}, 2), near = of_state({0, std::nextafter(t, 0.), 4}, 1);
    CHECK(at.value == hits[hit].y(0));
    for (const auto& result : {at, near}) {
      CHECK(result.events[0](0) == Approx(before[7]).margin(1e-5));
      CHECK(result.initial(0) == Approx(before[2]).margin(1e-5));
      CHECK(result.parameters(0) == Approx(before[0]).margin(1e-5));
    }
  }
}

TEST_CASE("An event's function may be a network: its parameters have gradients", "[gradient][event]") {
  Vector<double> weights(16);  // four hidden units
  for (Index i = 0; i < weights.size(); ++i) weights(i) = 0.35 * std::sin(double(3 * i + 1));
  Problem problem = kicked_pendulum(0, 3);
  problem.events = {no_reset(), plain(Where::network, weights, {.terminal = true})};
  const auto path = solve_with_events(NeuralOde(field_of(problem.motion, 2, problem.theta), Dopri5{}, tight),
                                      problem.y0, problem.times, problem.events);
  REQUIRE(path.terminated);
  CHECK(error_of(problem, ReadAll{}, Dopri5{}, tight) < 1e-6);
}

TEST_CASE("A reset may end the solve, and its end is differentiated", "[gradient][event]") {
  Problem problem = kicked_pendulum(0, 4);
  std::get<0>(problem.events) = resetting(Where::line, Change::end, Vector<double>{{0.2, 0.3}});
  const auto path = solve_with_events(NeuralOde(field_of(problem.motion, 2, problem.theta), Dopri5{}, tight),
                                      problem.y0, problem.times, problem.events);
  REQUIRE(path.terminated);
  CHECK(path.t < problem.times[1]);
  CHECK(path.states[1].hasNaN());
  CHECK(path.y(1) == Approx(0.2 * std::pow(path.hits.back().y(1), 2) + path.t));
  CHECK(error_of(problem, ReadAll{}, Dopri5{}, tight) < 1e-6);
  CHECK(problem.gradient(ReadAll{}, Dopri5{}, tight).times.tail(3).isZero(0));
}

TEST_CASE("Events at one time: the first that acts has its time, and all resets are made", "[gradient][event]") {
  // Both are zeros of the same function, so that the derivative exists: the ball is turned round, and the solve ends.
  const Problem ball{.motion = Motion::ball,
                     .theta = Vector<double>{{9.81, 0.5}},
                     .y0 = Vector<double>{{1, 0.3, 0}},
                     .times = {0, 0.3, 2},
                     .events = {resetting(Where::height, Change::bounce, Vector<double>{{0.8}}),
                                plain(Where::height, {}, {.terminal = true})}};
  const auto path = solve_with_events(NeuralOde(field_of(ball.motion, 3, ball.theta), Dopri5{}, tight), ball.y0,
                                      ball.times, ball.events);
  REQUIRE(path.hits.size() == 2);
  CHECK(path.y(1) == -0.8 * path.hits[1].y(1));
  CHECK(error_of(ball, ReadAll{}, Dopri5{}, tight) < 1e-6);
}

TEST_CASE("A ball at rest has gradients: of the time at which it came to rest, and no others", "[gradient][event]") {
  Problem ball{.motion = Motion::decay,
               .theta = Vector<double>{{0.4}},
               .y0 = Vector<double>{{1, 2, 3}},
               .times = {0, 0.3, 2},
               .events = {resetting(Where::square, Change::rest, Vector<double>{{1.1}}), plain(Where::never)}};
  CHECK(error_of(ball, ReadAll{}, Dopri5{}, tight) < 1e-6);
  const auto end = [](const EventPath<double>& path, EventPathBar<double>& bar) {
    for (Index i = 0; i < 3; ++i) bar.y(i) += 1;
    return path.y.sum();
  };
  const auto result = ball.gradient(end, Dopri5{}, tight);
  CHECK(result.value == 0);
  for (const double number : flat(result)) CHECK(number == 0);
}

TEST_CASE("An event without a slope is refused where something depends on its time", "[gradient][event][errors]") {
  Problem problem{.motion = Motion::clock,
                  .theta = Vector<double>(),
                  .y0 = Vector<double>{{1, 2}},
                  .times = {0, 3},
                  .events = {no_reset(), plain(Where::cube, Vector<double>{{1.25}})}};
  const auto time_of_hit = [](const EventPath<double>& path, EventPathBar<double>& bar) {
    bar.hits[0].t += 1;
    return path.hits[0].t;
  };
  CHECK_THROWS_AS(problem.gradient(time_of_hit, Dopri5{}, tight), GrazingEventError);
  CHECK_THROWS_WITH(
      problem.gradient(time_of_hit, Dopri5{}, tight),
      ContainsSubstring("event 1 at t = 1.25 has no derivative, since its function does not cross 0 there"));
  const auto end = [](const EventPath<double>& path, EventPathBar<double>& bar) {
    bar.y(1) += 1;
    return path.y(1);
  };
  CHECK(problem.gradient(end, Dopri5{}, tight).initial(1) == 1);  // the loss does not read the event
  std::get<1>(problem.events).options.terminal = true;
  CHECK_THROWS_AS(problem.gradient(end, Dopri5{}, tight), GrazingEventError);

  // The ball lies on the ground at the start: when it would meet it is not a smooth function of the height.
  problem.motion = Motion::ball;
  problem.theta = Vector<double>{{9.81, 0}};
  problem.y0 = Vector<double>{{0, -1, 0}};
  problem.events = {resetting(Where::height, Change::bounce, Vector<double>{{0.5}}, {.at_start = true}),
                    plain(Where::never)};
  problem.times = {0, 0.05};
  CHECK_THROWS_WITH(problem.gradient(end, Dopri5{}, tight), ContainsSubstring("the solve starts there"));
}

TEST_CASE("Gradients with events name bad input and bad cotangents", "[gradient][event][errors]") {
  const Problem problem = kicked_pendulum(0, 4);
  const NeuralOde ode(field_of(problem.motion, 2, problem.theta), Dopri5{}, tight);
  CHECK_THROWS_WITH(
      value_and_gradient_with_events(ode, Batch<double>::Ones(2, 3), problem.times, problem.events, ReadAll{}),
      "NeuralOde: y0 of a solve with events has 3 columns, expected 1; each sample has events of its own: "
      "solve one at a time");
  CHECK_THROWS_AS(
      value_and_gradient_with_events(ode, Batch<double>::Ones(3, 1), problem.times, problem.events, ReadAll{}),
      ShapeError);
  CHECK_THROWS_AS(
      value_and_gradient_with_events(ode, problem.y0, std::vector<double>{0, 2, 1}, problem.events, ReadAll{}),
      ArgumentError);
  const auto with = [&](const auto& spoil) {
    return problem.gradient(
        [&](const EventPath<double>& path, EventPathBar<double>& bar) {
          spoil(bar);
          return path.t;
        },
        Dopri5{}, tight);
  };
  CHECK_THROWS_AS(with([](auto& bar) { bar.hits.pop_back(); }), ShapeError);
  CHECK_THROWS_AS(with([](auto& bar) { bar.states[1].resize(1, 1); }), ShapeError);
  CHECK_THROWS_AS(with([](auto& bar) { bar.y.resize(2, 2); }), ShapeError);

  Problem ended = problem;
  std::get<1>(ended.events).options.terminal = true;
  const auto beyond = [](const EventPath<double>& path, EventPathBar<double>& bar) {
    bar.states.back()(0) = 1;
    return path.t;
  };
  CHECK_THROWS_WITH(ended.gradient(beyond, Dopri5{}, tight), ContainsSubstring("the cotangent of state 3 is not 0"));
}

namespace {

/// A network that reads context, whose solve is reset once. The sizes of all numbers are of order 1.
template <class Scalar>
auto network_with_context(const Vector<double>& theta, const Vector<double>& context, const Vector<double>& p) {
  const auto clock = [](const auto& t, const auto& y, const auto& at) { return t + y[0] / 20 - at[0]; };
  const auto turn = [](const auto& t, const auto& y, const auto& at, auto& y_new) {
    y_new[1] = at[1] * y[0] * y[1] - y[1] + t;
  };
  const std::tuple events(DifferentiableEvent(clock, {}, turn, Vector<Scalar>(p.template cast<Scalar>())));
  Mlp<Scalar, Tanh> field(Mlp<Scalar, Tanh>::layers(2, {5}, 3), Vector<Scalar>(theta.template cast<Scalar>()));
  const double tolerance = std::is_same_v<Scalar, float> ? 1e-6 : 1e-12;
  const NeuralOde ode(field, Dopri5{}, PiController{.rtol = tolerance, .atol = tolerance});
  const auto loss = [](const auto& path, auto& bar) {
    bar.hits.at(0).t += 2;
    bar.hits.at(0).y(1) += 1;
    bar.y(0) += 1;
    bar.y(1) += 3;
    return 2 * Scalar(path.hits.at(0).t) + path.hits.at(0).y(1) + path.y(0) + 3 * path.y(1);
  };
  return value_and_gradient_with_events(ode, Vector<Scalar>{{Scalar(0.4), Scalar(-0.3)}}, std::vector{0., 1.5}, events,
                                        loss, Vector<Scalar>(context.template cast<Scalar>()));
}

}  // namespace

TEST_CASE("A network with context has gradients through events, in double and in float", "[gradient][event]") {
  Vector<double> theta(Mlp<double, Tanh>::layers(2, {5}, 3).parameter_count()), context{{0.7, -0.4}}, p{{0.6, 0.8}};
  for (Index i = 0; i < theta.size(); ++i) theta(i) = std::sin(double(7 * i + 2));
  const auto exact = network_with_context<double>(theta, context, p);
  REQUIRE(exact.context.rows() == 2);
  const auto check = [&](Vector<double>& numbers, Index i, double found) {
    const double x = numbers(i), h = 1e-5;
    numbers(i) = x + h;
    const double above = network_with_context<double>(theta, context, p).value;
    numbers(i) = x - h;
    const double below = network_with_context<double>(theta, context, p).value;
    numbers(i) = x;
    CHECK(found == Approx((above - below) / (2 * h)).margin(1e-6));
  };
  for (Index i = 0; i < 2; ++i) check(context, i, exact.context(i)), check(p, i, exact.events[0](i));
  for (const Index i : {Index(0), Index(12), theta.size() - 1}) check(theta, i, exact.parameters(i));

  const auto rough = network_with_context<float>(theta, context, p);
  CHECK(rough.value == Approx(exact.value).epsilon(1e-5));
  CHECK(test::max_difference(rough.parameters.template cast<double>(), exact.parameters) < 1e-4);
  CHECK(test::max_difference(rough.context.template cast<double>(), exact.context) < 1e-4);
  CHECK(test::max_difference(rough.events[0].template cast<double>(), exact.events[0]) < 1e-4);
}

TEST_CASE("The way back allocates no more where there are more steps", "[gradient][event][allocation]") {
  if (!AllocationCounter::available) return;
  const Problem problem = kicked_pendulum(0, 4);
  const auto requests = [&](Index steps) {
    const NeuralOde ode(field_of(problem.motion, 2, problem.theta), Dopri5{}, FixedSteps(steps),
                        Backpropagation<Checkpoints>{});
    const auto& parts = detail::PartsAccess::parts(ode);
    const Batch<double> none;
    detail::EventSolve<std::remove_cvref_t<decltype(parts)>, ResettingEvent, PlainEvent> solve(
        parts, problem.events, problem.y0, problem.times, none);
    EventPath<double> path;
    solve.solve(path);
    EventPathBar<double> bar = detail::zero_bar(path);
    (void)ReadAll{}(path, bar);
    EventValueAndGradient<double> result;
    solve.go_back(path, bar, result);
    const AllocationCounter counter;
    solve.go_back(path, bar, result);
    return counter.count();
  };
  CHECK(requests(100) == requests(200));
  CHECK(requests(100) < 30);
}

}  // namespace pathline
