// The shortest and the longest step of a control, seen by the steps that a solve takes.
#include <pathline/ode.hpp>

#include <support/catch.hpp>
#include <support/ode_problems.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace pathline {
namespace {

using State = Eigen::Vector2d;

template <class Control>
Journal steps(const Control& control, double t0, double t1) {
  CoupledProblem rhs;
  State y = CoupledProblem::exact(t0);
  Stepper<Dopri5, State> stepper;
  Journal journal;
  integrate(Dopri5{}, control, rhs, y, std::array{t0, t1}, stepper, journal);
  return journal;
}

double length(double h) { return std::abs(h); }

/// A step down at t = 1: no polynomial fits it.
const auto jump = [](double t, const State&, State& dy) { dy.setConstant(t < 1 ? 0 : 1); };

}  // namespace

TEMPLATE_TEST_CASE("No step is longer than max_step, and they land all the same", "[ode][control]", IController,
                   PiController, PidController) {
  const double most = GENERATE(0.01, 0.03);
  const double t1 = GENERATE(1., -1.);
  const Journal journal = steps(TestType{.max_step = most}, 0, t1);
  CHECK(std::all_of(journal.h.begin(), journal.h.end(), [=](double h) { return length(h) <= most; }));
  CHECK(std::any_of(journal.h.begin(), journal.h.end(), [=](double h) { return length(h) == most; }));
  CHECK(journal.t.back() + journal.h.back() == t1);
}

TEST_CASE("A max_step beyond every step changes nothing, to the bit", "[ode][control]") {
  const Journal free = steps(PiController{}, 0, 1), limited = steps(PiController{.max_step = 1e9}, 0, 1);
  CHECK(free.h == limited.h);
}

TEST_CASE("The first step too obeys the limits", "[ode][control]") {
  CHECK(steps(PiController{.max_step = 3e-5}, 0, 1e-2).h.front() == 3e-5);
  CHECK(steps(PiController{.initial_step = 1, .max_step = 1e-4}, 0, 1e-2).h.front() == 1e-4);
  CHECK(steps(PiController{.rtol = 1, .atol = 1, .initial_step = 1e-9, .min_step = 1e-3}, 0, 1).h.front() == 1e-3);
}

TEST_CASE("No step but the last is shorter than min_step", "[ode][control]") {
  const double least = 0.01;
  const PiController control{.rtol = 1e-4, .atol = 1e-4, .initial_step = 1e-6, .min_step = least};
  const Journal journal = steps(control, 0, 1.2345);
  CHECK(std::all_of(journal.h.begin(), journal.h.end() - 1, [=](double h) { return h >= least; }));
  CHECK(journal.h.front() == least);
}

TEST_CASE("A step of min_step that is refused ends the solve", "[ode][control][errors]") {
  const PiController control{.rtol = 1e-10, .atol = 1e-10, .initial_step = 0.3, .min_step = 0.01};
  const State y0(0, 0);
  CHECK_NOTHROW(solve(jump, y0, 0, 2, Dopri5{}, PiController{.rtol = 1e-10, .atol = 1e-10, .initial_step = 0.3}));
  try {
    static_cast<void>(solve(jump, y0, 0, 2, Dopri5{}, control));
    FAIL("no error");
  } catch (const StepSizeError& error) {
    CHECK(error.step == Approx(0.01).epsilon(1e-12));
    CHECK(error.t < 1);
    CHECK(error.t + error.step >= 1);
    CHECK(error.min_step == 0.01);
    CHECK_THAT(error.what(), ContainsSubstring("the shortest step allowed was refused") &&
                                 ContainsSubstring("take a min_step below 0.01"));
  }
}

TEST_CASE("All controllers hold the tolerance", "[ode][control]") {
  const auto error = [](const auto& control) {
    return (solve(CoupledProblem{}, CoupledProblem::exact(0), 0, 2, Dopri5{}, control) - CoupledProblem::exact(2))
        .norm();
  };
  for (const double tolerance : {1e-4, 1e-7, 1e-10}) {
    CHECK(error(IController{.rtol = tolerance, .atol = tolerance}) < 30 * tolerance);
    CHECK(error(PiController{.rtol = tolerance, .atol = tolerance}) < 30 * tolerance);
    CHECK(error(PidController{.rtol = tolerance, .atol = tolerance}) < 30 * tolerance);
  }
}

TEST_CASE("Steps of the longest length leave no sliver behind", "[ode][control]") {
  const auto still = [](double, const State&, State& dy) { dy.setZero(); };
  State y(1, 1);
  Stepper<Dopri5, State> stepper;
  Journal journal;
  integrate(Dopri5{}, PiController{.initial_step = 0.1, .max_step = 0.1}, still, y, std::array{0., 1.}, stepper,
            journal);
  CHECK(journal.h.size() == 10);
}

TEST_CASE("min_step is blamed where it failed alone", "[ode][control][errors]") {
  const auto pole = [](double, const State& y, State& dy) { dy = y.cwiseAbs2(); };
  try {
    static_cast<void>(solve(pole, State(1, 1), 0, 2, Dopri5{}, PiController{.min_step = 1e-20}));
    FAIL("no error");
  } catch (const StepSizeError& error) {
    CHECK(error.min_step == 0);
  }
}

TEST_CASE("A control of one's own may have one limit alone, and it is checked", "[ode][control][errors]") {
  struct Own {
    double rtol = 1e-6, atol = 1e-6, min_factor = 0.2, initial_step = 0, max_step = -1;
    Index max_steps = 1000;
    [[nodiscard]] double factor(double, double, int) const { return 1; }
  };
  CHECK_THROWS_AS(solve(Decay{}, State(1, 1), 0, 1, Dopri5{}, Own{}), ArgumentError);
}

}  // namespace pathline
