/// \file
/// Batch normalisation for flows: an affine map of each component by running statistics that are constants of the map.
/// docs/maths.md, (7.10) and (7.11).
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/statistics/row_moments.hpp>

#include <cmath>
#include <string>

namespace pathline {

/// No normalisation.
struct NoNormalization {};

/// y_i = e^γ_i (z_i - m_i) / √(v_i + ε) + β_i with log|det| = Σ_i γ_i - ½ log(v_i + ε): `MovingBatchNorm1d` of the code
/// of Grathwohl et al. 2019 (FFJORD), at its default bn_lag = 0. Running mean m and variance v follow the batches by
/// exponential moving averages after each training step; within one they are constants, so that the map of a sample
/// depends on no other sample, and training and evaluation see the same density.
///
/// Its numbers are a slice [γ | β | m | v] of the flow's parameters, 4d of them. m and v have the gradient 0, exactly:
/// optimizers leave them as they are, and a copy of the parameters includes the statistics. Unlike
/// FFJORD, v is the biased variance, which a batch of one sample has as well.
struct MovingNormalization {
  double epsilon = 1e-4;  ///< Added to the variance.
  double decay = 0.1;     ///< The newest batch's share in the running statistics.

  /// \throws ArgumentError unless epsilon > 0 and 0 < decay <= 1.
  void check() const {
    if (!(epsilon > 0 && std::isfinite(epsilon)))
      throw ArgumentError("MovingNormalization: epsilon", epsilon, "a positive number");
    if (!(decay > 0 && decay <= 1)) throw ArgumentError("MovingNormalization: decay", decay, "above 0 and at most 1");
  }

  [[nodiscard]] static Index parameter_count(Index d) noexcept { return 4 * d; }

  /// The identity, but for ε: γ = β = m = 0, v = 1.
  template <class Scalar>
  static void initialize(Eigen::Map<Vector<Scalar>> norm) {
    norm.setZero();
    norm.tail(norm.size() / 4).setOnes();
  }

  /// Z (d × n) in place; returns log|det|.
  template <class Scalar>
  Scalar apply(const ConstVectorMap<Scalar>& norm, BatchRef<Scalar> Z) const {
    const Index d = Z.rows();
    Scalar log_det(0);
    for (Index i = 0; i < d; ++i) {
      log_det += log_scale(norm, i, d);
      Z.row(i).array() = (Z.row(i).array() - norm(2 * d + i)) * std::exp(log_scale(norm, i, d)) + norm(d + i);
    }
    return log_det;
  }

  /// The way back, in place; returns the same log|det|, of the way out.
  template <class Scalar>
  Scalar invert(const ConstVectorMap<Scalar>& norm, BatchRef<Scalar> Y) const {
    const Index d = Y.rows();
    Scalar log_det(0);
    for (Index i = 0; i < d; ++i) {
      log_det += log_scale(norm, i, d);
      Y.row(i).array() = (Y.row(i).array() - norm(d + i)) * std::exp(-log_scale(norm, i, d)) + norm(2 * d + i);
    }
    return log_det;
  }

  /// Given apply's input Z (d × n), the cotangent of its output in Y_bar, and the sum over samples of those of
  /// log|det|: overwrites Y_bar with the cotangent of Z, adds to norm_bar's γ and β; m and v are constants.
  template <class Scalar>
  void pullback(const ConstVectorMap<Scalar>& norm, ConstBatchRef<Scalar> Z, BatchRef<Scalar> Y_bar, Scalar log_det_bar,
                VectorMap<Scalar> norm_bar) const {
    const Index d = Z.rows();
    for (Index i = 0; i < d; ++i) {
      const Scalar scale = std::exp(log_scale(norm, i, d));
      norm_bar(i) +=
          scale * ((Z.row(i).array() - norm(2 * d + i)) * Y_bar.row(i).array()).sum() + log_det_bar;  // ∂y/∂γ = y - β
      norm_bar(d + i) += Y_bar.row(i).sum();
      Y_bar.row(i) *= scale;
    }
  }

  /// Moves m and v towards those of a batch.
  /// \throws DataError when the scalar does not hold a component's mean or variance.
  template <class Scalar>
  void update(VectorMap<Scalar> norm, const RowMoments& batch) const {
    if (batch.count() == 0) return;
    const Index d = norm.size() / 4;
    for (Index i = 0; i < d; ++i)
      if (!std::isfinite(Scalar(batch.mean()(i))) || !std::isfinite(Scalar(batch.variance(i))))
        throw DataError({"MovingNormalization: component ", i, " has mean ", batch.mean()(i), " and variance ",
                         batch.variance(i),
                         " in a batch, more than the flow's scalar holds; give the flow Standardize(X)"});
    for (Index i = 0; i < d; ++i) {
      norm(2 * d + i) += Scalar(decay * (batch.mean()(i) - double(norm(2 * d + i))));
      norm(3 * d + i) += Scalar(decay * (batch.variance(i) - double(norm(3 * d + i))));
    }
  }

 private:
  template <class Scalar>
  [[nodiscard]] Scalar log_scale(const ConstVectorMap<Scalar>& norm, Index i, Index d) const {
    return norm(i) - Scalar(0.5) * std::log(norm(3 * d + i) + Scalar(epsilon));
  }
};

}  // namespace pathline
