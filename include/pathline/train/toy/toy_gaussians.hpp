/// \file
/// Toy sets that are mixtures of a few Gaussians: the eight of the literature, and three unlike ones.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/train/toy/isotropic_mixture.hpp>
#include <pathline/train/toy/toy_set.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <string_view>

namespace pathline::detail {

/// Eight Gaussians of equal weight on a circle.
class EightGaussians {
 public:
  static constexpr std::string_view name = "8gaussians";
  static constexpr double entropy = 2.831880;

  EightGaussians() {
    for (Index k = 0; k < 8; ++k) mixture_.add(centre(k)(0) / scale, centre(k)(1) / scale, 1. / 8);
  }
  [[nodiscard]] static Eigen::Vector2d sample(const auto& numbers) {
    return (centre(numbers.integer(0, 8)) + 0.5 * numbers.gaussian()) / scale;
  }
  [[nodiscard]] double log_density(const auto& x) const { return mixture_.log_density(x); }

 private:
  static constexpr double scale = 1.414;  // as in the code of the literature; not √2
  [[nodiscard]] static Eigen::Vector2d centre(Index k) {
    const double angle = double(k) * std::numbers::pi / 4;
    return {4 * std::cos(angle), 4 * std::sin(angle)};
  }
  IsotropicMixture mixture_{0.5 / scale};
};

/// Three Gaussians of unequal weights and covariances, without any symmetry: what is right here for a wrong reason (an
/// exchanged sign or component, a lost weight) has nowhere to hide. Pathline's own.
struct UnequalMixture {
  static constexpr std::string_view name = "mixture";
  static constexpr double entropy = 2.700249;

  /// Centre, and the lower Cholesky factor of the covariance.
  struct Component {
    double weight, x, y, l00, l10, l11;
  };
  static constexpr std::array<Component, 3> components{
      {{.weight = 0.5, .x = -2, .y = 0, .l00 = 0.8, .l10 = 0.5, .l11 = 0.4},
       {.weight = 0.3, .x = 1.5, .y = 1.5, .l00 = 0.5, .l10 = -0.6, .l11 = 0.7},
       {.weight = 0.2, .x = 1, .y = -2, .l00 = 1, .l10 = 0, .l11 = 0.25}}};

  [[nodiscard]] static Eigen::Vector2d sample(const auto& numbers) {
    const double u = numbers.uniform(0);
    const Component& c = components[u < 0.5 ? 0 : u < 0.8 ? 1 : 2];
    const Eigen::Vector2d g = numbers.gaussian();
    return {c.x + c.l00 * g(0), c.y + c.l10 * g(0) + c.l11 * g(1)};
  }
  [[nodiscard]] double log_density(const auto& x) const {
    std::array<double, 3> terms{};
    double largest = -std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < terms.size(); ++i) {
      const Component& c = components[i];
      const double g0 = (x(0) - c.x) / c.l00, g1 = (x(1) - c.y - c.l10 * g0) / c.l11;
      terms[i] = std::log(c.weight / (2 * std::numbers::pi * c.l00 * c.l11)) - (g0 * g0 + g1 * g1) / 2;
      largest = std::max(largest, terms[i]);
    }
    double sum = 0;
    for (const double term : terms) sum += std::exp(term - largest);
    return largest + std::log(sum);
  }
};

}  // namespace pathline::detail
