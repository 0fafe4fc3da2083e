/// \file
/// Data in a box, such as pixels, to all of R^d.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/statistics/require_parameter.hpp>
#include <pathline/flow/transform/transform.hpp>

#include <algorithm>
#include <cmath>
#include <string>

namespace pathline {

/// z = logit s = log s - log (1 - s), s = α + (1 - 2α) (x - lower) / (upper - lower), component by component. The
/// squeeze by α keeps z finite on the faces of the box (Dinh, Sohl-Dickstein & Bengio 2017, arXiv 1605.08803,
/// section 4.1).
///
/// dz/dx = (1 - 2α) / (upper - lower) / (s (1 - s)). The domain is 0 < s < 1: the box and a margin of
/// α / (1 - 2α) of its width, from which a flow may return samples.
template <Real Scalar>
class Logit {
 public:
  static constexpr bool by_component = true;

  /// \param squeeze  α, 0 <= α < ½. 0.05 is usual for images, after dequantisation.
  /// \throws ShapeError when the sizes differ; ArgumentError unless lower < upper, both finite, in each component, or
  ///         on another α.
  Logit(const Vector<Scalar>& lower, const Vector<Scalar>& upper, double squeeze = 1e-6)
      : lower_(lower), upper_(upper), given_squeeze_(squeeze), squeeze_(Scalar(squeeze)) {
    detail::require_box("Logit", lower, upper);
    if (!(squeeze >= 0 && squeeze < 0.5)) throw ArgumentError("Logit: squeeze", squeeze, "at least 0 and below 0.5");
    slope_ = Scalar(1 - 2 * squeeze) * (upper - lower).cwiseInverse();
    log_slopes_ = slope_.template cast<double>().array().log().sum();
    least_ = lower - squeeze_ * slope_.cwiseInverse();
    greatest_ = upper + squeeze_ * slope_.cwiseInverse();
    for (Index i = 0; i < lower.size(); ++i) {  // over the rounding of these ends
      while (!(below(least_(i), i) > 0)) least_(i) = std::nextafter(least_(i), upper(i));
      while (!(above(greatest_(i), i) > 0)) greatest_(i) = std::nextafter(greatest_(i), lower(i));
    }
  }

  [[nodiscard]] const Vector<Scalar>& lower() const noexcept { return lower_; }
  [[nodiscard]] const Vector<Scalar>& upper() const noexcept { return upper_; }
  [[nodiscard]] double squeeze() const noexcept { return given_squeeze_; }

  void check(Index d) const { require_rows("Logit: field", d, lower_.size()); }
  void apply(ConstBatchRef<Scalar> X, BatchRef<Scalar> Z, RowRef<Scalar> log_det) const {
    for (Index j = 0; j < X.cols(); ++j) {
      double sum = log_slopes_;
      for (Index i = 0; i < X.rows(); ++i) {
        const Scalar x = X(i, j), s = below(x, i), t = above(x, i);
        if (!(s > 0 && t > 0)) throw DomainError("Logit", double(x), i, j, domain(i));
        const Scalar log_s = std::log(s), log_t = std::log(t);
        Z(i, j) = log_s - log_t;
        sum -= double(log_s + log_t);
      }
      log_det(j) = Scalar(sum);
    }
  }
  /// Where s rounds to 0 or 1, x is the last number of the domain.
  void invert(ConstBatchRef<Scalar> Z, BatchRef<Scalar> X) const {
    for (Index j = 0; j < Z.cols(); ++j)
      for (Index i = 0; i < Z.rows(); ++i) {
        const Scalar z = Z(i, j), nearer = Scalar(1) / (Scalar(1) + std::exp(std::abs(z)));  // s or 1 - s, at most ½
        const Scalar inwards = (nearer - squeeze_) / slope_(i);
        X(i, j) = std::clamp(z < 0 ? lower_(i) + inwards : upper_(i) - inwards, least_(i), greatest_(i));
      }
  }
  /// dz/dx = s'/(s t) with t = 1 - s and s' = ds/dx, and d log|dz/dx|/dx = s' (1/t - 1/s).
  void pullback(ConstBatchRef<Scalar> X, ConstBatchRef<Scalar> Z_bar, BatchRef<Scalar> X_bar) const {
    for (Index j = 0; j < X.cols(); ++j)
      for (Index i = 0; i < X.rows(); ++i) {
        const Scalar s = below(X(i, j), i), t = above(X(i, j), i);
        X_bar(i, j) = slope_(i) * (Z_bar(i, j) + s - t) / (s * t);
      }
  }

 private:
  [[nodiscard]] std::string domain(Index i) const {
    const std::string low = detail::number(double(lower_(i))), high = detail::number(double(upper_(i)));
    if (squeeze_ > 0) return "a number from " + low + " to " + high;
    return "a number between " + low + " and " + high +
           ", ends excluded: dequantize data in integer levels first, or give Logit a squeeze above 0";
  }
  /// s, and 1 - s without cancellation.
  [[nodiscard]] Scalar below(Scalar x, Index i) const { return squeeze_ + slope_(i) * (x - lower_(i)); }
  [[nodiscard]] Scalar above(Scalar x, Index i) const { return squeeze_ + slope_(i) * (upper_(i) - x); }

  Vector<Scalar> lower_, upper_, slope_;  ///< slope_: ds/dx.
  Vector<Scalar> least_, greatest_;       ///< Ends of the domain, which belong to it.
  double given_squeeze_;
  Scalar squeeze_;
  double log_slopes_;
};

template <class A, class B>
Logit(const Eigen::MatrixBase<A>&, const Eigen::MatrixBase<B>&, double = 1e-6) -> Logit<typename A::Scalar>;

}  // namespace pathline
