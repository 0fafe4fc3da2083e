/// \file
/// Hutch++: exact where the Jacobian is large, Hutchinson's estimate for the rest.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/flow/trace/orthonormalize.hpp>
#include <pathline/flow/trace/trace.hpp>
#include <pathline/nn/jacobian.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>

namespace pathline {

/// tr J ≈ Σ_i q_iᵀ J q_i + mean of gᵀ J g over `probes` probes g = (I - QQᵀ) s with random signs s: the trace on the
/// span of `directions` orthonormal vectors Q exactly, that of its complement by chance (Meyer, Musco, Musco &
/// Woodruff, Hutch++, 2021). Q = orth(J Ω) finds where J is large: for Jacobians with few large singular values. Ω is
/// normal, as the paper's random signs are often parallel to each other in few dimensions.
///
/// J is a sample's own at the start of its solve, one evaluation of the field with `directions` tangents; from there on
/// Q is a constant, for the gradient too. As QQᵀ + E ggᵀ = I whatever Q is, the estimate is unbiased all along the
/// path; its variance given Q, 2(‖C‖² - Σ C_ii²)/probes with C the symmetric part of (I - QQᵀ) J (I - QQᵀ), is small as
/// long as J keeps its large directions. Vectors that J Ω does not span are zero, their part is left to the probes.
/// Where directions ≥ d the unit vectors are taken: the exact trace. docs/maths.md, (8.5).
struct HutchPlusPlus {
  Index directions = 2;
  Index probes = 2;

  [[nodiscard]] Index tangents(Index d) const {
    if (directions < 1) throw ArgumentError("HutchPlusPlus: directions", directions, "at least 1");
    detail::require_probes("HutchPlusPlus: probes", probes);
    return directions < d ? directions + probes : d;
  }
  [[nodiscard]] double weight(Index /*d*/, Index j) const noexcept { return j < directions ? 1 : 1.0 / double(probes); }
  template <Real Scalar, class Product>
  void fill(const Draw& draw, std::span<const Index> samples, const Product& product, BatchMap<Scalar> V,
            Workspace<Scalar>& workspace) const {
    const Index d = V.rows(), n = static_cast<Index>(samples.size());
    if (directions >= d) {
      set_identity_tangents<Scalar>(V);
      return;
    }
    typename Workspace<Scalar>::Frame frame(workspace);
    BatchMap<Scalar> Omega = frame.batch(d, directions * n), noise = frame.batch(probes * d, n);
    BatchMap<Scalar> Q(V.data(), d, directions * n), G(V.col(directions * n).data(), d, probes * n);
    detail::fill_tangents<Gaussian>(draw, samples, Omega, workspace);
    product(Omega, Q);
    // A direction of which no more than this share is left is mostly rounding, and would change with the order of sums.
    orthonormalize(Q, n, std::sqrt(std::numeric_limits<Scalar>::epsilon()));
    for (Index i = 0; i < n; ++i) write_signs(draw, samples[std::size_t(i)], noise.col(i));
    for (Index j = 0; j < probes; ++j) G.middleCols(j * n, n) = noise.middleRows(j * d, d);
    project_out(Q, n, G);
  }
  [[nodiscard]] std::string name() const {
    return "Hutch++, directions: " + std::to_string(directions) + ", probes: " + std::to_string(probes);
  }

 private:
  // From the blocks of bits after those of Ω: the probes must not depend on Q.
  template <class Column>
  void write_signs(const Draw& draw, Index sample, Column&& signs) const {
    const Index d = signs.size() / probes, first = (directions * d + Gaussian::per_block - 1) / Gaussian::per_block;
    for (Index i = 0; i < signs.size(); i += Rademacher::per_block)
      Rademacher::write(draw.bits(sample, first + i / Rademacher::per_block),
                        signs.segment(i, std::min(Rademacher::per_block, signs.size() - i)));
  }
};

}  // namespace pathline
