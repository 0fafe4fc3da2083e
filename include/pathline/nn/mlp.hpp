/// \file
/// The multilayer perceptron of most neural ODEs: dense layers of a width and depth chosen at run time.
#pragma once

#include <pathline/nn/compose/repeat.hpp>
#include <pathline/nn/compose/sequential.hpp>
#include <pathline/nn/layer/dense.hpp>
#include <pathline/nn/layer/linear.hpp>
#include <pathline/nn/network.hpp>
#include <pathline/nn/parameters.hpp>

#include <span>
#include <type_traits>
#include <vector>

namespace pathline {

/// f(t, z): dense layers of the given widths, then a linear one back to d rows. Every layer sees the side inputs
/// (concat-time, as FFJORD's `concat` layers: Grathwohl et al. 2019), so θ is [U | W | b] of each layer in turn.
///
///     Mlp<float, Tanh> field(2, {64, 64}, rng);   // 2-64-64-2, time-dependent
template <Real Scalar_, class Sigma>
class Mlp {
  static_assert(Activation<Sigma, Scalar_>,
                "Mlp: an activation needs a static Jet<P> jet(P x); see math/activations.hpp");
  // What the assertion has refused gives way to something that compiles, so that its line stays the only one.
  using Usable = std::conditional_t<Activation<Sigma, Scalar_>, Sigma, Identity>;

 public:
  using Scalar = Scalar_;
  using Layers = Sequential<Repeat<Dense<Scalar, Usable>>, Linear<Scalar>>;

  /// \param dim     Rows of z, d.
  /// \param hidden  Widths of the hidden layers; none gives an affine field.
  /// \param rng     One draw a layer; the same seed gives the same parameters.
  /// \param side    Side inputs that every layer reads: 1 for time, 0 for an autonomous field, 1 + c with context.
  /// \throws ArgumentError when a width is below 1.
  Mlp(Index dim, const std::vector<Index>& hidden, Rng& rng, Index side = 1)
      : network_(layers(dim, hidden, side), rng) {}

  /// The layers alone, without parameters: what a `FieldStack` repeats.
  /// \throws ArgumentError when a width is below 1.
  [[nodiscard]] static Layers layers(Index dim, const std::vector<Index>& hidden, Index side = 1) {
    // Braces evaluate in order, so that every compiler complains of the first bad width first.
    return Layers{Repeat<Dense<Scalar, Usable>>(dim, dense_layers(dim, hidden, side)),
                  Linear<Scalar>(hidden.empty() ? dim : hidden.back(), dim, side)};
  }

  [[nodiscard]] Index dim() const { return network_.dim(); }
  [[nodiscard]] Index side_rows() const { return network_.side_rows(); }
  [[nodiscard]] Index widest() const { return network_.widest(); }
  [[nodiscard]] const Layers& layer() const noexcept { return network_.layer(); }
  [[nodiscard]] const Vector<Scalar>& parameters() const noexcept { return network_.parameters(); }
  [[nodiscard]] Parameters<Scalar>& parameters() noexcept { return network_.parameters(); }
  [[nodiscard]] Index tape_size(Index n, Index k) const { return network_.tape_size(n, k); }

  /// As `Network::linearize`.
  void linearize(ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n, BatchRef<Scalar> Y, std::span<Scalar> tape,
                 Workspace<Scalar>& workspace) const {
    network_.linearize(S, X, n, Y, tape, workspace);
  }
  /// As `Network::pullback`.
  void pullback(ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n, std::span<Scalar> tape,
                BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar, VectorRef<Scalar> theta_bar,
                Workspace<Scalar>& workspace) const {
    network_.pullback(S, X, n, tape, Y_bar, X_bar, S_bar, theta_bar, workspace);
  }

  /// As in `Network`.
  [[nodiscard]] Index taylor_tape_size(Index n, Index order) const requires TaylorLayer<Layers> {
    return network_.taylor_tape_size(n, order);
  }
  void taylor(ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n, BatchRef<Scalar> Y, std::span<Scalar> tape,
              Workspace<Scalar>& workspace) const requires TaylorLayer<Layers> {
    network_.taylor(S, X, n, Y, tape, workspace);
  }
  void taylor_pullback(ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n, std::span<Scalar> tape,
                       BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar,
                       VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const requires TaylorLayer<Layers> {
    network_.taylor_pullback(S, X, n, tape, Y_bar, X_bar, S_bar, theta_bar, workspace);
  }

 private:
  static std::vector<Dense<Scalar, Usable>> dense_layers(Index in, const std::vector<Index>& widths, Index side) {
    std::vector<Dense<Scalar, Usable>> layers;
    layers.reserve(widths.size());
    for (const Index width : widths) {
      layers.emplace_back(in, width, side);
      in = width;
    }
    return layers;
  }

  Network<Layers> network_;
};

}  // namespace pathline
