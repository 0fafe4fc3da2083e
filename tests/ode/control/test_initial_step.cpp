// The first step: Hairer's formulas by hand, and the cases where they would divide by zero or leave the interval.
#include <pathline/ode/control/initial_step.hpp>

#include <pathline/ode/explicit/tableaux.hpp>

#include <support/catch.hpp>
#include <support/ode_problems.hpp>

#include <cmath>
#include <limits>

namespace pathline {
namespace {

using State = Eigen::Vector2d;

template <class Rhs>
double first_step(Rhs&& rhs, const State& y, double span, const IController& control = {}) {
  Stepper<Dopri5, State> stepper;
  stepper.init(rhs, 0, y);
  const double h = initial_step(rhs, 0, span, control, stepper);
  CHECK(stepper.evaluations() == 2);
  return h;
}

}  // namespace

// y' = -2 y from (1, 1): scales 2e-6, so d0 = 5e5, d1 = 1e6, h0 = 0.005; f1 - f0 = 4 h0, d2 = 4 / 2e-6 = 2e6. The rate
// is 2, and h = (0.01 · 2 / 1e6)^(1/5) / 2, which is below 100 h0.
TEST_CASE("initial_step follows docs/maths.md, (4.7)", "[ode][initial_step]") {
  const double expected = std::pow(0.01 * 2 / 1e6, 0.2) / 2;
  REQUIRE(expected < 0.5);
  CHECK(first_step(Decay{-2}, State(1, 1), 10) == Approx(expected).epsilon(1e-10));
  CHECK(first_step(Decay{2}, State(1, 1), -10) == Approx(expected).epsilon(1e-10));
  // d1 = 0 and d2 = 1 / 1e-6: the rate is sqrt(d2).
  const auto ramp = [](double t, const State&, State& dy) { dy.setConstant(t); };
  CHECK(first_step(ramp, State(0, 0), 10) == Approx(1e-3 * std::pow(0.01, 0.2)));
  // Nothing moves yet: a hundredth of the interval. A slope that does not turn: y changes by 100 tolerances.
  CHECK(first_step(Decay{0}, State(1, 1), 1e5) == Approx(1e3));
  CHECK(first_step([](double, const State&, State& dy) { dy.setConstant(3); }, State(0, 0), 10) == Approx(1e-4 / 3));
}

// The first step was 1e-6 where y or f was small, and had the wrong unit elsewhere: y' = -y / c took another first step
// for every c, for c = 1e-5 just that where the estimate of BogackiShampine vanishes.
TEST_CASE("initial_step goes with the unit of time and with that of y", "[ode][initial_step]") {
  const double of_time = GENERATE(1e-15, 1e-6, 1e3, 1e15), of_y = GENERATE(1e-15, 1., 1e15);
  const auto measured_in = [](double c, double s, bool at_rest) {
    const auto rhs = [=](double t, const State& y, State& dy) {
      dy = State(-y(0) + s * std::sin(t / c), y(0) - 3 * y(1)) / c;
    };
    return first_step(rhs, at_rest ? State(0, 0) : State(s, s / 2), 10 * c, {.atol = 1e-6 * s}) / c;
  };
  CHECK(measured_in(of_time, of_y, false) == Approx(measured_in(1, 1, false)).epsilon(1e-12));
  CHECK(measured_in(of_time, of_y, true) == Approx(measured_in(1, 1, true)).epsilon(1e-12));
}

TEST_CASE("initial_step stays within the interval, the probe too", "[ode][initial_step]") {
  Counted<Decay> rhs;
  CHECK(first_step(rhs, State(1, 1), 1e-9) == 1e-9);
  CHECK((rhs.times.back() > 0 && rhs.times.back() <= 1e-9));
  CHECK(first_step(rhs, State(1, 1), -1e-300) == 1e-300);
}

TEST_CASE("initial_step is positive and finite where norms are zero, infinite or not a number", "[ode][initial_step]") {
  const auto check = [](double h) { CHECK((h > 0 && h <= 1)); };
  check(first_step(Decay{0}, State(1, 1), 1));
  check(first_step(Decay{}, State(0, 0), 1));
  check(first_step(Decay{}, State(0, 0), 1, {.atol = 0}));
  check(first_step(Decay{1e308}, State(1, 1), 1));
  check(first_step([](double, const State&, State& dy) { dy.setConstant(1e-300); }, State(0, 0), 1, {.atol = 0}));
  check(first_step([](double t, const State& y,
                      State& dy) { dy = t == 0 ? y : State::Constant(std::numeric_limits<double>::quiet_NaN()); },
                   State(1, 1), 1));
}

TEST_CASE("Rows outside of error_rows do not enter the first step", "[ode][initial_step]") {
  struct TopRow {
    double wildness;
    [[nodiscard]] Index error_rows() const { return 1; }
    void operator()(double t, const State& y, State& dy) const { dy << -y(0), wildness * (1 + t); }
  };
  CHECK(first_step(TopRow{0}, State(1, 0), 1) == first_step(TopRow{1e12}, State(1, 1e9), 1));
}

}  // namespace pathline
