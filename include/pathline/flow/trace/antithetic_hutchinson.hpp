/// \file
/// Hutchinson's estimate by pairs of probes that differ in the signs of half of their components.
#pragma once

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/flow/trace/trace.hpp>

#include <cstddef>
#include <span>
#include <string>

namespace pathline {

/// Which components change their signs between the probes of a pair.
enum class ProbeHalves {
  random,        ///< ⌊d/2⌋ of them, drawn anew for each pair: the same gain for every order of the components.
  in_the_middle  ///< The last ⌊d/2⌋: for a state of two halves, such as position and velocity.
};

/// tr J ≈ mean of ½(vᵀ J v + v'ᵀ J v') over `pairs` pairs, v = (a, b) with independent components of mean 0 and
/// variance 1, v' = (a, -b): what crosses between the halves cancels, and aᵀ J₁₁ a + bᵀ J₂₂ b remains. (A pair v, -v
/// would be wasted: a quadratic form does not see the sign.)
///
/// With S = (J + Jᵀ)/2 the variance of a pair is 2 Σ S_ij² over i, j in the same half, without i = j for signs; that of
/// two independent probes is Σ S_ij² over all of them. So pairs of signs have at most twice the variance, where J has
/// no elements across, and none where it has no others within. A random split puts two components in one half with
/// probability p = (d-2)/(2(d-1)), d even, or (d-1)/(2d): pairs of signs are better by 2p < 1 for every J, which is
/// much in few dimensions only (exact in two), whereas normal noise pays twice for the diagonal.
/// docs/maths.md, (8.3).
template <class Noise = Rademacher>
struct AntitheticHutchinson {
  Index pairs = 1;
  ProbeHalves split = ProbeHalves::random;

  [[nodiscard]] Index tangents(Index /*d*/) const {
    detail::require_probes("AntitheticHutchinson: pairs", pairs);
    return 2 * pairs;
  }
  [[nodiscard]] double weight(Index /*d*/, Index /*j*/) const noexcept { return 0.5 / double(pairs); }
  template <Real Scalar>
  void fill(const Draw& draw, std::span<const Index> samples, BatchMap<Scalar> V, Workspace<Scalar>& workspace) const {
    const Index d = V.rows(), n = static_cast<Index>(samples.size());
    typename Workspace<Scalar>::Frame frame(workspace);
    BatchMap<Scalar> noise = frame.batch(pairs * d, n);  // pair j of a sample: rows jd … (j+1)d - 1
    pathline::fill<Noise>(draw, samples, noise);
    for (Index j = 0; j < pairs; ++j) {
      V.middleCols(2 * j * n, n) = noise.middleRows(j * d, d);
      V.middleCols((2 * j + 1) * n, n) = noise.middleRows(j * d, d);
      for (Index i = 0; i < n; ++i) change_half(draw, samples[std::size_t(i)], j, V.col((2 * j + 1) * n + i));
    }
  }
  [[nodiscard]] std::string name() const {
    return "Hutchinson's estimate by antithetic pairs, pairs: " + std::to_string(pairs);
  }

 private:
  template <class Column>
  void change_half(const Draw& draw, Index sample, Index pair, Column&& v) const {
    const Index d = v.size();
    Index changes = d / 2;
    if (split == ProbeHalves::in_the_middle) {
      v.tail(changes) *= -1;
      return;
    }
    // Each component in turn with probability changes left / components left: all choices of ⌊d/2⌋ are alike, and need
    // no memory (Knuth, TAOCP 2, algorithm 3.4.2 S). The blocks of bits after those of the noise are still unused.
    const Index noise_blocks = (pairs * d + Noise::per_block - 1) / Noise::per_block;
    const Index first = noise_blocks * Uniform::per_block + pair * d;
    for (Index i = 0; i < d; ++i)
      if (double(d - i) * draw.number_at<Uniform>(sample, first + i) < double(changes)) {
        v(i) = -v(i);
        --changes;
      }
  }
};

}  // namespace pathline
