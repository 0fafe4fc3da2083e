// The loop over steps: where it lands, what it evaluates, whom it tells, and how it ends when the problem is bad.
#include <pathline/ode/integrate.hpp>

#include <pathline/ode/explicit/embedded_pairs.hpp>
#include <pathline/ode/explicit/tableaux.hpp>
#include <pathline/ode/statistics.hpp>

#include <support/catch.hpp>
#include <support/ode_problems.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

namespace pathline {
namespace {

using State = Eigen::Vector2d;

struct Indifferent : NoObserver {
  static constexpr bool reads_last_stage = false;
};

/// Everything that one call of integrate() gives.
struct Run {
  State y;
  Statistics statistics;
  Journal journal;
};

template <class Method, class Control, class Rhs>
Run run(const Method& method, const Control& control, Rhs&& rhs, State y, const std::vector<double>& times) {
  Run result{.y = y, .statistics = {}, .journal = {}};
  Stepper<Method, State> stepper;
  result.statistics = integrate(method, control, rhs, result.y, times, stepper, result.journal);
  return result;
}

Eigen::Index count(const std::string& events, char event) { return std::count(events.begin(), events.end(), event); }

}  // namespace

TEST_CASE("Adaptive Dopri5 makes 2 + 6 (accepted + rejected) evaluations", "[ode][integrate]") {
  const double t1 = GENERATE(values({2., -2.}));
  Counted<Decay> rhs{.rhs = {t1 > 0 ? -50. : 50.}};
  // Steps stay at the edge of stability, where one is refused now and then.
  const Run r = run(Dopri5{}, IController{}, rhs, State(1, 2), {0, t1});
  CHECK(r.statistics.rejected > 0);  // else half of this test is idle
  CHECK(r.statistics.evaluations == 2 + 6 * (r.statistics.accepted + r.statistics.rejected));
  CHECK(r.statistics.evaluations == Index(rhs.times.size()));
  CHECK(count(r.journal.events, 'a') == r.statistics.accepted);
  CHECK(count(r.journal.events, 'd') == r.statistics.rejected + 1);  // and the probe
  CHECK(r.y.norm() < 1e-4);                                          // a hundred times the local tolerance
}

TEST_CASE("A method without a carried stage evaluates K_1 once per accepted step", "[ode][integrate]") {
  Counted<CoupledProblem> rhs;
  const Run r = run(Rk4{}, FixedSteps(10), rhs, State(2, 1.5), {0, 1, 2});
  CHECK(r.statistics == Statistics{.accepted = 20, .evaluations = 80});
  CHECK(r.journal.events.substr(0, 5) == "okaka");

  Counted<CoupledProblem> again;
  const Run adaptive =
      run(HeunEuler{}, IController{.rtol = 1e-3, .atol = 1e-3}, again, CoupledProblem::exact(0), {0, 2});
  const auto [accepted, rejected, evaluations, newton] = adaptive.statistics;
  CHECK(rejected > 0);  // a rejected step keeps its K_1
  CHECK(evaluations == 1 + 2 * accepted + rejected);
}

TEST_CASE("Fixed steps evaluate the very last stage only for an observer that reads it", "[ode][integrate]") {
  const std::vector<double> times{0, 0, 1, 1, 2, 2};
  Counted<CoupledProblem> rhs;
  const Run watched = run(Dopri5{}, FixedSteps(5), rhs, State(2, 1.5), times);
  CHECK(watched.statistics == Statistics{.accepted = 10, .evaluations = 61});
  CHECK(watched.journal.events == "ookaaaaaooaaaaaoo");

  State y(2, 1.5), z(2, 1.5);
  Stepper<Dopri5, State> stepper;
  CHECK(integrate(Dopri5{}, FixedSteps(5), rhs, y, times, stepper) == Statistics{.accepted = 10, .evaluations = 60});
  CHECK(integrate(Dopri5{}, FixedSteps(5), rhs, z, times, stepper, Indifferent{}).evaluations == 60);
  CHECK(rhs.times.size() == 61 + 60 + 60);
  CHECK((y == watched.y && z == watched.y));
}

TEST_CASE("Fixed steps start at t0 + (t1 - t0) i / n and do not accumulate", "[ode][integrate]") {
  const auto [t0, t1] = GENERATE(table<double, double>({{0.1, 0.7}, {0.7, -0.2}}));
  const Run r = run(Euler{}, FixedSteps(1000), Decay{}, State(1, 1), {t0, t1});
  REQUIRE(r.journal.t.size() == 1000);
  for (std::size_t i = 0; i < 1000; ++i) REQUIRE(r.journal.t[i] == t0 + (t1 - t0) * double(i) / 1000);
}

TEST_CASE("The observer hears first stage, probe, trials and outputs in this order", "[ode][integrate]") {
  CHECK(run(Dopri5{}, PiController{.initial_step = 10}, Decay{0}, State(1, 1), {0, 1}).journal.events == "okao");
  const std::string probed = run(Dopri5{}, PiController{}, Decay{}, State(1, 1), {0, 1e-3}).journal.events;
  CHECK(probed.substr(0, 4) == "okda");
  const std::string rejected =
      run(Dopri5{}, PiController{.initial_step = 1}, Decay{-20}, State(1, 1), {0, 1}).journal.events;
  CHECK(rejected.substr(0, 3) == "okd");
}

// The observer's promise that gradients rest on: replaying the accepted evaluations alone gives the same solution.
TEST_CASE("Between two events lie exactly the evaluations that the event claims", "[ode][integrate]") {
  struct Ledger : NoObserver {
    Counted<CoupledProblem>& rhs;
    Index live = 0, seen = 0, steps = 0;
    bool right = true;
    explicit Ledger(Counted<CoupledProblem>& counted) : rhs(counted) {}
    Index fresh() {
      const Index n = Index(rhs.times.size()) - seen;
      seen += n;
      return n;
    }
    void keep_first_stage() { right = right && fresh() == 1; }
    void discard() {
      const Index n = fresh();
      right = right && (n == 1 || n == 3);  // the probe, or a trial of Bogacki–Shampine
    }
    void accept(double t, double h, const Stepper<BogackiShampine, State>& stepper) {
      right = right && fresh() == 3 && stepper.stages_evaluated() == 4 && stepper.h() == h;
      State first;
      rhs.rhs(t, stepper.y(), first);
      right = right && stepper.stage(0) == first;  // y and K_1 are those of the step that is being accepted
      ++steps;
    }
  };
  Counted<CoupledProblem> rhs;
  Ledger ledger(rhs);
  State y = CoupledProblem::exact(0);
  const double times[] = {0, 1, 2};
  Stepper<BogackiShampine, State> stepper;
  const Statistics statistics = integrate(BogackiShampine{}, IController{}, rhs, y, times, stepper, ledger);
  CHECK(statistics.rejected > 0);
  CHECK(ledger.right);
  CHECK(ledger.steps == statistics.accepted);
}

TEST_CASE("Steps land on every requested time, to the bit, and outputs come once each in order", "[ode][integrate]") {
  std::vector<double> times{0, 0, 0.1, 0.1 + 1e-15, 1. / 3, 1. / 3, 0.7, 2, 2};
  const bool backward = GENERATE(false, true);
  if (backward) std::reverse(times.begin(), times.end());
  const Run r = run(Tsit5{}, PiController{}, CoupledProblem{}, CoupledProblem::exact(times[0]), times);
  REQUIRE(r.journal.outputs.size() == times.size());
  for (std::size_t i = 0; i < times.size(); ++i) CHECK(r.journal.outputs[i] == Index(i));
  for (const double time : times)
    if (time != times.back()) CHECK(std::count(r.journal.t.begin(), r.journal.t.end(), time) == 1);
  CHECK((r.y - CoupledProblem::exact(times.back())).norm() < 1e-4);
}

TEST_CASE("Equal times evaluate nothing and leave y alone", "[ode][integrate]") {
  Counted<CoupledProblem> rhs;
  const Run r = run(Dopri5{}, PiController{}, rhs, State(3, 4), {1, 1, 1});
  CHECK(r.y == State(3, 4));
  CHECK(rhs.times.empty());
  CHECK(r.statistics == Statistics{});
  CHECK(r.journal.events == "ooo");
}

// Without the rule, the last short piece becomes the next step, which then grows back tenfold by tenfold.
TEST_CASE("Outputs that cut steps short do not shorten the steps after them", "[ode][integrate]") {
  const IController control{.rtol = 1e-9, .atol = 1e-9};
  const Run free = run(Dopri5{}, control, CoupledProblem{}, CoupledProblem::exact(0), {0, 2});
  const double t = free.journal.t[20] + 0.3 * free.journal.h[20], piece = 1e-8;
  const Run cut =
      run(Dopri5{}, control, CoupledProblem{}, CoupledProblem::exact(0), {0, t, t + piece, t + 2 * piece, 2});
  const auto steps = [](const Run& r) { return r.statistics.accepted + r.statistics.rejected; };
  CHECK(steps(cut) <= steps(free) + 4);  // the three stops and one to spare; without the rule nine
}

TEST_CASE("A step that reaches the stop ends there, where t + h would not", "[ode][integrate]") {
  REQUIRE(0.7 + (0.1 - 0.7) != 0.1);
  CHECK(run(Dopri5{}, PiController{.initial_step = 1}, Decay{0}, State(1, 1), {0.7, 0.1}).statistics.accepted == 1);
}

/// With a factor of its own, which a solve calls: the formula to rounding.
template <class Control>
struct ByFormula : Control {
  [[nodiscard]] double factor(double error, double previous, int q) const {
    return Control::factor(error, previous, q);
  }
};

// The step sequence rebuilt from the errors by hand: the factor of the control, no growth right after a rejection,
// min_factor after a NaN, E_{n-1} that of the last accepted step, 1 before the first. A first step whose error is
// suspiciously small is tried again at 0.6 of its length, once.
TEMPLATE_TEST_CASE("Every step is the one before times the factor of its error", "[ode][integrate]", IController,
                   PiController, ByFormula<PiController>) {
  constexpr double accuracy = detail::LogarithmicControl<TestType> ? 1e-7 : 1e-12;  // step_control.hpp
  struct Trials : NoObserver {  // reads each trial, refused ones too, off the stepper
    const TestType& control;
    const Stepper<Dopri5, State>& stepper;
    double expected = 0, previous = 1;
    bool retry = false, accepted = false, right = true;
    Index trials = 0, second_looks = 0;
    Trials(const TestType& c, const Stepper<Dopri5, State>& s) : control(c), stepper(s) {}
    [[nodiscard]] double error() const {
      return error_norm(stepper.error(), stepper.y(), stepper.y_next(), control.rtol, control.atol);
    }
    void judge() {
      if (trials++ > 0) right = right && std::abs(stepper.h() / expected - 1) < accuracy;
    }
    void discard() {
      judge();
      const double E = error();
      const bool second_look = E <= 1;
      second_looks += second_look;
      right = right && !(second_look && accepted);
      expected = stepper.h() * (second_look        ? 0.6
                                : std::isfinite(E) ? std::min(control.factor(E, previous, 5), 1.)
                                                   : control.min_factor);
      retry = true;
    }
    void accept(double, double h, const Stepper<Dopri5, State>&) {
      judge();
      const double factor = control.factor(error(), previous, 5);
      expected = h * (retry ? std::min(factor, 1.) : factor);
      previous = error();
      retry = false;
      accepted = true;
    }
  };
  auto rhs = [](double t, const State& y, State& dy) {
    CoupledProblem{}(t, y, dy);
    if (y(0) > 2.8) dy *= std::log(3.1 - y(0)) / std::log(0.3);  // a NaN for a bold trial
  };
  TestType control;
  control.initial_step = 2;
  State y = CoupledProblem::exact(0);
  const double times[] = {0, 1e3};
  Stepper<Dopri5, State> stepper;
  Trials trials(control, stepper);
  TestType limited = control;
  limited.max_steps = 60;
  CHECK_THROWS_AS(integrate(Dopri5{}, limited, rhs, y, times, stepper, trials), StepLimitError);
  CHECK(trials.right);
  CHECK(trials.second_looks == 1);
  CHECK(trials.trials == 60);
}

TEST_CASE("No step is a sliver: the last but one takes up to one percent more", "[ode][integrate]") {
  const Run r = run(Dopri5{}, IController{.max_factor = 1, .initial_step = 0.5}, Decay{0}, State(1, 1), {0, 1.004});
  CHECK(r.statistics.accepted == 2);
  CHECK(r.journal.h[1] == 1.004 - 0.5);
}

TEST_CASE("The right-hand side is never asked outside of the interval", "[ode][integrate]") {
  const auto [t0, t1] = GENERATE(table<double, double>({{0.1, 0.3}, {0.3, 0.1}, {1e6, 1e6 + 0.3}}));
  Counted<Decay> adaptive{.rhs = {-50}}, fixed{.rhs = {-50}};
  run(Dopri5{}, PiController{}, adaptive, State(1, 1), {t0, t1});
  run(Rk4{}, FixedSteps(7), fixed, State(1, 1), {t0, t1});
  for (const auto& times : {adaptive.times, fixed.times})
    for (const double t : times) REQUIRE((t >= std::min(t0, t1) && t <= std::max(t0, t1)));
}

TEST_CASE("Equal solves are equal to the bit, also with a used stepper of another shape", "[ode][integrate]") {
  Stepper<Dopri5, Batch<double>> stepper;
  const double times[] = {0, 1};
  Decay rhs;
  Batch<double> first = Batch<double>::Ones(2, 3), other = Batch<double>::Ones(4, 1), second = first;
  const Statistics a = integrate(Dopri5{}, PiController{}, rhs, first, times, stepper);
  integrate(Dopri5{}, PiController{}, rhs, other, times, stepper);
  const Statistics b = integrate(Dopri5{}, PiController{}, rhs, second, times, stepper);
  CHECK(first == second);
  CHECK(a == b);
}

TEST_CASE("Both forms of a right-hand side give the same bits", "[ode][integrate]") {
  const auto writing = [](double t, const State& y, State& dy) { dy = -t * y; };
  const auto returning = [](double t, const State& y) -> State { return -t * y; };
  CHECK(run(Tsit5{}, PiController{}, writing, State(1, 2), {0, 3}).y ==
        run(Tsit5{}, PiController{}, returning, State(1, 2), {0, 3}).y);
}

// bayesflow #617: trace rows in the norm. Ours: rows beyond error_rows() change neither a step nor a bit of the rest.
TEST_CASE("A wild row outside of error_rows does not move a single step", "[ode][integrate]") {
  struct WithRow {
    double wildness;
    [[nodiscard]] Index error_rows() const { return 2; }
    void operator()(double t, const Eigen::Vector3d& y, Eigen::Vector3d& dy) const {
      State top;
      CoupledProblem{}(t, y.head<2>(), top);
      dy << top, wildness * std::sin(wildness * t);
    }
  };
  const auto solve_with = [](double wildness) {
    WithRow rhs{wildness};
    Eigen::Vector3d y;
    y << CoupledProblem::exact(0), 1e3 * wildness;
    const double times[] = {0, 1.5};
    Stepper<Dopri5, Eigen::Vector3d> stepper;
    Journal journal;
    integrate(Dopri5{}, PiController{}, rhs, y, times, stepper, journal);
    return std::pair{y, journal};
  };
  const auto [tame, tame_journal] = solve_with(0);
  const auto [wild, wild_journal] = solve_with(1e6);
  CHECK(tame_journal.h == wild_journal.h);
  CHECK(tame.head<2>() == wild.head<2>());
}

// diffrax #632, #657, #703; odeint #41: absolute tolerances on t, or an end test without sign, loop for ever or stop.
TEST_CASE("Tiny, huge and far away intervals end where they should", "[ode][integrate]") {
  const auto [t0, t1] = GENERATE(table<double, double>({{0, 1e-300},
                                                        {0, -1e-300},
                                                        {0, 5e-324},
                                                        {1e6, std::nextafter(1e6, 2e6)},
                                                        {1e6, 1e6 + 1e-9},
                                                        {1e15, 1e15 + 2},
                                                        {-1e-3, 1e-18},
                                                        {0, 1e300},
                                                        {-1e300, 0}}));
  const auto rhs = [scale = 1 / (t1 - t0), &t0 = t0, &t1 = t1](double t, const State&, State& dy) {
    REQUIRE((t >= std::min(t0, t1) && t <= std::max(t0, t1)));
    dy.setConstant(std::isfinite(scale) ? scale : 0);
  };
  const Run r = run(Dopri5{}, PiController{}, rhs, State(0, 0), {t0, t1});
  if (std::abs(t1 - t0) > 1e-307) CHECK(r.y(0) == Approx(1).epsilon(1e-9));
  CHECK(r.statistics.accepted < 1000);
  CHECK_NOTHROW(run(Rk4{}, FixedSteps(10), rhs, State(0, 0), {t0, t1}));
}

// zuko: the first step tried is the whole interval, and all its stages fall on zeros of the sine.
TEST_CASE("Periodic forcing from rest is not skipped by the first step", "[ode][integrate]") {
  const int k = GENERATE(1, 2, 5, 10, 40);
  const double omega = 2 * std::numbers::pi * k;
  const auto rhs = [omega](double t, const State&, State& dy) { dy.setConstant(std::sin(omega * t)); };
  double worst = 0;
  struct Peak : NoObserver {
    double& worst;
    double omega;
    Peak(double& w, double o) : worst(w), omega(o) {}
    void accept(double t, double h, const Stepper<Dopri5, State>& stepper) {
      worst = std::max(worst, std::abs(stepper.y_next()(0) - (1 - std::cos(omega * (t + h))) / omega));
    }
  } peak(worst, omega);
  State y(0, 0);
  const double times[] = {0, 1};
  Stepper<Dopri5, State> stepper;
  const Statistics statistics = integrate(Dopri5{}, PiController{}, rhs, y, times, stepper, peak);
  CHECK(worst < 1e-4);
  CHECK(statistics.accepted > 4 * k);
}

TEST_CASE("A start at rest, f(y0) = 0, gives a finite first step", "[ode][integrate]") {  // torchdiffeq #38
  const Run rest = run(Dopri5{}, PiController{}, Decay{}, State(0, 0), {0, 1e6});
  CHECK(rest.y == State(0, 0));
  CHECK(rest.statistics.accepted < 50);
  CHECK(run(Dopri5{}, PiController{.atol = 0}, Decay{}, State(0, 0), {0, 1}).y == State(0, 0));
  const auto later = [](double t, const State&, State& dy) { dy.setConstant(t * t); };
  CHECK(run(Dopri5{}, PiController{}, later, State(0, 0), {0, 3}).y(0) == Approx(9));
}

// H = x - log x + y - log y is constant along Lotka–Volterra orbits.
TEST_CASE("Lotka–Volterra keeps its invariant to the tolerance", "[ode][integrate]") {
  const auto rhs = [](double, const State& y, State& dy) { dy << y(0) * (1 - y(1)), y(1) * (y(0) - 1); };
  const auto invariant = [](const State& y) { return y.sum() - y.array().log().sum(); };
  const State y0(3, 1);
  const Run r = run(Tsit5{}, PiController{.rtol = 1e-10, .atol = 1e-10}, rhs, y0, {0, 30});
  CHECK(invariant(r.y) == Approx(invariant(y0)).epsilon(1e-7));
}

// Local errors below tol add up over the interval with a factor that the problem fixes: measured 30 here.
TEMPLATE_TEST_CASE("The global error follows the tolerance", "[ode][integrate]", BogackiShampine, Dopri5, Tsit5) {
  for (const double tolerance : {1e-4, 1e-6, 1e-8}) {
    const double error = (run(TestType{}, PiController{.rtol = tolerance, .atol = tolerance}, CoupledProblem{},
                              CoupledProblem::exact(0), {0, 2})
                              .y -
                          CoupledProblem::exact(2))
                             .norm();
    INFO("tolerance " << tolerance);
    CHECK(error < 200 * tolerance);
  }
}

namespace {

/// Ends a solve with its n-th step.
struct StopAfter : Journal {
  int steps;
  double t_last = 0;
  explicit StopAfter(int n) : steps(n) {}
  template <class Rhs, class Stepper>
  bool stop(Rhs& rhs, double t_end, Stepper& stepper) {
    stepper.prepare(rhs, t_end);
    t_last = t_end;
    return --steps == 0;
  }
};

}  // namespace

TEMPLATE_TEST_CASE("An observer ends a solve after a step, with the outputs there and no later ones", "[ode][observer]",
                   Rk4, Dopri5) {
  const double times[] = {0, 1, 1, 2, 3};
  Decay rhs;
  State y(1, 2);
  Stepper<TestType, State> stepper;
  StopAfter within(7), at_output(8), never(100);
  const Statistics early = integrate(TestType{}, FixedSteps(4), rhs, y, times, stepper, within);
  CHECK(within.t_last == 1.75);
  CHECK(early.accepted == 7);
  CHECK(y(0) == Approx(std::exp(-1.75)).epsilon(1e-4));
  CHECK(within.outputs == std::vector<Index>{0, 1, 2});
  y = State(1, 2);
  integrate(TestType{}, FixedSteps(4), rhs, y, times, stepper, at_output);
  CHECK(at_output.outputs == std::vector<Index>{0, 1, 2, 3});
  CHECK(at_output.t_last == 2);
  y = State(1, 2);
  // What stop() prepares is the next step's first stage; at the end nobody needs it.
  State z = y;
  const Index prepared = integrate(TestType{}, FixedSteps(4), rhs, y, times, stepper, never).evaluations;
  const Index plain = integrate(TestType{}, FixedSteps(4), rhs, z, times, stepper).evaluations;
  CHECK(prepared == plain + 1);
  CHECK(never.t_last == 3);
  CHECK(y == z);
}

TEST_CASE("An observer ends an adaptive solve too", "[ode][observer]") {
  const double times[] = {0, 10};
  Decay rhs;
  State y(1, 2);
  Stepper<Tsit5, State> stepper;
  StopAfter third(3);
  CHECK(integrate(Tsit5{}, PiController{}, rhs, y, times, stepper, third).accepted == 3);
  CHECK(y(0) == Approx(std::exp(-third.t_last)).epsilon(1e-5));
  CHECK(third.outputs == std::vector<Index>{0});
}

}  // namespace pathline
