/// \file
/// A mixture of normal distributions with diagonal covariances as the base density: for data in clumps, which a flow
/// from one normal distribution could only connect by thin bridges.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/base/base_density.hpp>
#include <pathline/flow/statistics/require_parameter.hpp>

#include <cmath>
#include <limits>
#include <string>

namespace pathline {

/// ν(z) = Σ_k w_k N(z; μ_k, diag σ_k²), k < K. Isotropic components have equal numbers in their column of σ.
///
/// With a_k = log w_k + log N(z; μ_k, σ_k): log ν = log Σ_k e^{a_k}, summed relative to the largest a_k, so that it is
/// finite as long as one a_k is; the score is Σ_k e^{a_k - log ν} (μ_k - z) / σ_k². Both go over the components once
/// more instead of keeping the K numbers a_k: there is no scratch.
template <Real Scalar>
class GaussianMixture {
 public:
  /// \param weights     w, K numbers >= 0, divided by their sum here; a component of weight 0 counts for nothing.
  /// \param means       μ, d × K.
  /// \param deviations  σ, d × K, positive.
  /// \throws ShapeError when the sizes differ; ArgumentError on weights that are negative, not finite or all 0, means
  ///         that are not finite, deviations that are not positive and finite.
  GaussianMixture(const Vector<Scalar>& weights, const Batch<Scalar>& means, const Batch<Scalar>& deviations)
      : given_weights_(weights), means_(means), deviations_(deviations) {
    const Index d = means.rows(), components = weights.size();
    require_columns("GaussianMixture: means", means.cols(), components);
    require_rows("GaussianMixture: deviations", deviations.rows(), d);
    require_columns("GaussianMixture: deviations", deviations.cols(), components);
    detail::require_parameter("GaussianMixture: weights", weights);
    detail::require_parameter("GaussianMixture: means", means);
    detail::require_parameter("GaussianMixture: deviations", deviations, true);
    Vector<double> w = weights.template cast<double>();
    for (Index k = 0; k < components; ++k)
      if (w(k) < 0)
        throw ArgumentError("GaussianMixture: weights(" + std::to_string(k) + ")", w(k),
                            "a number that is not negative");
    const double sum = w.sum();
    if (!(sum > 0)) throw ArgumentError("GaussianMixture: sum of the weights", sum, "a positive number");
    w /= sum;

    weights_ = w.cast<Scalar>();
    precision_roots_ = deviations.cwiseInverse();
    constants_.resize(components);
    cumulative_.resize(components);
    double below = 0;
    for (Index k = 0; k < components; ++k) {
      constants_(k) = Scalar(std::log(w(k)) - deviations.col(k).template cast<double>().array().log().sum() -
                             detail::log_sqrt_2_pi * double(d));
      cumulative_(k) = below += w(k);
      if (w(k) > 0) last_ = k;
    }
  }

  [[nodiscard]] Index dim() const noexcept { return means_.rows(); }
  [[nodiscard]] Index components() const noexcept { return weights_.size(); }
  /// With sum 1.
  [[nodiscard]] const Vector<Scalar>& weights() const noexcept { return weights_; }
  /// As they were given: what a file keeps, for the sum rounds.
  [[nodiscard]] const Vector<Scalar>& given_weights() const noexcept { return given_weights_; }
  [[nodiscard]] const Batch<Scalar>& means() const noexcept { return means_; }
  [[nodiscard]] const Batch<Scalar>& deviations() const noexcept { return deviations_; }

  void check(Index d) const { require_rows("GaussianMixture: field", d, dim()); }
  void log_density(ConstBatchRef<Scalar> Z, RowRef<Scalar> log_p) const {
    for (Index j = 0; j < Z.cols(); ++j) log_p(j) = log_density_at(Z, j);
  }
  /// NaN where all components are beyond the scalar's range and log ν is -∞.
  void score(ConstBatchRef<Scalar> Z, BatchRef<Scalar> Z_bar) const {
    for (Index j = 0; j < Z.cols(); ++j) {
      const Scalar log_p = log_density_at(Z, j);
      Z_bar.col(j).setZero();
      for (Index k = 0; k < components(); ++k) {
        const Scalar share = std::exp(log_joint(Z, j, k) - log_p);
        Z_bar.col(j) += share * (means_.col(k) - Z.col(j)).cwiseProduct(precision_roots_.col(k).cwiseAbs2());
      }
    }
  }
  void sample(const Draw& draw, Index first, BatchRef<Scalar> Z) const {
    fill<Gaussian>(draw, first, Z);
    // The component is chosen by a number from the block after those of the Gaussians: one draw serves both.
    constexpr Index per_block = Gaussian::per_block;
    static_assert(Uniform::per_block == per_block);
    const Index after_gaussians = (dim() + per_block - 1) / per_block * per_block;
    for (Index j = 0; j < Z.cols(); ++j) {
      const Index k = component_at(draw.number_at<Uniform>(first + j, after_gaussians));
      Z.col(j) = means_.col(k) + deviations_.col(k).cwiseProduct(Z.col(j));
    }
  }

 private:
  /// a_k of column j.
  [[nodiscard]] Scalar log_joint(ConstBatchRef<Scalar> Z, Index j, Index k) const {
    return constants_(k) - Scalar(0.5) * (Z.col(j) - means_.col(k)).cwiseProduct(precision_roots_.col(k)).squaredNorm();
  }

  [[nodiscard]] Scalar log_density_at(ConstBatchRef<Scalar> Z, Index j) const {
    constexpr Scalar infinity = std::numeric_limits<Scalar>::infinity();
    Scalar largest = -infinity, sum = 0;  // Σ e^{a_k} = sum · e^{largest}
    for (Index k = 0; k < components(); ++k) {
      const Scalar a = log_joint(Z, j, k);
      if (a == -infinity) continue;  // weight 0, or beyond the scalar's range
      if (a > largest) {
        sum = sum * std::exp(largest - a) + Scalar(1);
        largest = a;
      } else {
        sum += std::exp(a - largest);
      }
    }
    return largest + std::log(sum);
  }

  [[nodiscard]] Index component_at(double u) const {
    Index k = 0;
    while (k < last_ && !(u < cumulative_(k))) ++k;
    return k;
  }

  Vector<Scalar> given_weights_, weights_, constants_;  ///< constants_: log w_k - Σ log σ_k - (d/2) log 2π.
  Batch<Scalar> means_, deviations_, precision_roots_;
  Vector<double> cumulative_;  ///< In double for both scalars: a float's sample is of the same component as a double's.
  Index last_ = 0;             ///< The last component of a positive weight.
};

template <class W, class M, class D>
GaussianMixture(const Eigen::MatrixBase<W>&, const Eigen::MatrixBase<M>&, const Eigen::MatrixBase<D>&)
    -> GaussianMixture<typename W::Scalar>;

}  // namespace pathline
