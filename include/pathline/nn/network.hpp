/// \file
/// A layer that owns its parameters and maps d rows to d rows: a vector field.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/nn/layer.hpp>

#include <utility>

namespace pathline {

/// The vector field f(t, z; θ) of a layer, with θ in one flat vector. A plain value; meets `Field`.
template <Layer L>
class Network {
 public:
  using Scalar = typename L::Scalar;

  /// Draws θ by the layers' own rules; the same seed and draw give the same parameters.
  /// \throws ShapeError when the layer has not as many outputs as inputs.
  Network(L layer, Rng& rng) : layer_(std::move(layer)), parameters_(layer_.parameter_count()) {
    require_rows("Network: output of the last layer", layer_.out_rows(), layer_.in_rows());
    layer_.initialize(parameters_, rng);
  }

  [[nodiscard]] Index dim() const { return layer_.in_rows(); }
  [[nodiscard]] Index side_rows() const { return layer_.side_rows(); }
  [[nodiscard]] Index widest() const { return layer_.widest(); }
  [[nodiscard]] const L& layer() const noexcept { return layer_; }
  [[nodiscard]] const Vector<Scalar>& parameters() const noexcept { return parameters_; }
  [[nodiscard]] Vector<Scalar>& parameters() noexcept { return parameters_; }
  [[nodiscard]] Index tape_size(Index n, Index k) const { return layer_.tape_size(n, k); }

  /// X = [Z V] (d × (1+k)n) to Y = [F JV]; S is s × 1 or s × n.
  void linearize(ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n, BatchRef<Scalar> Y, std::span<Scalar> tape,
                 Workspace<Scalar>& workspace) const {
    layer_.linearize(parameters_, S, X, n, Y, tape, workspace);
  }

  /// Y_bar (d × (1+k)n) is scratch afterwards; overwrites X_bar, adds to S_bar and theta_bar.
  void pullback(ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n, std::span<Scalar> tape,
                BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar, VectorRef<Scalar> theta_bar,
                Workspace<Scalar>& workspace) const {
    layer_.pullback(parameters_, S, X, n, tape, Y_bar, X_bar, S_bar, theta_bar, workspace);
  }

 private:
  L layer_;
  Vector<Scalar> parameters_;
};

}  // namespace pathline
