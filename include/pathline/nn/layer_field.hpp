/// \file
/// A layer and a slice of somebody else's parameters, seen as a vector field.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/network.hpp>
#include <pathline/nn/taylor/taylor.hpp>
#include <pathline/nn/traced.hpp>

#include <span>

namespace pathline {

/// A view: meets `VectorField`, and `TracedField` or `PotentialField` where its layer does. Cheap to make and to copy;
/// layer and parameters must outlive it. `Network` is the same with parameters of its own.
template <Layer L>
class LayerField : public detail::PotentialTag<L> {
 public:
  using Scalar = typename L::Scalar;

  /// \param theta  The layer's parameter_count() numbers.
  LayerField(const L& layer, const Scalar* theta) : layer_(layer), theta_(theta, layer.parameter_count()) {}

  [[nodiscard]] Index dim() const { return layer_.in_rows(); }
  [[nodiscard]] Index side_rows() const { return layer_.side_rows(); }
  [[nodiscard]] Index widest() const { return layer_.widest(); }
  [[nodiscard]] const L& layer() const noexcept { return layer_; }
  [[nodiscard]] Index parameter_count() const { return theta_.size(); }
  [[nodiscard]] Index tape_size(Index n, Index k) const { return layer_.tape_size(n, k); }

  /// As `Network::linearize`.
  void linearize(ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n, BatchRef<Scalar> Y, std::span<Scalar> tape,
                 Workspace<Scalar>& workspace) const {
    layer_.linearize(theta_, S, X, n, Y, tape, workspace);
  }
  /// As `Network::pullback`.
  void pullback(ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n, std::span<Scalar> tape,
                BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar, VectorRef<Scalar> theta_bar,
                Workspace<Scalar>& workspace) const {
    layer_.pullback(theta_, S, X, n, tape, Y_bar, X_bar, S_bar, theta_bar, workspace);
  }

  [[nodiscard]] Index offered_rows() const requires TracedLayer<L> { return layer_.offered_rows(); }
  [[nodiscard]] Index trace_tape_size(Index n) const requires TracedLayer<L> { return layer_.trace_tape_size(n); }

  /// As `Network::evaluate_with_trace`.
  void evaluate_with_trace(ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> Z, BatchRef<Scalar> Y, std::span<Scalar> tape,
                           Workspace<Scalar>& workspace) const requires TracedLayer<L> {
    layer_.evaluate_with_trace(theta_, S, Z, Y, tape, workspace);
  }
  /// As `Network::pullback_with_trace`.
  void pullback_with_trace(ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> Z, std::span<Scalar> tape,
                           BatchRef<Scalar> Y_bar, BatchRef<Scalar> Z_bar, BatchRef<Scalar> S_bar,
                           VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const requires TracedLayer<L> {
    layer_.pullback_with_trace(theta_, S, Z, tape, Y_bar, Z_bar, S_bar, theta_bar, workspace);
  }

  /// Taylor mode, as in nn/taylor/taylor.hpp: S and X are path batches.
  [[nodiscard]] Index taylor_tape_size(Index n, Index order) const requires TaylorLayer<L> {
    return layer_.taylor_tape_size(n, order);
  }
  void taylor(ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n, BatchRef<Scalar> Y, std::span<Scalar> tape,
              Workspace<Scalar>& workspace) const requires TaylorLayer<L> {
    layer_.taylor(theta_, S, X, n, Y, tape, workspace);
  }
  void taylor_pullback(ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n, std::span<Scalar> tape,
                       BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar,
                       VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const requires TaylorLayer<L> {
    layer_.taylor_pullback(theta_, S, X, n, tape, Y_bar, X_bar, S_bar, theta_bar, workspace);
  }

 private:
  const L& layer_;
  ConstVectorMap<Scalar> theta_;
};

}  // namespace pathline
