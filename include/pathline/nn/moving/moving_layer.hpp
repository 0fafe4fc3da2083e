/// \file
/// Layers whose parameters move: the derivative of a layer along a direction of its input and of θ, with its pullback.
///
/// `linearize` carries tangents of the input and of side inputs through a layer. A *moving layer* has the parameters
/// [θ | θ̇] and carries one tangent [x ẋ] of which the change of θ is a part,
///
///     [x ẋ] ↦ [y, y_x ẋ + y_θ θ̇],
///
/// and is otherwise a `Layer`, for packed batches of one tangent. Its pullback gives second derivatives: of a function
/// φ = ⟨ȳ, y_x ẋ + y_θ θ̇⟩ the cotangents of ẋ and θ̇ are first derivatives of ⟨ȳ, y⟩, those of x and θ are their
/// derivative along (ẋ, θ̇) (Pearlmutter 1994). Layers made of layers are made of moving ones, and layers without
/// parameters stay as they are, so that only layers with parameters of their own need a rule. docs/maths.md, (9.9).
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/nn/layer.hpp>

#include <concepts>
#include <vector>

namespace pathline {

/// The rule for a kind of layers, specialised for each of them:
///
/// - `type`, a `Layer`, and `of(layer)`, which makes one;
/// - `add_counts(layer, counts)`: appends the lengths of the parts θ_i in which θ is read. The parameters of the moving
///   layer are [θ_1 | θ̇_1 | θ_2 | θ̇_2 …].
template <class L>
struct MovingRule;

/// A layer for which there is a rule. A layer of a program's own without parameters gets one by
/// `template <> struct pathline::MovingRule<MyLayer> : pathline::StillRule<MyLayer> {};`.
template <class L>
concept MovableLayer = Layer<L> && requires(const L layer, std::vector<Index>& counts) {
  requires Layer<typename MovingRule<L>::type>;
  { MovingRule<L>::of(layer) } -> std::same_as<typename MovingRule<L>::type>;
  MovingRule<L>::add_counts(layer, counts);
};

/// The rule for layers without parameters.
template <Layer L>
struct StillRule {
  using type = L;
  [[nodiscard]] static L of(const L& layer) { return layer; }
  static void add_counts(const L& /*layer*/, std::vector<Index>& /*counts*/) {}
};

namespace detail {

template <class L>
using MovingOf = typename MovingRule<L>::type;

/// MovingRule::of, deduced.
template <class L>
[[nodiscard]] MovingOf<L> moving(const L& layer) {
  return MovingRule<L>::of(layer);
}
template <class L>
void add_moving_counts(const L& layer, std::vector<Index>& counts) {
  MovingRule<L>::add_counts(layer, counts);
}

/// [x ẋ] (d × 2n) as [x; ẋ] (2d × n), and back.
template <Real Scalar>
void stack(View<const Scalar> packed, View<Scalar> stacked) {
  const Index d = packed.rows(), n = stacked.cols();
  copy<Scalar>(packed.leftCols(n), stacked.topRows(d));
  copy<Scalar>(packed.rightCols(n), stacked.bottomRows(d));
}
template <Real Scalar>
void unstack(View<const Scalar> stacked, View<Scalar> packed) {
  const Index d = packed.rows(), n = stacked.cols();
  copy<Scalar>(stacked.topRows(d), packed.leftCols(n));
  copy<Scalar>(stacked.bottomRows(d), packed.rightCols(n));
}

}  // namespace detail
}  // namespace pathline
