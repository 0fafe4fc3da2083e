#include <pathline/ode/symplectic/separable_stepper.hpp>

#include <pathline/ode/explicit/embedded_pairs.hpp>
#include <pathline/ode/solve.hpp>
#include <pathline/ode/symplectic/separable_right_hand_side.hpp>
#include <pathline/ode/symplectic/solve_separable.hpp>
#include <pathline/ode/symplectic/symplectic_methods.hpp>

#include <support/catch.hpp>

#include <limits>
#include <vector>

using namespace pathline;

namespace {

/// A pendulum, H = p²/2 - cos q.
const auto velocity = [](double, const auto& p, auto& dq) { dq = p; };
const auto pull = [](double, const auto& q, auto& dp) { dp = -q.array().sin().matrix(); };
const SeparableRightHandSide pendulum{velocity, pull};
using Half = Eigen::Matrix<double, 1, 1>;

static_assert(SteppingMethod<Verlet> && SteppingMethod<Yoshida6, Eigen::Vector2d>);
static_assert(SeparatedRightHandSide<decltype(pendulum), Eigen::Vector2d>);
static_assert(!SeparatedRightHandSide<decltype(velocity), Eigen::Vector2d>);
static_assert(!SeparatedRightHandSide<SeparableRightHandSide<int, decltype(pull)>, Eigen::Vector2d>);
static_assert(!SeparatedRightHandSide<SeparableRightHandSide<decltype(pull), int>, Eigen::Vector2d>);

}  // namespace

TEST_CASE("Symplectic methods solve a state of positions and momenta as solve_separable solves its halves",
          "[ode][symplectic]") {
  const std::vector<double> times{0, 0.3, 1.5};
  const auto check = [&](auto method) {
    const auto halves = solve_separable(velocity, pull, Half(1.2), Half(0.3), times, FixedSteps(6), method);
    const auto whole = solve(pendulum, Eigen::Vector2d(1.2, 0.3), times, method, FixedSteps(6));
    CHECK(whole.states.back() == Eigen::Vector2d(halves.q.back()(0), halves.p.back()(0)));
    CHECK(whole.statistics.evaluations == halves.statistics.evaluations);
    CHECK(whole.statistics.accepted == 12);
  };
  check(Verlet{});
  check(Yoshida4{});
}

TEST_CASE("SeparableRightHandSide is one right-hand side to other methods", "[ode][symplectic]") {
  const Eigen::Vector2d start(1.2, 0.3);
  const Eigen::Vector2d exact = solve(pendulum, start, 0, 1, Dopri5{}, PiController{.rtol = 1e-11, .atol = 1e-11});
  CHECK((solve(pendulum, start, 0, 1, Yoshida6{}, FixedSteps(40)) - exact).norm() < 1e-8);
  const Batch<double> both = solve(pendulum, Batch<double>(start), 0, 1, Yoshida6{}, FixedSteps(40));
  CHECK((both - exact).norm() < 1e-8);
}

TEST_CASE("Symplectic methods refuse an odd number of rows, and a slope at the start that is not finite",
          "[ode][symplectic][errors]") {
  CHECK_THROWS_WITH(solve(pendulum, Eigen::Vector3d(1, 2, 3), 0, 1, Verlet{}, FixedSteps(3)),
                    "solve: rows of y of a symplectic method is 3, expected an even number: positions, momenta");
  const auto broken = [](double, const auto& q, auto& dp) { dp = q * std::numeric_limits<double>::quiet_NaN(); };
  CHECK_THROWS_AS(solve(SeparableRightHandSide{velocity, broken}, Eigen::Vector2d(1, 2), 0, 1, Verlet{}, FixedSteps(3)),
                  NonFiniteError);
}
