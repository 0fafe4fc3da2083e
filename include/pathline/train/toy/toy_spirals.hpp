/// \file
/// The toy set `2spirals`: two spiral arms, thickened by a uniform square and Gaussian noise.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/train/metric/quadrature.hpp>
#include <pathline/train/toy/toy_set.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string_view>
#include <vector>

namespace pathline::detail {

/// log ∫_{u-w}^{u} N(s; 0, 1) ds, w ≥ 1, finite for every u: a Gaussian smoothed over an interval.
[[nodiscard]] inline double log_gaussian_interval(double u, double w) {
  const double middle = std::abs(u - w / 2), a = middle - w / 2, b = middle + w / 2;  // its mirror image if u < w / 2
  if (a < 5) return std::log((std::erfc(a / std::numbers::sqrt2) - std::erfc(b / std::numbers::sqrt2)) / 2);
  // Upper tails are Q(s) = φ(s) R(s) with Mills' ratio R(s) = 1/(s + 1/(s + 2/(s + 3/(s + …)))); with 16 levels to
  // 1e-12 from s = 5 on. erfc itself would underflow at 38.
  const auto mills = [](double s) {
    double fraction = s;
    for (int level = 16; level > 0; --level) fraction = s + level / fraction;
    return 1 / fraction;
  };
  const double inside = mills(a) - std::exp(-(b - a) * middle) * mills(b);  // (b² - a²) / 2 = (b - a) · middle
  return std::log(inside / std::sqrt(2 * std::numbers::pi)) - a * a / 2;
}

/// ± (ν (-cos ν, sin ν) + (U₁, U₂) / 2) / 3 + 0.1 N with ν = 3π √U₀ and a fair sign.
///
/// Given ν the components are independent, each uniform on an interval plus a Gaussian; the density is the integral of
/// their product over √U₀, to a relative error of 1e-6.
class TwoSpirals {
 public:
  static constexpr std::string_view name = "2spirals";
  static constexpr double entropy = 2.645450;

  TwoSpirals() {
    // With r = √U₀ (density 2r) the arm is smooth; its speed is 3π √(1 + ν²) / 3 < 30. Panels of two deviations.
    for_each_node(0, 1, 150, [&](double r, double weight) {
      const Eigen::Vector2d centre = arm(r);
      nodes_.push_back({centre(0), centre(1), std::log(2 * r * weight / 2 / (shift * shift))});
    });
  }
  [[nodiscard]] static Eigen::Vector2d sample(const auto& numbers) {
    const Eigen::Vector2d point =
        arm(std::sqrt(numbers.uniform(0))) + shift * Eigen::Vector2d(numbers.uniform(1), numbers.uniform(2));
    return (numbers.integer(3, 2) == 0 ? point : -point) + deviation * numbers.gaussian();
  }
  [[nodiscard]] double log_density(const auto& x) const {
    double largest = -std::numeric_limits<double>::infinity();
    for (const Node& node : nodes_) largest = std::max({largest, bound(node, x), bound(node, -x)});
    double sum = 0;
    for (const Node& node : nodes_) sum += term(node, x, largest) + term(node, -x, largest);
    return largest + std::log(sum);
  }

 private:
  struct Node {
    double x, y, log_weight;
  };
  static constexpr double deviation = 0.1, shift = 0.5 / 3, width = shift / deviation;

  [[nodiscard]] static Eigen::Vector2d arm(double r) {
    const double nu = 3 * std::numbers::pi * r;
    return {-nu * std::cos(nu) / 3, nu * std::sin(nu) / 3};
  }
  // Distance to the interval in deviations: the logarithm over the interval is below minus half its square.
  [[nodiscard]] static double distance(double u) { return std::max(std::abs(u - width / 2) - width / 2, 0.0); }
  [[nodiscard]] static double bound(const Node& node, const Eigen::Vector2d& x) {
    const double dx = distance((x(0) - node.x) / deviation), dy = distance((x(1) - node.y) / deviation);
    return node.log_weight - (dx * dx + dy * dy) / 2;
  }
  // Most nodes are too far away to count, and cost no error function then.
  [[nodiscard]] static double term(const Node& node, const Eigen::Vector2d& x, double largest) {
    if (bound(node, x) < largest - 45) return 0;
    return std::exp(node.log_weight - largest + log_gaussian_interval((x(0) - node.x) / deviation, width) +
                    log_gaussian_interval((x(1) - node.y) / deviation, width));
  }

  std::vector<Node> nodes_;
};

}  // namespace pathline::detail
