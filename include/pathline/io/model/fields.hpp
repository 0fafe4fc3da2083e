/// \file
/// Fields in files. A field that a layer makes has the name of the layer: `Network<L>` is read where `Mlp` of the same
/// layers was written.
#pragma once

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/stack/field_stack.hpp>
#include <pathline/flow/stack/moving_normalization.hpp>
#include <pathline/io/model/described.hpp>
#include <pathline/io/model/description.hpp>
#include <pathline/io/model/model_reader.hpp>
#include <pathline/io/model/networks.hpp>
#include <pathline/io/model/time_layers.hpp>
#include <pathline/nn/compose/separable_field.hpp>
#include <pathline/nn/compose/split_field.hpp>
#include <pathline/nn/layer_of_field.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/nn/network.hpp>
#include <pathline/nn/periodic_mlp.hpp>
#include <pathline/nn/squash_mlp.hpp>

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace pathline::io {

namespace detail {

template <class Field>
using LayerIn = std::remove_cvref_t<decltype(std::declval<const Field&>().layer())>;

/// Of a field that can be made from its layer and θ.
template <class Field>
struct DescribedNetwork {
  using Layer = LayerIn<Field>;
  static constexpr std::string_view name = Described<Layer>::name;
  static void describe(const Field& field, Description& out) { out.same(field.layer()); }
  static Field read(ModelReader& in) {
    Layer layer = in.same<Layer>();
    in.require_parameters(layer.parameter_count());
    const Vector<typename Field::Scalar> theta = Vector<typename Field::Scalar>::Zero(layer.parameter_count());
    if constexpr (requires { Field::from_layer(std::move(layer), theta); })
      return Field::from_layer(std::move(layer), theta);
    else
      return Field(std::move(layer), theta);
  }
};

}  // namespace detail

template <class L>
requires HasDescription<L>
struct Described<Network<L>> : detail::DescribedNetwork<Network<L>> {
};
template <class Scalar, class Sigma>
requires HasDescription<Sigma>
struct Described<Mlp<Scalar, Sigma>> : detail::DescribedNetwork<Mlp<Scalar, Sigma>> {
};
template <class Scalar, class Sigma>
requires HasDescription<Sigma>
struct Described<SquashMlp<Scalar, Sigma>> : detail::DescribedNetwork<SquashMlp<Scalar, Sigma>> {
};
template <class Scalar, class Sigma>
requires HasDescription<Sigma>
struct Described<PeriodicMlp<Scalar, Sigma>> : detail::DescribedNetwork<PeriodicMlp<Scalar, Sigma>> {
};
template <class... Terms>
struct Described<Sum<Terms...>> : detail::DescribedNetwork<Sum<Terms...>> {};
template <class Explicit, class Implicit>
struct Described<SplitField<Explicit, Implicit>> : detail::DescribedNetwork<SplitField<Explicit, Implicit>> {};
template <class Velocity, class Force>
struct Described<SeparableField<Velocity, Force>> : detail::DescribedNetwork<SeparableField<Velocity, Force>> {};
template <class Term>
struct Described<Scaled<Term>> : detail::DescribedNetwork<Scaled<Term>> {};

/// A field without parameters among the terms of a sum.
template <class F>
requires HasDescription<F>
struct Described<pathline::detail::FieldWithoutParameters<F>> {
  static constexpr std::string_view name = Described<F>::name;
  static void describe(const pathline::detail::FieldWithoutParameters<F>& layer, Description& out) {
    out.same(layer.field());
  }
  static pathline::detail::FieldWithoutParameters<F> read(ModelReader& in) {
    return pathline::detail::FieldWithoutParameters<F>(in.same<F>());
  }
};

template <>
struct Described<NoNormalization> {
  static constexpr std::string_view name = "NoNormalization";
};
template <>
struct Described<MovingNormalization> {
  static constexpr std::string_view name = "MovingNormalization";
  static void visit(auto& normalization, auto& io) {
    io.setting("epsilon", normalization.epsilon);
    io.setting("decay", normalization.decay);
  }
};

/// The layer is described once; `blocks.0.…` and `norms.0.…` are the parameters of each block and normalisation, the
/// latter with the names of PyTorch's batch normalisation: γ, β, mean and variance.
template <class L, class Normalization>
struct Described<FieldStack<L, Normalization>> {
  using Stack = FieldStack<L, Normalization>;
  static constexpr std::string_view name = "FieldStack";
  static void describe(const Stack& stack, Description& out) {
    out.size("blocks", stack.blocks());
    out.part("normalization", stack.normalization());
    out.structure_of("layer", stack.layer());
    describe_normalization(stack, 0, out);
    for (Index b = 0; b < stack.blocks(); ++b) {
      out.parameters_of("blocks." + std::to_string(b), stack.layer());
      describe_normalization(stack, b + 1, out);
    }
  }
  static Stack read(ModelReader& in) {
    const Index blocks = in.size("blocks");
    auto normalization = in.part<Normalization>("normalization");
    const L layer = in.part<L>("layer").value();
    in.require_parameters(layer.parameter_count());
    in.require_parameters(blocks * layer.parameter_count());
    if constexpr (Stack::normalizes) in.require_parameters((blocks + 1) * 4 * layer.in_rows());
    Rng rng(0);
    return Stack(layer, blocks, rng, normalization.value());
  }

 private:
  static void describe_normalization([[maybe_unused]] const Stack& stack, [[maybe_unused]] Index g,
                                     [[maybe_unused]] Description& out) {
    if constexpr (Stack::normalizes) {
      const std::string norm = "norms." + std::to_string(g);
      for (const char* const what : {".weight", ".bias", ".running_mean"}) out.parameter(norm + what, stack.dim());
      out.variance(norm + ".running_var", stack.dim());
    }
  }
};

}  // namespace pathline::io
