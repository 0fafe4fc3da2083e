#include <pathline/train/toy/toy_pinwheel.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <numbers>

using namespace pathline;

TEST_CASE("pinwheel: expectations by the density are those by the Gaussians that it is made of", "[train][toy]") {
  // E h of a bump h(x) = exp(-|x - c|² / 2 s²), by the trapezoidal rule on both sides: over x with the density, over
  // (g₁, g₂) and the arms with the map. Spacings are below half a deviation; both rules cut off at six deviations.
  const detail::Pinwheel set;
  const double s = 0.15;
  for (const Eigen::Vector2d& c :
       {Eigen::Vector2d(1.2, -1.5), Eigen::Vector2d(-2, 0.5), Eigen::Vector2d(0.3, 0.2), Eigen::Vector2d(1.6, 1.3)}) {
    INFO("c = " << c.transpose());
    const auto bump = [&](double x, double y) {
      return std::exp(-((x - c(0)) * (x - c(0)) + (y - c(1)) * (y - c(1))) / (2 * s * s));
    };
    double by_density = 0;
    const double h = 0.045;
    for (int i = -20; i <= 20; ++i)
      for (int j = -20; j <= 20; ++j) {
        const double x = c(0) + i * h, y = c(1) + j * h;
        by_density += std::exp(set.log_density(Eigen::Vector2d(x, y))) * bump(x, y) * h * h;
      }
    double by_map = 0;
    const double h1 = 0.01, h2 = 0.01;
    for (double g1 = 1 - 1.8; g1 <= 1 + 1.8; g1 += h1)
      for (double g2 = -0.6; g2 <= 0.6; g2 += h2)
        for (int k = 0; k < 5; ++k) {
          const double phi = 2 * std::numbers::pi * k / 5 + 0.25 * std::exp(g1);
          const double p =
              std::exp(-(g1 - 1) * (g1 - 1) / (2 * 0.09) - g2 * g2 / (2 * 0.01)) / 5 / (2 * std::numbers::pi * 0.03);
          by_map += p * h1 * h2 *
                    bump(2 * (g1 * std::cos(phi) + g2 * std::sin(phi)), 2 * (-g1 * std::sin(phi) + g2 * std::cos(phi)));
        }
    CHECK(by_density == Approx(by_map).epsilon(1e-6));
  }
}

TEST_CASE("pinwheel: the density is the same in each of the five arms", "[train][toy]") {
  const detail::Pinwheel set;
  const Eigen::Vector2d x(1.2, -1.5);
  for (int k = 1; k < 5; ++k) {
    const double c = std::cos(2 * std::numbers::pi * k / 5), s = std::sin(2 * std::numbers::pi * k / 5);
    CHECK(set.log_density(Eigen::Vector2d(c * x(0) - s * x(1), s * x(0) + c * x(1))) ==
          Approx(set.log_density(x)).margin(1e-10));
  }
}

TEST_CASE("pinwheel: far away the density is 0, up to there it is a number", "[train][toy]") {
  const detail::Pinwheel set;
  for (double angle = 0; angle < 6.3; angle += 0.3) {
    const Eigen::Vector2d direction(std::cos(angle), std::sin(angle));
    for (const double radius : {0.0, 1.0, 5.0, 9.9}) CHECK(std::isfinite(set.log_density(radius * direction)));
    CHECK(std::exp(set.log_density(9.99 * direction)) < 1e-37);
    CHECK(std::isinf(set.log_density(10.01 * direction)));
  }
}
