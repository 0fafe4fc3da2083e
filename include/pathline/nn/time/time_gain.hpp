/// \file
/// A field with a learned speed.
#pragma once

#include <pathline/core/random.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/layer/gate.hpp>

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

namespace pathline {

/// f(t, z) = exp(a + b t) f₀(t, z) with θ = [θ₀ | a | b]. Where f₀ does not read time, the paths of f are those of f₀
/// at another speed, as under the noise schedule of a diffusion; the gain is positive, and 1 to begin with.
/// docs/maths.md, section 9.
template <Layer L>
class TimeGain {
 public:
  using Scalar = typename L::Scalar;

  explicit TimeGain(L layer) : layer_(std::move(layer)) {}

  [[nodiscard]] const L& layer() const noexcept { return layer_; }
  [[nodiscard]] Index in_rows() const { return layer_.in_rows(); }
  [[nodiscard]] Index out_rows() const { return layer_.out_rows(); }
  [[nodiscard]] Index side_rows() const { return std::max(Index(1), Index(layer_.side_rows())); }
  [[nodiscard]] Index widest() const { return layer_.widest(); }
  [[nodiscard]] Index parameter_count() const { return layer_.parameter_count() + 2; }
  /// That of the layer, and its output.
  [[nodiscard]] Index tape_size(Index n, Index k) const {
    return Slices<Scalar>::size(layer_.tape_size(n, k)) + Slices<Scalar>::size(out_rows() * n * (1 + k));
  }
  void initialize(VectorRef<Scalar> theta, Rng& rng) const {
    layer_.initialize(theta.head(layer_.parameter_count()), rng);
    theta.template tail<2>().setZero();
  }

  void linearize(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                 BatchRef<Scalar> Y, std::span<Scalar> tape, Workspace<Scalar>& workspace) const {
    Slices<Scalar> slices(tape);
    const std::span<Scalar> layer_tape = slices.scalars(layer_.tape_size(n, X.cols() / n - 1));
    BatchMap<Scalar> F = slices.batch(out_rows(), X.cols());
    layer_.linearize(theta.head(layer_.parameter_count()), S, X, n, F, layer_tape, workspace);
    typename Workspace<Scalar>::Frame frame(workspace);
    BatchMap<Scalar> gain = frame.batch(1, S.cols());
    evaluate_gain(theta, S, n, gain);
    Y.setZero();
    detail::Gate<Scalar>(gain, n).add_product(F, Y);
  }

  void pullback(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar,
                VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
    Slices<Scalar> slices(tape);
    const std::span<Scalar> layer_tape = slices.scalars(layer_.tape_size(n, X.cols() / n - 1));
    const BatchMap<Scalar> F = slices.batch(out_rows(), X.cols());
    typename Workspace<Scalar>::Frame frame(workspace);
    BatchMap<Scalar> gain = frame.batch(1, S.cols()), gain_bar = frame.batch(1, S.cols());
    evaluate_gain(theta, S, n, gain);
    detail::Gate<Scalar>(gain, n).pullback(F, Y_bar, gain_bar);
    pull_back_gain(theta, S, n, gain, gain_bar, S_bar, theta_bar);
    const Index count = layer_.parameter_count();
    layer_.pullback(theta.head(count), S, X, n, layer_tape, Y_bar, X_bar, S_bar, theta_bar.head(count), workspace);
  }

 private:
  /// g = exp(a + b t), and gʲ = g b ṫʲ where time moves.
  void evaluate_gain(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, Index n, BatchRef<Scalar> gain) const {
    const Scalar a = theta(theta.size() - 2), b = theta(theta.size() - 1);
    for (Index j = 0; j < S.cols(); ++j) gain(0, j) = j < n ? std::exp(a + b * S(0, j)) : gain(0, j % n) * b * S(0, j);
  }

  /// Through q = a + b t, qʲ = b ṫʲ: q̄ = g ḡ + Σ gʲ ḡʲ and q̄ʲ = g ḡʲ.
  void pull_back_gain(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, Index n, ConstBatchRef<Scalar> gain,
                      ConstBatchRef<Scalar> gain_bar, BatchRef<Scalar> S_bar, VectorRef<Scalar> theta_bar) const {
    const Index at_a = theta.size() - 2, at_b = theta.size() - 1;
    const auto exponent_bar = [&](Index j, Scalar q_bar) {
      theta_bar(at_b) += S(0, j) * q_bar;
      S_bar(0, j) += theta(at_b) * q_bar;
    };
    for (Index i = 0; i < std::min(n, S.cols()); ++i) {
      Scalar q_bar = gain(0, i) * gain_bar(0, i);
      for (Index j = n + i; j < S.cols(); j += n) {
        q_bar += gain(0, j) * gain_bar(0, j);
        exponent_bar(j, gain(0, i) * gain_bar(0, j));
      }
      theta_bar(at_a) += q_bar;
      exponent_bar(i, q_bar);
    }
  }

  L layer_;
};

}  // namespace pathline
