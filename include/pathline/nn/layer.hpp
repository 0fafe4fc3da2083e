/// \file
/// The one primitive of the library and the concepts that carry it.
///
/// A layer is a differentiable map of columns, x ↦ y(s, x; θ), where s are *side inputs* (time, context) that every
/// layer may read. It offers two operations:
///
/// - `linearize`: values and k directional derivatives per sample, sharing every intermediate.
///   k = 0 is plain evaluation, k = 1 Hutchinson's estimate, k = d the full Jacobian.
/// - `pullback`: given cotangents of values *and* of directional derivatives, those of the inputs, and θ's added up
///   (reverse over forward: an activation's second derivative appears here and nowhere else).
///
/// A *packed batch* is rows × (1 + k)n: n values, then k blocks of n tangents, so that one product serves them all.
/// θ, its cotangent and the tape are flat; a container of layers hands each layer its slice.
///
/// A vector field f(t, z; θ) is a layer from d rows to d rows with its parameters at hand, a field one that owns them.
/// docs/maths.md, (9.1) to (9.3).
#pragma once

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>

#include <concepts>
#include <cstddef>
#include <span>

namespace pathline {

/// A layer, with θ passed in. `n` samples, `k` tangents per sample.
///
/// - `in_rows()`, `out_rows()`: rows of x and y. `side_rows()`: rows of S that it reads, 0 if none.
/// - `parameter_count()`: length of its slice of θ. `widest()`: most rows of any batch inside it.
/// - `tape_size(n, k)`: scalars that linearize leaves for pullback.
/// - `linearize(theta, S, X, n, Y, tape, workspace)`: X (in × (1+k)n) to Y (out × (1+k)n), which do not overlap.
///   S, with s ≥ side_rows() rows, is s × 1 (shared by the chunk), s × n (a column a sample), or packed as X is,
///   s × (1+k)n: then tangents move the side inputs too, as a derivative along time does.
/// - `pullback(theta, S, X, n, tape, Y_bar, X_bar, S_bar, theta_bar, workspace)`: Y_bar (out × (1+k)n) is scratch
///   afterwards; overwrites X_bar (in × (1+k)n), adds to S_bar (shape of S) and theta_bar.
template <class L>
concept Layer = Real<typename L::Scalar> &&
    requires(const L layer, Index n, std::span<typename L::Scalar> tape, Workspace<typename L::Scalar>& workspace,
             const Vector<typename L::Scalar>& theta, const Batch<typename L::Scalar>& S,
             const Batch<typename L::Scalar>& X, Batch<typename L::Scalar>& Y, Vector<typename L::Scalar>& theta_bar) {
  { layer.in_rows() } -> std::convertible_to<Index>;
  { layer.out_rows() } -> std::convertible_to<Index>;
  { layer.side_rows() } -> std::convertible_to<Index>;
  { layer.widest() } -> std::convertible_to<Index>;
  { layer.parameter_count() } -> std::convertible_to<Index>;
  { layer.tape_size(n, n) } -> std::convertible_to<Index>;
  layer.linearize(theta, S, X, n, Y, tape, workspace);
  layer.pullback(theta, S, X, n, tape, Y, Y, Y, theta_bar, workspace);
};

/// Whether linearize of this layer or field also takes an empty tape, which says that no pullback follows. Others get
/// one of tape_size(n, k) scalars in evaluations, too. Specialise it for a type of your own; a derived class, whose
/// linearize may read the tape, does not inherit it.
template <class L>
inline constexpr bool tape_optional = false;

/// A layer that says where training starts: `initialize(theta, rng)` overwrites its slice of θ. What owns parameters
/// (`Network`, `FieldStack`) needs it.
template <class L>
concept InitializableLayer = Layer<L> && requires(const L layer, Vector<typename L::Scalar>& theta, Rng& rng) {
  layer.initialize(theta, rng);
};

namespace detail {

template <class F>
concept CountsParameters = requires(const F field) {
  field.parameter_count();
};
template <class F>
concept KeepsParameters = requires(const F field) {
  field.parameters().size();
};

/// Length of a field's θ: `parameter_count()` where it says so, else that of `parameters()`.
template <class F>
requires CountsParameters<F> || KeepsParameters<F>
[[nodiscard]] Index parameter_count(const F& field) {
  if constexpr (CountsParameters<F>)
    return field.parameter_count();
  else
    return field.parameters().size();
}

}  // namespace detail

/// What a solve needs of f(t, z; θ): `dim()` rows in and out; the same pair of operations without θ. It keeps no state
/// between evaluations (both operations are const), so that threads share it and a solver may call it freely. Whose
/// parameters it reads is left open: a `Field` owns them, a `LayerField` reads a slice that belongs to another object.
template <class F>
concept VectorField = Real<typename F::Scalar> &&
    requires(const F field, Index n, std::span<typename F::Scalar> tape, Workspace<typename F::Scalar>& workspace,
             const Batch<typename F::Scalar>& S, const Batch<typename F::Scalar>& X, Batch<typename F::Scalar>& Y,
             Vector<typename F::Scalar>& theta_bar) {
  { field.dim() } -> std::convertible_to<Index>;
  { field.side_rows() } -> std::convertible_to<Index>;
  { field.widest() } -> std::convertible_to<Index>;
  { detail::parameter_count(field) } -> std::convertible_to<Index>;
  { field.tape_size(n, n) } -> std::convertible_to<Index>;
  field.linearize(S, X, n, Y, tape, workspace);
  field.pullback(S, X, n, tape, Y, Y, Y, theta_bar, workspace);
};

/// A vector field that owns its parameters, one flat vector of constant length: what a model is made of and an
/// optimizer changes. The library's own fields have `Parameters` (nn/parameters.hpp), a plain `Vector` will do.
template <class F>
concept Field = VectorField<F> && requires(const F field, F& changeable) {
  { field.parameters() } -> std::convertible_to<const Vector<typename F::Scalar>&>;
  { changeable.parameters() } -> std::convertible_to<Vector<typename F::Scalar>&>;
};

/// Cuts a flat span into consecutive buffers, each on a cache line of its own: how a tape is laid out. The same
/// sequence of calls finds the same buffers again; `Slices::size` says beforehand what a buffer will take.
template <Real Scalar>
class Slices {
 public:
  explicit Slices(std::span<Scalar> tape) : rest_(tape) {}

  /// Whether nothing is left; of an empty tape, that no pullback follows.
  [[nodiscard]] bool empty() const noexcept { return rest_.empty(); }

  /// Scalars that a buffer of `count` takes.
  [[nodiscard]] static constexpr Index size(Index count) noexcept { return Workspace<Scalar>::padded(count); }

  [[nodiscard]] std::span<Scalar> scalars(Index count) {
    const auto padded = static_cast<std::size_t>(size(count));
    eigen_assert(padded <= rest_.size());
    const std::span<Scalar> result = rest_.first(static_cast<std::size_t>(count));
    rest_ = rest_.subspan(padded);
    return result;
  }
  [[nodiscard]] BatchMap<Scalar> batch(Index rows, Index columns) {
    return BatchMap<Scalar>(scalars(rows * columns).data(), rows, columns);
  }

 private:
  std::span<Scalar> rest_;
};

}  // namespace pathline
