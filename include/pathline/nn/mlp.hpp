/// \file
/// The multilayer perceptron of most neural ODEs: dense layers of a width and depth chosen at run time.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/math/activations.hpp>
#include <pathline/nn/compose/repeat.hpp>
#include <pathline/nn/compose/sequential.hpp>
#include <pathline/nn/compose/shallow_trace.hpp>
#include <pathline/nn/layer/dense.hpp>
#include <pathline/nn/layer/linear.hpp>
#include <pathline/nn/layer_of_field.hpp>
#include <pathline/nn/network.hpp>
#include <pathline/nn/traced.hpp>

#include <utility>
#include <vector>

namespace pathline {

namespace detail {

template <Real Scalar, class Sigma>
using MlpLayers = Sequential<Repeat<Dense<Scalar, UsableActivation<Sigma, Scalar>>>, Linear<Scalar>>;

}  // namespace detail

/// f(t, z): dense layers of the given widths, then a linear one back to d rows. Every layer sees the side inputs
/// (concat-time, as FFJORD's `concat` layers: Grathwohl et al. 2019), so θ is [U | W | b] of each layer in turn.
///
///     Mlp<float, Tanh> field(2, {64, 64}, rng);   // 2-64-64-2, time-dependent
template <Real Scalar, class Sigma>
class Mlp : public Network<detail::MlpLayers<Scalar, Sigma>> {
  static_assert(Activation<Sigma, Scalar>,
                "Mlp: an activation needs a static Jet<P> jet(P x); see math/activations.hpp");

 public:
  using Layers = detail::MlpLayers<Scalar, Sigma>;

  /// \param dim     Rows of z, d.
  /// \param hidden  Widths of the hidden layers; none gives an affine field.
  /// \param rng     One draw a layer; the same seed gives the same parameters.
  /// \param side    Side inputs that every layer reads: 1 for time, 0 for an autonomous field, 1 + c with context.
  /// \throws ArgumentError when a width is below 1.
  Mlp(Index dim, const std::vector<Index>& hidden, Rng& rng, Index side = 1)
      : Network<Layers>(layers(dim, hidden, side), rng) {}

  /// Layers with their parameters, such as a file keeps them.
  /// \throws ShapeError when the layers have not as many outputs as inputs, or theta another length.
  Mlp(Layers layers, const Vector<Scalar>& theta) : Network<Layers>(std::move(layers), theta) {}

  /// The layers alone, without parameters: what a `FieldStack` repeats.
  /// \throws ArgumentError when a width is below 1.
  [[nodiscard]] static Layers layers(Index dim, const std::vector<Index>& hidden, Index side = 1) {
    // Braces evaluate in order, so that every compiler complains of the first bad width first.
    return Layers{Repeat<Hidden>(dim, hidden_layers(dim, hidden, side)),
                  Linear<Scalar>(hidden.empty() ? dim : hidden.back(), dim, side)};
  }

 private:
  using Hidden = Dense<Scalar, detail::UsableActivation<Sigma, Scalar>>;

  static std::vector<Hidden> hidden_layers(Index in, const std::vector<Index>& widths, Index side) {
    std::vector<Hidden> layers;
    layers.reserve(widths.size());
    for (const Index width : widths) {
      layers.emplace_back(in, width, side);
      in = width;
    }
    return layers;
  }
};

namespace detail {

template <class Scalar, class Sigma>
struct LayerOfField<Mlp<Scalar, Sigma>> {
  using type = typename Mlp<Scalar, Sigma>::Layers;
};

template <Real Scalar, class Sigma>
struct ExactTraceOf<Mlp<Scalar, Sigma>> {
  using Trace = ShallowTrace<Scalar, UsableActivation<Sigma, Scalar>>;

  [[nodiscard]] static bool possible(const Mlp<Scalar, Sigma>& field) { return Trace::possible(field.layer()); }
  [[nodiscard]] static Index tangents(const Mlp<Scalar, Sigma>& field) { return Trace::tangents(field.layer()); }
  static void evaluate(const Mlp<Scalar, Sigma>& field, const View<const Scalar>& S, const View<const Scalar>& Z,
                       const View<Scalar>& Y, Workspace<Scalar>& workspace) {
    Trace::evaluate(field.layer(), field.parameters(), S, Z, Y, workspace);
  }
};

}  // namespace detail

template <Real Scalar, class Sigma>
inline constexpr bool tape_optional<Mlp<Scalar, Sigma>> = true;

}  // namespace pathline
