#include <pathline/ode/symplectic/solve_separable.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

using namespace pathline;

namespace {

/// Driven and damped by nothing: q'' = -q + sin 2t, whose solution from q = 1, v = 0 is
/// cos t + ⅔ sin t - ⅓ sin 2t.
const auto driven = [](double t, const auto& q, auto& dv) { dv.array() = -q.array() + std::sin(2 * t); };
double position(double t) { return std::cos(t) + 2 * std::sin(t) / 3 - std::sin(2 * t) / 3; }
double speed(double t) { return -std::sin(t) + 2 * std::cos(t) / 3 - 2 * std::cos(2 * t) / 3; }

using Column = Eigen::Matrix<double, 1, 1>;

/// Root mean square over the outputs: errors at one point cancel now and then.
template <class Method>
double global_error(Index steps, double t0, double t1) {
  std::vector<double> times;
  for (int i = 0; i <= 20; ++i) times.push_back(t0 + (t1 - t0) * i / 20);
  const auto path =
      solve_second_order(driven, Column(position(t0)), Column(speed(t0)), times, FixedSteps(steps), Method{});
  double sum = 0;
  for (std::size_t i = 0; i < times.size(); ++i)
    sum += std::pow(path.q[i](0) - position(times[i]), 2) + std::pow(path.p[i](0) - speed(times[i]), 2);
  return std::sqrt(sum);
}

}  // namespace

// The errors are 1e-9 and more. Halving the step divides them by 2^p (1 + O(h²)).
TEMPLATE_TEST_CASE("Symplectic methods converge with their order, forward and backward, where the force moves too",
                   "[ode][symplectic][order]", Verlet, Yoshida4, Yoshida6) {
  const double t0 = GENERATE(0.0, 6.0), t1 = 6 - t0;
  const double slope = std::log2(global_error<TestType>(2, t0, t1) / global_error<TestType>(4, t0, t1));
  CHECK(slope == Approx(TestType::order).margin(0.15));
}

TEST_CASE("A Kepler orbit closes, whatever the velocity's form", "[ode][symplectic]") {
  // Eccentricity 0.5, period 2π; the error after one turn falls with the order.
  const auto gravity = [](double, const Eigen::Vector2d& q) { return Eigen::Vector2d(-q / std::pow(q.norm(), 3)); };
  const auto velocity = [](double, const Eigen::Vector2d& p) { return p; };
  const Eigen::Vector2d q0(0.5, 0), p0(0, std::sqrt(3.0));
  const std::vector<double> turn{0, 2 * 3.14159265358979323846};
  const auto error = [&](auto method, Index steps) {
    return (solve_separable(velocity, gravity, q0, p0, turn, FixedSteps(steps), method).q.back() - q0).norm();
  };
  CHECK(error(Yoshida6{}, 1000) < 1e-7);
  CHECK(error(Yoshida6{}, 1000) < error(Yoshida4{}, 1000));
  CHECK(error(Yoshida4{}, 1000) < error(Verlet{}, 1000));
}

TEST_CASE("A separable solve counts, and repeats what is asked for twice", "[ode][symplectic]") {
  const std::vector<double> times{0, 0, 1, 1, 2};
  const auto path = solve_second_order(driven, Column(1), Column(0), times, FixedSteps(3), Yoshida4{});
  CHECK(path.times == times);
  CHECK(path.q[1] == path.q[0]);
  CHECK(path.p[3] == path.p[2]);
  CHECK(path.statistics.accepted == 6);
  CHECK(path.statistics.evaluations == 6 * 3);
  const auto still = solve_second_order(driven, Column(1), Column(0), std::vector<double>{2, 2}, FixedSteps(3));
  CHECK(still.q.back()(0) == 1);
  CHECK(still.statistics.evaluations == 0);
}

// OT-Flow: t accumulates by += h.
TEST_CASE("A separable solve does not accumulate its times, and ends where it should", "[ode][symplectic]") {
  const auto [t0, t1] = GENERATE(std::pair{0.1, 0.7}, std::pair{0.7, -0.2}, std::pair{1e15 + 2, 1e15},
                                 std::pair{0., 1e-300}, std::pair{1e6, std::nextafter(1e6, 2e6)});
  const double slope = 1 / (t1 - t0), h = (t1 - t0) / 1000;
  std::vector<double> asked;
  const auto force = [&](double t, const Eigen::Vector2d&, Eigen::Vector2d& dp) {
    asked.push_back(t);
    dp.setConstant(slope);
  };
  const auto still = [](double, const Eigen::Vector2d&, Eigen::Vector2d& dq) { dq.setZero(); };
  const Eigen::Vector2d zero = Eigen::Vector2d::Zero();
  const std::vector<double> times{t0, t0, t1, t1};
  const auto path = solve_separable(still, force, zero, zero, times, FixedSteps(1000));
  REQUIRE(path.p.size() == 4);
  CHECK(path.p[3](0) == Approx(1).epsilon(1e-12));
  REQUIRE(asked.size() == 1001);
  for (std::size_t i = 0; i < 1000; ++i) REQUIRE(asked[i] == t0 + double(i) * h);
  CHECK(asked.back() == t1);
}

// A composition by kicks would ask it at 1.35 and -0.35 of a step, and end in NonFiniteError.
TEMPLATE_TEST_CASE("The force is asked from the first time to the last alone", "[ode][symplectic]", Verlet, Yoshida4,
                   Yoshida6) {
  const auto [t0, t1] = GENERATE(std::pair{0., 1.}, std::pair{1., 0.});
  const auto known = [](double t, const Column& q, Column& dv) {
    dv(0) = t >= 0 && t <= 1 ? -q(0) + std::sin(2 * t) : std::numeric_limits<double>::quiet_NaN();
  };
  const std::vector<double> times{t0, 0.5, t1};
  const auto path =
      solve_second_order(known, Column(position(t0)), Column(speed(t0)), times, FixedSteps(20), TestType{});
  // Verlet's error is h² / 12 times a third derivative of at most 8.
  CHECK(path.q[2](0) == Approx(position(t1)).margin(TestType::order == 2 ? 5e-4 : 1e-6));
}

TEST_CASE("A separable solve works in float and for many samples at once", "[ode][symplectic]") {
  Batch<float> q0(1, 3), v0(1, 3);
  q0 << 1, 0, 2;
  v0 << 0, 1, 0;
  const auto spring = [](double, const Batch<float>& q, Batch<float>& dv) { dv = -q; };
  const auto path = solve_second_order(spring, q0, v0, std::vector<double>{0, 1}, FixedSteps(40), Yoshida4{});
  // cos t and sin t; 40 steps of order 4 are off by less than float's own rounding of them.
  CHECK(path.q.back()(0, 0) == Approx(std::cos(1.0)).margin(1e-5));
  CHECK(path.q.back()(0, 1) == Approx(std::sin(1.0)).margin(1e-5));
  CHECK(path.q.back()(0, 2) == Approx(2 * std::cos(1.0)).margin(1e-5));
}

TEST_CASE("A separable solve refuses what it cannot follow, and says where it failed", "[ode][symplectic][errors]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> times{0, 1};
  CHECK_THROWS_AS(solve_second_order(driven, Column(nan), Column(0), times, FixedSteps(1)), DataError);
  CHECK_THROWS_AS(solve_second_order(driven, Column(1), Column(nan), times, FixedSteps(1)), DataError);
  CHECK_THROWS_AS(solve_second_order(driven, Column(1), Column(0), std::vector<double>{}, FixedSteps(1)),
                  ArgumentError);
  CHECK_THROWS_AS(solve_second_order(driven, Column(1), Column(0), std::vector<double>{0, 1, 0}, FixedSteps(1)),
                  ArgumentError);
  const auto broken = [nan](double, const Eigen::Vector2d& q) { return Eigen::Vector2d(-q(0), nan); };
  try {
    const auto path = solve_second_order(broken, Eigen::Vector2d(1, 2), Eigen::Vector2d(0, 0), times, FixedSteps(2));
    FAIL("no exception, " << path.times.size() << " outputs");
  } catch (const NonFiniteError& error) {
    CHECK(error.t == 1);
    CHECK(error.component == 1);
    CHECK(error.sample == 0);
  }
}

TEST_CASE("Positions and momenta of different shapes are refused before they are copied", "[ode][symplectic][errors]") {
  const auto force = [](double, const Eigen::Vector2d& q, Eigen::Vector2d& dp) { dp = -q; };
  for (const Index rows : {1, 3})
    CHECK_THROWS_AS(solve_second_order(force, Eigen::Vector2d(1, 0), Eigen::VectorXd(Eigen::VectorXd::Ones(rows)),
                                       std::vector{0., 1.}, FixedSteps(4)),
                    ShapeError);
}
