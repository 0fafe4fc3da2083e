/// \file
/// Layers and fields that know their divergence in closed form: no tangents, no noise, less work than d directional
/// derivatives. OT-Flow's potential is one (nn/potential/potential.hpp), networks with one or two hidden layers are
/// others (nn/compose/shallow_mlp.hpp). docs/maths.md, (8.6) and (10.4).
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/nn/layer.hpp>

#include <concepts>
#include <span>

namespace pathline {

/// A layer from d rows to d rows with its divergence, θ passed in.
///
/// - `offered_rows()`: rows beyond value and trace that it offers to regularizers; 0 if none.
/// - `trace_tape_size(n)`: scalars that evaluate_with_trace leaves for pullback_with_trace.
/// - `evaluate_with_trace(theta, S, Z, Y, tape, workspace)`: Z (d × n) to Y ((d + 1 + offered) × n): the values, the
///   trace of the Jacobian, and what it offers. S is s × 1 or s × n.
/// - `pullback_with_trace(theta, S, Z, tape, Y_bar, Z_bar, S_bar, theta_bar, workspace)`: Y_bar has Y's shape and is
///   scratch afterwards; overwrites Z_bar (d × n), adds to S_bar (shape of S) and theta_bar.
template <class L>
concept TracedLayer = Layer<L> &&
    requires(const L layer, Index n, std::span<typename L::Scalar> tape, Workspace<typename L::Scalar>& workspace,
             const Vector<typename L::Scalar>& theta, const Batch<typename L::Scalar>& S,
             const Batch<typename L::Scalar>& Z, Batch<typename L::Scalar>& Y, Vector<typename L::Scalar>& theta_bar) {
  { layer.offered_rows() } -> std::convertible_to<Index>;
  { layer.trace_tape_size(n) } -> std::convertible_to<Index>;
  layer.evaluate_with_trace(theta, S, Z, Y, tape, workspace);
  layer.pullback_with_trace(theta, S, Z, tape, Y, Y, Y, theta_bar, workspace);
};

/// Says of a layer what `PotentialField` says of a field.
template <class L>
concept PotentialLayer = TracedLayer<L> && requires {
  typename L::potential;
};

namespace detail {

/// For layers made of others: the word of `PotentialLayer`, if all of those say it.
template <bool potential>
struct PotentialTagIf {};
template <>
struct PotentialTagIf<true> {
  using potential = void;
};

}  // namespace detail

/// A vector field with its divergence: the same pair of operations without θ.
template <class F>
concept TracedField = VectorField<F> &&
    requires(const F field, Index n, std::span<typename F::Scalar> tape, Workspace<typename F::Scalar>& workspace,
             const Batch<typename F::Scalar>& S, const Batch<typename F::Scalar>& Z, Batch<typename F::Scalar>& Y,
             Vector<typename F::Scalar>& theta_bar) {
  { field.offered_rows() } -> std::convertible_to<Index>;
  { field.trace_tape_size(n) } -> std::convertible_to<Index>;
  field.evaluate_with_trace(S, Z, Y, tape, workspace);
  field.pullback_with_trace(S, Z, tape, Y, Y, Y, theta_bar, workspace);
};

namespace detail {

/// What a field knows of its exact trace for evaluation alone, by less work than d tangents in all layers:
/// `possible(field)` says whether it does, `tangents(field)` how many it carries along for each sample, and
/// `evaluate(field, S, Z, Y, workspace)` writes f and the trace to Y's top d + 1 rows. Specialised by
/// fields that know it at run time only; a derived class does not inherit it.
template <class F>
struct ExactTraceOf {};
template <class F>
concept MayKnowExactTrace = requires(const F field) {
  { ExactTraceOf<F>::possible(field) } -> std::same_as<bool>;
  { ExactTraceOf<F>::tangents(field) } -> std::same_as<Index>;
};

}  // namespace detail

/// Says that it is the negative gradient of a potential, f = -∇Φ, and that its first offered row is ∂Φ/∂t:
/// `using potential = void`.
template <class F>
concept PotentialField = TracedField<F> && requires {
  typename F::potential;
};

}  // namespace pathline
