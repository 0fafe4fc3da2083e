/// \file
/// Layers of different types one after another, composed at compile time.
#pragma once

#include <pathline/core/apply_to.hpp>
#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/view.hpp>
#include <pathline/nn/compose/chain.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/taylor/taylor.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <tuple>
#include <utility>

namespace pathline {

/// y = layer_L(… layer_1(x)). θ is the layers' parameters one after another.
template <Layer First, Layer... Rest>
class Sequential {
  static constexpr bool reads_output =
      detail::ReadsOutput<std::tuple_element_t<sizeof...(Rest), std::tuple<First, Rest...>>>;

 public:
  using Scalar = typename First::Scalar;
  static_assert((std::same_as<Scalar, typename Rest::Scalar> && ...), "Sequential: layers must share one scalar type");

  /// \throws ShapeError when a layer's inputs are not the outputs of the layer before it.
  explicit Sequential(First first, Rest... rest) : layers_(std::move(first), std::move(rest)...) {
    check(std::make_index_sequence<sizeof...(Rest)>{});
  }

  [[nodiscard]] const std::tuple<First, Rest...>& layers() const noexcept { return layers_; }
  [[nodiscard]] Index in_rows() const { return std::get<0>(layers_).in_rows(); }
  [[nodiscard]] Index out_rows() const { return std::get<sizeof...(Rest)>(layers_).out_rows(); }
  [[nodiscard]] Index side_rows() const {
    return detail::apply_to(layers_, [](const auto&... layer) { return std::max({Index(layer.side_rows())...}); });
  }
  [[nodiscard]] Index widest() const {
    return detail::apply_to(layers_, [](const auto&... layer) { return std::max({Index(layer.widest())...}); });
  }
  [[nodiscard]] Index parameter_count() const {
    return detail::apply_to(layers_, [](const auto&... layer) { return (Index(layer.parameter_count()) + ...); });
  }
  [[nodiscard]] Index tape_size(Index n, Index k) const { return links_tape_size<detail::LinearizeMode>(n, k, false); }
  void initialize(VectorRef<Scalar> theta, Rng& rng) const {
    Index offset = 0;
    const auto one = [&](const auto& layer) {
      layer.initialize(View<Scalar>(theta).segment(offset, layer.parameter_count()), rng);
      offset += layer.parameter_count();
    };
    detail::apply_to(layers_, [&](const auto&... layer) { (one(layer), ...); });
  }

  void linearize(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                 BatchRef<Scalar> Y, std::span<Scalar> tape, Workspace<Scalar>& workspace) const {
    forward<detail::LinearizeMode, 0>(false, theta, S, X, n, Y, Slices<Scalar>(tape), workspace);
  }

  void pullback(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar,
                VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
    backward<detail::LinearizeMode, 0>(false, theta, S, X, n, Slices<Scalar>(tape), {nullptr, 0, 0}, Y_bar, X_bar,
                                       S_bar, theta_bar, workspace);
  }

  // Where a chain keeps Y: nn/compose/chain.hpp.
  [[nodiscard]] Index tape_size_beside_output(Index n, Index k) const requires reads_output {
    return links_tape_size<detail::LinearizeMode>(n, k, true);
  }
  void linearize_beside_output(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                               BatchRef<Scalar> Y, std::span<Scalar> tape,
                               Workspace<Scalar>& workspace) const requires reads_output {
    forward<detail::LinearizeMode, 0>(true, theta, S, X, n, Y, Slices<Scalar>(tape), workspace);
  }
  void pullback_beside_output(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                              std::span<Scalar> tape, ConstBatchRef<Scalar> Y, BatchRef<Scalar> Y_bar,
                              BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar, VectorRef<Scalar> theta_bar,
                              Workspace<Scalar>& workspace) const requires reads_output {
    backward<detail::LinearizeMode, 0>(true, theta, S, X, n, Slices<Scalar>(tape), Y, Y_bar, X_bar, S_bar, theta_bar,
                                       workspace);
  }

  // Taylor mode: nn/taylor/taylor.hpp.
  [[nodiscard]] Index taylor_tape_size(Index n, Index order) const
      requires(TaylorLayer<First> && (... && TaylorLayer<Rest>)) {
    return links_tape_size<detail::TaylorMode>(n, order, false);
  }
  void taylor(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
              BatchRef<Scalar> Y, std::span<Scalar> tape, Workspace<Scalar>& workspace) const
      requires(TaylorLayer<First> && (... && TaylorLayer<Rest>)) {
    forward<detail::TaylorMode, 0>(false, theta, S, X, n, Y, Slices<Scalar>(tape), workspace);
  }
  void taylor_pullback(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                       std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar,
                       VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const
      requires(TaylorLayer<First> && (... && TaylorLayer<Rest>)) {
    backward<detail::TaylorMode, 0>(false, theta, S, X, n, Slices<Scalar>(tape), {nullptr, 0, 0}, Y_bar, X_bar, S_bar,
                                    theta_bar, workspace);
  }

 private:
  static constexpr std::size_t last = sizeof...(Rest);

  template <std::size_t... I>
  void check(std::index_sequence<I...>) const {
    (detail::require_layer_rows("Sequential", I + 2, std::get<I + 1>(layers_).in_rows(),
                                std::get<I>(layers_).out_rows()),
     ...);
  }

  template <class Mode>
  [[nodiscard]] Index links_tape_size(Index n, Index k, bool kept) const {
    return detail::apply_to(layers_, [&](const auto&... layer) {
      std::size_t i = 0;
      Index sum = 0;
      ((sum += detail::link_tape_size<Mode>(layer, {i++ == last, kept}, n, k)), ...);
      return sum;
    });
  }

  // Layer I and those after it; theta and slices start at layer I. `kept`: whether Y is.
  template <class Mode, std::size_t I>
  void forward(bool kept, View<const Scalar> theta, ConstBatchRef<Scalar> S, View<const Scalar> X, Index n,
               View<Scalar> Y, Slices<Scalar> slices, Workspace<Scalar>& workspace) const {
    detail::linearize_link<Mode>(std::get<I>(layers_), {I == last, kept}, theta, S, X, n, Y, slices, workspace,
                                 [&](View<const Scalar> theta_rest, View<const Scalar> middle, Slices<Scalar> rest) {
                                   if constexpr (I < last)
                                     forward<Mode, I + 1>(kept, theta_rest, S, middle, n, Y, rest, workspace);
                                 });
  }

  template <class Mode, std::size_t I>
  void backward(bool kept, View<const Scalar> theta, ConstBatchRef<Scalar> S, View<const Scalar> X, Index n,
                Slices<Scalar> slices, View<const Scalar> Y, View<Scalar> Y_bar, View<Scalar> X_bar,
                BatchRef<Scalar> S_bar, View<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
    detail::pullback_link<Mode>(std::get<I>(layers_), {I == last, kept}, theta, S, X, n, slices, Y, Y_bar, X_bar, S_bar,
                                theta_bar, workspace,
                                [&](View<const Scalar> theta_rest, View<const Scalar> middle, Slices<Scalar> rest,
                                    View<Scalar> middle_bar, View<Scalar> theta_bar_rest) {
                                  if constexpr (I < last)
                                    backward<Mode, I + 1>(kept, theta_rest, S, middle, n, rest, Y, Y_bar, middle_bar,
                                                          S_bar, theta_bar_rest, workspace);
                                });
  }

  std::tuple<First, Rest...> layers_;
};

template <Layer... L>
inline constexpr bool tape_optional<Sequential<L...>> = (tape_optional<L> && ...);

}  // namespace pathline
