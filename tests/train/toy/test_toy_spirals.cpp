#include <pathline/train/toy/toy_spirals.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

using namespace pathline;
using detail::log_gaussian_interval;
using detail::ToyNumbers;

TEST_CASE("log_gaussian_interval is a quadrature of the Gaussian, and finite everywhere", "[train][toy]") {
  const double w = 5. / 3;
  for (double u = -36; u < 38; u += 0.37) {
    INFO("u = " << u);
    double integral = 0;
    detail::for_each_node(u - w, u, 60, [&](double t, double weight) { integral += weight * std::exp(-t * t / 2); });
    // Below 36 deviations nothing underflows. Panels of 0.03: the quadrature is exact to rounding; the argument
    // t²/2 = 700 loses 3e-14 · … of the sum, Mills' ratio 1e-12.
    CHECK(log_gaussian_interval(u, w) ==
          Approx(std::log(integral / std::sqrt(2 * std::numbers::pi))).epsilon(1e-13).margin(1e-11));
  }
  // Far away the tail is φ(a) / a, to 1 / a².
  for (const double u : {-300.0, 300.0 + w})
    CHECK(log_gaussian_interval(u, w) ==
          Approx(-45'000 - std::log(300 * std::sqrt(2 * std::numbers::pi))).margin(2e-5));
}

TEST_CASE("log_gaussian_interval is symmetric about its middle, and continuous where the formula changes",
          "[train][toy]") {
  const double w = 1.5;
  for (const double u : {0.1, 3.0, 20.0}) CHECK(log_gaussian_interval(u, w) == log_gaussian_interval(w - u, w));
  CHECK(log_gaussian_interval(5 + w - 1e-9, w) == Approx(log_gaussian_interval(5 + w + 1e-9, w)).margin(1e-7));
}

TEST_CASE("2spirals: the density is the mean over the angle and both shifts of its Gaussians", "[train][toy]") {
  const detail::TwoSpirals set;
  double worst = 0;
  for (Index sample = 0; sample < 12; ++sample) {
    const Eigen::Vector2d x = detail::TwoSpirals::sample(ToyNumbers(Draw{5, 0}, sample));
    const int angles = 4000, shifts = 20;
    double sum = 0;
    for (const double sign : {1.0, -1.0})
      for (int i = 0; i < angles; ++i) {
        const double nu = 3 * std::numbers::pi * std::sqrt((i + 0.5) / angles);
        // Given the angle the shifts are independent.
        double along[2] = {0, 0};
        const double centre[2] = {-nu * std::cos(nu), nu * std::sin(nu)};
        for (int axis = 0; axis < 2; ++axis)
          for (int j = 0; j < shifts; ++j) {
            const double distance = x(axis) - sign * (centre[axis] + 0.5 * (j + 0.5) / shifts) / 3;
            along[axis] += std::exp(-distance * distance / (2 * 0.01)) / shifts;
          }
        sum += along[0] * along[1];
      }
    const double expected = std::log(sum / (2 * angles) / (2 * std::numbers::pi * 0.01));
    worst = std::max(worst, std::abs(set.log_density(x) - expected));
  }
  // Midpoint rule over a shift: (spacing / σ)² / 24 = (0.0083 / 0.1)² / 24 = 3e-4 for each.
  CHECK(worst < 1e-3);
}

TEST_CASE("2spirals: the log-density is finite far away", "[train][toy]") {
  // The nearest corner of the arms' ends is 100 - 3.2 away, in deviations of 0.1.
  const double value = detail::TwoSpirals{}.log_density(Eigen::Vector2d(100, 0));
  CHECK(value > -0.5 * 1000 * 1000);
  CHECK(value < -0.5 * 960 * 960);
}
