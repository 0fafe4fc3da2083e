#include <pathline/train/toy/isotropic_mixture.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <numbers>

using namespace pathline;
using detail::IsotropicMixture;

TEST_CASE("A mixture's density is the weighted sum of its Gaussians", "[train][toy]") {
  IsotropicMixture mixture(0.5);
  mixture.add(1, -1, 0.75);
  mixture.add(-2, 0.5, 0.25);
  const Eigen::Vector2d x(0.3, 0.4);
  const auto gaussian = [&](double cx, double cy) {
    return std::exp(-((x(0) - cx) * (x(0) - cx) + (x(1) - cy) * (x(1) - cy)) / (2 * 0.25)) /
           (2 * std::numbers::pi * 0.25);
  };
  const double expected = std::log(0.75 * gaussian(1, -1) + 0.25 * gaussian(-2, 0.5));
  CHECK(mixture.log_density(x) == Approx(expected).epsilon(1e-14));
}

TEST_CASE("A noisy circle's density is Bessel's function I0 up to four radii", "[train][toy]") {
  const double radius = 1.7, deviation = 0.2, variance = deviation * deviation;
  IsotropicMixture mixture(deviation);
  mixture.add_circle(radius, 1);
  double worst = 0;
  for (double r = 0; r <= 4 * radius; r += 0.1) {
    // p = exp(-(r² + R²) / 2σ²) I0(r R / σ²) / (2π σ²)
    const double expected = -(r * r + radius * radius) / (2 * variance) +
                            std::log(std::cyl_bessel_i(0, r * radius / variance) / (2 * std::numbers::pi * variance));
    worst =
        std::max(worst, std::abs(mixture.log_density(Eigen::Vector2d(r * std::cos(r), r * std::sin(r))) - expected));
  }
  // 2 exp(-8π² / 4) = 5e-9 at the farthest; the library's I0 is good to 1e-12.
  CHECK(worst < 1e-8);
}

TEST_CASE("A noisy segment's density is a product of Gaussian and error function", "[train][toy]") {
  const double length = 3, deviation = 0.25;
  IsotropicMixture mixture(deviation);
  mixture.add_curve([](double t) { return Eigen::Vector2d(2 * t, 0); }, 0, length / 2, 2, 1);
  CHECK(mixture.size() == 5 * 12);
  const auto upper = [&](double t) { return std::erfc(t / (deviation * std::numbers::sqrt2)) / 2; };
  double worst = 0;
  for (double x = -1; x <= 4; x += 0.05)  // as far as four deviations before and behind
    for (const double y : {0.0, 0.3, -0.9}) {
      const double expected = std::log((upper(-x) - upper(length - x)) / length) - y * y / (2 * deviation * deviation) -
                              std::log(deviation * std::sqrt(2 * std::numbers::pi));
      worst = std::max(worst, std::abs(mixture.log_density(Eigen::Vector2d(length - x, y)) - expected));
    }
  CHECK(worst < 1e-7);  // 2e-8 at four deviations behind an end, 1e-9 on the segment
}

TEST_CASE("A mixture's log-density is finite where its density is not a number of double any more", "[train][toy]") {
  IsotropicMixture mixture(0.1);
  mixture.add(0, 0, 1);
  CHECK(mixture.log_density(Eigen::Vector2d(100, 0)) ==
        Approx(-0.5e6 - std::log(2 * std::numbers::pi * 0.01)).epsilon(1e-14));
}
