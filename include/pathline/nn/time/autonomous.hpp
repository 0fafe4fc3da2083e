/// \file
/// Hides time from a layer.
#pragma once

#include <pathline/core/random.hpp>
#include <pathline/nn/layer.hpp>

#include <span>
#include <utility>

namespace pathline {

/// f(z, context) as a field of f(t, z, context): the layer's side inputs are the context alone, without the time row
/// above it, so that it cannot read time. (A layer that reads no side inputs at all is autonomous as it stands.)
template <Layer L>
class Autonomous {
 public:
  using Scalar = typename L::Scalar;

  /// \param layer  Its side inputs are the rows of context.
  explicit Autonomous(L layer) : layer_(std::move(layer)) {}

  [[nodiscard]] const L& layer() const noexcept { return layer_; }
  [[nodiscard]] Index in_rows() const { return layer_.in_rows(); }
  [[nodiscard]] Index out_rows() const { return layer_.out_rows(); }
  /// Context and the time above it, which is not read; 0 without context.
  [[nodiscard]] Index side_rows() const { return first() + layer_.side_rows(); }
  [[nodiscard]] Index widest() const { return layer_.widest(); }
  [[nodiscard]] Index parameter_count() const { return layer_.parameter_count(); }
  [[nodiscard]] Index tape_size(Index n, Index k) const { return layer_.tape_size(n, k); }
  void initialize(VectorRef<Scalar> theta, Rng& rng) const { layer_.initialize(theta, rng); }

  void linearize(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                 BatchRef<Scalar> Y, std::span<Scalar> tape, Workspace<Scalar>& workspace) const {
    layer_.linearize(theta, S.middleRows(first(), layer_.side_rows()), X, n, Y, tape, workspace);
  }

  void pullback(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar,
                VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
    const Index rows = layer_.side_rows();
    layer_.pullback(theta, S.middleRows(first(), rows), X, n, tape, Y_bar, X_bar, S_bar.middleRows(first(), rows),
                    theta_bar, workspace);
  }

 private:
  /// The row of S where context begins.
  [[nodiscard]] Index first() const { return layer_.side_rows() > 0 ? 1 : 0; }

  L layer_;
};

}  // namespace pathline
