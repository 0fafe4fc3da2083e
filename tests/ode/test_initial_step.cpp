// The first step: Hairer's formulas by hand, and the cases where they would divide by zero or leave the interval.
#include <pathline/ode/initial_step.hpp>

#include <pathline/ode/tableaux.hpp>

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

// y' = -2 y from (1, 1): scales 2e-6, so d0 = 5e5, d1 = 1e6, h0 = 0.005; f1 - f0 = 4 h0, d2 = 4 / 2e-6 = 2e6;
// h1 = (0.01 / 2e6)^(1/5), which is below 100 h0.
TEST_CASE("initial_step follows docs/maths.md, section 4", "[ode][initial_step]") {
  const double expected = std::pow(0.01 / 2e6, 0.2);
  REQUIRE(expected < 0.5);
  CHECK(first_step(Decay{-2}, State(1, 1), 10) == Approx(expected).epsilon(1e-10));
  CHECK(first_step(Decay{2}, State(1, 1), -10) == Approx(expected).epsilon(1e-10));
}

TEST_CASE("initial_step stays within the interval, the probe too", "[ode][initial_step]") {
  Counted<Decay> rhs;
  CHECK(first_step(rhs, State(1, 1), 1e-9) == 1e-9);
  CHECK(rhs.times.back() == 1e-9);
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
