#include <pathline/ode/control/forced_points.hpp>

#include <pathline/ode/explicit/embedded_pairs.hpp>
#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_methods.hpp>
#include <pathline/ode/implicit/fully_implicit/fully_implicit_methods.hpp>
#include <pathline/ode/output/each_step.hpp>
#include <pathline/ode/solve.hpp>

#include <support/catch.hpp>
#include <support/ode_problems.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace pathline {
namespace {

using State = Eigen::Matrix<double, 1, 1>;
const State one = State::Ones();
const PiController tight{.rtol = 1e-10, .atol = 1e-12};

/// y' = 1 before 1, -y from 1 on; never to be asked at 1 itself.
AnyRhs<State> switching(std::vector<double>* asked = nullptr) {
  return [asked](double t, const State& y, State& dy) {
    if (asked != nullptr) asked->push_back(t);
    dy(0) = t < 1 ? 1 : -y(0);
  };
}

template <class Method, class Control>
std::vector<double> ends_of_steps(const Control& control, double t0, double t1) {
  std::vector<double> ends;
  State y = one;
  const double times[] = {t0, t1};
  Stepper<Method, State> stepper;
  AnyRhs<State> rhs = [](double t, const State&, State& dy) { dy(0) = std::cos(t); };
  integrate(Method{}, control, rhs, y, times, stepper, each_step([&](double t, const State&) { ends.push_back(t); }));
  return ends;
}

bool contains(const std::vector<double>& list, double t) {
  return std::find(list.begin(), list.end(), t) != list.end();
}

}  // namespace

TEST_CASE("Steps meet the points on their way, forward and backward", "[ode][control]") {
  const WithForcedPoints control(PiController{}, {.step_at = {3, 0.1, 0.7, 0.1, 0, 1, -2}});
  const auto [t0, t1] = GENERATE(std::pair{0., 1.}, std::pair{1., 0.});
  const std::vector<double> ends = ends_of_steps<Dopri5>(control, t0, t1);
  CHECK(contains(ends, 0.1));
  CHECK(contains(ends, 0.7));
  CHECK(contains(ends, t1));
  CHECK_FALSE(contains(ends, 3));
  CHECK(std::all_of(ends.begin(), ends.end(), [](double t) { return t >= 0 && t <= 1; }));
  CHECK(!contains(ends_of_steps<Dopri5>(PiController{}, t0, t1), 0.7));
}

TEST_CASE("A peak between two steps is found where a point says so", "[ode][control]") {
  AnyRhs<State> rhs = [](double t, const State&, State& dy) { dy(0) = std::exp(-0.5 * std::pow((t - 5) / 1e-3, 2)); };
  const double area = 1e-3 * std::sqrt(2 * std::acos(-1.));
  const State zero = State::Zero();
  CHECK(solve(rhs, zero, 0, 10)(0) < 1e-9);  // stepped over
  const WithForcedPoints control(PiController{.rtol = 1e-6, .atol = 1e-9}, {.step_at = {5}});
  CHECK(solve(rhs, zero, 0, 10, Dopri5{}, control)(0) == Approx(area).epsilon(1e-4));
}

TEMPLATE_TEST_CASE("Behind a jump the right-hand side is asked anew, and never at it", "[ode][control]", Dopri5,
                   CashKarp, Kvaerno5, Sdirk4, RadauIia5) {
  std::vector<double> asked;
  AnyRhs<State> rhs = switching(&asked);
  const WithForcedPoints control(tight, {.jump_at = {1}});
  const State y = solve(rhs, one, 0, 2, TestType{}, control);
  CHECK(y(0) == Approx(2 * std::exp(-1.)).epsilon(1e-8));
  CHECK_FALSE(contains(asked, 1));
  CHECK(contains(asked, std::nextafter(1., 2.)));
  // No stage looks over the jump, Kvaerno5's at 1.23 of its step neither.
  CHECK(std::is_partitioned(asked.begin(), asked.end(), [](double t) { return t < 1; }));
  // Without it the steps must feel their way, rejected again and again.
  State z = one;
  const double times[] = {0, 2};
  Stepper<TestType, State> stepper;
  const Statistics with = integrate(TestType{}, control, rhs, z, times, stepper);
  State w = one;
  const Statistics without = integrate(TestType{}, tight, rhs, w, times, stepper);
  CHECK(with.rejected < without.rejected);
}

TEST_CASE("A jump where a solve starts, stands or ends", "[ode][control]") {
  const WithForcedPoints control(tight, {.jump_at = {1}});
  CHECK(solve(switching(), one, 1, 2, Dopri5{}, control)(0) == Approx(std::exp(-1.)).epsilon(1e-9));
  CHECK(solve(switching(), one, 0, 1, Dopri5{}, control)(0) == Approx(2).epsilon(1e-12));
  CHECK(solve(switching(), one, 1, 0, Dopri5{}, control)(0) == Approx(0).margin(1e-12));
  CHECK(solve(switching(), one, 2, 1, Dopri5{}, control)(0) == Approx(std::exp(1.)).epsilon(1e-9));
  CHECK(solve(switching(), one, 1, 1, Dopri5{}, control)(0) == 1);
  const auto path = solve(switching(), one, {0., 1., 1., 2.}, Dopri5{}, control);
  REQUIRE(path.states.size() == 4);
  CHECK(path.states[1](0) == Approx(2).epsilon(1e-12));
  CHECK(path.states[3](0) == Approx(2 * std::exp(-1.)).epsilon(1e-9));
}

TEST_CASE("Of two jumps a number apart neither is asked", "[ode][control]") {
  const double second = std::nextafter(1., 2.);
  const WithForcedPoints control(tight, {.jump_at = {1, second}});
  std::vector<double> asked;
  const auto [t0, t1] = GENERATE(std::pair{0., 2.}, std::pair{2., 0.}, std::pair{1., 2.});
  CHECK(solve(switching(&asked), one, t0, t1, Dopri5{}, control).allFinite());
  CHECK_FALSE(contains(asked, 1));
  CHECK_FALSE(contains(asked, second));
}

TEST_CASE("Points within some ulps of each other, of the start or of the end are met all the same", "[ode][control]") {
  const double before = std::nextafter(1., 0.), after = std::nextafter(1., 2.);
  const auto [t0, t1] =
      GENERATE_COPY(std::pair{0., 2.}, std::pair{2., 0.}, std::pair{1., 2.}, std::pair{before, 2.}, std::pair{1., 0.},
                    std::pair{0., after}, std::pair{2., before}, std::pair{before, after});
  std::vector<double> asked;
  AnyRhs<State> rhs = [&](double t, const State&, State& dy) {
    asked.push_back(t);
    dy(0) = t <= 1 ? 1 : 2;
  };
  const WithForcedPoints control(tight, {.step_at = {before, 1.5, 1.5}, .jump_at = {1, after, 1, 0, 2}});
  const State y = solve(rhs, State(State::Zero()), t0, t1, Dopri5{}, control);
  const auto area = [](double t) { return t <= 1 ? t : 2 * t - 1; };
  CHECK(y(0) == Approx(area(t1) - area(t0)).margin(1e-14));
  for (const double jump : {0., 1., after, 2.}) CHECK_FALSE(contains(asked, jump));
  CHECK(asked.size() < 1000);
}

TEST_CASE("The probe for the first step is not made at a jump", "[ode][control]") {
  bool asked = false;
  AnyRhs<State> rhs = [&](double t, const State&, State& dy) {
    asked = asked || t == 1;
    dy(0) = t < 1 ? 1e-9 : 1;  // so slow that the probe would go as far as it may
  };
  const WithForcedPoints control(PiController{}, {.jump_at = {1}});
  CHECK(solve(rhs, one, 0, 2, Dopri5{}, control)(0) == Approx(2).epsilon(1e-6));
  CHECK_FALSE(asked);
}

// The first step was as long as the way to the jump, and grew by half from there: 10,197 evaluations of Dopri5.
TEMPLATE_TEST_CASE("A jump just after the start does not shorten the steps after it", "[ode][control]", Dopri5,
                   CashKarp, Kvaerno5, Sdirk4, RadauIia5) {
  AnyRhs<State> rhs = [](double t, const State& y, State& dy) { dy(0) = t == 1e-300 ? std::nan("") : -y(0); };
  Stepper<TestType, State> stepper;
  State y = one;
  const double times[] = {0, 1};
  const auto steps = [&](const auto& control) {
    y = one;
    const Statistics spent = integrate(TestType{}, control, rhs, y, times, stepper);
    CHECK(std::abs(y(0) - std::exp(-1)) < 1e-5);
    return spent.accepted + spent.rejected;
  };
  CHECK(steps(WithForcedPoints(PiController{}, {.step_at = {}, .jump_at = {1e-300}})) <= steps(PiController{}) + 2);
}

TEST_CASE("Forced points, norms and tolerances nest", "[ode][control]") {
  const WithNorm control(WithForcedPoints(tight, {.step_at = {0.5}, .jump_at = {1}}), MaxSampleNorm{});
  CHECK(solve(switching(), one, 0, 2, Dopri5{}, control)(0) == Approx(2 * std::exp(-1.)).epsilon(1e-9));
}

TEST_CASE("Points that are not finite are refused", "[ode][control][errors]") {
  CHECK_THROWS_AS(WithForcedPoints(tight, {.step_at = {0, std::nan("")}}), ArgumentError);
  CHECK_THROWS_AS(WithForcedPoints(tight, {.jump_at = {std::numeric_limits<double>::infinity()}}), ArgumentError);
}

}  // namespace pathline
