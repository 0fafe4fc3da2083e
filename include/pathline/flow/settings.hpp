/// \file
/// The small settings of a flow, each a policy of its own: span of time, factors. Threads and the width of a chunk are
/// in core/chunk_settings.hpp.
#pragma once

#include <pathline/core/chunk_settings.hpp>

namespace pathline {

/// The time of the data and that of the base density; either may be the larger.
struct TimeSpan {
  double data = 0, base = 1;
};

/// Factor of the negative log-likelihood in the training loss; costs have weights of their own. OT-Flow's
/// loss has one (`OtFlowOptions`). Reported likelihoods never carry it.
struct LikelihoodWeight {
  double weight = 1;
};

}  // namespace pathline
