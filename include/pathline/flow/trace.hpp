/// \file
/// Trace estimators. Exact and random traces are one formula: k tangents v with Σ w v vᵀ = I, exactly or in
/// expectation, give tr J = Σ w vᵀ J v. docs/maths.md, section 8.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/nn/jacobian.hpp>

#include <span>
#include <string>

namespace pathline {

/// - `tangents(d)`: k. `weight(d)`: w.
/// - `fill(draw, samples, V, workspace)`: overwrites V (d × kn) for the n samples with these row ids. The noise of a
///   sample depends on the draw and on its id alone, never on the chunk that it is in.
template <class T, class Scalar = double>
concept TraceEstimator = requires(const T trace, Index d, const Draw& draw, std::span<const Index> samples,
                                  const BatchMap<Scalar>& V, Workspace<Scalar>& workspace) {
  { trace.tangents(d) } -> std::convertible_to<Index>;
  { trace.weight(d) } -> std::convertible_to<double>;
  trace.fill(draw, samples, V, workspace);
};

/// tr J by d tangents, the unit vectors. No noise; d times the work of one tangent.
struct ExactTrace {
  [[nodiscard]] Index tangents(Index d) const noexcept { return d; }
  [[nodiscard]] double weight(Index /*d*/) const noexcept { return 1; }
  template <Real Scalar>
  void fill(const Draw& /*draw*/, std::span<const Index> /*samples*/, BatchMap<Scalar> V,
            Workspace<Scalar>& /*workspace*/) const {
    set_identity_tangents(V);
  }
};

/// tr J ≈ mean of εᵀ J ε over `probes` probes ε with mean 0 and covariance I, each sample its own (Hutchinson 1990;
/// in flows: Grathwohl et al. 2019). `Noise` is `Rademacher`, the one of least variance among independent components,
/// or `Gaussian`.
template <class Noise = Rademacher>
struct Hutchinson {
  Index probes = 1;

  [[nodiscard]] Index tangents(Index /*d*/) const {
    if (probes < 1) throw ArgumentError("Hutchinson: probes", std::to_string(probes), "at least 1");
    return probes;
  }
  [[nodiscard]] double weight(Index /*d*/) const noexcept { return 1.0 / double(probes); }
  template <Real Scalar>
  void fill(const Draw& draw, std::span<const Index> samples, BatchMap<Scalar> V, Workspace<Scalar>& workspace) const {
    const Index d = V.rows(), n = static_cast<Index>(samples.size());
    typename Workspace<Scalar>::Frame frame(workspace);
    BatchMap<Scalar> noise = frame.batch(probes * d, n);  // probe j of a sample: rows jd … (j+1)d - 1
    pathline::fill<Noise>(draw, samples, noise);
    for (Index j = 0; j < probes; ++j) V.middleCols(j * n, n) = noise.middleRows(j * d, d);
  }
};

}  // namespace pathline
