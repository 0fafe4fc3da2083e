/// \file
/// Whitening: a linear data transform after which all components have mean 0, variance 1 and no correlation.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/statistics/covariance.hpp>
#include <pathline/flow/transform/transform.hpp>

#include <limits>

namespace pathline {

/// z = L⁻¹ (x - mean), with mean and covariance L Lᵀ of the batch that it is made from (n, not n - 1, in the
/// covariance), in double whatever the scalar: x - mean is formed before it is rounded. L is the Cholesky factor: it
/// costs half of what a symmetric or a principal-component whitening does, and z_i is x_0 … x_i alone, so that the
/// order of the components is kept. The other choices are rotations of this one, under which a flow's normal base
/// density does not change.
///
/// A flow of float takes double data where this is made from double data, as with `Standardize`.
template <Real Scalar>
class Whiten {
 public:
  /// \param data  d × n, raw, each component in a unit of its own.
  /// \throws DataError when data is empty, not finite, has at most d samples, a component that is constant, varies by
  ///         less than 64 of the scalar's numbers around its mean, or is a linear combination of others to the
  ///         precision of the data, or a sample so far out that most others become equal in this scalar.
  template <class Derived>
  explicit Whiten(const Eigen::MatrixBase<Derived>& data)
      : Whiten(detail::mean_and_factor_of("Whiten", data.template cast<double>(),
                                          sizeof(typename Derived::Scalar) < sizeof(Scalar)
                                              ? detail::precision_of<typename Derived::Scalar>
                                              : detail::precision_of<Scalar>)) {
    samples_ = data.cols();
  }

  /// From numbers that are known: those of another program, or `mean()` and `factor()` of one that was stored.
  /// \param mean    d numbers.
  /// \param factor  L, d × d, lower triangular with a positive diagonal: the covariance is L Lᵀ.
  /// \throws ShapeError when the sizes differ; ArgumentError on a number that is not finite, a diagonal that is not
  ///         positive, or a number above the diagonal.
  template <class A, class B>
  Whiten(const Eigen::MatrixBase<A>& mean, const Eigen::MatrixBase<B>& factor)
      : Whiten(detail::known_factor("Whiten", detail::stored_numbers("Whiten: mean", mean),
                                    factor.template cast<double>())) {}

  /// From a known mean (d) and covariance (d × d, symmetric and positive definite).
  /// \throws ShapeError when the sizes differ; ArgumentError on a number that is not finite; DataError when the
  ///         covariance is not symmetric or, to its scalar's rounding, not positive definite.
  template <class A, class B>
  [[nodiscard]] static Whiten from_covariance(const Eigen::MatrixBase<A>& mean,
                                              const Eigen::MatrixBase<B>& covariance) {
    return Whiten(detail::factored_covariance("Whiten", detail::stored_numbers("Whiten: mean", mean),
                                              covariance.template cast<double>(),
                                              double(std::numeric_limits<typename B::Scalar>::epsilon())));
  }

  [[nodiscard]] const Vector<double>& mean() const noexcept { return mean_; }
  /// L, lower triangular.
  [[nodiscard]] const Batch<double>& factor() const noexcept { return factor_; }

  void check(Index d) const { detail::require_field_rows("Whiten", d, mean_.size(), samples_); }
  void apply(ConstBatchRef<Scalar> X, BatchRef<Scalar> Z, RowRef<Scalar> log_det) const {
    for (Index j = 0; j < X.cols(); ++j)
      for (Index i = X.rows(); i-- > 0;)  // from below: X may be Z, and z_i reads x_0 … x_i
        Z(i, j) = Scalar(inverse_transposed_.col(i).head(i + 1).dot(X.col(j).head(i + 1).template cast<double>() -
                                                                    mean_.head(i + 1)));
    log_det.setConstant(log_det_);
  }
  void invert(ConstBatchRef<Scalar> Z, BatchRef<Scalar> X) const {
    for (Index j = 0; j < Z.cols(); ++j)
      for (Index i = Z.rows(); i-- > 0;)
        X(i, j) =
            Scalar(factor_transposed_.col(i).head(i + 1).dot(Z.col(j).head(i + 1).template cast<double>()) + mean_(i));
  }
  /// x̄ = L⁻ᵀ z̄.
  void pullback(ConstBatchRef<Scalar> /*X*/, ConstBatchRef<Scalar> Z_bar, BatchRef<Scalar> X_bar) const {
    const Index d = Z_bar.rows();
    for (Index j = 0; j < Z_bar.cols(); ++j)
      for (Index k = 0; k < d; ++k)
        X_bar(k, j) = Scalar(
            inverse_transposed_.row(k).tail(d - k).transpose().dot(Z_bar.col(j).tail(d - k).template cast<double>()));
  }

 private:
  using Double = detail::Double<Scalar>;

  explicit Whiten(const detail::MeanAndFactor& normal)
      : mean_(normal.mean),
        factor_(normal.factor),
        factor_transposed_(factor_.transpose()),
        inverse_transposed_(detail::inverse_transposed(normal.factor)),
        log_det_(Scalar(-factor_.diagonal().array().log().sum())) {}

  Vector<Double> mean_;
  Batch<Double> factor_, factor_transposed_, inverse_transposed_;  ///< Transposed: rows are contiguous.
  Scalar log_det_;
  Index samples_ = 0;  ///< Of the data that it was made from, if it was.
};

template <class Derived>
Whiten(const Eigen::MatrixBase<Derived>&) -> Whiten<typename Derived::Scalar>;
template <class A, class B>
Whiten(const Eigen::MatrixBase<A>&, const Eigen::MatrixBase<B>&) -> Whiten<typename A::Scalar>;

}  // namespace pathline
