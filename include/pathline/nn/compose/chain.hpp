/// \file
/// One link of a chain of layers, shared by `Sequential` and `Repeat`.
///
/// The tape of a chain holds, layer by layer, the layer's own tape and then its output, which is the next layer's
/// input; the last output belongs to the caller. Where the tape is empty, outputs are scratch. θ holds the layers'
/// parameters one after another.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/message.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/nn/layer.hpp>

#include <concepts>
#include <cstddef>
#include <span>

namespace pathline::detail {

/// Throws ShapeError, `Repeat: input of layer 2 has 3 rows, expected 4`, unless they are the rows that come in.
inline void require_layer_rows(const char* chain, std::size_t layer, Index rows, Index expected) {
  if (rows != expected) throw ShapeError(message({chain, ": input of layer ", layer}), "rows", rows, expected);
}

/// What a chain does with its layers: linearize them, or send paths through them (nn/taylor/taylor.hpp). Layers are
/// called with references of Eigen, whatever the chain has.
struct LinearizeMode {
  static Index tape_size(const auto& layer, Index n, Index k) { return layer.tape_size(n, k); }
  template <class L, Real Scalar = typename L::Scalar>
  static void forward(const L& layer, ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X,
                      Index n, BatchRef<Scalar> Y, std::span<Scalar> tape, Workspace<Scalar>& workspace) {
    layer.linearize(theta, S, X, n, Y, tape, workspace);
  }
  template <class L, Real Scalar = typename L::Scalar>
  static void backward(const L& layer, ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X,
                       Index n, std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar,
                       BatchRef<Scalar> S_bar, VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) {
    layer.pullback(theta, S, X, n, tape, Y_bar, X_bar, S_bar, theta_bar, workspace);
  }
};
struct TaylorMode {
  static Index tape_size(const auto& layer, Index n, Index order) { return layer.taylor_tape_size(n, order); }
  template <class L, Real Scalar = typename L::Scalar>
  static void forward(const L& layer, ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X,
                      Index n, BatchRef<Scalar> Y, std::span<Scalar> tape, Workspace<Scalar>& workspace) {
    layer.taylor(theta, S, X, n, Y, tape, workspace);
  }
  template <class L, Real Scalar = typename L::Scalar>
  static void backward(const L& layer, ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X,
                       Index n, std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar,
                       BatchRef<Scalar> S_bar, VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) {
    layer.taylor_pullback(theta, S, X, n, tape, Y_bar, X_bar, S_bar, theta_bar, workspace);
  }
};

/// A layer that needs less of a tape where its output Y is kept for the pullback, as a chain keeps all outputs but the
/// last: `tape_size_beside_output`, `linearize_beside_output` and `pullback_beside_output`, with the parameters that
/// they have in `Layer`; the pullback also gets Y, after the tape.
template <class L>
concept ReadsOutput = requires(const L layer, Index n) {
  layer.tape_size_beside_output(n, n);
};
template <class Mode, class L>
inline constexpr bool reads_output = std::same_as<Mode, LinearizeMode>&& ReadsOutput<L>;

/// Where a link stands in its chain, and whether the output of the chain is kept for the pullback.
struct Place {
  bool last, chain_kept;
  [[nodiscard]] bool kept() const noexcept { return !last || chain_kept; }
};

/// Scalars of the tape that belong to the layer of a link.
template <class Mode, class L>
[[nodiscard]] Index layer_tape_size(const L& layer, Place place, Index n, Index k) {
  if constexpr (reads_output<Mode, L>)
    if (place.kept()) return layer.tape_size_beside_output(n, k);
  return Mode::tape_size(layer, n, k);
}

/// Scalars that one link takes of the tape.
template <class Mode = LinearizeMode, class L>
[[nodiscard]] Index link_tape_size(const L& layer, Place place, Index n, Index k) {
  using Scalar = typename L::Scalar;
  return Slices<Scalar>::size(layer_tape_size<Mode>(layer, place, n, k)) +
         (place.last ? 0 : Slices<Scalar>::size(layer.out_rows() * n * (1 + k)));
}

/// Sends a batch through one layer; unless it is the last, its output goes to the tape and `next(theta, X, slices)`
/// does the rest.
template <class Mode = LinearizeMode, class L, class Next>
void linearize_link(const L& layer, Place place, View<const typename L::Scalar> theta,
                    ConstBatchRef<typename L::Scalar> S, View<const typename L::Scalar> X, Index n,
                    View<typename L::Scalar> Y, Slices<typename L::Scalar> slices,
                    Workspace<typename L::Scalar>& workspace, Next&& next) {
  using Scalar = typename L::Scalar;
  const Index count = layer.parameter_count();
  const bool taped = !slices.empty();
  const std::span<Scalar> tape =
      taped ? slices.scalars(layer_tape_size<Mode>(layer, place, n, X.cols() / n - 1)) : std::span<Scalar>{};
  typename Workspace<Scalar>::Frame frame(workspace);
  const View<Scalar> out = place.last ? Y
                           : taped    ? slices.batch(layer.out_rows(), X.cols())
                                      : frame.batch(layer.out_rows(), X.cols());
  const auto forward = [&] {
    if constexpr (reads_output<Mode, L>)
      if (taped && place.kept()) return layer.linearize_beside_output(theta.head(count), S, X, n, out, tape, workspace);
    Mode::forward(layer, theta.head(count), S, X, n, out, tape, workspace);
  };
  forward();
  if (!place.last) next(theta.tail(theta.rows() - count), View<const Scalar>(out), slices);
}

/// The reverse: `next(theta, X, slices, X_bar, theta_bar)` pulls back through the layers after this one first. `Y` is
/// the output of the chain where that is kept.
template <class Mode = LinearizeMode, class L, class Next>
void pullback_link(const L& layer, Place place, View<const typename L::Scalar> theta,
                   ConstBatchRef<typename L::Scalar> S, View<const typename L::Scalar> X, Index n,
                   Slices<typename L::Scalar> slices, View<const typename L::Scalar> Y, View<typename L::Scalar> Y_bar,
                   View<typename L::Scalar> X_bar, BatchRef<typename L::Scalar> S_bar,
                   View<typename L::Scalar> theta_bar, Workspace<typename L::Scalar>& workspace, Next&& next) {
  using Scalar = typename L::Scalar;
  const Index count = layer.parameter_count(), rest = theta.rows() - count;
  const std::span<Scalar> tape = slices.scalars(layer_tape_size<Mode>(layer, place, n, X.cols() / n - 1));
  typename Workspace<Scalar>::Frame frame(workspace);
  View<const Scalar> out = Y;
  View<Scalar> out_bar = Y_bar;
  if (!place.last) {
    out = slices.batch(layer.out_rows(), X.cols());
    out_bar = frame.batch(out.rows(), out.cols());
    next(theta.tail(rest), out, slices, out_bar, theta_bar.tail(rest));
  }
  if constexpr (reads_output<Mode, L>)
    if (place.kept())
      return layer.pullback_beside_output(theta.head(count), S, X, n, tape, out, out_bar, X_bar, S_bar,
                                          theta_bar.head(count), workspace);
  Mode::backward(layer, theta.head(count), S, X, n, tape, out_bar, X_bar, S_bar, theta_bar.head(count), workspace);
}

}  // namespace pathline::detail
