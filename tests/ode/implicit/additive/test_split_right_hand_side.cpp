// The two parts of a right-hand side by name, and their sum.
#include <pathline/ode/implicit/additive/split_right_hand_side.hpp>

#include <pathline/ode/solve.hpp>

#include <support/catch.hpp>
#include <support/ode_problems.hpp>

#include <cmath>

namespace pathline {
namespace {

using Split = SplitRightHandSide<Decay, Counted<Decay>>;
static_assert(TwoPartRightHandSide<Split, Eigen::Vector2d> && WritingRightHandSide<Split, Eigen::Vector2d>);
static_assert(TwoPartRightHandSide<const SplitRightHandSide<Decay, Decay>, Batch<float>>);
static_assert(!TwoPartRightHandSide<Decay, Eigen::Vector2d>);
static_assert(!TwoPartRightHandSide<SplitRightHandSide<Decay, int>, Eigen::Vector2d>);

}  // namespace

TEST_CASE("A split right-hand side is the sum of its parts to a method that knows of none", "[ode]") {
  const auto returning = [](double t, const Eigen::Vector2d& y) { return Eigen::Vector2d(-2 * t * y); };
  const auto rhs = SplitRightHandSide{Decay{-1}, returning};
  Eigen::Vector2d dy;
  rhs(3, Eigen::Vector2d(1, 2), dy);
  CHECK(dy == Eigen::Vector2d(-7, -14));
  const Eigen::Vector2d y0(1, 2);
  CHECK((solve(rhs, y0, 0, 1) - std::exp(-2) * y0).norm() < 1e-5);

  Split counting{Decay{-1}, {Decay{-2}}};
  CHECK((solve(counting, y0, 0, 1) - std::exp(-3) * y0).norm() < 1e-5);
  CHECK(!counting.implicit_part.times.empty());
}

}  // namespace pathline
