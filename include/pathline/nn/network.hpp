/// \file
/// A layer that owns its parameters and maps d rows to d rows: a vector field.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/parameters.hpp>
#include <pathline/nn/taylor/taylor.hpp>
#include <pathline/nn/traced.hpp>

#include <span>
#include <utility>

namespace pathline {

namespace detail {

/// Whether a layer says that it is the gradient of a potential; its network then says so too.
template <class L>
struct PotentialTag {};
template <class L>
requires requires { typename L::potential; }
struct PotentialTag<L> {
  using potential = void;
};

}  // namespace detail

/// The vector field f(t, z; θ) of a layer, with θ in one flat vector. A plain value; meets `Field`, and `TracedField`,
/// `PotentialField` or `TaylorField` where its layer does.
template <Layer L>
class Network : public detail::PotentialTag<L> {
  static_assert(InitializableLayer<L>, "Network: the layer needs initialize(theta, rng); see nn/layer.hpp");

 public:
  using Scalar = typename L::Scalar;

  /// Draws θ by the layers' own rules; the same seed and draw give the same parameters.
  /// \throws ShapeError when the layer has not as many outputs as inputs.
  Network(L layer, Rng& rng) : layer_(std::move(layer)), parameters_(layer_.parameter_count()) {
    require_rows("Network: output of the last layer", layer_.out_rows(), layer_.in_rows());
    layer_.initialize(*parameters_, rng);
  }

  /// Takes θ as it is.
  /// \throws ShapeError when the layer has not as many outputs as inputs, or theta another length than its parameters.
  Network(L layer, const Vector<Scalar>& theta) : layer_(std::move(layer)), parameters_(layer_.parameter_count()) {
    require_rows("Network: output of the last layer", layer_.out_rows(), layer_.in_rows());
    *parameters_ = theta;
  }

  [[nodiscard]] Index dim() const { return layer_.in_rows(); }
  [[nodiscard]] Index side_rows() const { return layer_.side_rows(); }
  [[nodiscard]] Index widest() const { return layer_.widest(); }
  [[nodiscard]] const L& layer() const noexcept { return layer_; }
  [[nodiscard]] const Vector<Scalar>& parameters() const noexcept { return *parameters_; }
  [[nodiscard]] Parameters<Scalar>& parameters() noexcept { return *parameters_; }
  [[nodiscard]] Index tape_size(Index n, Index k) const { return layer_.tape_size(n, k); }

  /// X = [Z V] (d × (1+k)n) to Y = [F JV]; S is s × 1, s × n or packed, s × (1+k)n.
  void linearize(ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n, BatchRef<Scalar> Y, std::span<Scalar> tape,
                 Workspace<Scalar>& workspace) const {
    layer_.linearize(theta(), S, X, n, Y, tape, workspace);
  }

  /// Y_bar (d × (1+k)n) is scratch afterwards; overwrites X_bar, adds to S_bar and theta_bar.
  void pullback(ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n, std::span<Scalar> tape,
                BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar, VectorRef<Scalar> theta_bar,
                Workspace<Scalar>& workspace) const {
    layer_.pullback(theta(), S, X, n, tape, Y_bar, X_bar, S_bar, theta_bar, workspace);
  }

  [[nodiscard]] Index offered_rows() const requires TracedLayer<L> { return layer_.offered_rows(); }
  [[nodiscard]] Index trace_tape_size(Index n) const requires TracedLayer<L> { return layer_.trace_tape_size(n); }

  /// Z (d × n) to Y ((d + 1 + offered) × n): values, trace, and what the layer offers.
  void evaluate_with_trace(ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> Z, BatchRef<Scalar> Y, std::span<Scalar> tape,
                           Workspace<Scalar>& workspace) const requires TracedLayer<L> {
    layer_.evaluate_with_trace(theta(), S, Z, Y, tape, workspace);
  }

  /// Y_bar has Y's shape and is scratch afterwards; overwrites Z_bar, adds to S_bar and theta_bar.
  void pullback_with_trace(ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> Z, std::span<Scalar> tape,
                           BatchRef<Scalar> Y_bar, BatchRef<Scalar> Z_bar, BatchRef<Scalar> S_bar,
                           VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const requires TracedLayer<L> {
    layer_.pullback_with_trace(theta(), S, Z, tape, Y_bar, Z_bar, S_bar, theta_bar, workspace);
  }

  /// Taylor mode, as in nn/taylor/taylor.hpp: S and X are path batches.
  [[nodiscard]] Index taylor_tape_size(Index n, Index order) const requires TaylorLayer<L> {
    return layer_.taylor_tape_size(n, order);
  }
  void taylor(ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n, BatchRef<Scalar> Y, std::span<Scalar> tape,
              Workspace<Scalar>& workspace) const requires TaylorLayer<L> {
    layer_.taylor(theta(), S, X, n, Y, tape, workspace);
  }
  void taylor_pullback(ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n, std::span<Scalar> tape,
                       BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar,
                       VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const requires TaylorLayer<L> {
    layer_.taylor_pullback(theta(), S, X, n, tape, Y_bar, X_bar, S_bar, theta_bar, workspace);
  }

 private:
  [[nodiscard]] const Vector<Scalar>& theta() const { return (*parameters_).checked(); }

  L layer_;
  detail::OwnParameters<Scalar> parameters_;
};

}  // namespace pathline
