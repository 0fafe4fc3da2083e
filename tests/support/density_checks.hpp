/// \file
/// Whether a density in the plane and a sampler belong together: integrals on a grid, and a chi-square test of the
/// samples' counts in its cells.
#pragma once

#include <pathline/core/types.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace pathline::test {

/// A square grid about the origin, of `cells` × `cells` cells of `fine` × `fine` points each, at the midpoints of
/// equal squares. Sums over the points integrate a smooth density almost exactly where it vanishes at the edge, once
/// the spacing is below its finest standard deviation (the trapezoidal rule).
struct Grid {
  double half_width;
  Index cells, fine;

  [[nodiscard]] double spacing() const { return 2 * half_width / double(cells * fine); }
  /// 2 × (cells · fine)².
  [[nodiscard]] Batch<double> points() const {
    const Index side = cells * fine;
    Batch<double> X(2, side * side);
    for (Index j = 0; j < X.cols(); ++j)
      X.col(j) << (double(j / side) + 0.5) * spacing() - half_width, (double(j % side) + 0.5) * spacing() - half_width;
    return X;
  }
  /// The cell of a point, or cells² outside of the grid.
  [[nodiscard]] Index cell_of(const Eigen::Vector2d& x) const {
    const Eigen::Vector2d place = (x.array() + half_width) * (double(cells) / (2 * half_width));
    if (place.minCoeff() < 0 || place.maxCoeff() >= double(cells)) return cells * cells;
    return Index(place(0)) * cells + Index(place(1));
  }
};

/// Integrals over a grid of a density p, given by log p at its points.
struct GridIntegrals {
  double total = 0, entropy = 0;      ///< ∫ p and -∫ p log p.
  Vector<double> cell_probabilities;  ///< Of each cell, and last of the outside: 1 - total.
};

[[nodiscard]] inline GridIntegrals integrate_density(const Grid& grid, const Row<double>& log_p) {
  const Batch<double> X = grid.points();
  const double area = grid.spacing() * grid.spacing();
  GridIntegrals result;
  result.cell_probabilities.setZero(grid.cells * grid.cells + 1);
  for (Index j = 0; j < X.cols(); ++j) {
    const double p = std::exp(log_p(j)) * area;
    if (p == 0) continue;
    result.total += p;
    result.entropy -= p * log_p(j);
    result.cell_probabilities(grid.cell_of(X.col(j))) += p;
  }
  result.cell_probabilities.tail(1).setConstant(std::max(0.0, 1 - result.total));
  return result;
}

/// Pearson's statistic Σ (observed - expected)² / expected, with the cells that expect fewer than 5 put together.
struct ChiSquare {
  double statistic = 0;
  Index degrees = 0;

  /// The quantile that a true hypothesis stays below with this many Gaussian deviations of confidence (3.09: 99.9 %),
  /// by Wilson & Hilferty's cube; good to a percent from 3 degrees on.
  [[nodiscard]] double quantile(double deviations) const {
    const double v = 2.0 / (9 * double(degrees));
    return double(degrees) * std::pow(1 - v + deviations * std::sqrt(v), 3);
  }
};

[[nodiscard]] inline ChiSquare chi_square(const Grid& grid, const Vector<double>& probabilities,
                                          const Batch<double>& samples) {
  Vector<double> observed = Vector<double>::Zero(probabilities.size());
  for (Index j = 0; j < samples.cols(); ++j) observed(grid.cell_of(samples.col(j))) += 1;
  ChiSquare result;
  double rare_observed = 0, rare_expected = 0;
  const auto add = [&](double seen, double expected) {
    result.statistic += (seen - expected) * (seen - expected) / expected;
    ++result.degrees;
  };
  for (Index i = 0; i < probabilities.size(); ++i) {
    const double expected = probabilities(i) * double(samples.cols());
    if (expected >= 5) {
      add(observed(i), expected);
    } else {
      rare_expected += expected;
      rare_observed += observed(i);
    }
  }
  // Fewer than one expected is no term of its own, but a sample where there is no probability must show.
  if (rare_expected >= 1 || rare_observed > 3) add(rare_observed, std::max(rare_expected, 1.0));
  --result.degrees;  // the counts' sum is given
  return result;
}

}  // namespace pathline::test
