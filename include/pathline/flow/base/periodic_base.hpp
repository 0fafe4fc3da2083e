/// \file
/// The base density of flows on circles and lines.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/base/base_density.hpp>
#include <pathline/nn/layer/periodic_features.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace pathline {

/// Uniform on the circle in each periodic component, N(0, 1) in the others:
///
///     log ν(z) = -p log 2π - ½ Σ z_j² - ½ (d - p) log 2π,   j not on a circle, p circles
///
/// Defined at every real number: an angle and the same angle plus 2π have one density, of the point on the circle.
/// Samples are in [-π, π). Needs a field with period 2π in the circles, such as `PeriodicMlp`; the flow's density is
/// then periodic, and as smooth at the seam as elsewhere. Rezende et al., ICML 2020; Mathieu & Nickel, NeurIPS 2020.
class PeriodicBase {
 public:
  /// \throws ArgumentError on a circle that is not among `dim` components, or named twice.
  PeriodicBase(Index dim, const std::vector<Circle>& circles)
      : circles_(detail::circle_components("PeriodicBase", dim, circles)), on_line_(dim) {
    for (Index i = 0; i < dim; ++i) on_line_(i) = 1;
    for (const Index i : circles_) on_line_(i) = 0;
    const double p = double(circles_.size());
    constant_ = -p * std::log(2 * std::numbers::pi) - (double(dim) - p) * detail::log_sqrt_2_pi;
  }

  [[nodiscard]] Index dim() const noexcept { return on_line_.size(); }
  /// Components on circles, ascending.
  [[nodiscard]] const std::vector<Index>& circles() const noexcept { return circles_; }

  void check(Index d) const { require_rows("PeriodicBase: field", d, dim()); }
  template <class Derived>
  void log_density(const Eigen::MatrixBase<Derived>& Z, RowRef<typename Derived::Scalar> log_p) const {
    using Scalar = typename Derived::Scalar;
    for (Index j = 0; j < Z.cols(); ++j) {
      Scalar square = 0;
      for (Index i = 0; i < Z.rows(); ++i) square += Scalar(on_line_(i)) * Z(i, j) * Z(i, j);
      log_p(j) = Scalar(constant_) - Scalar(0.5) * square;
    }
  }
  template <class Derived>
  void score(const Eigen::MatrixBase<Derived>& Z, BatchRef<typename Derived::Scalar> Z_bar) const {
    using Scalar = typename Derived::Scalar;
    for (Index j = 0; j < Z.cols(); ++j)
      for (Index i = 0; i < Z.rows(); ++i) Z_bar(i, j) = -Scalar(on_line_(i)) * Z(i, j);
  }
  template <class Derived>
  void sample(const Draw& draw, Index first, Eigen::MatrixBase<Derived>& Z) const {
    using Scalar = typename Derived::Scalar;
    fill<Gaussian>(draw, first, Z.derived());
    // By numbers from the blocks after those of the Gaussians: two components of one block would depend on each other.
    const Index after_gaussians = (dim() + 1) / 2 * 2;
    static_assert(Gaussian::per_block == 2 && Uniform::per_block == 2);
    for (Index j = 0; j < Z.cols(); ++j)
      for (const Index i : circles_) {
        const double u = draw.number_at<Uniform>(first + j, after_gaussians + i);
        // In float π is rounded up: the angles next to it would be outside of the interval.
        const Scalar largest = std::nextafter(Scalar(std::numbers::pi), Scalar(0));
        Z(i, j) = std::clamp(Scalar(std::numbers::pi * (2 * u - 1)), -largest, largest);
      }
  }

 private:
  std::vector<Index> circles_;
  Vector<double> on_line_;  ///< 1 for components on lines, 0 on circles.
  double constant_;
};

}  // namespace pathline
