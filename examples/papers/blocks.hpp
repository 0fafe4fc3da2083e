/// \file
/// Rows of a table in any number of dimensions whose density is known: clumps, curved ridges, and a spread that varies.
#pragma once

#include <examples/common/baselines.hpp>

#include <cmath>
#include <numbers>

namespace examples::papers {

struct Blocks {
  Table rows;       ///< d × n.
  Values log_prob;  ///< Their log-densities, nats.
};

/// Column j of `normal` (standard normal numbers) and of `uniform` (numbers from 0 to 1), both d × n, makes row j.
///
/// Variables come in blocks (a, b, c), the last one cut off where d is no multiple of three. a lies in one of two
/// clumps about half the a' of the block before; b is a parabola of a; c is normal, with a mean and a spread that
/// depend on b:
///
///     a = a' / 2 ± 0.8 + 0.6 ε,   b = 0.4 (a² - 1) + 0.7 ε,   c = 0.3 b + exp(0.5 tanh b) ε.
[[nodiscard]] inline Blocks blocks(const Table& normal, const Table& uniform) {
  constexpr double gap = 0.8, width = 0.6, b_width = 0.7;
  const auto log_normal = [](double x) { return -0.5 * (x * x + std::log(2 * std::numbers::pi)); };
  const Index d = normal.rows(), n = normal.cols();
  Blocks result{Table(d, n), Values::Zero(n)};
  for (Index j = 0; j < n; ++j) {
    double a = 0, b = 0, log_p = 0;
    for (Index i = 0; i < d; ++i) {
      const double e = normal(i, j);
      double& x = result.rows(i, j);
      if (i % 3 == 0) {
        const double centre = 0.5 * a;
        x = centre + (uniform(i, j) < 0.5 ? -gap : gap) + width * e;
        log_p += std::log(
            0.5 *
            (std::exp(log_normal((x - centre - gap) / width)) + std::exp(log_normal((x - centre + gap) / width))) /
            width);
        a = x;
      } else if (i % 3 == 1) {
        x = 0.4 * (a * a - 1) + b_width * e;
        log_p += log_normal(e) - std::log(b_width);
        b = x;
      } else {
        const double log_width = 0.5 * std::tanh(b);
        x = 0.3 * b + std::exp(log_width) * e;
        log_p += log_normal(e) - log_width;
      }
    }
    result.log_prob(j) = log_p;
  }
  return result;
}

}  // namespace examples::papers
