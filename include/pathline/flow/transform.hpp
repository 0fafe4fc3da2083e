/// \file
/// Data transforms: maps of raw data to the coordinates in which a flow works, with their log-determinants, so that
/// every likelihood is of the raw data.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>

#include <cmath>
#include <limits>
#include <string>

namespace pathline {

/// - `check(d)`: throws ShapeError unless the transform fits d rows.
/// - `apply(X, Z, log_det)`: raw X (d × n) to Z; overwrites log_det (1 × n) with log |det ∂Z/∂X|.
/// - `invert(Z, X)`: back.
template <class T, class Scalar = double>
concept DataTransform = requires(const T transform, Batch<Scalar>& X, Batch<Scalar>& Z, RowRef<Scalar> log_det,
                                 Index d) {
  transform.check(d);
  transform.apply(X, Z, log_det);
  transform.invert(Z, X);
};

/// The default: raw data are the flow's coordinates.
struct NoTransform {
  void check(Index /*d*/) const {}
  template <class X, class Z, class Row>
  void apply(const X& raw, Z&& z, Row&& log_det) const {
    z = raw;
    log_det.setZero();
  }
  template <class Z, class X>
  void invert(const Z& z, X&& raw) const {
    raw = z;
  }
};

/// z = (x - mean) / standard deviation, component by component; both are of the batch that it is made from (with n, not
/// n - 1, in the variance).
template <Real Scalar>
class Standardize {
 public:
  /// \param data  d × n, raw.
  /// \throws DataError when data is empty, not finite, has one sample only, or a component that does not vary.
  template <class Derived>
  explicit Standardize(const Eigen::MatrixBase<Derived>& data) {
    const Eigen::MatrixXd X = data.template cast<double>();  // evaluated once, whatever the expression
    require_finite("Standardize: data", X);
    if (X.cols() < 2) throw DataError("Standardize: data has 1 sample, expected at least 2 to tell its spread");
    const Eigen::VectorXd mean = X.rowwise().mean();
    const Eigen::VectorXd deviation =
        (X.colwise() - mean).rowwise().squaredNorm().cwiseSqrt() / std::sqrt(double(X.cols()));
    for (Index i = 0; i < X.rows(); ++i)
      // A column of equal numbers has the rounding of its mean for a spread, not exactly 0.
      if (!(deviation(i) > 8 * double(std::numeric_limits<Scalar>::epsilon()) * std::abs(mean(i))))
        throw DataError("Standardize: component " + std::to_string(i) + " of the data is constant (" +
                        detail::number(mean(i)) + "): it has no density; leave the column out");
    mean_ = mean.cast<Scalar>();
    deviation_ = deviation.cast<Scalar>();
    log_det_ = Scalar(-deviation.array().log().sum());
  }

  [[nodiscard]] const Vector<Scalar>& mean() const noexcept { return mean_; }
  [[nodiscard]] const Vector<Scalar>& deviation() const noexcept { return deviation_; }

  void check(Index d) const { require_rows("Standardize: field", d, mean_.size()); }
  void apply(ConstBatchRef<Scalar> X, BatchRef<Scalar> Z, RowRef<Scalar> log_det) const {
    Z = (X.colwise() - mean_).array().colwise() / deviation_.array();
    log_det.setConstant(log_det_);
  }
  void invert(ConstBatchRef<Scalar> Z, BatchRef<Scalar> X) const {
    X = (Z.array().colwise() * deviation_.array()).matrix().colwise() + mean_;
  }

 private:
  Vector<Scalar> mean_, deviation_;
  Scalar log_det_;
};

template <class Derived>
Standardize(const Eigen::MatrixBase<Derived>&) -> Standardize<typename Derived::Scalar>;

}  // namespace pathline
