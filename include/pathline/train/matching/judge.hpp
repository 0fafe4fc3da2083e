/// \file
/// By which number `fit` judges a flow that learns by flow matching.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>

#include <cstdint>

namespace pathline {

/// By the exact log-density, in nats, as a flow that is trained by maximum likelihood: comparable with any other
/// density. One judgement costs as much as many training iterations; `FitOptions::validate_every` says how often.
struct ByLikelihood {};

/// By the matching loss with draws that are always the same: as cheap as training, for data of so many dimensions that
/// their log-density costs too much. It says whether the field still comes closer to its target, not how good the
/// density is; values for different couplings, paths or data do not compare.
struct ByMatchingLoss {
  Index draws = 1;         ///< Of each row, averaged.
  Index batch = 256;       ///< Rows that are coupled together, at most.
  std::uint64_t seed = 0;  ///< Of the draws.

  void check() const {
    if (draws < 1) throw ArgumentError("ByMatchingLoss: draws", draws, "at least 1");
    if (batch < 1) throw ArgumentError("ByMatchingLoss: batch", batch, "at least 1");
  }
  template <class Visit>
  void settings(Visit& visit) const {
    visit("draws", draws);
    visit("batch", batch);
    visit("seed", seed);
  }
};

}  // namespace pathline
