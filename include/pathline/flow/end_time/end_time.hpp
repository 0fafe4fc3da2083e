/// \file
/// End-time policies: up to when a training solve integrates. Densities and samples always use the flow's own span.
/// docs/maths.md, (11.2). An end time that is learned is a property of the field: nn/time/learned_end_time.hpp.
#pragma once

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>

#include <concepts>

namespace pathline {

/// - `check(start, end)`: throws unless the policy fits the flow's span of time.
/// - `training_end(draw, start, end)`: the end of one training solve, the same for the whole mini-batch
///   (the blocks of a `FieldStack` are solves of their own, each with a draw of its own).
template <class P>
concept EndTimePolicy = requires(const P policy, const Draw& draw, double start, double end) {
  policy.check(start, end);
  { policy.training_end(draw, start, end) } -> std::convertible_to<double>;
};

/// The default: training integrates to where everything else does.
struct FixedEndTime {
  void check(double /*start*/, double /*end*/) const noexcept {}
  [[nodiscard]] double training_end(const Draw& /*draw*/, double /*start*/, double end) const noexcept { return end; }
};

}  // namespace pathline
