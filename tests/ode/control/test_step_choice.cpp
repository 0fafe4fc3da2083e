#include <pathline/ode/control/error_control.hpp>
#include <pathline/ode/control/step_choice.hpp>

#include <support/catch.hpp>

#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace pathline::detail {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Of a step beside which every estimate is large.
StepSizes believed() { return {.line = 0, .bend = 0, .epsilon = 1e-16}; }

template <class Control>
StepChoice started_with(const Control& control, double length, double direction = 1) {
  StepChoice choice;
  REQUIRE_FALSE(choice.started());
  choice.start(control, {length, 0}, direction);
  return choice;
}

}  // namespace

TEST_CASE("A step whose estimate is rounding grows as far as the first step foresaw", "[ode][control]") {
  const IController control;
  StepChoice choice;
  choice.start(control, {1e-6, 1e-3}, 1);
  const auto line = [] { return StepSizes{.line = 1e3, .bend = 1, .epsilon = 1e-16}; };
  double t = 0, longest_growth = 0, planned = choice.planned();
  for (int i = 0; i < 12; ++i) {
    const Trial trial = choice.next(control, t, 1e6);
    REQUIRE(choice.judge(control, t, trial, 0, 5, line) == Verdict::accepted);
    t = trial.t_next;
    if (trial.length >= 1e-3) longest_growth = std::max(longest_growth, choice.planned() / trial.length);
    if (i < 3) CHECK(choice.planned() > 5 * planned);
    planned = choice.planned();
  }
  CHECK(longest_growth == Approx(1.5));
}

TEST_CASE("A step lands on the stop where it comes within 1 % of it, and is cut there", "[ode][control]") {
  const IController control;
  StepChoice choice = started_with(control, 0.1);
  CHECK(choice.next(control, 1, 2).t_next == 1.1);
  CHECK(choice.next(control, 1.9005, 2).t_next == 2);
  CHECK(choice.next(control, 1.95, 2).length == Approx(0.05));
  const Trial longer = choice.next(control, 1.8995, 2);
  CHECK(longer.t_next == 2);
  CHECK(longer.length > 0.1);
}

TEST_CASE("Steps go backward where the solve does", "[ode][control]") {
  StepChoice choice = started_with(IController{}, 0.1, -1);
  CHECK(choice.next(IController{}, 1, 0).t_next == Approx(0.9));
  CHECK(choice.next(IController{}, 0.05, 0).t_next == 0);
}

TEST_CASE("A step cut short leaves the planned one in place", "[ode][control]") {
  const IController control;
  StepChoice choice = started_with(control, 0.1);
  const Trial sliver = choice.next(control, 0.99, 1);
  CHECK(choice.judge(control, 0.99, sliver, 0.5, 5, believed) == Verdict::accepted);
  CHECK(choice.planned() == 0.1);
}

TEST_CASE("A refused step shrinks, one after it does not grow", "[ode][control]") {
  const IController control;
  StepChoice choice = started_with(control, 0.1);
  Trial trial = choice.next(control, 0, 1);
  CHECK(choice.judge(control, 0, trial, std::nan(""), 5, believed) == Verdict::rejected);
  CHECK(choice.planned() == Approx(0.1 * control.min_factor));
  trial = choice.next(control, 0, 1);
  CHECK(choice.judge(control, 0, trial, 1e-9, 5, believed) == Verdict::accepted);
  CHECK(choice.planned() == trial.length);
  trial = choice.next(control, trial.t_next, 1);
  CHECK(choice.judge(control, trial.t_next, trial, 1e-9, 5, believed) == Verdict::accepted);
  CHECK(choice.planned() == Approx(10 * trial.length));
}

TEST_CASE("In the dead zone of a controller the step stays, to the bit", "[ode][control]") {
  const auto planned_after = [](double error, double dead_zone) {
    const IController control{.dead_zone = dead_zone};
    StepChoice choice = started_with(control, 0.1);
    const Trial trial = choice.next(control, 0, 1);
    CHECK(choice.judge(control, 0, trial, error, 5, believed) == Verdict::accepted);
    return choice.planned();
  };
  // factor = 0.9 · E^(-1/5): 0.9 at E = 1, 1.19 at E = 0.25, 1.24 at E = 0.2.
  CHECK(planned_after(1, 1.2) == 0.1);
  CHECK(planned_after(0.25, 1.2) == 0.1);
  CHECK(planned_after(0.2, 1.2) == Approx(0.1 * 0.9 * std::pow(0.2, -0.2)));
  CHECK(planned_after(1, 1.1) == Approx(0.09));  // 0.9 · 1.1 < 1
  CHECK(planned_after(1, 1) == Approx(0.09));
}

TEST_CASE("Steps that are refused for ever underflow in bounded time", "[ode][control]") {
  const IController control;
  StepChoice choice = started_with(control, 0.1);
  int trials = 0;
  while (choice.judge(control, 0, choice.next(control, 0, 1), infinity, 5, believed) == Verdict::rejected) ++trials;
  CHECK(trials < 25);
}

// diffrax #703: below the smallest step there is none. 5e-324 · min_factor is 0, and so is the smallest step there.
TEST_CASE("A step that shrinks to nothing, or does not shrink, is not tried for ever", "[ode][control]") {
  const IController control;
  StepChoice nothing = started_with(control, 5e-324);
  CHECK(nothing.judge(control, 0, nothing.next(control, 0, 5e-324), infinity, 5, believed) == Verdict::underflow);
  struct Stubborn : IController {
    [[nodiscard]] double factor(double, double, int) const { return 1; }
  } stubborn;
  StepChoice least = started_with(stubborn, 1e-300);
  CHECK(least.judge(stubborn, 1, least.next(stubborn, 1, 2), 1.5, 5, believed) == Verdict::underflow);
}

TEST_CASE("A controller reads the errors of the last accepted steps until they are forgotten", "[ode][control]") {
  const PiController control;
  const auto proposal_after = [&](bool forget) {
    StepChoice choice = started_with(control, 0.1);
    Trial trial = choice.next(control, 0, 10);
    (void)choice.judge(control, 0, trial, 1e-3, 5, believed);
    if (forget) choice.forget_errors<PiController>();
    trial = choice.next(control, trial.t_next, 10);
    (void)choice.judge(control, trial.t_next, trial, 0.5, 5, believed);
    return choice.planned() / trial.length;
  };
  CHECK(proposal_after(false) == Approx(control.factor(0.5, 1e-3, 5)));
  CHECK(proposal_after(true) == Approx(control.factor(0.5, 1, 5)));
}

// y' = 4 |1/2 - (t - 1/4) mod 1| - 1 at 1e-8: on a straight piece the estimate is 0, the step grew tenfold and jumped
// over whole periods; Rosenbrock23 found 2.28 where the integral is 0.155983.
TEST_CASE("A step whose estimate is rounding grows by half, and the next one has to prove itself", "[ode][control]") {
  const IController control;
  StepChoice choice = started_with(control, 0.1);
  const auto straight = [] { return StepSizes{.line = 4e5, .bend = 1e5, .epsilon = 1e-16}; };  // rounding: 5e-10
  const auto judged = [&](double error, const auto& sizes) {
    const Trial trial = choice.next(control, 0, 100);
    const Verdict verdict = choice.judge(control, 0, trial, error, 5, sizes);
    return std::pair(verdict, choice.planned() / trial.length);
  };
  CHECK(judged(0.9, believed).first == Verdict::accepted);  // a first step is looked at in another way
  for (const double nothing : {1e-10, 0.}) {
    const auto [verdict, growth] = judged(nothing, straight);
    CHECK(verdict == Verdict::accepted);
    CHECK(growth == Approx(1.5).epsilon(4e-16));  // a product and its quotient are rounded
  }
  // 3^-5 is 0.0041: an error of 0.01 is refused as one of 0.01 · 3^5 = 2.43 would be; thereafter no step grows at once.
  const auto [verdict, shrunk] = judged(0.01, straight);
  CHECK(verdict == Verdict::rejected);
  CHECK(shrunk == Approx(control.factor(2.43, 1, 5)));
  CHECK(judged(0.004, straight) == std::pair(Verdict::accepted, 1.));
  // An error that is more than rounding is believed again.
  CHECK(judged(0.9, straight).first == Verdict::accepted);
  CHECK(judged(1e-9, straight).second == Approx(10));
  // A custom controller is held as the others are.
  struct Tenfold : IController {
    [[nodiscard]] double factor(double, double, int) const { return 10; }
  } tenfold;
  StepChoice custom = started_with(tenfold, 0.1);
  CHECK(custom.judge(tenfold, 0, custom.next(tenfold, 0, 100), 0.9, 5, believed) == Verdict::accepted);
  CHECK(custom.planned() == Approx(1));
  CHECK(custom.judge(tenfold, 0, custom.next(tenfold, 0, 100), 1e-10, 5, straight) == Verdict::accepted);
  CHECK(custom.planned() == Approx(1.5));
  // Where t / h is large t itself is rounded: 10 · 2.2e-16 · 1e5 · 5e5.
  StepChoice late = started_with(control, 0.1);
  (void)late.judge(control, 1e4, late.next(control, 1e4, 1e5), 0.59, 5, believed);  // 0.9 · 0.59^(-1/5) is 1
  CHECK(late.judge(control, 1e4, late.next(control, 1e4, 1e5), 1e-5, 5, straight) == Verdict::accepted);
  CHECK(late.planned() == Approx(0.15).epsilon(0.01));
}

// With 300 outputs landed on, Dopri5 at 1e-10 took up to 85 % more evaluations: the step after each output was refused.
TEST_CASE("A step cut short tells nothing of the step planned, which need not prove itself", "[ode][control]") {
  const IController control;
  const auto straight = [] { return StepSizes{.line = 4e5, .bend = 1e5, .epsilon = 1e-16}; };
  StepChoice choice = started_with(control, 0.1);
  (void)choice.judge(control, 0, choice.next(control, 0, 9), 0.59, 5, believed);  // 0.9 · 0.59^(-1/5) is 1
  const double planned = choice.planned();
  CHECK(choice.judge(control, 0.1, choice.next(control, 0.1, 0.101), 1e-11, 5, straight) == Verdict::accepted);
  CHECK(choice.planned() == planned);
  CHECK(choice.judge(control, 0.101, choice.next(control, 0.101, 9), 0.59, 5, straight) == Verdict::accepted);
  // Nor does it prove what the step before it left to be proved.
  (void)choice.judge(control, 1, choice.next(control, 1, 9), 1e-11, 5, straight);
  (void)choice.judge(control, 2, choice.next(control, 2, 2.001), 1e-11, 5, straight);
  CHECK(choice.judge(control, 2.001, choice.next(control, 2.001, 9), 0.01, 5, straight) == Verdict::rejected);
}

TEST_CASE("Where no shorter step may be tried, one within the tolerance need prove no more", "[ode][control]") {
  const auto straight = [] { return StepSizes{.line = 1e5, .bend = 0, .epsilon = 1e-16}; };
  const auto last = [&](double error) {
    const IController control{.initial_step = 0.1, .min_step = 0.1};
    StepChoice choice = started_with(control, 0.05);
    CHECK(choice.judge(control, 0, {0.1, 0.1}, 0, 5, straight) == Verdict::accepted);
    return choice.judge(control, 0.1, {0.1, 0.2}, error, 5, straight);
  };
  CHECK(last(0.5) == Verdict::accepted);
  CHECK(last(1.5) == Verdict::underflow);
  // The same of what the stages foretell wrong for the start: Sdirk4 with a min_step stopped at kinks of no account.
  const auto kinked = [](double misfit) {
    const IController control{.initial_step = 0.1, .min_step = 0.1};
    StepChoice choice = started_with(control, 0.1);
    const auto sizes = [=] { return StepSizes{.line = 10, .bend = 0, .epsilon = 1e-16, .start_misfit = misfit}; };
    CHECK(choice.judge(control, 0, {0.1, 0.1}, 0, 4, [] { return StepSizes{1e5, 0, 1e-16}; }) == Verdict::accepted);
    return choice.judge(control, 0.1, {0.1, 0.2}, 0, 4, sizes);
  };
  CHECK(kinked(0.5) == Verdict::accepted);
  CHECK(kinked(1.5) == Verdict::underflow);
}

// Else solves in float, whose estimates are rounding sooner, took a fifth more evaluations over short spans.
TEST_CASE("A first step that initial_step chose, by how the slope turns, may grow by the full factor",
          "[ode][control]") {
  const auto growth = [](const IController& control, double line) {
    StepChoice choice = started_with(control, 0.1);
    const auto sizes = [=] { return StepSizes{.line = line, .bend = 0, .epsilon = 1e-7}; };
    (void)choice.judge(control, 0, choice.next(control, 0, 9), 0, 5, sizes);
    return choice.planned() / 0.1;
  };
  CHECK(growth(IController{}, 1e5) == Approx(10));
  CHECK(growth(IController{}, 0) == Approx(1.5));  // nothing moves: the interval has chosen it
  CHECK(growth(IController{.initial_step = 0.1}, 1e5) == Approx(1.5));
}

TEST_CASE("Where rounding is as large as the tolerance no step has to prove itself", "[ode][control]") {
  const IController control;
  StepChoice choice = started_with(control, 0.1);
  const auto in_float = [] { return StepSizes{.line = 1e5, .bend = 0, .epsilon = 1e-7}; };
  CHECK(choice.judge(control, 0, choice.next(control, 0, 9), 1e-3, 5, in_float) == Verdict::accepted);
  CHECK(choice.judge(control, 0, choice.next(control, 0, 9), 0.99, 5, in_float) == Verdict::accepted);
}

// y' = -1e9 y by BogackiShampine: the first step was 1e-9, where the estimate vanishes and y_next is 1/3, not exp(-1).
TEST_CASE("A first error that vanishes is looked at again by a shorter step, once", "[ode][control]") {
  const IController control;
  const auto turning = [] { return StepSizes{.line = 5e5, .bend = 2e5, .epsilon = 1e-16}; };
  StepChoice choice = started_with(control, 0.1);
  CHECK(choice.judge(control, 0, choice.next(control, 0, 9), 0, 3, turning) == Verdict::rejected);
  CHECK(choice.planned() == Approx(0.06));
  // It vanishes there too, as on a polynomial: believed, but no step grows right after one that was refused.
  CHECK(choice.judge(control, 0, choice.next(control, 0, 9), 0, 3, turning) == Verdict::accepted);
  CHECK(choice.planned() == Approx(0.06));
  CHECK(choice.judge(control, 0, choice.next(control, 0, 9), 0, 3, turning) == Verdict::accepted);
  CHECK(choice.planned() == Approx(0.09));
  choice.forget_errors<IController>();  // a jump: the next step is a first one
  CHECK(choice.judge(control, 0, choice.next(control, 0, 9), 0, 3, turning) == Verdict::rejected);

  // Nothing is amiss where the slope turns by less than the tolerance, or the estimate sees how much it turns.
  const auto gentle = [] { return StepSizes{.line = 5e5, .bend = 1, .epsilon = 1e-16}; };
  StepChoice other = started_with(control, 0.1);
  CHECK(other.judge(control, 0, other.next(control, 0, 9), 0, 3, gentle) == Verdict::accepted);
  StepChoice seen = started_with(control, 0.1);
  const auto small = [] { return StepSizes{.line = 50, .bend = 10, .epsilon = 1e-16}; };  // 10 · 0.4 beside 5^3 · 0.5
  CHECK(seen.judge(control, 0, seen.next(control, 0, 9), 0.5, 3, small) == Verdict::accepted);
  // min_step forbids a shorter one.
  const IController shortest{.min_step = 0.1};
  StepChoice bound = started_with(shortest, 0.1);
  CHECK(bound.judge(shortest, 0, bound.next(shortest, 0, 9), 0, 3, turning) == Verdict::accepted);
}

// y' = -y by BogackiShampine with initial_step = 1 and an output at 0.001: 0.1226 at t = 2, and not exp(-2).
TEST_CASE("A first step that was cut short leaves the planned one to be looked at", "[ode][control]") {
  const IController control;
  const auto turning = [] { return StepSizes{.line = 5e5, .bend = 2e5, .epsilon = 1e-16}; };
  StepChoice choice = started_with(control, 0.1);
  CHECK(choice.judge(control, 0, choice.next(control, 0, 0.001), 0.1, 3, believed) == Verdict::accepted);
  CHECK(choice.judge(control, 0.001, choice.next(control, 0.001, 9), 0, 3, turning) == Verdict::rejected);
  CHECK(choice.planned() == Approx(0.06));
}

// Sdirk4 evaluates nothing in the first quarter of a step: a kink there left its estimate at 0.
TEST_CASE("What the stages foretell wrong for the start is an error where the estimate is rounding", "[ode][control]") {
  const IController control;
  const auto missed = [](double misfit) {
    return [=] { return StepSizes{.line = 1e5, .bend = 1e4, .epsilon = 1e-16, .start_misfit = misfit}; };
  };
  const auto verdict = [&](double error, double misfit) {
    StepChoice choice = started_with(control, 0.1);
    choice.forget_errors<IController>();
    (void)choice.judge(control, 0, choice.next(control, 0, 9), 0.9, 4, missed(0));
    return choice.judge(control, 0, choice.next(control, 0, 9), error, 4, missed(misfit));
  };
  CHECK(verdict(0, 2e4) == Verdict::rejected);
  CHECK(verdict(0, 500) == Verdict::accepted);  // below a hundredth of the step: its curvature
  CHECK(verdict(0.5, 2e4) == Verdict::accepted);
}

// Where no limit is near, at the limits, after a rejection, and with limits that close the short way.
TEST_CASE("Steps change by the controller's factor, within 1e-7", "[ode][control]") {
  const int order = GENERATE(2, 5, 8);
  const auto check = [order](const auto& control) {
    for (const double first : {1e-3, 0.08, 0.7})
      for (const double second : {1e-9, 1e-4, 0.02, 0.3, 0.6, 0.99, 1.3, 40., 1e9}) {
        StepChoice choice = started_with(control, 0.1);
        Trial trial = choice.next(control, 0, 1e9);
        REQUIRE(choice.judge(control, 0, trial, first, order, believed) == Verdict::accepted);
        CHECK(choice.planned() / trial.length == Approx(next_factor(control, first, {1, 1}, order)).epsilon(1e-7));
        trial = choice.next(control, 1, 1e9);
        const Verdict verdict = choice.judge(control, 1, trial, second, order, believed);
        CHECK((verdict == Verdict::accepted) == (second <= 1));
        const double exact = next_factor(control, second, {first, 1}, order);
        const double most = second <= 1 ? infinity : 1;
        CHECK(choice.planned() / trial.length == Approx(std::min(exact, most)).epsilon(1e-7));
        if (second <= 1) continue;  // the next one may not grow
        trial = choice.next(control, 1, 1e9);
        REQUIRE(choice.judge(control, 1, trial, 0.3, order, believed) == Verdict::accepted);
        CHECK(choice.planned() / trial.length ==
              Approx(std::min(1., next_factor(control, 0.3, {first, 1}, order))).epsilon(1e-7));
      }
  };
  check(IController{});
  check(PiController{});
  check(PidController{});
  check(PiController{.min_factor = 0.8});
  check(PiController{.max_factor = 1.1});
  check(PiController{.safety = 0.999});
}

// A built-in controller is asked for the logarithm of its factor. Who derives from it and changes either of the two is
// heard, and has a dead zone too.
TEST_CASE("A derived controller's own factor or growth counts", "[ode][control]") {
  struct Doubling : PiController {
    [[nodiscard]] double factor(double, double previous_error, int) const { return previous_error == 1 ? 1.5 : 2; }
  };
  struct Steeper : IController {
    [[nodiscard]] double log2_growth(double log2_error, std::array<double, 2>, int) const { return -log2_error; }
  };
  struct Both : IController {
    [[nodiscard]] double factor(double, double, int) const { return 1.5; }
    [[nodiscard]] double log2_growth(double, std::array<double, 2>, int) const { return 3; }
  };
  STATIC_REQUIRE(LogarithmicControl<IController>);
  STATIC_REQUIRE(LogarithmicControl<WithNorm<PidController, RmsNorm>>);
  STATIC_REQUIRE_FALSE(LogarithmicControl<Doubling>);
  STATIC_REQUIRE(LogarithmicControl<Steeper>);
  STATIC_REQUIRE_FALSE(LogarithmicControl<Both>);
  const auto two_steps = [](const auto& control) {
    StepChoice choice = started_with(control, 0.1);
    Trial trial = choice.next(control, 0, 10);
    CHECK(choice.judge(control, 0, trial, 0.5, 5, believed) == Verdict::accepted);
    const double first = choice.planned();
    trial = choice.next(control, trial.t_next, 10);
    CHECK(choice.judge(control, trial.t_next, trial, 0.5, 5, believed) == Verdict::accepted);
    return std::pair(first, choice.planned());
  };
  CHECK(two_steps(Doubling{}) == std::pair(0.1 * 1.5, 0.1 * 1.5 * 2));
  CHECK(two_steps(Doubling{{.dead_zone = 1.75}}) == std::pair(0.1, 0.2));
  CHECK(two_steps(Both{}).first == 0.1 * 1.5);
  CHECK(two_steps(Steeper{}).first == Approx(0.1 * 0.9 * 2));  // E = 1/2
}

}  // namespace pathline::detail
