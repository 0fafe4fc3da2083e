/// \file
/// Prepares a field for one solve: draws the tangents of its trace once, and lends the result to a function.
#pragma once

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/flow/path/field_on_path.hpp>
#include <pathline/flow/trace/trace.hpp>
#include <pathline/gradient/side_inputs.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/traced.hpp>

#include <concepts>
#include <cstddef>
#include <span>

namespace pathline::detail {

/// JV = J V at (t, Z) for V (d × kn).
template <VectorField F>
class FieldJacobianProduct {
 public:
  using Scalar = typename F::Scalar;
  FieldJacobianProduct(const F& field, const SideInputs<Scalar>& side, double t, View<const Scalar> Z,
                       Workspace<Scalar>& workspace)
      : field_(field), side_(side), t_(t), Z_(Z), workspace_(workspace) {}

  void operator()(const BatchMap<Scalar>& V, BatchMap<Scalar> JV) const {
    const Index d = Z_.rows(), n = Z_.cols(), k = V.cols() / n;
    typename Workspace<Scalar>::Frame frame(workspace_);
    const View<Scalar> X = frame.batch(d, (1 + k) * n), FJ = frame.batch(d, (1 + k) * n);
    detail::copy<Scalar>(Z_, X.leftCols(n));
    detail::copy<Scalar>(V, X.rightCols(k * n));
    field_.linearize(View<const Scalar>(side_.at(t_, frame)), X, n, FJ, frame.scalars(field_.tape_size(n, k)),
                     workspace_);
    detail::copy<Scalar>(FJ.rightCols(k * n), JV);
  }

 private:
  const F& field_;
  const SideInputs<Scalar>& side_;
  double t_;
  View<const Scalar> Z_;
  Workspace<Scalar>& workspace_;
};

/// Calls run(on_path) with the field and its trace, ready for a solve that starts at (t, Z).
template <VectorField F, class Trace, class Run>
void with_field_on_path(const F& field, const Trace& trace, const Draw& draw, std::span<const Index> samples,
                        const SideInputs<typename F::Scalar>& side, double t, View<const typename F::Scalar> Z,
                        Workspace<typename F::Scalar>& workspace, Run&& run) {
  using Scalar = typename F::Scalar;
  const Index d = field.dim(), n = Z.cols();
  if constexpr (std::same_as<Trace, ClosedFormTrace>) {
    run(FieldInClosedForm<F>(field, n));
  } else {
    const Index k = trace.tangents(d);
    typename Workspace<Scalar>::Frame frame(workspace);
    const BatchMap<Scalar> V = frame.batch(d, k * n);
    const std::span<Scalar> weights = frame.scalars(k);
    for (Index j = 0; j < k; ++j) weights[std::size_t(j)] = Scalar(trace.weight(d, j));
    if constexpr (FillsFromNoise<Trace, Scalar>)
      trace.fill(draw, samples, V, workspace);
    else
      trace.fill(draw, samples, FieldJacobianProduct<F>(field, side, t, Z, workspace), V, workspace);
    run(FieldByTangents<F>(field, V, weights.data(), n));
  }
}

/// Whether evaluation is given no tangents for this trace, as the field knows it by less work.
template <class Trace, VectorField F>
[[nodiscard]] bool needs_no_tangents([[maybe_unused]] const F& field) {
  if constexpr (std::same_as<Trace, ExactTrace> && MayKnowExactTrace<F>)
    return ExactTraceOf<F>::possible(field);
  else
    return false;
}
/// Tangents that an evaluation carries along for each sample, where the trace has so many.
template <class Trace, VectorField F>
[[nodiscard]] Index evaluation_tangents([[maybe_unused]] const F& field, Index of_trace) {
  if constexpr (std::same_as<Trace, ExactTrace> && MayKnowExactTrace<F>)
    if (ExactTraceOf<F>::possible(field)) return ExactTraceOf<F>::tangents(field);
  return of_trace;
}

/// with_field_on_path for a solve without a gradient.
template <VectorField F, class Trace, class Run>
void with_field_to_evaluate(const F& field, const Trace& trace, const Draw& draw, std::span<const Index> samples,
                            const SideInputs<typename F::Scalar>& side, double t, View<const typename F::Scalar> Z,
                            Workspace<typename F::Scalar>& workspace, Run&& run) {
  if constexpr (std::same_as<Trace, ExactTrace> && MayKnowExactTrace<F>)
    if (needs_no_tangents<Trace>(field)) return run(FieldByTangents<F>(field, Z.cols()));
  with_field_on_path(field, trace, draw, samples, side, t, Z, workspace, run);
}

}  // namespace pathline::detail
