/// \file
/// A trace estimator chosen at run time.
#pragma once

#include <pathline/flow/trace/trace.hpp>

#include <variant>

namespace pathline::test {

struct AnyTrace {
  std::variant<ExactTrace, Hutchinson<Rademacher>, Hutchinson<Gaussian>> estimator;

  [[nodiscard]] Index tangents(Index d) const {
    return std::visit([&](const auto& one) { return one.tangents(d); }, estimator);
  }
  [[nodiscard]] double weight(Index d, Index j) const {
    return std::visit([&](const auto& one) { return one.weight(d, j); }, estimator);
  }
  template <Real Scalar>
  void fill(const Draw& draw, std::span<const Index> samples, BatchMap<Scalar> V, Workspace<Scalar>& workspace) const {
    std::visit([&](const auto& one) { one.fill(draw, samples, V, workspace); }, estimator);
  }
};
static_assert(TraceEstimator<AnyTrace>);

}  // namespace pathline::test
