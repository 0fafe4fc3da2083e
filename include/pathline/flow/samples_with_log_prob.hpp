/// \file
/// Samples of a flow with their density.
#pragma once

#include <pathline/core/types.hpp>

namespace pathline {

/// Samples with their density.
template <Real Scalar, Real DataScalar = Scalar>
struct SamplesWithLogProb {
  Batch<DataScalar> samples;  ///< d × n, raw.
  Row<Scalar> log_prob;       ///< 1 × n, nats.
};

}  // namespace pathline
