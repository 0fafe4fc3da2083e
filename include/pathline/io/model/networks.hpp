/// \file
/// Networks of layers in files. Those with a name of their own (`Mlp`, `SquashMlp`, `PeriodicMlp`, `ShallowMlp`) number
/// their affine layers, `0.weight`, `1.weight`, …; other compositions name their parts.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/io/model/activations.hpp>
#include <pathline/io/model/described.hpp>
#include <pathline/io/model/description.hpp>
#include <pathline/io/model/layers.hpp>
#include <pathline/io/model/model_reader.hpp>
#include <pathline/nn/compose/blend.hpp>
#include <pathline/nn/compose/repeat.hpp>
#include <pathline/nn/compose/residual.hpp>
#include <pathline/nn/compose/scaled.hpp>
#include <pathline/nn/compose/separable_field.hpp>
#include <pathline/nn/compose/sequential.hpp>
#include <pathline/nn/compose/shallow_mlp.hpp>
#include <pathline/nn/compose/sum.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace pathline::io {

namespace detail {

template <class Scalar, class Sigma>
using SquashHidden = Sequential<ConcatSquash<Scalar>, Elementwise<Scalar, Sigma>>;

/// A chain of layers of given widths: `widths` are the rows of the input and of each layer, `side` the side inputs that
/// each layer reads.
struct ChainOfLayers {
  std::vector<Index> widths, side;

  template <class Hidden, class Last>
  static void describe(const std::vector<Hidden>& hidden, const Last& last, Description& out) {
    ChainOfLayers chain;
    chain.widths.push_back(hidden.empty() ? last.in_rows() : hidden.front().in_rows());
    const auto add = [&chain](const auto& layer) {
      chain.widths.push_back(layer.out_rows());
      chain.side.push_back(layer.side_rows());
    };
    for (const Hidden& layer : hidden) add(layer);
    add(last);
    out.sizes("widths", chain.widths);
    out.sizes("side", chain.side);
    for (std::size_t i = 0; i < hidden.size(); ++i) out.parameters_of(std::to_string(i), affine_part(hidden[i]));
    out.parameters_of(std::to_string(hidden.size()), last);
  }

  /// \throws ArgumentError unless there are sizes of one layer or more.
  static ChainOfLayers read(ModelReader& in) {
    ChainOfLayers chain{in.sizes("widths"), in.sizes("side")};
    if (chain.widths.size() < 2) throw ArgumentError("number of widths", chain.widths.size(), "at least 2");
    if (chain.side.size() + 1 != chain.widths.size())
      throw ArgumentError("number of sizes in side", chain.side.size(),
                          std::to_string(chain.widths.size() - 1) + ", one a layer");
    return chain;
  }
  /// One of its layers, of which the first has the number 0.
  template <class L>
  [[nodiscard]] L layer(std::size_t i) const {
    return make(static_cast<L*>(nullptr), widths[i], widths[i + 1], side[i]);
  }
  /// All but the last one.
  template <class Hidden>
  [[nodiscard]] Repeat<Hidden> hidden() const {
    std::vector<Hidden> layers;
    for (std::size_t i = 0; i + 1 < side.size(); ++i) layers.push_back(layer<Hidden>(i));
    return Repeat<Hidden>(widths[0], std::move(layers));
  }
  template <class Last>
  [[nodiscard]] Last last() const {
    return layer<Last>(side.size() - 1);
  }

 private:
  template <class L>
  static const L& affine_part(const L& layer) {
    return layer;
  }
  template <class Scalar, class Sigma>
  static const ConcatSquash<Scalar>& affine_part(const SquashHidden<Scalar, Sigma>& layer) {
    return std::get<0>(layer.layers());
  }
  template <class L>
  static L make(L* /*of*/, Index in, Index out, Index side) {
    return L(in, out, side);
  }
  template <class Scalar, class Sigma>
  static SquashHidden<Scalar, Sigma> make(SquashHidden<Scalar, Sigma>* /*of*/, Index in, Index out, Index side) {
    return SquashHidden<Scalar, Sigma>(ConcatSquash<Scalar>(in, out, side), Elementwise<Scalar, Sigma>(out));
  }
};

/// Hidden layers and a last one of a chain, with an activation.
template <class Sigma, class Hidden, class Last>
struct DescribedChain {
  using Layers = Sequential<Repeat<Hidden>, Last>;
  static void describe(const Layers& layers, Description& out) {
    out.fixed("activation", Described<Sigma>::name);
    ChainOfLayers::describe(std::get<0>(layers.layers()).layers(), std::get<1>(layers.layers()), out);
  }
  static Layers read(ModelReader& in) {
    in.fixed("activation", Described<Sigma>::name);
    const ChainOfLayers chain = ChainOfLayers::read(in);
    return Layers(chain.hidden<Hidden>(), chain.last<Last>());
  }
};

/// The parts of a tuple of layers, each by its number.
template <class... L>
void describe_parts(const std::tuple<L...>& layers, Description& out) {
  std::size_t i = 0;
  out.fixed("layers", std::to_string(sizeof...(L)));
  std::apply([&](const auto&... layer) { (out.part(std::to_string(i++), layer), ...); }, layers);
}
/// All of them are looked at before anything is made of them.
template <class Result, class... L>
[[nodiscard]] Result read_parts(ModelReader& in) {
  in.fixed("layers", std::to_string(sizeof...(L)));
  return [&in]<std::size_t... I>(std::index_sequence<I...>) {
    std::tuple<Part<L>...> parts{in.part<L>(std::to_string(I))...};  // braces evaluate in order
    return Result(std::move(std::get<I>(parts).value())...);
  }
  (std::index_sequence_for<L...>{});
}

}  // namespace detail

template <class Scalar, class Sigma>
requires HasDescription<Sigma>
struct Described<Sequential<Repeat<Dense<Scalar, Sigma>>, Linear<Scalar>>>
    : detail::DescribedChain<Sigma, Dense<Scalar, Sigma>, Linear<Scalar>> {
  static constexpr std::string_view name = "Mlp";
};

template <class Scalar, class Sigma>
requires HasDescription<Sigma>
struct Described<Sequential<Repeat<Sequential<ConcatSquash<Scalar>, Elementwise<Scalar, Sigma>>>, ConcatSquash<Scalar>>>
    : detail::DescribedChain<Sigma, detail::SquashHidden<Scalar, Sigma>, ConcatSquash<Scalar>> {
  static constexpr std::string_view name = "SquashMlp";
};

template <class Scalar, class Sigma>
requires HasDescription<Sigma>
struct Described<Sequential<PeriodicFeatures<Scalar>, Repeat<Dense<Scalar, Sigma>>, Linear<Scalar>>> {
  using Layers = Sequential<PeriodicFeatures<Scalar>, Repeat<Dense<Scalar, Sigma>>, Linear<Scalar>>;
  static constexpr std::string_view name = "PeriodicMlp";
  static void describe(const Layers& layers, Description& out) {
    const auto& [features, hidden, last] = layers.layers();
    out.fixed("activation", Described<Sigma>::name);
    out.same(features);
    detail::ChainOfLayers::describe(hidden.layers(), last, out);
  }
  static Layers read(ModelReader& in) {
    in.fixed("activation", Described<Sigma>::name);
    const auto features = in.same<PeriodicFeatures<Scalar>>();
    const detail::ChainOfLayers chain = detail::ChainOfLayers::read(in);
    return Layers(features, chain.hidden<Dense<Scalar, Sigma>>(), chain.last<Linear<Scalar>>());
  }
};

template <class Scalar, class Sigma>
requires HasDescription<Sigma>
struct Described<ShallowMlp<Scalar, Sigma>> {
  static constexpr std::string_view name = "ShallowMlp";
  static void describe(const ShallowMlp<Scalar, Sigma>& layer, Description& out) { out.same(layer.layers()); }
  static ShallowMlp<Scalar, Sigma> read(ModelReader& in) {
    in.fixed("activation", Described<Sigma>::name);
    const detail::ChainOfLayers chain = detail::ChainOfLayers::read(in);
    const std::vector<Index>& widths = chain.widths;
    if (widths.back() != widths.front() ||
        std::count(chain.side.begin(), chain.side.end(), chain.side[0]) != std::ptrdiff_t(chain.side.size()))
      throw ArgumentError("ShallowMlp: last width and side", "different", "the first width, and one number");
    return {widths.front(), std::vector<Index>(widths.begin() + 1, widths.end() - 1), chain.side[0]};
  }
};

template <class First, class... Rest>
struct Described<Sequential<First, Rest...>> {
  static constexpr std::string_view name = "Sequential";
  static void describe(const Sequential<First, Rest...>& layers, Description& out) {
    detail::describe_parts(layers.layers(), out);
  }
  static Sequential<First, Rest...> read(ModelReader& in) {
    return detail::read_parts<Sequential<First, Rest...>, First, Rest...>(in);
  }
};

template <class L>
struct Described<Repeat<L>> {
  static constexpr std::string_view name = "Repeat";
  static void describe(const Repeat<L>& repeat, Description& out) {
    out.size("rows", repeat.in_rows());
    out.size("layers", Index(repeat.layers().size()));
    for (std::size_t i = 0; i < repeat.layers().size(); ++i) out.part(std::to_string(i), repeat.layers()[i]);
  }
  static Repeat<L> read(ModelReader& in) {
    const Index rows = in.size("rows"), count = in.size("layers");
    std::vector<Part<L>> parts;
    for (Index i = 0; i < count && in.has(std::to_string(i)); ++i) parts.push_back(in.part<L>(std::to_string(i)));
    if (Index(parts.size()) < count)
      throw ArgumentError("number of layers", parts.size(), std::to_string(count) + ", as layers says");
    std::vector<L> layers;
    for (Part<L>& part : parts) layers.push_back(std::move(part.value()));
    return Repeat<L>(rows, std::move(layers));
  }
};

template <class L>
struct Described<Blend<L>> {
  static constexpr std::string_view name = "Blend";
  static void describe(const Blend<L>& layer, Description& out) {
    out.part("first", layer.first());
    out.part("second", layer.second());
  }
  static Blend<L> read(ModelReader& in) {
    Part<L> first = in.part<L>("first"), second = in.part<L>("second");
    return Blend<L>(std::move(first.value()), std::move(second.value()));
  }
};

template <class L>
struct Described<Residual<L>> {
  static constexpr std::string_view name = "Residual";
  static void describe(const Residual<L>& layer, Description& out) {
    out.setting("h", layer.h());
    out.part("layer", layer.layer());
  }
  static Residual<L> read(ModelReader& in) {
    const auto h = in.setting<double>("h");
    return Residual<L>(in.part<L>("layer").value(), h);
  }
};

template <class First, class... Rest>
struct Described<SumLayer<First, Rest...>> {
  static constexpr std::string_view name = "Sum";
  static void describe(const SumLayer<First, Rest...>& sum, Description& out) {
    detail::describe_parts(sum.layers(), out);
  }
  static SumLayer<First, Rest...> read(ModelReader& in) {
    return detail::read_parts<SumLayer<First, Rest...>, First, Rest...>(in);
  }
};

template <class Velocity, class Force>
struct Described<SeparableLayer<Velocity, Force>> {
  static constexpr std::string_view name = "Separable";
  static void describe(const SeparableLayer<Velocity, Force>& layer, Description& out) {
    out.part("velocity", layer.velocity());
    out.part("force", layer.force());
  }
  static SeparableLayer<Velocity, Force> read(ModelReader& in) {
    Part<Velocity> velocity = in.part<Velocity>("velocity");
    Part<Force> force = in.part<Force>("force");
    return SeparableLayer<Velocity, Force>(std::move(velocity.value()), std::move(force.value()));
  }
};

template <class L>
struct Described<ScaledLayer<L>> {
  static constexpr std::string_view name = "Scaled";
  static void describe(const ScaledLayer<L>& layer, Description& out) {
    out.setting("weight", layer.weight());
    out.part("term", layer.layer());
  }
  static ScaledLayer<L> read(ModelReader& in) {
    const auto weight = in.setting<double>("weight");
    return ScaledLayer<L>(in.part<L>("term").value(), weight);
  }
};

}  // namespace pathline::io
