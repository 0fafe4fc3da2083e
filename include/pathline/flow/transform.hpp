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
/// - `apply(X, Z, log_det)`: raw X (d × n) to Z; overwrites log_det (1 × n) with log |det ∂Z/∂X|. Throws DomainError
///   at a number that it does not map.
/// - `invert(Z, X)`: back, to numbers that `apply` maps, whatever Z.
///
/// The last two map each column by itself and may be given one matrix as both X and Z, so that transforms can be
/// chained in place. They run in every training iteration, in several threads at once: they allocate nothing.
template <class T, class Scalar = double>
concept DataTransform = requires(const T transform, Batch<Scalar>& X, Batch<Scalar>& Z, RowRef<Scalar> log_det,
                                 Index d) {
  transform.check(d);
  transform.apply(X, Z, log_det);
  transform.apply(X.topRows(d), Z.topRows(d), log_det);  // blocks of a state, as flows have them
  transform.invert(Z, X);
  transform.invert(Z.topRows(d), X);
};

/// A number outside of a transform's domain: `Log: data is -1 at component 0 of sample 3, expected above 0`.
struct DomainError : DataError {
  DomainError(const std::string& where, double number, Index its_component, Index its_sample,
              const std::string& what_is_expected)
      : DataError(where + ": data is " + detail::number(number) + " at component " + std::to_string(its_component) +
                  " of sample " + std::to_string(its_sample) + ", expected " + what_is_expected),
        transform(where),
        expected(what_is_expected),
        value(number),
        component(its_component),
        sample(its_sample) {}
  /// The same for a batch of which the one at hand was the columns from `first` on.
  [[nodiscard]] DomainError counted_from(Index first) const {
    return {transform, value, component, first + sample, expected};
  }

  std::string transform, expected;
  double value;
  Index component, sample;
};

/// Raw X (d × n) in the coordinates of a transform: what the next transform of a chain is made from.
/// \throws ShapeError when the transform is of another number of rows; DomainError at a number that it does not map.
template <class T, class Derived>
[[nodiscard]] Batch<typename Derived::Scalar> transformed(const T& transform, const Eigen::MatrixBase<Derived>& X) {
  using Scalar = typename Derived::Scalar;
  static_assert(DataTransform<T, Scalar>,
                "transformed: a data transform needs check, apply and invert for this scalar");
  transform.check(X.rows());
  Batch<Scalar> raw = X, Z(X.rows(), X.cols());
  Row<Scalar> log_det(X.cols());
  transform.apply(raw, Z, log_det);
  return Z;
}

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
