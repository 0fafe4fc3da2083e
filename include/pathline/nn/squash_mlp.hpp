/// \file
/// The network of FFJORD's experiments: concat-squash layers of a width and depth chosen at run time.
#pragma once

#include <pathline/math/activations.hpp>
#include <pathline/nn/compose/repeat.hpp>
#include <pathline/nn/compose/sequential.hpp>
#include <pathline/nn/layer/concat_squash.hpp>
#include <pathline/nn/layer/elementwise.hpp>
#include <pathline/nn/layer_of_field.hpp>
#include <pathline/nn/network.hpp>

#include <utility>
#include <vector>

namespace pathline {

namespace detail {

template <Real Scalar, class Sigma>
using SquashLayer = Sequential<ConcatSquash<Scalar>, Elementwise<Scalar, UsableActivation<Sigma, Scalar>>>;

}  // namespace detail

/// f(t, z): `ConcatSquash` layers of the given widths, each with its activation, then one without back to d rows. The
/// default of the code of Grathwohl et al. 2019 (FFJORD) for toy and tabular data; `Mlp` is its `concat`, and
/// `Mlp(…, side = 0)` its `ignore`.
///
///     SquashMlp<float, Tanh> field(2, {64, 64, 64}, rng);
template <Real Scalar, class Sigma>
class SquashMlp : public Network<Sequential<Repeat<detail::SquashLayer<Scalar, Sigma>>, ConcatSquash<Scalar>>> {
  static_assert(Activation<Sigma, Scalar>,
                "SquashMlp: an activation needs a static Jet<P> jet(P x); see math/activations.hpp");

 public:
  using Layers = Sequential<Repeat<detail::SquashLayer<Scalar, Sigma>>, ConcatSquash<Scalar>>;

  /// \param dim     Rows of z, d.
  /// \param hidden  Widths of the hidden layers; none gives one layer without an activation.
  /// \param rng     Three draws a layer; the same seed gives the same parameters.
  /// \param side    Side inputs that every layer reads: 1 for time, 1 + c with context.
  /// \throws ArgumentError when a width or side is below 1.
  SquashMlp(Index dim, const std::vector<Index>& hidden, Rng& rng, Index side = 1)
      : Network<Layers>(layers(dim, hidden, side), rng) {}

  /// Layers with their parameters, such as a file keeps them.
  /// \throws ShapeError when the layers have not as many outputs as inputs, or theta another length.
  SquashMlp(Layers layers, const Vector<Scalar>& theta) : Network<Layers>(std::move(layers), theta) {}

  /// The layers alone, without parameters: what a `FieldStack` repeats.
  /// \throws ArgumentError when a width or side is below 1.
  [[nodiscard]] static Layers layers(Index dim, const std::vector<Index>& hidden, Index side = 1) {
    // Braces evaluate in order, so that every compiler complains of the first bad width first.
    return Layers{Repeat<Hidden>(dim, hidden_layers(dim, hidden, side)),
                  ConcatSquash<Scalar>(hidden.empty() ? dim : hidden.back(), dim, side)};
  }

 private:
  using Hidden = detail::SquashLayer<Scalar, Sigma>;

  static std::vector<Hidden> hidden_layers(Index in, const std::vector<Index>& widths, Index side) {
    std::vector<Hidden> layers;
    layers.reserve(widths.size());
    for (const Index width : widths) {
      ConcatSquash<Scalar> affine(in, width, side);
      layers.emplace_back(affine, Elementwise<Scalar, detail::UsableActivation<Sigma, Scalar>>(width));
      in = width;
    }
    return layers;
  }
};

namespace detail {

template <class Scalar, class Sigma>
struct LayerOfField<SquashMlp<Scalar, Sigma>> {
  using type = typename SquashMlp<Scalar, Sigma>::Layers;
};

}  // namespace detail

}  // namespace pathline
