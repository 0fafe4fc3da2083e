/// \file
/// Whitening: a linear data transform after which all components have mean 0, variance 1 and no correlation.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/covariance.hpp>
#include <pathline/flow/transform.hpp>

namespace pathline {

/// z = L⁻¹ (x - mean), with mean and covariance L Lᵀ of the batch that it is made from (n, not n - 1, in the
/// covariance). L is the Cholesky factor: it costs half of what a symmetric or a principal-component whitening does,
/// and z_i is x_0 … x_i alone, so that the order of the components is kept. The other choices are rotations of this
/// one, under which a flow's normal base density does not change.
template <Real Scalar>
class Whiten {
 public:
  /// \param data  d × n, raw.
  /// \throws DataError when data is empty, not finite, has at most d samples, or a component that is constant or a
  ///         linear combination of others.
  template <class Derived>
  explicit Whiten(const Eigen::MatrixBase<Derived>& data) : Whiten(detail::mean_and_factor("Whiten", data)) {}

  [[nodiscard]] const Vector<Scalar>& mean() const noexcept { return mean_; }
  /// L, lower triangular.
  [[nodiscard]] const Batch<Scalar>& factor() const noexcept { return factor_; }

  void check(Index d) const { require_rows("Whiten: field", d, mean_.size()); }
  void apply(ConstBatchRef<Scalar> X, BatchRef<Scalar> Z, RowRef<Scalar> log_det) const {
    for (Index j = 0; j < X.cols(); ++j) {
      Z.col(j) = X.col(j) - mean_;
      detail::solve_lower(factor_, Z.col(j));
    }
    log_det.setConstant(log_det_);
  }
  void invert(ConstBatchRef<Scalar> Z, BatchRef<Scalar> X) const {
    for (Index j = 0; j < Z.cols(); ++j) {
      X.col(j) = Z.col(j);
      detail::multiply_lower(factor_, X.col(j));
      X.col(j) += mean_;
    }
  }

 private:
  explicit Whiten(const detail::MeanAndFactor& normal)
      : mean_(normal.mean.cast<Scalar>()),
        factor_(normal.factor.cast<Scalar>()),
        log_det_(Scalar(-normal.factor.diagonal().array().log().sum())) {}

  Vector<Scalar> mean_;
  Batch<Scalar> factor_;
  Scalar log_det_;
};

template <class Derived>
Whiten(const Eigen::MatrixBase<Derived>&) -> Whiten<typename Derived::Scalar>;

}  // namespace pathline
