#include <pathline/ode/error_control.hpp>
#include <pathline/ode/step_choice.hpp>

#include <support/catch.hpp>

#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace pathline::detail {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

template <class Control>
StepChoice started_with(const Control& control, double length, double direction = 1) {
  StepChoice choice;
  REQUIRE_FALSE(choice.started());
  choice.start(control, length, direction);
  return choice;
}

}  // namespace

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
  CHECK(choice.judge(control, 0.99, sliver, 0.5, 5) == Verdict::accepted);
  CHECK(choice.planned() == 0.1);
}

TEST_CASE("A refused step shrinks, one after it does not grow", "[ode][control]") {
  const IController control;
  StepChoice choice = started_with(control, 0.1);
  Trial trial = choice.next(control, 0, 1);
  CHECK(choice.judge(control, 0, trial, std::nan(""), 5) == Verdict::rejected);
  CHECK(choice.planned() == Approx(0.1 * control.min_factor));
  trial = choice.next(control, 0, 1);
  CHECK(choice.judge(control, 0, trial, 1e-9, 5) == Verdict::accepted);
  CHECK(choice.planned() == trial.length);
  trial = choice.next(control, trial.t_next, 1);
  CHECK(choice.judge(control, trial.t_next, trial, 1e-9, 5) == Verdict::accepted);
  CHECK(choice.planned() == Approx(10 * trial.length));
}

TEST_CASE("In the dead zone of a controller the step stays, to the bit", "[ode][control]") {
  const auto planned_after = [](double error, double dead_zone) {
    const IController control{.dead_zone = dead_zone};
    StepChoice choice = started_with(control, 0.1);
    const Trial trial = choice.next(control, 0, 1);
    CHECK(choice.judge(control, 0, trial, error, 5) == Verdict::accepted);
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
  while (choice.judge(control, 0, choice.next(control, 0, 1), infinity, 5) == Verdict::rejected) ++trials;
  CHECK(trials < 25);
}

// diffrax #703: below the smallest step there is none. 5e-324 · min_factor is 0, and so is the smallest step there.
TEST_CASE("A step that shrinks to nothing, or does not shrink, is not tried for ever", "[ode][control]") {
  const IController control;
  StepChoice nothing = started_with(control, 5e-324);
  CHECK(nothing.judge(control, 0, nothing.next(control, 0, 5e-324), infinity, 5) == Verdict::underflow);
  struct Stubborn : IController {
    [[nodiscard]] double factor(double, double, int) const { return 1; }
  } stubborn;
  StepChoice least = started_with(stubborn, 1e-300);
  CHECK(least.judge(stubborn, 1, least.next(stubborn, 1, 2), 1.5, 5) == Verdict::underflow);
}

TEST_CASE("A controller reads the errors of the last accepted steps until they are forgotten", "[ode][control]") {
  const PiController control;
  const auto proposal_after = [&](bool forget) {
    StepChoice choice = started_with(control, 0.1);
    Trial trial = choice.next(control, 0, 10);
    (void)choice.judge(control, 0, trial, 1e-3, 5);
    if (forget) choice.forget_errors<PiController>();
    trial = choice.next(control, trial.t_next, 10);
    (void)choice.judge(control, trial.t_next, trial, 0.5, 5);
    return choice.planned() / trial.length;
  };
  CHECK(proposal_after(false) == Approx(control.factor(0.5, 1e-3, 5)));
  CHECK(proposal_after(true) == Approx(control.factor(0.5, 1, 5)));
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
    CHECK(choice.judge(control, 0, trial, 0.5, 5) == Verdict::accepted);
    const double first = choice.planned();
    trial = choice.next(control, trial.t_next, 10);
    CHECK(choice.judge(control, trial.t_next, trial, 0.5, 5) == Verdict::accepted);
    return std::pair(first, choice.planned());
  };
  CHECK(two_steps(Doubling{}) == std::pair(0.1 * 1.5, 0.1 * 1.5 * 2));
  CHECK(two_steps(Doubling{{.dead_zone = 1.75}}) == std::pair(0.1, 0.2));
  CHECK(two_steps(Both{}).first == 0.1 * 1.5);
  CHECK(two_steps(Steeper{}).first == Approx(0.1 * 0.9 * 2));  // E = 1/2
}

}  // namespace pathline::detail
