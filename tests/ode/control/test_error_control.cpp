// What a control takes for the error of a step: norms, tolerances of rows, domains, seen by the steps that they cause.
#include <pathline/ode.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/ode_problems.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace pathline {
namespace {

using State = Eigen::Vector2d;
using Samples = Eigen::Matrix<double, 2, Eigen::Dynamic>;

template <class Control, class Rhs, class Y>
Journal steps(const Control& control, Rhs rhs, Y y, double t1) {
  Stepper<Dopri5, Y> stepper;
  Journal journal;
  integrate(Dopri5{}, control, rhs, y, std::array{0., t1}, stepper, journal);
  return journal;
}

/// Samples at rest and one, the last, that oscillates quickly.
struct OneRestless {
  void operator()(double, const Samples& y, Samples& dy) const {
    dy.setZero();
    dy.col(dy.cols() - 1) << 30 * y(1, y.cols() - 1), -30 * y(0, y.cols() - 1);
  }
};

Samples one_restless(Index n) {
  Samples y = Samples::Zero(2, n);
  y.col(n - 1) << 1, 0;
  return y;
}

}  // namespace

static_assert(AdaptiveControl<WithNorm<PiController, MaxSampleNorm>>);
static_assert(AdaptiveControl<WithTolerances<WithNorm<PidController, RmsNorm>>>);

TEST_CASE("RmsNorm by name changes nothing, to the bit", "[ode][control]") {
  CHECK(steps(WithNorm(PiController{}, RmsNorm{}), CoupledProblem{}, CoupledProblem::exact(0), 2).h ==
        steps(PiController{}, CoupledProblem{}, CoupledProblem::exact(0), 2).h);
}

// Among 400 samples a root mean square takes the restless one's error for a twentieth of what it is.
TEST_CASE("MaxSampleNorm gives the hardest sample the steps that it has alone", "[ode][control]") {
  const PiController control{.rtol = 1e-6, .atol = 1e-6};
  const WithNorm safe(control, MaxSampleNorm{});
  const auto error = [](const auto& chosen, Index n) {
    const Samples y = solve(OneRestless{}, one_restless(n), 0, 1, Dopri5{}, chosen);
    return (y.col(n - 1) - State(std::cos(30), -std::sin(30))).norm();
  };
  CHECK(steps(safe, OneRestless{}, one_restless(400), 1).h.size() ==
        steps(control, OneRestless{}, one_restless(1), 1).h.size());
  CHECK(error(control, 400) > 5 * error(control, 1));
  CHECK(error(safe, 400) == Approx(error(control, 1)).epsilon(1e-3));
}

TEST_CASE("A norm may be a lambda", "[ode][control]") {
  const WithNorm largest(PiController{}, [](const auto& scaled) { return scaled.abs().maxCoeff(); });
  const State y = solve(CoupledProblem{}, CoupledProblem::exact(0), 0, 2, Dopri5{}, largest);
  CHECK((y - CoupledProblem::exact(2)).norm() < 1e-4);
  CHECK(steps(largest, CoupledProblem{}, CoupledProblem::exact(0), 2).h.size() >
        steps(PiController{}, CoupledProblem{}, CoupledProblem::exact(0), 2).h.size());
}

// The second row, a quadrature of a fast oscillation, would need far shorter steps.
TEST_CASE("Rows outside of a seminorm do not choose the steps", "[ode][control]") {
  const auto rhs = [](double wildness) {
    return [=](double t, const State& y, State& dy) { dy << -y(0), wildness * std::cos(100 * t); };
  };
  const WithNorm top(PiController{}, TopRowsSeminorm<>{.rows = 1});
  CHECK(steps(top, rhs(0), State(1, 0), 3).h == steps(top, rhs(1), State(1, 0), 3).h);
  CHECK(steps(PiController{}, rhs(1), State(1, 0), 3).h.size() > 3 * steps(top, rhs(1), State(1, 0), 3).h.size());
}

TEST_CASE("Equal tolerances of all rows are the controller's own", "[ode][control]") {
  const PiController control{.rtol = 1e-5, .atol = 1e-7};
  const WithTolerances by_row(control, Eigen::Vector2d::Constant(1e-5), Eigen::Vector2d::Constant(1e-7));
  const Journal one = steps(control, CoupledProblem{}, CoupledProblem::exact(0), 2);
  const Journal other = steps(by_row, CoupledProblem{}, CoupledProblem::exact(0), 2);
  REQUIRE(one.h.size() == other.h.size());
  for (std::size_t i = 0; i < one.h.size(); ++i) CHECK(one.h[i] == Approx(other.h[i]).epsilon(1e-9));
}

// Two copies of an oscillator on scales 1 and 1e-8: one absolute tolerance cannot serve both.
TEST_CASE("Each row meets its own tolerance", "[ode][control]") {
  const auto tiny = [](const auto& control) {
    const auto oscillators = [](double, const Eigen::Vector4d& y, Eigen::Vector4d& dy) {
      dy << y(1), -y(0), 7 * y(3), -7 * y(2);
    };
    const Eigen::Vector4d y = solve(oscillators, Eigen::Vector4d(1, 0, 1e-8, 0), 0, 5, Dopri5{}, control);
    return std::abs(y(2) / 1e-8 - std::cos(35));
  };
  const PiController loose{.rtol = 0, .atol = 1e-6};
  const WithTolerances by_row(loose, Eigen::Vector4d::Zero(), Eigen::Vector4d(1e-6, 1e-6, 1e-14, 1e-14));
  CHECK(tiny(by_row) < 1e-4);
  CHECK(tiny(loose) > 100 * tiny(by_row));
}

TEST_CASE("Tolerances that are none are refused by name and row", "[ode][control][errors]") {
  const PiController control;
  CHECK_THROWS_WITH(WithTolerances(control, Eigen::Vector2d(1e-3, -1), Eigen::Vector2d(1, 1)),
                    "WithTolerances: row_rtol[1] is -1, expected 0 or a positive number");
  CHECK_THROWS_AS(WithTolerances(control, Eigen::Vector2d(0, 0), Eigen::Vector2d(1, 0)), ArgumentError);
  CHECK_THROWS_AS(WithTolerances(control, Eigen::Vector2d(0, 0), Eigen::Vector3d(1, 1, 1)), ShapeError);
  const WithTolerances three(control, Eigen::Vector3d(1, 1, 1), Eigen::Vector3d(1, 1, 1));
  CHECK_THROWS_AS(solve(Decay{}, State(1, 1), 0, 1, Dopri5{}, three), ShapeError);
}

TEST_CASE("A failure names the row that is worst in its own tolerance", "[ode][control][errors]") {
  // y' = y² (a pole at 1) in row 1; by the controller's own tolerances row 0 is as bad.
  const auto rhs = [](double, const State& y, State& dy) { dy << y(0) * y(0), y(1) * y(1); };
  const WithTolerances by_row(PiController{}, State(1e-3, 1e-9), State(1e-3, 1e-9));
  try {
    static_cast<void>(solve(rhs, State(1, 1), 0, 2, Dopri5{}, by_row));
    FAIL("no error");
  } catch (const SolveError& error) {
    CHECK(error.component == 1);
  }
}

// At hλ = -3 the polynomial of Bogacki–Shampine is 1 - 3 + 9/2 - 27/6 = -2: a first step to below 0.
TEST_CASE("No state outside of the domain is accepted", "[ode][control]") {
  const Decay rhs{-400};
  const auto least = [&](const auto& control) {
    double lowest = std::numeric_limits<double>::infinity();
    struct Lowest : NoObserver {
      double& value;
      explicit Lowest(double& target) : value(target) {}
      void accept(double, double, const Stepper<BogackiShampine, State>& stepper) {
        value = std::min(value, stepper.y_next().minCoeff());
      }
    } observer(lowest);
    State y(1, 0.5);
    Stepper<BogackiShampine, State> stepper;
    integrate(BogackiShampine{}, control, rhs, y, std::array{0., 1.}, stepper, observer);
    return lowest;
  };
  const PiController loose{.rtol = 1e-2, .atol = 10, .initial_step = 3. / 400};
  CHECK(least(loose) < 0);
  CHECK(least(WithDomain(loose, [](const auto& y) { return (y.array() >= 0).all(); })) >= 0);
}

TEST_CASE("A solution that leaves the domain ends in a typed error, near the border", "[ode][control][errors]") {
  const auto fall = [](double, const State&, State& dy) { dy.setConstant(-1); };
  const WithDomain positive(PiController{}, [](const State& y) { return y.minCoeff() >= 0; });
  try {
    static_cast<void>(solve(fall, State(0.25, 1), 0, 1, Dopri5{}, positive));
    FAIL("no error");
  } catch (const StepSizeError& error) {
    CHECK(error.t == Approx(0.25).epsilon(1e-9));
    CHECK(std::isinf(error.error_norm));
  }
  CHECK_THROWS_AS(solve(fall, State(-1, 1), 0, 1, Dopri5{}, positive), DataError);
}

TEST_CASE("The decorated controls nest and allocate nothing in the steps", "[ode][control][allocations]") {
  const WithDomain control(
      WithNorm(WithTolerances(PidController{}, Eigen::Vector2d(1e-4, 1e-6), Eigen::Vector2d(1e-6, 1e-6)),
               MaxSampleNorm{}),
      [](const auto& y) { return y.allFinite(); });
  const auto rhs = [](double t, const Samples& y, Samples& dy) { dy = -t * y; };
  Samples y = Samples::Ones(2, 5);
  Stepper<Dopri5, Samples> stepper;
  const std::array times{0., 1.};
  integrate(Dopri5{}, control, rhs, y, times, stepper);
  CHECK((y.array() - std::exp(-0.5)).abs().maxCoeff() < 1e-5);
  const AllocationCounter counter;
  integrate(Dopri5{}, control, rhs, y, times, stepper);
  CHECK(counter.count() == 0);
}

TEST_CASE("A seminorm of rows that do not exist is refused", "[ode][control][errors]") {
  const Index rows = GENERATE(0, 3);
  CHECK_THROWS_AS(solve(Decay{}, State(1, 1), 0, 1, Dopri5{}, WithNorm(PiController{}, TopRowsSeminorm<>{rows})),
                  ArgumentError);
}

TEST_CASE("Tolerances of rows stand alone", "[ode][control]") {
  const WithTolerances control(PiController{.rtol = 0, .atol = 0}, State(1e-6, 1e-6), State(1e-6, 1e-6));
  const State y = solve(Decay{}, State(1, 1), 0, 1, Dopri5{}, control);
  CHECK(y(0) == Approx(std::exp(-1)).epsilon(1e-5));
}

}  // namespace pathline
