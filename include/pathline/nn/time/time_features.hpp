/// \file
/// Numbers that depend on time, handed to a layer as side inputs: what `TimeEmbedding` and `Controlled` share.
#pragma once

#include <pathline/core/workspace.hpp>
#include <pathline/nn/layer.hpp>

#include <algorithm>
#include <span>

namespace pathline::detail {

/// How features φ(t) become side inputs of a layer: instead of time, as [φ(t); context], or after all that the layer
/// around it reads, as [t; context; φ(t)].
enum class FeaturePlace { instead_of_time, behind_context };

/// Side inputs S = [t; context] (1, n or (1+k)n columns) to those of an inner layer, and back. `count` features, `side`
/// rows of S that are read. A tangent ṫ moves features by φ'(t) ṫ, whose pullback needs φ''.
template <Real Scalar>
class TimeFeatures {
 public:
  /// Takes its buffers from the tape: the inner side inputs, φ' and φ''.
  TimeFeatures(Slices<Scalar>& slices, FeaturePlace place, Index count, Index side, Index n, Index side_columns)
      : n_(n),
        kept_(place == FeaturePlace::instead_of_time ? side - 1 : side),
        kept_from_(side - kept_),
        kept_to_(place == FeaturePlace::instead_of_time ? count : 0),
        features_at_(place == FeaturePlace::instead_of_time ? 0 : side),
        inner_(slices.batch(kept_ + count, side_columns)),
        first_(slices.batch(count, std::min(n, side_columns))),
        second_(slices.batch(count, std::min(n, side_columns))) {}

  /// Scalars of the tape for whatever shape S has.
  [[nodiscard]] static Index size(Index count, Index side, Index n, Index k) {
    return Slices<Scalar>::size((side + count) * n * (1 + k)) + 2 * Slices<Scalar>::size(count * n);
  }

  /// [φ(t); context] or [t; context; φ(t)], with tangents if S has some; valid after evaluate().
  [[nodiscard]] const BatchMap<Scalar>& inner() const { return inner_; }

  /// `jet(t, value, first, second)` writes φ(t), φ'(t), φ''(t), `count` scalars each.
  template <class JetOfTime>
  void evaluate(ConstBatchRef<Scalar> S, JetOfTime&& jet) {
    inner_.middleRows(kept_to_, kept_) = S.middleRows(kept_from_, kept_);
    for (Index i = 0; i < first_.cols(); ++i)
      jet(S(0, i), inner_.col(i).segment(features_at_, count()), first_.col(i), second_.col(i));
    for (Index j = n_; j < inner_.cols(); ++j)
      inner_.col(j).segment(features_at_, count()) = S(0, j) * first_.col(j % n_);
  }

  /// Given the cotangent of inner(), adds to that of S.
  void pullback(ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> inner_bar, BatchRef<Scalar> S_bar) const {
    S_bar.middleRows(kept_from_, kept_) += inner_bar.middleRows(kept_to_, kept_);
    for (Index j = 0; j < inner_.cols(); ++j) {
      const auto feature_bar = inner_bar.col(j).segment(features_at_, count());
      S_bar(0, j) += first_.col(j % n_).dot(feature_bar);
      if (j >= n_) S_bar(0, j % n_) += S(0, j) * second_.col(j % n_).dot(feature_bar);
    }
  }

 private:
  [[nodiscard]] Index count() const { return first_.rows(); }

  Index n_, kept_, kept_from_, kept_to_, features_at_;
  BatchMap<Scalar> inner_, first_, second_;
};

/// The two operations of a layer around `layer`, which it hands S = [t; context] with `count` features of t.
template <class L, class JetOfTime, class Scalar = typename L::Scalar>
void linearize_with_features(const L& layer, FeaturePlace place, Index count, Index side, JetOfTime&& jet,
                             ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                             BatchRef<Scalar> Y, std::span<Scalar> tape, Workspace<Scalar>& workspace) {
  Slices<Scalar> slices(tape);
  TimeFeatures<Scalar> features(slices, place, count, side, n, S.cols());
  features.evaluate(S, jet);
  layer.linearize(theta, features.inner(), X, n, Y, slices.scalars(layer.tape_size(n, X.cols() / n - 1)), workspace);
}
template <class L, class Scalar = typename L::Scalar>
void pull_back_with_features(const L& layer, FeaturePlace place, Index count, Index side, ConstVectorRef<Scalar> theta,
                             ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n, std::span<Scalar> tape,
                             BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar,
                             VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) {
  Slices<Scalar> slices(tape);
  const TimeFeatures<Scalar> features(slices, place, count, side, n, S.cols());
  typename Workspace<Scalar>::Frame frame(workspace);
  BatchMap<Scalar> inner_bar = frame.batch(features.inner().rows(), S.cols());
  inner_bar.setZero();
  layer.pullback(theta, features.inner(), X, n, slices.scalars(layer.tape_size(n, X.cols() / n - 1)), Y_bar, X_bar,
                 inner_bar, theta_bar, workspace);
  features.pullback(S, inner_bar, S_bar);
}

}  // namespace pathline::detail
