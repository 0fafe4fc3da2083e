/// \file
/// Toy sets that are curves with Gaussian noise: moons, circles, rings, swissroll.
///
/// The FFJORD code spaces the parameter of moons, circles and rings equally, so that a sample depends on the size of
/// its batch and has no density. Here it is uniform at random: samples are independent, and the density is that of the
/// curve with its noise.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/train/toy/isotropic_mixture.hpp>
#include <pathline/train/toy/toy_set.hpp>

#include <cmath>
#include <numbers>
#include <string_view>

namespace pathline::detail {

/// Two half circles that reach into each other; scikit-learn's make_moons, scaled.
class Moons {
 public:
  static constexpr std::string_view name = "moons";
  static constexpr double entropy = 2.393879;

  Moons() {
    mixture_.add_curve([](double angle) { return upper(angle); }, 0, std::numbers::pi, 2, 0.5);
    mixture_.add_curve([](double angle) { return lower(angle); }, 0, std::numbers::pi, 2, 0.5);
  }
  [[nodiscard]] static Eigen::Vector2d sample(const auto& numbers) {
    const double angle = std::numbers::pi * numbers.uniform(1);
    return (numbers.integer(0, 2) == 0 ? upper(angle) : lower(angle)) + deviation * numbers.gaussian();
  }
  [[nodiscard]] double log_density(const auto& x) const { return mixture_.log_density(x); }

 private:
  static constexpr double deviation = 2 * 0.1;
  // 2 p + (-1, -0.2) of p = (cos α, sin α) and of p = (1 - cos α, ½ - sin α).
  [[nodiscard]] static Eigen::Vector2d upper(double angle) {
    return {2 * std::cos(angle) - 1, 2 * std::sin(angle) - 0.2};
  }
  [[nodiscard]] static Eigen::Vector2d lower(double angle) {
    return {1 - 2 * std::cos(angle), 0.8 - 2 * std::sin(angle)};
  }
  IsotropicMixture mixture_{deviation};
};

/// A point on the circle of this radius at a uniform angle.
[[nodiscard]] inline Eigen::Vector2d on_circle(double radius, double uniform) {
  const double angle = 2 * std::numbers::pi * uniform;
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

/// Two circles of radius 3 and 1.5, with equal weights.
class Circles {
 public:
  static constexpr std::string_view name = "circles";
  static constexpr double entropy = 3.268136;

  Circles() {
    mixture_.add_circle(3, 0.5);
    mixture_.add_circle(1.5, 0.5);
  }
  [[nodiscard]] static Eigen::Vector2d sample(const auto& numbers) {
    return on_circle(numbers.integer(0, 2) == 0 ? 3 : 1.5, numbers.uniform(1)) + deviation * numbers.gaussian();
  }
  [[nodiscard]] double log_density(const auto& x) const { return mixture_.log_density(x); }

 private:
  static constexpr double deviation = 3 * 0.08;  // the noise is scaled with the radii
  IsotropicMixture mixture_{deviation};
};

/// Four circles of radius 0.75, 1.5, 2.25 and 3, with equal weights.
class Rings {
 public:
  static constexpr std::string_view name = "rings";
  static constexpr double entropy = 2.623183;

  Rings() {
    for (Index i = 1; i <= 4; ++i) mixture_.add_circle(0.75 * double(i), 0.25);
  }
  [[nodiscard]] static Eigen::Vector2d sample(const auto& numbers) {
    return on_circle(0.75 * double(1 + numbers.integer(0, 4)), numbers.uniform(1)) + deviation * numbers.gaussian();
  }
  [[nodiscard]] double log_density(const auto& x) const { return mixture_.log_density(x); }

 private:
  static constexpr double deviation = 0.08;  // here the noise comes after the scaling
  IsotropicMixture mixture_{deviation};
};

/// A turn and a half of a spiral of Archimedes; scikit-learn's make_swiss_roll without its height, divided by 5.
class SwissRoll {
 public:
  static constexpr std::string_view name = "swissroll";
  static constexpr double entropy = 2.669646;

  SwissRoll() {
    // |d/dτ (τ cos τ, τ sin τ)| = √(1 + τ²)
    mixture_.add_curve(spiral, first, last, std::sqrt(1 + last * last) / 5, 1);
  }
  [[nodiscard]] static Eigen::Vector2d sample(const auto& numbers) {
    return spiral(first + (last - first) * numbers.uniform(0)) + deviation * numbers.gaussian();
  }
  [[nodiscard]] double log_density(const auto& x) const { return mixture_.log_density(x); }

 private:
  static constexpr double deviation = 1. / 5, first = 1.5 * std::numbers::pi, last = 4.5 * std::numbers::pi;
  [[nodiscard]] static Eigen::Vector2d spiral(double tau) { return {tau * std::cos(tau) / 5, tau * std::sin(tau) / 5}; }
  IsotropicMixture mixture_{deviation};
};

}  // namespace pathline::detail
