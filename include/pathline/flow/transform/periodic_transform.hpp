/// \file
/// The data transform of flows on circles and lines: angles of any unit to radians, real components standardised, and
/// samples back on the circle.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/statistics/require_parameter.hpp>
#include <pathline/flow/transform/transform.hpp>
#include <pathline/nn/layer/periodic_features.hpp>

#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

namespace pathline {

/// A circle's component x becomes the angle z = 2π (x - lower) / (upper - lower) - π, taken modulo 2π to [-π, π); back
/// likewise, to [lower, upper). Other components are standardised as by `Standardize`, or stay as they are where there
/// is no data. log |det| = Σ_circles log (2π / (upper - lower)) - Σ_others log deviation.
///
///     const PeriodicTransform hours({{.component = 0, .lower = 0, .upper = 24}}, data);
template <Real Scalar>
class PeriodicTransform {
  using Numbers = Vector<detail::Double<Scalar>>;

 public:
  static constexpr bool by_component = true;

  /// Circles only; the other components of `dim` stay as they are.
  /// \throws ArgumentError on a circle that is not among the components, or named twice, or without a positive length.
  PeriodicTransform(const std::vector<Circle>& circles, Index dim)
      : PeriodicTransform(circles, Numbers::Zero(dim), Numbers::Ones(dim)) {}

  /// \param data  d × n, raw: what the other components are standardised by.
  /// \throws ArgumentError as above; DataError as `Standardize`, or when most samples of a circle are more than a turn
  ///         outside of its interval, as degrees on a circle of radians are.
  template <class Derived>
  PeriodicTransform(const std::vector<Circle>& circles, const Eigen::MatrixBase<Derived>& data)
      : PeriodicTransform(circles, standardize(circles, data)) {}

  /// From known numbers, d each: what components on lines are standardised by; those of circles are not read.
  /// \throws ShapeError when the sizes differ; ArgumentError on a number that is not finite or a deviation that is not
  ///         positive, or as above.
  PeriodicTransform(const std::vector<Circle>& circles, const Vector<double>& mean, const Vector<double>& deviation)
      : circles_(circles),
        components_(detail::circle_components("PeriodicTransform", mean.size(), circles)),
        circle_at_(std::size_t(mean.size()), -1),
        mean_(mean),
        deviation_(deviation) {
    require_rows("PeriodicTransform: deviation", deviation.size(), mean.size());
    detail::require_parameter("PeriodicTransform: mean", mean);
    detail::require_parameter("PeriodicTransform: deviation", deviation, true);
    for (std::size_t c = 0; c < circles.size(); ++c) {
      const auto [component, lower, upper] = circles[c];
      if (!(lower < upper && std::isfinite(upper - lower)))
        throw ArgumentError("PeriodicTransform: upper of the circle of component " + std::to_string(component), upper,
                            "above lower, " + detail::number(lower) + ", and finite");
      circle_at_[std::size_t(component)] = Index(c);
      deviation_(component) = (upper - lower) / (2 * pi);
      mean_(component) = lower + (upper - lower) / 2;
    }
    log_det_ = -deviation_.array().log().sum();
  }

  /// The circles as they were given.
  [[nodiscard]] const std::vector<Circle>& given_circles() const noexcept { return circles_; }
  [[nodiscard]] const Vector<double>& mean() const noexcept { return mean_; }
  [[nodiscard]] const Vector<double>& deviation() const noexcept { return deviation_; }
  /// Components on circles, ascending.
  [[nodiscard]] const std::vector<Index>& circles() const noexcept { return components_; }

  void check(Index d) const { require_rows("PeriodicTransform: field", d, mean_.size()); }
  void apply(ConstBatchRef<Scalar> X, BatchRef<Scalar> Z, RowRef<Scalar> log_det) const {
    for (Index j = 0; j < X.cols(); ++j) {
      for (Index i = 0; i < X.rows(); ++i) {
        const double z = (double(X(i, j)) - mean_(i)) / deviation_(i);
        if (circle_at_[std::size_t(i)] < 0)
          Z(i, j) = Scalar(z);
        else if (std::abs(z) < farthest)
          Z(i, j) = Scalar(wrapped(z));
        else
          throw DomainError("PeriodicTransform", double(X(i, j)), i, j,
                            "a number within " + detail::number(farthest * deviation_(i)) +
                                " of the circle: so far out its rounding exceeds a thousandth of a turn");
      }
    }
    log_det.setConstant(Scalar(log_det_));
  }
  void invert(ConstBatchRef<Scalar> Z, BatchRef<Scalar> X) const {
    for (Index j = 0; j < Z.cols(); ++j)
      for (Index i = 0; i < Z.rows(); ++i) {
        const Index c = circle_at_[std::size_t(i)];
        if (c < 0) {
          X(i, j) = Scalar(double(Z(i, j)) * deviation_(i) + mean_(i));
        } else {
          const Circle& circle = circles_[std::size_t(c)];
          const double turn = wrapped(double(Z(i, j))) / (2 * pi) + 0.5;
          Scalar x = Scalar(circle.lower + turn * (circle.upper - circle.lower));
          // Rounded, it may have left the interval by the last digit.
          if (double(x) < circle.lower) x = std::nextafter(x, std::numeric_limits<Scalar>::infinity());
          if (double(x) >= circle.upper) x = std::nextafter(x, -std::numeric_limits<Scalar>::infinity());
          X(i, j) = x;
        }
      }
  }
  /// A turn has the slope 1.
  void pullback(ConstBatchRef<Scalar> /*X*/, ConstBatchRef<Scalar> Z_bar, BatchRef<Scalar> X_bar) const {
    for (Index j = 0; j < Z_bar.cols(); ++j)
      for (Index i = 0; i < Z_bar.rows(); ++i) X_bar(i, j) = Scalar(double(Z_bar(i, j)) / deviation_(i));
  }

 private:
  static constexpr double pi = std::numbers::pi;
  /// In radians: from there on a number is rounded by more than a thousandth of a turn.
  static constexpr double farthest = 2e-3 * pi / double(std::numeric_limits<Scalar>::epsilon());

  struct Moments {
    Vector<double> mean, deviation;
  };
  PeriodicTransform(const std::vector<Circle>& circles, const Moments& of_lines)
      : PeriodicTransform(circles, of_lines.mean, of_lines.deviation) {}
  template <class Derived>
  [[nodiscard]] static Moments standardize(const std::vector<Circle>& circles, const Eigen::MatrixBase<Derived>& data) {
    Batch<detail::Double<Scalar>> X = data.template cast<double>();
    // Numbers in place of the angles, whose spread means nothing: what is refused is then a component on a line.
    for (const Index i : detail::circle_components("PeriodicTransform", X.rows(), circles))
      for (Index j = 0; j < X.cols(); ++j) X(i, j) = double(j % 2);
    for (const auto& [component, lower, upper] : circles) {
      const double turn = upper - lower;
      const auto x = data.row(component).template cast<double>().array();
      if (const Index outside = (x < lower - turn || x > upper + turn).count(); 2 * outside > X.cols())
        throw DataError({"PeriodicTransform: component ", component, " of the data is more than a turn outside of [",
                         lower, ", ", upper, ") in ", outside, " of ", X.cols(),
                         " samples; give the circle lower and upper in the unit of the data, such as -180 and 180"});
    }
    const Standardize<double> lines(X);
    return {lines.mean(), lines.deviation()};
  }

  /// z modulo 2π, in [-π, π).
  [[nodiscard]] static double wrapped(double z) {
    if (z >= -pi && z < pi) return z;
    const double result = z - 2 * pi * std::floor((z + pi) / (2 * pi));
    return result < -pi || result >= pi ? -pi : result;  // rounding at the seam; NaN stays NaN
  }

  std::vector<Circle> circles_;
  std::vector<Index> components_, circle_at_;  // circle_at: of component i, -1 where it is on a line
  Numbers mean_, deviation_;
  double log_det_ = 0;
};

template <class Derived>
PeriodicTransform(const std::vector<Circle>&, const Eigen::MatrixBase<Derived>&)
    -> PeriodicTransform<typename Derived::Scalar>;

}  // namespace pathline
