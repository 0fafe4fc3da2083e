/// \file
/// What a flow's paths are like: whether its inverse undoes it, how straight its paths are, how far they carry.
#pragma once

#include <pathline/core/data_ref.hpp>
#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/transform/transform.hpp>
#include <pathline/train/metric/estimate.hpp>
#include <pathline/train/trainable.hpp>

#include <concepts>
#include <cstddef>
#include <string>
#include <type_traits>
#include <vector>

namespace pathline {

/// Maps data to base points and back, as `Cnf` does: `transform(X)`, `inverse(Z)`.
template <class F>
concept InvertibleFlow = requires(const F flow, const Batch<detail::DataScalarOf<F>>& X,
                                  const Batch<typename F::Scalar>& Z) {
  { flow.transform(X) } -> std::convertible_to<Batch<typename F::Scalar>>;
  { flow.inverse(Z) } -> std::convertible_to<Batch<detail::DataScalarOf<F>>>;
};

/// Says where data are at given times, as `Cnf` does: `trajectory(X, times)`, a batch for each time.
template <class F>
concept FlowWithPaths = requires(const F flow, const Batch<detail::DataScalarOf<F>>& X,
                                 const std::vector<double>& times) {
  { flow.trajectory(X, times) } -> std::convertible_to<std::vector<Batch<typename F::Scalar>>>;
};

/// Says in which coordinates its paths begin, as `Cnf` does: `transform(X)`, the end of the paths, and
/// `data_transform()`, a `DataTransform` to their beginning.
template <class F>
concept FlowInCoordinates = requires(const F flow, const Batch<detail::DataScalarOf<F>>& X) {
  { flow.transform(X) } -> std::convertible_to<Batch<typename F::Scalar>>;
  flow.data_transform();
  requires DataTransform<std::remove_cvref_t<decltype(flow.data_transform())>, detail::DataScalarOf<F>>;
};

/// Distances ‖inverse(transform(x)) - x‖ over samples.
struct InverseError {
  double max = 0, mean = 0;
};

/// How well the flow's inverse undoes it on raw data X (d × n; of a conditional flow with its context below): both
/// solves run at the flow's own tolerances, so that this is their error (and what FFJORD and OT-Flow report as
/// reconstruction or inverse error).
///
/// \throws what the flow's transform and inverse throw.
template <InvertibleFlow Flow>
[[nodiscard]] InverseError inverse_error(const Flow& flow, ConstDataRef<detail::DataScalarOf<Flow>> X) {
  using Scalar = typename Flow::Scalar;
  const Batch<Scalar> Z = flow.transform(X);
  Batch<Scalar> points = X.template cast<Scalar>();  // keeps the context, which a conditional flow reads below them
  points.topRows(Z.rows()) = Z;
  const Batch<detail::DataScalarOf<Flow>> back = flow.inverse(points);
  const Row<detail::Double<Flow>> distance = (back - X.topRows(Z.rows())).template cast<double>().colwise().norm();
  return {distance.maxCoeff(), distance.mean()};
}

/// Length of a path over the distance of its ends, mean over the samples of raw data X (d × n): 1 for straight paths,
/// else more. Paths are in the flow's coordinates, and are polygons through the points at `times`: with more times the
/// value grows to its limit, the error falling with the square of their spacing. A path that does not move counts as
/// straight, a closed one as infinitely long.
/// \throws ArgumentError when there are fewer than two times; what the flow's trajectory throws.
template <FlowWithPaths Flow>
[[nodiscard]] Estimate path_straightness(const Flow& flow, ConstDataRef<detail::DataScalarOf<Flow>> X,
                                         const std::vector<double>& times) {
  if (times.size() < 2) throw ArgumentError("path_straightness: number of times", times.size(), "at least 2");
  const std::vector<Batch<typename Flow::Scalar>> Z = flow.trajectory(X, times);
  Row<detail::Double<Flow>> length = Row<detail::Double<Flow>>::Zero(X.cols());
  for (std::size_t i = 1; i < Z.size(); ++i) length += (Z[i] - Z[i - 1]).template cast<double>().colwise().norm();
  const Row<detail::Double<Flow>> distance = (Z.back() - Z.front()).template cast<double>().colwise().norm();
  for (Index j = 0; j < length.cols(); ++j) length(j) = length(j) == 0 ? 1 : length(j) / distance(j);
  return mean_estimate(length);
}

/// Squared distance ‖z(t1) - z(t0)‖² between the ends of a path, mean over the samples of raw data X (d × n; of a
/// conditional flow with its context below), in the flow's coordinates: the cost of transport that optimal transport
/// makes least.
///
/// \throws what the flow's transform throws.
template <FlowInCoordinates Flow>
[[nodiscard]] Estimate transport_cost(const Flow& flow, ConstDataRef<detail::DataScalarOf<Flow>> X) {
  using Scalar = detail::DataScalarOf<Flow>;
  const Batch<Scalar> end = flow.transform(X).template cast<Scalar>();
  Batch<Scalar> start(end.rows(), X.cols());
  Row<Scalar> log_det(X.cols());
  flow.data_transform().apply(X.topRows(end.rows()), start, log_det);
  return mean_estimate((end - start).template cast<double>().colwise().squaredNorm());
}

}  // namespace pathline
