/// \file
/// Taylor mode: a layer's outputs with their derivatives along a path, where `linearize` gives them along directions.
///
/// A *path batch* of order r is rows × (1 + r)n: n values x, then their first derivatives x' and, at order 2, their
/// second, x'', along a parameter such as time. Derivatives, not Taylor coefficients: no factorials. Side inputs move
/// too and are packed alike, s × (1 + r)n: [S S' S''], for time and a constant context [t; c], [1; 0], [0; 0]. Order 1
/// is linearize with one tangent and moving side inputs; order 2 is what is new. docs/maths.md, (9.6) and (9.7).
///
/// What it is for, the derivatives of a field's solution: nn/taylor/path_derivatives.hpp.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/nn/layer.hpp>

#include <concepts>
#include <span>

namespace pathline {

/// A layer with Taylor mode up to order 2, θ passed in; the order is that of the path batch X.
///
/// - `taylor_tape_size(n, order)`: scalars that taylor leaves for taylor_pullback.
/// - `taylor(theta, S, X, n, Y, tape, workspace)`: X (in × (1+r)n) and S (packed, of at least side_rows() rows) to
///   Y (out × (1+r)n), which does not overlap X.
/// - `taylor_pullback(theta, S, X, n, tape, Y_bar, X_bar, S_bar, theta_bar, workspace)`: Y_bar (out × (1+r)n) is
///   scratch afterwards; overwrites X_bar (in × (1+r)n), adds to S_bar (shape of S) and theta_bar.
template <class L>
concept TaylorLayer = Layer<L> &&
    requires(const L layer, Index n, std::span<typename L::Scalar> tape, Workspace<typename L::Scalar>& workspace,
             const Vector<typename L::Scalar>& theta, const Batch<typename L::Scalar>& S,
             const Batch<typename L::Scalar>& X, Batch<typename L::Scalar>& Y, Vector<typename L::Scalar>& theta_bar) {
  { layer.taylor_tape_size(n, n) } -> std::convertible_to<Index>;
  layer.taylor(theta, S, X, n, Y, tape, workspace);
  layer.taylor_pullback(theta, S, X, n, tape, Y, Y, Y, theta_bar, workspace);
};

/// A field with Taylor mode: the same without θ.
template <class F>
concept TaylorField = VectorField<F> &&
    requires(const F field, Index n, std::span<typename F::Scalar> tape, Workspace<typename F::Scalar>& workspace,
             const Batch<typename F::Scalar>& S, const Batch<typename F::Scalar>& X, Batch<typename F::Scalar>& Y,
             Vector<typename F::Scalar>& theta_bar) {
  { field.taylor_tape_size(n, n) } -> std::convertible_to<Index>;
  field.taylor(S, X, n, Y, tape, workspace);
  field.taylor_pullback(S, X, n, tape, Y, Y, Y, theta_bar, workspace);
};

}  // namespace pathline
