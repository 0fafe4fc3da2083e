// The front: what it accepts, what it returns, its defaults and its errors at the door.
#include <pathline/ode.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

namespace pathline {
namespace {

const auto decay = [](double, const auto& y, auto& dy) { dy = -y; };

}  // namespace

TEST_CASE("solve needs a lambda and two times", "[ode][solve]") {
  const Eigen::Vector2d y = solve(decay, Eigen::Vector2d(1, 2), 0, 1);
  CHECK(y(0) == Approx(std::exp(-1)).epsilon(1e-5));
  CHECK(y(1) == Approx(2 * std::exp(-1)).epsilon(1e-5));
}

TEST_CASE("The defaults are Dopri5 and PiController, to the bit", "[ode][solve]") {
  const Eigen::Vector2d y0(1, 2);
  CHECK(solve(decay, y0, 0, 1) == solve(decay, y0, 0, 1, Dopri5{}, PiController{.rtol = 1e-6, .atol = 1e-6}));
  CHECK(solve(decay, y0, 0, 1, Tsit5{}) == solve(decay, y0, 0, 1, Tsit5{}, PiController{}));
}

TEST_CASE("solve takes any Eigen expression and returns a plain matrix of its kind", "[ode][solve]") {
  const Eigen::MatrixXf Z = Eigen::MatrixXf::Ones(3, 5);
  const auto block = solve(decay, Z.leftCols(2) * 2.F, 0, 1, Rk4{}, FixedSteps(20));
  static_assert(std::is_same_v<std::remove_const_t<decltype(block)>, Eigen::MatrixXf>);
  CHECK(block.rows() == 3);
  CHECK(block.cols() == 2);
  // Rk4's error with h = 1/20 is about h⁴/120 = 5e-8, below the rounding of float.
  CHECK(block(2, 1) == Approx(2 * std::exp(-1)).epsilon(1e-6));
  static_assert(std::is_same_v<decltype(solve(decay, Eigen::Vector3d::Zero(), 0, 1)), Eigen::Vector3d>);
  static_assert(std::is_same_v<decltype(solve(decay, Eigen::Matrix<float, 2, Eigen::Dynamic>::Zero(2, 4), 0, 1)),
                               Eigen::Matrix<float, 2, Eigen::Dynamic>>);
}

// At rtol 1e-12 a solve in float took 77,856 evaluations and was no better for it.
TEST_CASE("A tolerance that the state's type cannot meet is refused", "[ode][solve][errors]") {
  const Eigen::MatrixXf Z = Eigen::MatrixXf::Ones(2, 3);
  CHECK_THROWS_WITH(
      solve(decay, Z, 0, 1, Dopri5{}, PiController{.rtol = 1e-12}),
      "solve: rtol is 1e-12, expected 0 or at least 5.96046448e-08, half of the last digit of float: take a "
      "state of double");
  CHECK_THROWS_AS(solve(decay, Z, 0, 1, Dopri5{}, PiController{.rtol = 5.9e-8, .atol = 1}), ArgumentError);
  CHECK_NOTHROW(solve(decay, Z, 0, 1, Dopri5{}, PiController{.rtol = 1e-7, .atol = 1e-9}));
  // An absolute tolerance alone is met by small numbers.
  CHECK_NOTHROW(solve(decay, Z, 0, 1, Dopri5{}, PiController{.rtol = 0, .atol = 1e-5}));
  CHECK_NOTHROW(solve(decay, Z * 1e-6F, 0, 1, Dopri5{}, PiController{.rtol = 0, .atol = 1e-12}));
  CHECK_THROWS_WITH(
      solve(decay, Z, 0, 1, Dopri5{}, PiController{.rtol = 0, .atol = 1e-12}),
      "solve: atol where rtol is 0, is 1e-12, expected at least 5.96046448e-08 beside entries of 1, half of "
      "the last digit of float: take a state of double");
  CHECK_THROWS_WITH(solve(decay, Eigen::Vector2d(1, 2), 0, 1, Dopri5{}, PiController{.rtol = 1e-16}),
                    "solve: rtol is 1e-16, expected 0 or at least 1.11022302e-16, half of the last digit of double");

  // Row by row, and of rows that count alone. detail: no more solves are compiled.
  const Eigen::Vector2f y(1, 0);
  const auto by_row = [](double rtol, double atol) {
    return WithTolerances(PiController{}, Eigen::Vector2d(1e-4, rtol), Eigen::Vector2d(1e-4, atol));
  };
  CHECK_NOTHROW(detail::require_met_by_rounding(by_row(0, 1e-20), y));
  CHECK_THROWS_WITH(detail::require_met_by_rounding(by_row(1e-10, 1), y),
                    ContainsSubstring("row_rtol of WithTolerances is 1e-10"));
  const Eigen::Vector2f full(1, 1), infinite(std::numeric_limits<float>::infinity(), 0);
  CHECK_THROWS_WITH(detail::require_met_by_rounding(by_row(0, 1e-20), full),
                    ContainsSubstring("row_atol of WithTolerances is 1e-20"));
  CHECK_NOTHROW(detail::require_met_by_rounding(by_row(0, 1e-20), infinite));  // refused elsewhere, for what it is
}

TEST_CASE("A right-hand side may return its value, as an expression too", "[ode][solve]") {
  const Eigen::Matrix2d M{{0, 1}, {-1, 0}};
  const Eigen::Vector2d y =
      solve([&](double, const Eigen::Vector2d& at) { return M * at; }, Eigen::Vector2d(1, 0), 0, 1);
  CHECK(y(0) == Approx(std::cos(1)).epsilon(1e-5));
  CHECK(y(1) == Approx(-std::sin(1)).epsilon(1e-5));
}

TEST_CASE("A stateful right-hand side is used, not copied", "[ode][solve]") {
  struct Counter {
    int calls = 0;
    void operator()(double, const Eigen::Vector2d& y, Eigen::Vector2d& dy) {
      ++calls;
      dy = -y;
    }
  } counter;
  const Eigen::Vector2d y = solve(counter, Eigen::Vector2d(1, 1), 0, 1, Rk4{}, FixedSteps(3));
  CHECK(counter.calls == 12);
  CHECK(y.allFinite());
}

TEST_CASE("With many times solve returns a state for each, and the statistics", "[ode][solve]") {
  const std::vector<double> times{0, 0.5, 0.5, 2};
  const Solution<Eigen::Vector2d> path =
      solve(decay, Eigen::Vector2d(1, 2), times, Dopri5{}, IController{.rtol = 1e-9});
  CHECK(path.times == times);
  REQUIRE(path.states.size() == 4);
  for (std::size_t i = 0; i < times.size(); ++i) CHECK(path.states[i](0) == Approx(std::exp(-times[i])).epsilon(1e-5));
  CHECK(path.states[0] == Eigen::Vector2d(1, 2));
  CHECK(path.states[1] == path.states[2]);
  CHECK(path.statistics.evaluations == 2 + 6 * (path.statistics.accepted + path.statistics.rejected));
  CHECK(solve(decay, Eigen::Vector2d(1, 2), {0, 0.5, 0.5, 2}, Dopri5{}, IController{.rtol = 1e-9}).states ==
        path.states);
}

TEST_CASE("Forward and back again returns to the start", "[ode][solve]") {
  const auto rhs = [](double t, const auto& y, auto& dy) { dy = std::cos(t) * y; };
  const PiController control{.rtol = 1e-10, .atol = 1e-10};
  const Eigen::Vector2d there = solve(rhs, Eigen::Vector2d(1, 2), 0, 5, Tsit5{}, control);
  const Eigen::Vector2d back = solve(rhs, there, 5, 0, Tsit5{}, control);
  CHECK((back - Eigen::Vector2d(1, 2)).norm() < 1e-8);
}

TEST_CASE("Data that are not finite or empty are refused at the door", "[ode][solve][errors]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH((void)solve(decay, Eigen::Vector2d(1, nan), 0, 1),
                    "solve: y0 is nan at component 1 of sample 0, expected a finite number");
  CHECK_THROWS_AS((void)solve(decay, Eigen::MatrixXd(2, 0), 0, 1), DataError);
  CHECK_THROWS_AS((void)solve(decay, Eigen::Vector2d(1, nan), {0, 1}), DataError);
  CHECK_THROWS_AS((void)solve(decay, Eigen::Vector2d(1, 1), 0, nan), ArgumentError);
  CHECK_THROWS_AS((void)solve(decay, Eigen::Vector2d(1, 1), std::vector<double>{}), ArgumentError);
  struct FourRows {
    [[nodiscard]] Index error_rows() const { return 4; }
    void operator()(double, const Eigen::Vector2d& y, Eigen::Vector2d& dy) const { dy = y; }
  };
  CHECK_THROWS_WITH((void)solve(FourRows{}, Eigen::Vector2d(1, 1), 0, 1),
                    "solve: error_rows() is 4, expected from 1 to the rows of y, 2");
}

TEST_CASE("A message says what can be done", "[ode][solve][errors]") {
  const auto pole = [](double, const Eigen::Vector2d& y, Eigen::Vector2d& dy) { dy = y.cwiseAbs2(); };
  CHECK_THROWS_WITH((void)solve(pole, Eigen::Vector2d(1, 1), 0, 2), ContainsSubstring("blow up"));
  CHECK_THROWS_WITH((void)solve(pole, Eigen::Vector2d(1, 1), 0, 2, Dopri5{}, PiController{.max_steps = 5}),
                    ContainsSubstring("max_steps"));
  CHECK_THROWS_AS((void)solve(pole, Eigen::Vector2d(1, 1), 0, 2), SolveError);
}

}  // namespace pathline
