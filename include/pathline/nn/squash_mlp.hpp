/// \file
/// The network of FFJORD's experiments: concat-squash layers of a width and depth chosen at run time.
#pragma once

#include <pathline/math/activations.hpp>
#include <pathline/nn/compose/repeat.hpp>
#include <pathline/nn/compose/sequential.hpp>
#include <pathline/nn/layer/concat_squash.hpp>
#include <pathline/nn/layer/elementwise.hpp>
#include <pathline/nn/network.hpp>
#include <pathline/nn/parameters.hpp>

#include <span>
#include <type_traits>
#include <vector>

namespace pathline {

/// f(t, z): `ConcatSquash` layers of the given widths, each with its activation, then one without back to d rows. The
/// default of the code of Grathwohl et al. 2019 (FFJORD) for toy and tabular data; `Mlp` is its `concat`, and
/// `Mlp(…, side = 0)` its `ignore`.
///
///     SquashMlp<float, Tanh> field(2, {64, 64, 64}, rng);
template <Real Scalar_, class Sigma>
class SquashMlp {
  static_assert(Activation<Sigma, Scalar_>,
                "SquashMlp: an activation needs a static Jet<P> jet(P x); see math/activations.hpp");
  // What the assertion has refused gives way to something that compiles, so that its line stays the only one.
  using Usable = std::conditional_t<Activation<Sigma, Scalar_>, Sigma, Identity>;
  using Hidden = Sequential<ConcatSquash<Scalar_>, Elementwise<Scalar_, Usable>>;

 public:
  using Scalar = Scalar_;
  using Layers = Sequential<Repeat<Hidden>, ConcatSquash<Scalar>>;

  /// \param dim     Rows of z, d.
  /// \param hidden  Widths of the hidden layers; none gives one layer without an activation.
  /// \param rng     Three draws a layer; the same seed gives the same parameters.
  /// \param side    Side inputs that every layer reads: 1 for time, 1 + c with context.
  /// \throws ArgumentError when a width or side is below 1.
  SquashMlp(Index dim, const std::vector<Index>& hidden, Rng& rng, Index side = 1)
      : network_(layers(dim, hidden, side), rng) {}

  /// The layers alone, without parameters: what a `FieldStack` repeats.
  /// \throws ArgumentError when a width or side is below 1.
  [[nodiscard]] static Layers layers(Index dim, const std::vector<Index>& hidden, Index side = 1) {
    // Braces evaluate in order, so that every compiler complains of the first bad width first.
    return Layers{Repeat<Hidden>(dim, hidden_layers(dim, hidden, side)),
                  ConcatSquash<Scalar>(hidden.empty() ? dim : hidden.back(), dim, side)};
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

 private:
  static std::vector<Hidden> hidden_layers(Index in, const std::vector<Index>& widths, Index side) {
    std::vector<Hidden> layers;
    layers.reserve(widths.size());
    for (const Index width : widths) {
      ConcatSquash<Scalar> affine(in, width, side);
      layers.emplace_back(affine, Elementwise<Scalar, Usable>(width));
      in = width;
    }
    return layers;
  }

  Network<Layers> network_;
};

}  // namespace pathline
