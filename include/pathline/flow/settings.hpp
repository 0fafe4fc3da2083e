/// \file
/// The small settings of a flow, each a policy of its own: span of time, factors. Threads and the width of a chunk are
/// in core/chunk_settings.hpp.
#pragma once

#include <pathline/core/chunk_settings.hpp>
#include <pathline/core/errors.hpp>
#include <pathline/core/message.hpp>

#include <cmath>

namespace pathline {

/// The time of the data and that of the base density; either may be the larger.
struct TimeSpan {
  double data = 0, base = 1;

  /// \throws ArgumentError unless they are two times: a flow of no time is the identity, whatever its field.
  void check() const {
    if (data == base || !std::isfinite(base - data))
      throw ArgumentError("TimeSpan", detail::message({data, " to ", base}), "two different finite times");
  }
};

/// Factor of the negative log-likelihood in the training loss; costs have weights of their own. OT-Flow's
/// loss has one (`OtFlowOptions`). Reported likelihoods never carry it.
struct LikelihoodWeight {
  double weight = 1;

  void check() const {
    if (!(weight >= 0 && std::isfinite(weight)))
      throw ArgumentError("LikelihoodWeight: weight", weight, "0 or a positive number");
  }
};

}  // namespace pathline
