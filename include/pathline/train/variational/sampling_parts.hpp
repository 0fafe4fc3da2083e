/// \file
/// A flow from its base density to its data, for `FlowTraining`: the flow's own parts with time reversed, so that
/// base points are what is solved for, and states at the data's time what the loss reads.
#pragma once

#include <pathline/core/chunks.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/flow/end_time/end_time.hpp>
#include <pathline/flow/settings.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/train/variational/score_dynamics.hpp>

#include <type_traits>

namespace pathline::detail {

/// Refers to the parts of a flow of one field, which must outlive it.
/// \tparam with_score  Whether the state carries the score of the density along, below the log-determinant.
template <class Parts, bool with_score>
struct SamplingParts {
  using Scalar = typename Parts::Scalar;
  using DataScalar = typename Parts::DataScalar;  ///< Of base points, which are rounded, and of context, which is not.
  using Block = typename Parts::Block;
  using Method = typename Parts::Method;
  using Control = typename Parts::Control;
  using Trace = typename Parts::Trace;
  using Regularizers = typename Parts::Regularizers;
  using Gradient = typename Parts::Gradient;
  static constexpr bool normalizes = false;
  template <class TheTrace, class Costs>
  using Dynamics =
      std::conditional_t<with_score, ScoreDynamics<typename Parts::template Dynamics<TheTrace, Costs>, Block>,
                         typename Parts::template Dynamics<TheTrace, Costs>>;
  using Rounding = typename Parts::Rounding;

  explicit SamplingParts(const Parts& flow)
      : of(flow),
        field(flow.field),
        threads(flow.threads),
        method(flow.method),
        control(flow.control),
        trace(flow.trace),
        regularizers(flow.regularizers),
        gradient(flow.gradient),
        time{.data = flow.time.base, .base = flow.time.data} {}

  [[nodiscard]] Index blocks() const { return 1; }
  [[nodiscard]] const Block& block(Index /*b*/) const { return field; }
  [[nodiscard]] Index block_offset(Index /*b*/) const { return 0; }
  [[nodiscard]] static Draw block_draw(const Draw& draw, Index b) noexcept { return Parts::block_draw(draw, b); }
  [[nodiscard]] Index context_rows() const { return of.context_rows(); }
  [[nodiscard]] auto side_inputs(View<const Scalar> X, ColumnChunk columns) const { return of.side_inputs(X, columns); }
  template <class T>
  [[nodiscard]] Index tangents_of(const T& estimator) const {
    return of.tangents_of(estimator);
  }
  [[nodiscard]] Index widest_chunk(Index n, Index k) const { return of.widest_chunk(n, k); }

  [[nodiscard]] View<const Scalar> context_of(View<const DataScalar> X, Rounding& scratch) const {
    return of.context_of(X, scratch);
  }
  void pull_back_context(View<const DataScalar> X, Batch<Scalar>& context_bar, Rounding& scratch) const {
    of.pull_back_context(X, context_bar, scratch);
  }
  /// Base points X (d × n), rounded; in place of a transform's log-determinant the base density's log ν there.
  void to_coordinates(ConstBatchRef<DataScalar> X, BatchRef<Scalar> Z, RowRef<Scalar> log_base,
                      Rounding& /*scratch*/) const {
    convert<DataScalar, Scalar>(X, Z);
    const Eigen::Ref<const Batch<Scalar>> points = View<const Scalar>(Z);
    of.base.log_density(points, log_base);
  }
  /// Rows of the state for the score.
  [[nodiscard]] Index score_rows() const { return with_score ? field.dim() : 0; }
  /// Sets them for base points, the first rows of y.
  void start_score([[maybe_unused]] View<Scalar> y) const {
    if constexpr (with_score) {
      const Index d = field.dim();
      const Eigen::Ref<const Batch<Scalar>> Z = View<const Scalar>(y).topRows(d);
      BatchRef<Scalar> score = y.middleRows(d + 1, d);
      of.base.score(Z, score);
    }
  }

  const Parts& of;
  const typename Parts::Field& field;
  Threads threads;
  const Method& method;
  const Control& control;
  const Trace& trace;
  const Regularizers& regularizers;
  const Gradient& gradient;
  TimeSpan time;
  FixedEndTime end_time{};
};

}  // namespace pathline::detail
