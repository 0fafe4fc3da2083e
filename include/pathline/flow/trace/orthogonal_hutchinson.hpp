/// \file
/// Hutchinson's estimate by probes that are orthogonal to each other.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/flow/trace/orthonormalize.hpp>
#include <pathline/flow/trace/trace.hpp>

#include <algorithm>
#include <cmath>
#include <span>
#include <string>

namespace pathline {

/// tr J ≈ mean of vᵀ J v over `probes` probes of length √d, orthogonal to each other and together uniformly
/// distributed: Gram-Schmidt of normal vectors. Each alone is uniform on the sphere, hence the estimate is unbiased.
///
/// With S = (J + Jᵀ)/2 the variance of k probes is 2d/((d+2)k) (‖S‖² - (tr S)²/d) · (d-k)/(d-1): that of k independent
/// probes on the sphere times the last factor, which is what orthogonality gains. d probes are exact; more would add
/// nothing, so d are taken. docs/maths.md, (8.4).
struct OrthogonalHutchinson {
  Index probes = 2;

  [[nodiscard]] Index tangents(Index d) const {
    if (probes < 1) throw ArgumentError("OrthogonalHutchinson: probes", probes, "at least 1");
    return std::min(probes, d);
  }
  [[nodiscard]] double weight(Index d, Index /*j*/) const noexcept { return 1.0 / double(std::min(probes, d)); }
  template <Real Scalar>
  void fill(const Draw& draw, std::span<const Index> samples, BatchMap<Scalar> V, Workspace<Scalar>& workspace) const {
    detail::fill_tangents<Gaussian>(draw, samples, V, workspace);
    // Normal vectors are independent but for rounding: none is given up.
    orthonormalize(V, static_cast<Index>(samples.size()), 0);
    V *= Scalar(std::sqrt(double(V.rows())));
  }
  [[nodiscard]] std::string name() const {
    return "Hutchinson's estimate by orthogonal probes, probes: " + std::to_string(probes);
  }
};

}  // namespace pathline
