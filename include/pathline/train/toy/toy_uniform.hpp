/// \file
/// Toy sets without noise: the checkerboard, and two graphs of functions, which have no density in the plane.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/train/toy/toy_set.hpp>

#include <cmath>
#include <limits>
#include <numbers>
#include <string_view>

namespace pathline::detail {

/// Uniform on 8 of the 16 squares of [-4, 4]², those of one colour; 1/32 there.
struct Checkerboard {
  static constexpr std::string_view name = "checkerboard";
  static constexpr double entropy = 5 * std::numbers::ln2;

  [[nodiscard]] static Eigen::Vector2d sample(const auto& numbers) {
    const double x = 4 * numbers.uniform(0) - 2;
    const double y = numbers.uniform(1) - 2 * double(numbers.integer(2, 2)) + odd(x);
    return {2 * x, 2 * y};
  }
  [[nodiscard]] double log_density(const auto& x) const {
    const double row = std::floor(x(1) / 2 - odd(x(0) / 2));  // of the shifted column, whose squares are rows 0 and -2
    const bool inside = x(0) >= -4 && x(0) < 4 && (row == 0 || row == -2);
    return inside ? -entropy : -std::numeric_limits<double>::infinity();
  }

 private:
  // ⌊x⌋ mod 2, which is 1 for -1 too.
  [[nodiscard]] static double odd(double x) { return std::floor(x) - 2 * std::floor(std::floor(x) / 2); }
};

/// (x, x), x uniform on (-2.5, 2.5).
struct Line {
  static constexpr std::string_view name = "line";
  [[nodiscard]] static Eigen::Vector2d sample(const auto& numbers) {
    const double x = 5 * numbers.uniform(0) - 2.5;
    return {x, x};
  }
};

/// (x, 2.5 sin x), x uniform on (-2.5, 2.5). The literature calls it cos.
struct Cosine {
  static constexpr std::string_view name = "cos";
  [[nodiscard]] static Eigen::Vector2d sample(const auto& numbers) {
    const double x = 5 * numbers.uniform(0) - 2.5;
    return {x, 2.5 * std::sin(x)};
  }
};

}  // namespace pathline::detail
