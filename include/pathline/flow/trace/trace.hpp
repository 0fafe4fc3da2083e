/// \file
/// Trace estimators. Exact and random traces are one formula: k tangents v_j with Σ_j w_j v_j v_jᵀ = I, exactly or in
/// expectation, give tr J = Σ_j w_j v_jᵀ J v_j. Where a field knows its divergence, no tangents are needed at all.
/// docs/maths.md, (8.1) and (8.2).
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/nn/jacobian.hpp>
#include <pathline/nn/traced.hpp>

#include <concepts>
#include <span>
#include <string>
#include <type_traits>

namespace pathline {

namespace detail {

/// Stands for what an estimator that adapts to the field is given: `product(V, JV)` overwrites JV = J V, the
/// directional derivatives along V (d × kn, k tangents a sample) at the start of the solve.
template <Real Scalar>
struct AnyJacobianProduct {
  void operator()(const BatchMap<Scalar>& /*V*/, BatchMap<Scalar> /*JV*/) const {}
};

}  // namespace detail

/// Fills V from noise alone: `fill(draw, samples, V, workspace)`.
template <class T, class Scalar = double>
concept FillsFromNoise = requires(const T trace, const Draw& draw, std::span<const Index> samples,
                                  const BatchMap<Scalar>& V, Workspace<Scalar>& workspace) {
  trace.fill(draw, samples, V, workspace);
};
/// Fills V knowing the field at the start of the solve: `fill(draw, samples, product, V, workspace)`, where
/// `product(V, JV)` overwrites JV with the directional derivatives along V (d × kn, k tangents a sample).
template <class T, class Scalar = double>
concept FillsFromField = requires(const T trace, const Draw& draw, std::span<const Index> samples,
                                  const detail::AnyJacobianProduct<Scalar>& product, const BatchMap<Scalar>& V,
                                  Workspace<Scalar>& workspace) {
  trace.fill(draw, samples, product, V, workspace);
};

/// - `tangents(d)`: k. `weight(d, j)`: w_j, j = 0 … k - 1.
/// - `fill(draw, samples, V, workspace)`: overwrites V (d × kn) for the n samples with these row ids, in one of the two
///   forms above. The noise of a sample depends on the draw and on its id alone, never on the chunk that it is in.
template <class T, class Scalar = double>
concept TraceEstimator = requires(const T trace, Index d) {
  { trace.tangents(d) } -> std::convertible_to<Index>;
  { trace.weight(d, d) } -> std::convertible_to<double>;
  requires FillsFromNoise<T, Scalar> || FillsFromField<T, Scalar>;
};

/// tr J by d tangents, the unit vectors. No noise; d times the work of one tangent.
struct ExactTrace {
  [[nodiscard]] Index tangents(Index d) const noexcept { return d; }
  [[nodiscard]] double weight(Index /*d*/, Index /*j*/) const noexcept { return 1; }
  template <Real Scalar>
  void fill(const Draw& /*draw*/, std::span<const Index> /*samples*/, BatchMap<Scalar> V,
            Workspace<Scalar>& /*workspace*/) const {
    set_identity_tangents<Scalar>(V);
  }
  [[nodiscard]] std::string name() const { return "exact trace by d tangents"; }
};

/// tr J as the field itself knows it (`TracedField`): no tangents, no noise.
struct ClosedFormTrace {
  [[nodiscard]] std::string name() const { return "exact trace in closed form"; }
};

/// What a flow accepts as its trace policy.
template <class T>
concept TracePolicy = TraceEstimator<T> || std::same_as<T, ClosedFormTrace>;

/// The exact trace that costs least.
template <class Field>
using BestExactTrace = std::conditional_t<TracedField<Field>, ClosedFormTrace, ExactTrace>;

namespace detail {

/// Refuses a number of probes from which the size of a batch would overflow.
inline void require_probes(const char* what, Index probes) {
  constexpr Index most = Index(1) << 20;
  if (probes < 1 || probes > most)
    throw ArgumentError(what, probes, message({probes < 1 ? "at least " : "at most ", probes < 1 ? 1 : most}));
}

/// V (d × kn) of noise: tangent j of a sample is its numbers jd … (j+1)d - 1 of the draw.
template <class Noise, Real Scalar>
void fill_tangents(const Draw& draw, std::span<const Index> samples, BatchMap<Scalar> V, Workspace<Scalar>& workspace) {
  const Index d = V.rows(), n = static_cast<Index>(samples.size()), k = V.cols() / n;
  typename Workspace<Scalar>::Frame frame(workspace);
  BatchMap<Scalar> noise = frame.batch(k * d, n);
  fill<Noise>(draw, samples, noise);
  const View<Scalar> from(noise), to(V);
  for (Index j = 0; j < k; ++j) copy<Scalar>(from.middleRows(j * d, d), to.middleCols(j * n, n));
}

}  // namespace detail

/// tr J ≈ mean of εᵀ J ε over `probes` probes ε with mean 0 and covariance I, each sample its own (Hutchinson 1990;
/// in flows: Grathwohl et al. 2019). `Noise` is `Rademacher`, the one of least variance among independent components,
/// or `Gaussian`.
template <class Noise = Rademacher>
struct Hutchinson {
  Index probes = 1;

  [[nodiscard]] Index tangents(Index /*d*/) const {
    detail::require_probes("Hutchinson: probes", probes);
    return probes;
  }
  [[nodiscard]] double weight(Index /*d*/, Index /*j*/) const noexcept { return 1.0 / double(probes); }
  template <Real Scalar>
  void fill(const Draw& draw, std::span<const Index> samples, BatchMap<Scalar> V, Workspace<Scalar>& workspace) const {
    detail::fill_tangents<Noise>(draw, samples, V, workspace);
  }
  [[nodiscard]] std::string name() const { return "Hutchinson's estimate, probes: " + std::to_string(probes); }
};

/// How an estimator is called in reports; its own `name()` where it has one.
template <class T>
[[nodiscard]] std::string trace_name(const T& trace) {
  if constexpr (requires {
                  { trace.name() } -> std::convertible_to<std::string>;
                })
    return trace.name();
  else
    return "estimated trace";
}

}  // namespace pathline
