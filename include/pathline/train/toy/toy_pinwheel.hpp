/// \file
/// The toy set `pinwheel`: five arms, bent because they are turned by an angle that grows along them.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/train/toy/toy_set.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <string_view>
#include <vector>

namespace pathline::detail {

/// x = 2 R(-φ) g with g = (1 + 0.3 N, 0.1 N), φ = 2π k / 5 + ¼ exp g₁, R(φ) the rotation by φ, k one of 5 arms.
///
/// Density: the Jacobian determinant of g ↦ x is 4 (1 + φ'(g₁) g₂), and g₁ solves g₁ = e₁·R(φ(g₁)) x/2. An arm may
/// have several solutions; their densities add up. They are looked for in steps of 0.01. A pair closer together is
/// missed; pairs meet at the folds g₂ = -1/φ'(g₁), where the density of g is below 4e-8 of its largest. Beyond
/// |x| = 10, where p is below 1e-37, there is no search, and log_density says -inf.
class Pinwheel {
 public:
  static constexpr std::string_view name = "pinwheel";
  static constexpr double entropy = 2.317788;

  Pinwheel() {
    const auto steps = Index(std::lround(2 * reach / 0.01));
    for (Index i = 0; i <= steps; ++i) {
      const double g1 = -reach + 2 * reach * double(i) / double(steps);
      table_.push_back({g1, std::cos(bend(g1)), std::sin(bend(g1))});
    }
  }
  [[nodiscard]] static Eigen::Vector2d sample(const auto& numbers) {
    const Eigen::Vector2d gaussian = numbers.gaussian(), g(1 + 0.3 * gaussian(0), 0.1 * gaussian(1));
    return 2 * turned(g, -arm_angle(numbers.integer(0, 5)) - bend(g(0)));
  }
  [[nodiscard]] double log_density(const auto& x) const {
    if (x.norm() > 2 * reach) return -std::numeric_limits<double>::infinity();
    double sum = 0;
    for (Index k = 0; k < 5; ++k) {
      const Eigen::Vector2d y = turned(x / 2, arm_angle(k));  // then g = R(bend(g₁)) y
      double before = 0;  // residual of the equation at the table's points, which changes sign at a solution
      for (std::size_t i = 0; i < table_.size(); ++i) {
        const double here = table_[i].g1 - (table_[i].cos * y(0) - table_[i].sin * y(1));
        if (i > 0 && (before < 0) != (here < 0))
          sum += density_at(root(y, table_[i - 1].g1, table_[i].g1, before < 0), y);
        before = here;
      }
    }
    return std::log(sum / 5);
  }

 private:
  struct Entry {
    double g1, cos, sin;
  };
  static constexpr double reach = 5;

  [[nodiscard]] static double arm_angle(Index k) { return 2 * std::numbers::pi * double(k) / 5; }
  [[nodiscard]] static double bend(double g1) { return 0.25 * std::exp(g1); }
  [[nodiscard]] static Eigen::Vector2d turned(const Eigen::Vector2d& v, double angle) {
    const double c = std::cos(angle), s = std::sin(angle);
    return {c * v(0) - s * v(1), s * v(0) + c * v(1)};
  }
  // The solution between low and high, where the residual changes sign: by Newton's method, and by bisection where
  // that leaves the bracket (next to a fold its slope, 1 + φ' g₂, is 0).
  [[nodiscard]] static double root(const Eigen::Vector2d& y, double low, double high, bool negative_at_low) {
    double g1 = (low + high) / 2;
    for (int i = 0; i < 50; ++i) {
      const Eigen::Vector2d g = turned(y, bend(g1));
      const double residual = g1 - g(0);
      ((residual < 0) == negative_at_low ? low : high) = g1;
      const double step = residual / (1 + bend(g1) * g(1)), next = g1 - step;
      if (std::abs(step) < 1e-13) return g1;
      g1 = next > low && next < high ? next : (low + high) / 2;
    }
    return g1;
  }
  // What one solution g₁ adds; φ' = bend.
  [[nodiscard]] static double density_at(double g1, const Eigen::Vector2d& y) {
    const double g2 = turned(y, bend(g1))(1), a = (g1 - 1) / 0.3, b = g2 / 0.1;
    return std::exp(-(a * a + b * b) / 2) / (2 * std::numbers::pi * 0.3 * 0.1 * 4 * std::abs(1 + bend(g1) * g2));
  }

  std::vector<Entry> table_;
};

}  // namespace pathline::detail
