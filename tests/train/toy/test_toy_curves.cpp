#include <pathline/train/toy/toy_curves.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

using namespace pathline;
using detail::ToyNumbers;

namespace {

/// log of the mean over t in (0, 1) of N(x; curve(t), σ² I), by the midpoint rule.
template <class Curve>
double brute_force(const Curve& curve, double deviation, const Eigen::Vector2d& x) {
  const int nodes = 20'000;
  double sum = 0;
  for (int i = 0; i < nodes; ++i)
    sum += std::exp(-(x - curve((i + 0.5) / nodes)).squaredNorm() / (2 * deviation * deviation));
  return std::log(sum / nodes / (2 * std::numbers::pi * deviation * deviation));
}

/// Largest difference from brute force over points of the set itself.
template <class Set, class Curve>
double worst_difference(const Curve& curve, double deviation) {
  const Set set;
  double worst = 0;
  for (Index i = 0; i < 50; ++i) {
    const Eigen::Vector2d x = Set::sample(ToyNumbers(Draw{5, 0}, i));
    worst = std::max(worst, std::abs(set.log_density(x) - brute_force(curve, deviation, x)));
  }
  return worst;
}

}  // namespace

// The midpoint rule's error is (spacing / σ)² / 24 of the density's change at the curve's ends: spacing 1e-3 (a curve
// of length 18 and 20 000 nodes) and σ = 0.2 make 1e-6; without ends it is nothing.
TEST_CASE("moons: the density is the two half circles with noise", "[train][toy]") {
  const auto curve = [](double t) {
    const double a = 2 * std::numbers::pi * (t < 0.5 ? t : t - 0.5), c = std::cos(a), s = std::sin(a);
    const Eigen::Vector2d p = t < 0.5 ? Eigen::Vector2d(c, s) : Eigen::Vector2d(1 - c, 0.5 - s);
    return Eigen::Vector2d(2 * p + Eigen::Vector2d(-1, -0.2));
  };
  CHECK(worst_difference<detail::Moons>(curve, 0.2) < 2e-6);
}

TEST_CASE("circles: the density is the two circles with noise", "[train][toy]") {
  const auto curve = [](double t) {
    const double a = 4 * std::numbers::pi * t, radius = t < 0.5 ? 1 : 0.5;
    return Eigen::Vector2d(3 * radius * std::cos(a), 3 * radius * std::sin(a));
  };
  CHECK(worst_difference<detail::Circles>(curve, 0.24) < 1e-9);
}

TEST_CASE("rings: the density is the four circles with noise", "[train][toy]") {
  const auto curve = [](double t) {
    const double a = 8 * std::numbers::pi * t, radius = 3 * (1 - std::floor(4 * t) / 4);
    return Eigen::Vector2d(radius * std::cos(a), radius * std::sin(a));
  };
  CHECK(worst_difference<detail::Rings>(curve, 0.08) < 1e-9);
}

TEST_CASE("swissroll: the density is the spiral with noise", "[train][toy]") {
  const auto curve = [](double t) {
    const double tau = 1.5 * std::numbers::pi * (1 + 2 * t);
    return Eigen::Vector2d(tau * std::cos(tau) / 5, tau * std::sin(tau) / 5);
  };
  CHECK(worst_difference<detail::SwissRoll>(curve, 0.2) < 2e-6);
}
