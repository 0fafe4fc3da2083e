/// \file
/// One link of a chain of layers, shared by `Sequential` and `Repeat`.
///
/// The tape of a chain holds, layer by layer, the layer's own tape and then its output, which is the next layer's
/// input; the last output belongs to the caller. θ holds the layers' parameters one after another.
#pragma once

#include <pathline/nn/layer.hpp>

#include <span>

namespace pathline::detail {

/// What a chain does with its layers: linearize them, or send paths through them (nn/taylor/taylor.hpp).
struct LinearizeMode {
  static Index tape_size(const auto& layer, Index n, Index k) { return layer.tape_size(n, k); }
  static void forward(const auto& layer, auto&&... arguments) { layer.linearize(arguments...); }
  static void backward(const auto& layer, auto&&... arguments) { layer.pullback(arguments...); }
};
struct TaylorMode {
  static Index tape_size(const auto& layer, Index n, Index order) { return layer.taylor_tape_size(n, order); }
  static void forward(const auto& layer, auto&&... arguments) { layer.taylor(arguments...); }
  static void backward(const auto& layer, auto&&... arguments) { layer.taylor_pullback(arguments...); }
};

/// Scalars that one link takes of the tape (the last one's output is counted too: a bound, and simpler).
template <class Mode = LinearizeMode, class L>
[[nodiscard]] Index link_tape_size(const L& layer, Index n, Index k) {
  using Scalar = typename L::Scalar;
  return Slices<Scalar>::size(Mode::tape_size(layer, n, k)) + Slices<Scalar>::size(layer.out_rows() * n * (1 + k));
}

/// Sends a batch through one layer; unless it is the last, its output goes to the tape and `next(theta, X, slices)`
/// does the rest.
template <class Mode = LinearizeMode, class L, class Scalar = typename L::Scalar, class Next>
void linearize_link(const L& layer, bool last, ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S,
                    ConstBatchRef<Scalar> X, Index n, BatchRef<Scalar> Y, Slices<Scalar> slices,
                    Workspace<Scalar>& workspace, Next&& next) {
  const Index count = layer.parameter_count();
  const std::span<Scalar> tape = slices.scalars(Mode::tape_size(layer, n, X.cols() / n - 1));
  if (last) return Mode::forward(layer, theta, S, X, n, Y, tape, workspace);
  BatchMap<Scalar> middle = slices.batch(layer.out_rows(), X.cols());
  Mode::forward(layer, theta.head(count), S, X, n, middle, tape, workspace);
  next(theta.tail(theta.size() - count), middle, slices);
}

/// The reverse: `next(theta, X, slices, X_bar, theta_bar)` pulls back through the later layers first.
template <class Mode = LinearizeMode, class L, class Scalar = typename L::Scalar, class Next>
void pullback_link(const L& layer, bool last, ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S,
                   ConstBatchRef<Scalar> X, Index n, Slices<Scalar> slices, BatchRef<Scalar> Y_bar,
                   BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar, VectorRef<Scalar> theta_bar,
                   Workspace<Scalar>& workspace, Next&& next) {
  const Index count = layer.parameter_count(), rest = theta.size() - count;
  const std::span<Scalar> tape = slices.scalars(Mode::tape_size(layer, n, X.cols() / n - 1));
  if (last) return Mode::backward(layer, theta, S, X, n, tape, Y_bar, X_bar, S_bar, theta_bar, workspace);
  BatchMap<Scalar> middle = slices.batch(layer.out_rows(), X.cols());
  typename Workspace<Scalar>::Frame frame(workspace);
  BatchMap<Scalar> middle_bar = frame.batch(middle.rows(), middle.cols());
  next(theta.tail(rest), middle, slices, middle_bar, theta_bar.tail(rest));
  Mode::backward(layer, theta.head(count), S, X, n, tape, middle_bar, X_bar, S_bar, theta_bar.head(count), workspace);
}

}  // namespace pathline::detail
