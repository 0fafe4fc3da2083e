/// \file
/// What a layer with its parameters at hand does as a vector field, shared by those who own θ (`Network`) and those who
/// look at it (`LayerField`).
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/taylor/taylor.hpp>
#include <pathline/nn/traced.hpp>

#include <span>

namespace pathline::detail {

/// Whether a layer says that it is the gradient of a potential; its field then says so too.
template <class L>
struct PotentialTag {};
template <class L>
requires requires { typename L::potential; }
struct PotentialTag<L> {
  using potential = void;
};

/// What a layer computes as a field, in functions that are not defined in their class and so are not inline: where
/// they are precompiled (pathline/precompiled.hpp), a program does not instantiate them, nor what they call.
template <Layer L>
struct LayerSweeps {
  using S = typename L::Scalar;
  static void linearize(const L& layer, ConstVectorRef<S> theta, ConstBatchRef<S> side, ConstBatchRef<S> X, Index n,
                        BatchRef<S> Y, std::span<S> tape, Workspace<S>& workspace);
  static void pullback(const L& layer, ConstVectorRef<S> theta, ConstBatchRef<S> side, ConstBatchRef<S> X, Index n,
                       std::span<S> tape, BatchRef<S> Y_bar, BatchRef<S> X_bar, BatchRef<S> side_bar,
                       VectorRef<S> theta_bar, Workspace<S>& workspace);
};
template <Layer L>
void LayerSweeps<L>::linearize(const L& layer, ConstVectorRef<S> theta, ConstBatchRef<S> side, ConstBatchRef<S> X,
                               Index n, BatchRef<S> Y, std::span<S> tape, Workspace<S>& workspace) {
  layer.linearize(theta, side, X, n, Y, tape, workspace);
}
template <Layer L>
void LayerSweeps<L>::pullback(const L& layer, ConstVectorRef<S> theta, ConstBatchRef<S> side, ConstBatchRef<S> X,
                              Index n, std::span<S> tape, BatchRef<S> Y_bar, BatchRef<S> X_bar, BatchRef<S> side_bar,
                              VectorRef<S> theta_bar, Workspace<S>& workspace) {
  layer.pullback(theta, side, X, n, tape, Y_bar, X_bar, side_bar, theta_bar, workspace);
}

template <TracedLayer L>
struct TracedLayerSweeps {
  using S = typename L::Scalar;
  static void evaluate(const L& layer, ConstVectorRef<S> theta, ConstBatchRef<S> side, ConstBatchRef<S> Z,
                       BatchRef<S> Y, std::span<S> tape, Workspace<S>& workspace);
  static void pullback(const L& layer, ConstVectorRef<S> theta, ConstBatchRef<S> side, ConstBatchRef<S> Z,
                       std::span<S> tape, BatchRef<S> Y_bar, BatchRef<S> Z_bar, BatchRef<S> side_bar,
                       VectorRef<S> theta_bar, Workspace<S>& workspace);
};
template <TracedLayer L>
void TracedLayerSweeps<L>::evaluate(const L& layer, ConstVectorRef<S> theta, ConstBatchRef<S> side, ConstBatchRef<S> Z,
                                    BatchRef<S> Y, std::span<S> tape, Workspace<S>& workspace) {
  layer.evaluate_with_trace(theta, side, Z, Y, tape, workspace);
}
template <TracedLayer L>
void TracedLayerSweeps<L>::pullback(const L& layer, ConstVectorRef<S> theta, ConstBatchRef<S> side, ConstBatchRef<S> Z,
                                    std::span<S> tape, BatchRef<S> Y_bar, BatchRef<S> Z_bar, BatchRef<S> side_bar,
                                    VectorRef<S> theta_bar, Workspace<S>& workspace) {
  layer.pullback_with_trace(theta, side, Z, tape, Y_bar, Z_bar, side_bar, theta_bar, workspace);
}

/// The operations of `VectorField`, and of `TracedField`, `PotentialField` and `TaylorField` where the layer meets
/// their like; `Self` has `layer()` and `theta()`, a reference to the layer's parameters.
template <class Self, Layer L>
class LayerOperations : public PotentialTag<L> {
 public:
  using Scalar = typename L::Scalar;

  [[nodiscard]] Index dim() const { return self().layer().in_rows(); }
  [[nodiscard]] Index side_rows() const { return self().layer().side_rows(); }
  [[nodiscard]] Index widest() const { return self().layer().widest(); }
  [[nodiscard]] Index tape_size(Index n, Index k) const { return self().layer().tape_size(n, k); }

  /// X = [Z V] (d × (1+k)n) to Y = [F JV]; S is s × 1, s × n or packed, s × (1+k)n.
  void linearize(ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n, BatchRef<Scalar> Y, std::span<Scalar> tape,
                 Workspace<Scalar>& workspace) const {
    LayerSweeps<L>::linearize(self().layer(), self().theta(), S, X, n, Y, tape, workspace);
  }

  /// Y_bar (d × (1+k)n) is scratch afterwards; overwrites X_bar, adds to S_bar and theta_bar.
  void pullback(ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n, std::span<Scalar> tape,
                BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar, VectorRef<Scalar> theta_bar,
                Workspace<Scalar>& workspace) const {
    LayerSweeps<L>::pullback(self().layer(), self().theta(), S, X, n, tape, Y_bar, X_bar, S_bar, theta_bar, workspace);
  }

  [[nodiscard]] Index offered_rows() const requires TracedLayer<L> { return self().layer().offered_rows(); }
  [[nodiscard]] Index trace_tape_size(Index n) const requires TracedLayer<L> {
    return self().layer().trace_tape_size(n);
  }

  /// Z (d × n) to Y ((d + 1 + offered) × n): values, trace, and what the layer offers.
  void evaluate_with_trace(ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> Z, BatchRef<Scalar> Y, std::span<Scalar> tape,
                           Workspace<Scalar>& workspace) const requires TracedLayer<L> {
    TracedLayerSweeps<L>::evaluate(self().layer(), self().theta(), S, Z, Y, tape, workspace);
  }

  /// Y_bar has Y's shape and is scratch afterwards; overwrites Z_bar, adds to S_bar and theta_bar.
  void pullback_with_trace(ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> Z, std::span<Scalar> tape,
                           BatchRef<Scalar> Y_bar, BatchRef<Scalar> Z_bar, BatchRef<Scalar> S_bar,
                           VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const requires TracedLayer<L> {
    TracedLayerSweeps<L>::pullback(self().layer(), self().theta(), S, Z, tape, Y_bar, Z_bar, S_bar, theta_bar,
                                   workspace);
  }

  /// Taylor mode, as in nn/taylor/taylor.hpp: S and X are path batches.
  [[nodiscard]] Index taylor_tape_size(Index n, Index order) const requires TaylorLayer<L> {
    return self().layer().taylor_tape_size(n, order);
  }
  void taylor(ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n, BatchRef<Scalar> Y, std::span<Scalar> tape,
              Workspace<Scalar>& workspace) const requires TaylorLayer<L> {
    self().layer().taylor(self().theta(), S, X, n, Y, tape, workspace);
  }
  void taylor_pullback(ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n, std::span<Scalar> tape,
                       BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar,
                       VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const requires TaylorLayer<L> {
    self().layer().taylor_pullback(self().theta(), S, X, n, tape, Y_bar, X_bar, S_bar, theta_bar, workspace);
  }

 private:
  friend Self;
  LayerOperations() = default;

  [[nodiscard]] const Self& self() const noexcept { return static_cast<const Self&>(*this); }
};

}  // namespace pathline::detail
