/// \file
/// Moving layers of layers that are made of others: the same, made of moving ones.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/nn/compose/blend.hpp>
#include <pathline/nn/compose/repeat.hpp>
#include <pathline/nn/compose/residual.hpp>
#include <pathline/nn/compose/scaled.hpp>
#include <pathline/nn/compose/sequential.hpp>
#include <pathline/nn/compose/sum.hpp>
#include <pathline/nn/moving/moving_layer.hpp>
#include <pathline/nn/time/autonomous.hpp>
#include <pathline/nn/time/controlled.hpp>
#include <pathline/nn/time/time_embedding.hpp>

#include <tuple>
#include <utility>
#include <vector>

namespace pathline {

namespace detail {

/// The rule for a layer of several, which its constructor takes one after another.
template <class Whole, class Moving>
struct RuleOfLayers {
  using type = Moving;
  [[nodiscard]] static type of(const Whole& whole) {
    return std::apply([](const auto&... layer) { return type(moving(layer)...); }, whole.layers());
  }
  static void add_counts(const Whole& whole, std::vector<Index>& counts) {
    std::apply([&](const auto&... layer) { (add_moving_counts(layer, counts), ...); }, whole.layers());
  }
};

/// The part of a rule that all layers around one other have in common.
template <class Whole>
struct RuleOfOneLayer {
  static void add_counts(const Whole& whole, std::vector<Index>& counts) { add_moving_counts(whole.layer(), counts); }
};

}  // namespace detail

template <MovableLayer... L>
struct MovingRule<Sequential<L...>> : detail::RuleOfLayers<Sequential<L...>, Sequential<detail::MovingOf<L>...>> {};
template <MovableLayer... L>
struct MovingRule<SumLayer<L...>> : detail::RuleOfLayers<SumLayer<L...>, SumLayer<detail::MovingOf<L>...>> {};

template <MovableLayer L>
struct MovingRule<Repeat<L>> {
  using type = Repeat<detail::MovingOf<L>>;
  [[nodiscard]] static type of(const Repeat<L>& repeat) {
    std::vector<detail::MovingOf<L>> layers;
    layers.reserve(repeat.layers().size());
    for (const L& layer : repeat.layers()) layers.push_back(detail::moving(layer));
    return type(repeat.in_rows(), std::move(layers));
  }
  static void add_counts(const Repeat<L>& repeat, std::vector<Index>& counts) {
    for (const L& layer : repeat.layers()) detail::add_moving_counts(layer, counts);
  }
};

template <MovableLayer L>
struct MovingRule<Residual<L>> : detail::RuleOfOneLayer<Residual<L>> {
  using type = Residual<detail::MovingOf<L>>;
  [[nodiscard]] static type of(const Residual<L>& whole) { return type(detail::moving(whole.layer()), whole.h()); }
};

template <MovableLayer L>
struct MovingRule<ScaledLayer<L>> : detail::RuleOfOneLayer<ScaledLayer<L>> {
  using type = ScaledLayer<detail::MovingOf<L>>;
  [[nodiscard]] static type of(const ScaledLayer<L>& whole) {
    return type(detail::moving(whole.layer()), whole.weight());
  }
};

template <MovableLayer L>
struct MovingRule<Autonomous<L>> : detail::RuleOfOneLayer<Autonomous<L>> {
  using type = Autonomous<detail::MovingOf<L>>;
  [[nodiscard]] static type of(const Autonomous<L>& whole) { return type(detail::moving(whole.layer())); }
};

template <MovableLayer L>
struct MovingRule<TimeEmbedding<L>> : detail::RuleOfOneLayer<TimeEmbedding<L>> {
  using type = TimeEmbedding<detail::MovingOf<L>>;
  [[nodiscard]] static type of(const TimeEmbedding<L>& whole) {
    return type(detail::moving(whole.layer()), whole.frequencies(), whole.lowest(), whole.ratio());
  }
};

template <MovableLayer L, class U>
struct MovingRule<Controlled<L, U>> : detail::RuleOfOneLayer<Controlled<L, U>> {
  using type = Controlled<detail::MovingOf<L>, U>;
  [[nodiscard]] static type of(const Controlled<L, U>& whole) {
    return type(detail::moving(whole.layer()), whole.signal());
  }
};

template <MovableLayer L>
struct MovingRule<Blend<L>> {
  using type = Blend<detail::MovingOf<L>>;
  [[nodiscard]] static type of(const Blend<L>& whole) {
    return type(detail::moving(whole.first()), detail::moving(whole.second()));
  }
  static void add_counts(const Blend<L>& whole, std::vector<Index>& counts) {
    detail::add_moving_counts(whole.first(), counts);
    detail::add_moving_counts(whole.second(), counts);
  }
};

}  // namespace pathline
