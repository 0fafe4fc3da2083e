/// \file
/// Normal base densities with a mean and a covariance of one's own: diagonal, or full and perhaps fitted to the data.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/base/base_density.hpp>
#include <pathline/flow/statistics/covariance.hpp>
#include <pathline/flow/statistics/require_parameter.hpp>

#include <cmath>
#include <limits>
#include <string>

namespace pathline {

/// N(μ, diag σ²): log ν(z) = -½ Σ ((z_i - μ_i) / σ_i)² - Σ log σ_i - (d/2) log 2π.
template <Real Scalar>
class DiagonalGaussian {
 public:
  /// \param deviation  σ, d positive numbers.
  /// \throws ShapeError when the sizes differ; ArgumentError on a deviation that is not positive or not finite, or a
  ///         mean that is not finite.
  DiagonalGaussian(const Vector<Scalar>& mean, const Vector<Scalar>& deviation) : mean_(mean), deviation_(deviation) {
    require_rows("DiagonalGaussian: deviation", deviation.size(), mean.size());
    detail::require_parameter("DiagonalGaussian: mean", mean);
    detail::require_parameter("DiagonalGaussian: deviation", deviation, true);
    precision_root_ = deviation.cwiseInverse();
    constant_ =
        Scalar(-deviation.template cast<double>().array().log().sum() - detail::log_sqrt_2_pi * double(mean.size()));
  }

  [[nodiscard]] Index dim() const noexcept { return mean_.size(); }
  [[nodiscard]] const Vector<Scalar>& mean() const noexcept { return mean_; }
  [[nodiscard]] const Vector<Scalar>& deviation() const noexcept { return deviation_; }

  void check(Index d) const { require_rows("DiagonalGaussian: field", d, dim()); }
  void log_density(ConstBatchRef<Scalar> Z, RowRef<Scalar> log_p) const {
    for (Index j = 0; j < Z.cols(); ++j)
      log_p(j) = constant_ - Scalar(0.5) * (Z.col(j) - mean_).cwiseProduct(precision_root_).squaredNorm();
  }
  void score(ConstBatchRef<Scalar> Z, BatchRef<Scalar> Z_bar) const {
    for (Index j = 0; j < Z.cols(); ++j) Z_bar.col(j) = (mean_ - Z.col(j)).cwiseProduct(precision_root_.cwiseAbs2());
  }
  void sample(const Draw& draw, Index first, BatchRef<Scalar> Z) const {
    fill<Gaussian>(draw, first, Z);
    for (Index j = 0; j < Z.cols(); ++j) Z.col(j) = mean_ + deviation_.cwiseProduct(Z.col(j));
  }

 private:
  Vector<Scalar> mean_, deviation_, precision_root_;
  Scalar constant_;
};

template <class A, class B>
DiagonalGaussian(const Eigen::MatrixBase<A>&, const Eigen::MatrixBase<B>&) -> DiagonalGaussian<typename A::Scalar>;

/// N(μ, C): log ν(z) = -½ ‖L⁻¹ (z - μ)‖² - Σ log L_ii - (d/2) log 2π with the Cholesky factor L Lᵀ = C.
template <Real Scalar>
class FullGaussian {
 public:
  /// \param covariance  C, d × d, symmetric and positive definite.
  /// \throws ShapeError when the sizes differ; ArgumentError on a number that is not finite; DataError when the
  ///         covariance is not symmetric or, to the scalar's rounding, not positive definite.
  FullGaussian(const Vector<Scalar>& mean, const Batch<Scalar>& covariance)
      : FullGaussian(detail::factored_covariance("FullGaussian", mean.template cast<double>(),
                                                 covariance.template cast<double>(),
                                                 double(std::numeric_limits<Scalar>::epsilon()))) {}

  /// The maximum-likelihood normal distribution of data (d × n; n, not n - 1, in the covariance): where a flow that is
  /// to do little starts.
  /// \throws DataError when data is empty, not finite, has at most d samples, or a component that is constant or a
  ///         linear combination of others.
  template <class Derived>
  [[nodiscard]] static FullGaussian fit(const Eigen::MatrixBase<Derived>& data) {
    return FullGaussian(detail::mean_and_factor("FullGaussian::fit", data));
  }

  /// From the mean (d) and L (d × d, lower triangular with a positive diagonal), the covariance being L Lᵀ.
  /// \throws ShapeError when the sizes differ; ArgumentError on a number that is not finite, a diagonal that is not
  ///         positive, or a number above the diagonal.
  [[nodiscard]] static FullGaussian from_factor(const Vector<double>& mean, const Batch<double>& factor) {
    return FullGaussian(detail::known_factor("FullGaussian", mean, factor));
  }

  [[nodiscard]] Index dim() const noexcept { return mean_.size(); }
  [[nodiscard]] const Vector<Scalar>& mean() const noexcept { return mean_; }
  /// L, lower triangular.
  [[nodiscard]] const Batch<Scalar>& factor() const noexcept { return factor_; }
  /// Both before they were rounded to the scalar: what a file keeps.
  [[nodiscard]] const Vector<double>& unrounded_mean() const noexcept { return unrounded_.mean; }
  [[nodiscard]] const Batch<double>& unrounded_factor() const noexcept { return unrounded_.factor; }

  void check(Index d) const { require_rows("FullGaussian: field", d, dim()); }
  void log_density(ConstBatchRef<Scalar> Z, RowRef<Scalar> log_p) const {
    for (Index j = 0; j < Z.cols(); ++j) {
      Scalar square = 0;
      for (Index i = 0; i < dim(); ++i) {
        const Scalar w = whitened(Z, i, j);
        square += w * w;
      }
      log_p(j) = constant_ - Scalar(0.5) * square;
    }
  }
  void score(ConstBatchRef<Scalar> Z, BatchRef<Scalar> Z_bar) const {
    for (Index j = 0; j < Z.cols(); ++j) {
      Z_bar.col(j).setZero();
      for (Index i = 0; i < dim(); ++i)
        Z_bar.col(j).head(i + 1) -= whitened(Z, i, j) * inverse_transposed_.col(i).head(i + 1);
    }
  }
  void sample(const Draw& draw, Index first, BatchRef<Scalar> Z) const {
    fill<Gaussian>(draw, first, Z);
    for (Index j = 0; j < Z.cols(); ++j) {
      detail::multiply_lower(factor_, Z.col(j));
      Z.col(j) += mean_;
    }
  }

 private:
  explicit FullGaussian(const detail::MeanAndFactor& normal)
      : unrounded_(normal), mean_(normal.mean.cast<Scalar>()), factor_(normal.factor.cast<Scalar>()) {
    const Batch<detail::Double<Scalar>> factor = normal.factor;
    inverse_transposed_ = detail::inverse_transposed(normal.factor).cast<Scalar>();
    constant_ = Scalar(-factor.diagonal().array().log().sum() - detail::log_sqrt_2_pi * double(dim()));
  }

  /// Component i of L⁻¹ (z - μ). The inverse is kept, transposed so that its rows are contiguous, because whitening a
  /// column in place would need scratch.
  [[nodiscard]] Scalar whitened(ConstBatchRef<Scalar> Z, Index i, Index j) const {
    return inverse_transposed_.col(i).head(i + 1).dot(Z.col(j).head(i + 1) - mean_.head(i + 1));
  }

  detail::MeanAndFactor unrounded_;
  Vector<Scalar> mean_;
  Batch<Scalar> factor_, inverse_transposed_;
  Scalar constant_;
};

template <class A, class B>
FullGaussian(const Eigen::MatrixBase<A>&, const Eigen::MatrixBase<B>&) -> FullGaussian<typename A::Scalar>;

}  // namespace pathline
