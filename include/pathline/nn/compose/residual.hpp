/// \file
/// A layer beside a way past it.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/nn/layer.hpp>

#include <cmath>
#include <span>
#include <utility>

namespace pathline {

/// y = x + h layer(x), a block of a residual network (He et al. 2016); with h a step size it is a step of Euler's
/// method, as in OT-Flow's network (docs/maths.md, (10.2)).
template <Layer L>
class Residual {
 public:
  using Scalar = typename L::Scalar;

  /// \throws ShapeError when the layer has not as many outputs as inputs; ArgumentError when h is not finite.
  explicit Residual(L layer, double h = 1) : layer_(std::move(layer)), h_(static_cast<Scalar>(h)) {
    require_rows("Residual: output of the layer", layer_.out_rows(), layer_.in_rows());
    if (!std::isfinite(h)) throw ArgumentError("Residual: h", h, "a finite number");
  }

  [[nodiscard]] const L& layer() const noexcept { return layer_; }
  [[nodiscard]] double h() const noexcept { return double(h_); }
  [[nodiscard]] Index in_rows() const { return layer_.in_rows(); }
  [[nodiscard]] Index out_rows() const { return layer_.out_rows(); }
  [[nodiscard]] Index side_rows() const { return layer_.side_rows(); }
  [[nodiscard]] Index widest() const { return layer_.widest(); }
  [[nodiscard]] Index parameter_count() const { return layer_.parameter_count(); }
  [[nodiscard]] Index tape_size(Index n, Index k) const { return layer_.tape_size(n, k); }
  void initialize(VectorRef<Scalar> theta, Rng& rng) const { layer_.initialize(theta, rng); }

  void linearize(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                 BatchRef<Scalar> Y, std::span<Scalar> tape, Workspace<Scalar>& workspace) const {
    layer_.linearize(theta, S, X, n, Y, tape, workspace);
    Y = X + h_ * Y;
  }

  void pullback(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar,
                VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
    typename Workspace<Scalar>::Frame frame(workspace);
    BatchMap<Scalar> layer_bar = frame.batch(Y_bar.rows(), Y_bar.cols());
    layer_bar = h_ * Y_bar;
    layer_.pullback(theta, S, X, n, tape, layer_bar, X_bar, S_bar, theta_bar, workspace);
    X_bar += Y_bar;
  }

 private:
  L layer_;
  Scalar h_;
};

}  // namespace pathline
