/// \file
/// An affine layer whose weights and bias move with the side inputs.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/layer/affine.hpp>
#include <pathline/nn/layer/gate.hpp>

#include <algorithm>
#include <span>
#include <string>

namespace pathline {

/// y = W(s) x + b(s) with W(s) = W₀ + Σ sᵣ Wᵣ, b(s) = b₀ + Σ sᵣ bᵣ, r = 1 … side; θ = [W₀ | b₀ | W₁ | b₁ | …].
///
/// The `HyperLinear` of the code of Grathwohl et al. 2019 (FFJORD) takes its weights from a small network of t; here
/// that network is affine, and `TimeEmbedding` around it makes the weights a Fourier series in time. Side inputs that
/// are shared cost one product, others 1 + side. docs/maths.md, section 9.
template <Real Scalar_>
class HyperLinear {
 public:
  using Scalar = Scalar_;

  /// \param side  Side inputs that it reads: 1 for time, 1 + c with c rows of context.
  /// \throws ArgumentError when a size is below 1.
  HyperLinear(Index in, Index out, Index side = 1) : affine_(in, out, 0), side_(side) {
    if (side < 1) throw ArgumentError("HyperLinear: number of side inputs", side, "at least 1");
  }

  [[nodiscard]] Index in_rows() const noexcept { return affine_.in_rows(); }
  [[nodiscard]] Index out_rows() const noexcept { return affine_.out_rows(); }
  [[nodiscard]] Index side_rows() const noexcept { return side_; }
  [[nodiscard]] Index widest() const noexcept { return std::max(in_rows(), out_rows()); }
  [[nodiscard]] Index parameter_count() const noexcept { return (1 + side_) * affine_.parameter_count(); }
  /// Wᵣ X + bᵣ, r = 1 … side, for side inputs that are not shared.
  [[nodiscard]] Index tape_size(Index n, Index k) const noexcept {
    return side_ * Slices<Scalar>::size(out_rows() * n * (1 + k));
  }
  /// Every Wᵣ and bᵣ uniform on ±1/√in, a draw each.
  void initialize(VectorRef<Scalar> theta, Rng& rng) const {
    for (Index r = 0; r <= side_; ++r) affine_.initialize(part(theta, r), rng);
  }

  void linearize(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                 BatchRef<Scalar> Y, std::span<Scalar> tape, Workspace<Scalar>& workspace) const {
    if (S.cols() == 1) {
      typename Workspace<Scalar>::Frame frame(workspace);
      VectorMap<Scalar> theta_of_s = frame.vector(affine_.parameter_count());
      mix(theta, S, theta_of_s);
      return affine_.apply(theta_of_s, S, X, n, Y, workspace);
    }
    Slices<Scalar> slices(tape);
    affine_.apply(part(theta, 0), S, X, n, Y, workspace);
    for (Index r = 1; r <= side_; ++r) {
      BatchMap<Scalar> P = slices.batch(out_rows(), X.cols());
      affine_.apply(part(theta, r), S, X, n, P, workspace);
      detail::Gate<Scalar>(S.middleRows(r - 1, 1), n).add_product(P, Y);
    }
  }

  void pullback(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar,
                VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
    typename Workspace<Scalar>::Frame frame(workspace);
    if (S.cols() == 1) {
      VectorMap<Scalar> theta_of_s = frame.vector(affine_.parameter_count());
      VectorMap<Scalar> theta_of_s_bar = frame.vector(affine_.parameter_count());
      mix(theta, S, theta_of_s);
      theta_of_s_bar.setZero();
      affine_.pullback(theta_of_s, S, X, n, Y_bar, X_bar, S_bar, theta_of_s_bar, workspace);
      part(theta_bar, 0) += theta_of_s_bar;
      for (Index r = 1; r <= side_; ++r) {
        part(theta_bar, r) += S(r - 1, 0) * theta_of_s_bar;
        S_bar(r - 1, 0) += part(theta, r).dot(theta_of_s_bar);
      }
      return;
    }
    Slices<Scalar> slices(tape);
    BatchMap<Scalar> P_bar = frame.batch(out_rows(), X.cols()), one_X_bar = frame.batch(in_rows(), X.cols());
    BatchMap<Scalar> s_bar = frame.batch(1, S.cols());
    affine_.pullback(part(theta, 0), S, X, n, Y_bar, X_bar, S_bar, part(theta_bar, 0), workspace);
    for (Index r = 1; r <= side_; ++r) {
      const BatchMap<Scalar> P = slices.batch(out_rows(), X.cols());
      P_bar = Y_bar;
      detail::Gate<Scalar>(S.middleRows(r - 1, 1), n).pullback(P, P_bar, s_bar);
      S_bar.row(r - 1) += s_bar;
      affine_.pullback(part(theta, r), S, X, n, P_bar, one_X_bar, S_bar, part(theta_bar, r), workspace);
      X_bar += one_X_bar;
    }
  }

 private:
  /// [Wᵣ | bᵣ] of θ or its cotangent.
  template <class Theta>
  [[nodiscard]] auto part(Theta& theta, Index r) const {
    return theta.segment(r * affine_.parameter_count(), affine_.parameter_count());
  }
  /// θ(s) = θ₀ + Σ sᵣ θᵣ.
  void mix(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, VectorRef<Scalar> theta_of_s) const {
    theta_of_s = part(theta, 0);
    for (Index r = 1; r <= side_; ++r) theta_of_s += S(r - 1, 0) * part(theta, r);
  }

  Affine<Scalar> affine_;
  Index side_;
};

}  // namespace pathline
