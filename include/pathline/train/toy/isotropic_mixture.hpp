/// \file
/// Mixtures of planar Gaussians that share one standard deviation: finite ones, and curves with Gaussian noise, which a
/// quadrature turns into mixtures.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/train/metric/quadrature.hpp>

#include <cmath>
#include <numbers>
#include <vector>

namespace pathline::detail {

/// p(x) = Σ w_i N(x; c_i, σ² I), x in the plane.
class IsotropicMixture {
 public:
  explicit IsotropicMixture(double deviation) : deviation_(deviation) {}

  /// One more Gaussian. The weights of a density sum to 1.
  void add(double x, double y, double weight) {
    x_.push_back(x);
    y_.push_back(y);
    log_weight_.push_back(std::log(weight));
  }

  /// A circle about the origin with uniform angle. Equally spaced nodes converge faster than any power: with spacing at
  /// most σ/2 the relative error is below 2 exp(-8π² r / |x|), 1e-8 up to four radii from the origin.
  void add_circle(double radius, double weight) {
    const auto nodes = Index(std::ceil(4 * std::numbers::pi * radius / deviation_));
    for (Index i = 0; i < nodes; ++i) {
      const double angle = 2 * std::numbers::pi * double(i) / double(nodes);
      add(radius * std::cos(angle), radius * std::sin(angle), weight / double(nodes));
    }
  }

  /// A smooth curve(t), t uniform on [from, to]. Panels of the quadrature are at most σ long, where |curve'| ≤ speed:
  /// the relative error is about 1e-9 on the curve, and below 1e-7 within four deviations of it.
  template <class Curve>
  void add_curve(const Curve& curve, double from, double to, double speed, double weight) {
    const auto panels = Index(std::ceil(speed * (to - from) / deviation_));
    for_each_node(from, to, panels, [&](double t, double node_weight) {
      const Eigen::Vector2d at = curve(t);
      add(at(0), at(1), weight * node_weight / (to - from));
    });
  }

  [[nodiscard]] Index size() const noexcept { return Index(x_.size()); }

  /// log p(x), finite at any distance: the largest term is taken out of the sum. Allocates nothing.
  [[nodiscard]] double log_density(const auto& x) const {
    using Values = Eigen::Map<const Eigen::ArrayXd>;
    const Values X(x_.data(), size()), Y(y_.data(), size()), log_weight(log_weight_.data(), size());
    const double factor = 0.5 / (deviation_ * deviation_);
    const auto exponents = [&] {  // an expression of maps and numbers: nothing that it refers to dies before it
      return log_weight - factor * ((X - x(0)).square() + (Y - x(1)).square());
    };
    const double largest = exponents().maxCoeff();
    return largest + std::log((exponents() - largest).exp().sum() * factor / std::numbers::pi);
  }

 private:
  double deviation_;
  std::vector<double> x_, y_, log_weight_;
};

}  // namespace pathline::detail
