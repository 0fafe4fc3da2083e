/// \file
/// A flow's solves by a fixed number of steps of a method that is chosen while the program runs, with scratch that is
/// kept: what the calibration measures and what `RealTimeFlow` runs. docs/maths.md, (7.1).
#pragma once

#include <pathline/core/chunks.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/flow/augmented_dynamics.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/flow/evaluation_parts.hpp>
#include <pathline/flow/flow_policies.hpp>
#include <pathline/flow/flow_solves.hpp>
#include <pathline/flow/path/with_field_on_path.hpp>
#include <pathline/flow/settings.hpp>
#include <pathline/flow/trace/trace.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/side_inputs.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/concepts.hpp>
#include <pathline/ode/explicit/chosen_method.hpp>
#include <pathline/ode/explicit/tableaux.hpp>

#include <span>
#include <tuple>
#include <type_traits>

namespace pathline::detail {

/// What a flow consists of, as types.
template <class Flow>
struct PartsOfFlow;
template <class F, class... P>
struct PartsOfFlow<Cnf<F, P...>> {
  using All = typename FlowPolicies<F, P...>::Parts;
  /// What a solve of a given method needs.
  using Parts =
      EvaluationParts<typename All::Field, typename All::Base, typename All::Transform, typename All::Context>;
  /// The explicit method whose fixed steps the flow is evaluated or trained by; void where there is none.
  template <class Method, class Control, class Else>
  using IfFixed = std::conditional_t<FixedControl<Control> && ExplicitMethod<Method>, Method, Else>;
  using Method = IfFixed<decltype(All::Evaluator::method), decltype(All::Evaluator::control),
                         IfFixed<typename All::Method, typename All::Control, void>>;
};

/// Has a copy of the flow's field, transforms and base. One object for each thread.
template <class Flow>
class FixedStepFlow {
 public:
  using Parts = typename PartsOfFlow<Flow>::Parts;
  using Scalar = typename Parts::Scalar;
  using Block = typename Parts::Block;
  using Trace = BestExactTrace<Block>;

  explicit FixedStepFlow(const Flow& flow)
      : parts_{.field = flow.field(),
               .parameter_count = flow.parameters().size(),
               .base = flow.base(),
               .transform = flow.data_transform(),
               .context_transform = flow.context_transform(),
               .time = flow.time_span()} {}

  [[nodiscard]] const Parts& parts() const noexcept { return parts_; }
  [[nodiscard]] Index dim() const { return parts_.field.dim(); }

  /// y in place: samples in the flow's coordinates (d × n), or with the log-determinant below them ((d + 1) × n), whose
  /// trace is exact. `context` (c × n) is as the field reads it. Allocates in the first call of a shape only.
  void run(const ChosenMethod& method, Index steps, Way way, BatchMap<Scalar> y, View<const Scalar> context) {
    const typename Workspace<Scalar>::Unchanged unchanged(workspace_, parts_.field.parameters());
    const Index blocks = parts_.blocks();
    if (way == Way::to_base) {
      if constexpr (Parts::normalizes) parts_.field.normalize(0, y);
      for (Index b = 0; b < blocks; ++b) {
        run_block(method, steps, parts_.block(b), parts_.time.data, parts_.time.base, y, context);
        if constexpr (Parts::normalizes) parts_.field.normalize(b + 1, y);
      }
    } else {
      for (Index b = blocks; b-- > 0;) {
        if constexpr (Parts::normalizes) parts_.field.denormalize(b + 1, y);
        run_block(method, steps, parts_.block(b), parts_.time.base, parts_.time.data, y, context);
      }
      if constexpr (Parts::normalizes) parts_.field.denormalize(0, y);
    }
  }

  /// Adds log ν of base points Z (d × n) to log_p (1 × n).
  void add_log_base(View<const Scalar> Z, View<Scalar> log_p) {
    typename Workspace<Scalar>::Frame frame(workspace_);
    const View<Scalar> log_base = frame.batch(1, Z.cols());
    const Eigen::Ref<const Batch<Scalar>> points = Z;
    RowRef<Scalar> values = log_base;
    parts_.base.log_density(points, values);
    add<Scalar>(log_base, log_p);
  }

 private:
  void run_block(const ChosenMethod& method, Index steps, const Block& block, double from, double to,
                 BatchMap<Scalar> y, View<const Scalar> context) {
    const Index n = y.cols();
    const SideInputs<Scalar> side = parts_.side_inputs(context, {0, n});
    const auto solve = [&](const auto& dynamics) {
      run_fixed_steps<Scalar>(
          method, steps, from, to, y, workspace_, [&](double t, const BatchMap<Scalar>& at, BatchMap<Scalar> slope) {
            typename Workspace<Scalar>::Frame frame(workspace_);
            dynamics.evaluate(t, at, slope, frame.scalars(evaluation_tape_size(dynamics)), workspace_);
          });
    };
    if (y.rows() == dim()) {
      solve(FieldDynamics<Block>(block, n, side));
    } else {
      const std::tuple<> no_regularizers;
      with_field_to_evaluate(block, Trace{}, Draw{}, std::span<const Index>(), side, from,
                             View<const Scalar>(y).topRows(dim()), workspace_,
                             [&]<class OnPath>(const OnPath& on_path) {
                               solve(AugmentedDynamics<OnPath>(on_path, no_regularizers, side));
                             });
    }
  }

  Parts parts_;
  Workspace<Scalar> workspace_;
};

}  // namespace pathline::detail
