/// \file
/// Backpropagation of a chunk whose samples have steps of their own, as a gradient method: how a flow trains and
/// answers with PerSample.
#pragma once

#include <pathline/core/message.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/per_sample/sample_dynamics.hpp>
#include <pathline/gradient/per_sample/sample_solve.hpp>
#include <pathline/gradient/stepper_pool.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/batch/per_sample.hpp>
#include <pathline/ode/control/error_control.hpp>
#include <pathline/ode/control/step_control.hpp>
#include <pathline/ode/explicit/explicit_tableau.hpp>
#include <pathline/ode/solve_checks.hpp>
#include <pathline/ode/solve_status.hpp>
#include <pathline/ode/statistics.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace pathline::detail {

/// Has the functions of Backpropagation that a flow calls. A sample that fails is thrown, the first in the order of the
/// batch: a loss that left it out, or put NaN in its place, would be another one.
template <AdaptiveControl Control>
struct SampleBackpropagation {
  template <Real Scalar>
  struct Base {
    Workspace<Scalar> workspace;
    std::vector<SolveStatus> ended;  ///< How the last solve of each sample ended, out or back.
  };
  template <DynamicsBySample G, ExplicitMethod Method>
  struct Memory : Base<typename G::Scalar> {
    StepperPool<Method, Batch<typename G::Scalar>> steppers;
    SampleSolve<SampleDynamics<G>, Method, Control> solve;
  };

  /// y (rows × n) from times[0] to times[1], without a record.
  template <DynamicsBySample G, ExplicitMethod Method>
  static Statistics solve(const PerSample<Control>& policy, const G& dynamics, Batch<typename G::Scalar>& y,
                          std::span<const double> times, Memory<G, Method>& memory) {
    return run(policy, dynamics, y, times, false, memory);
  }
  /// The same with one.
  template <ExplicitMethod Method, DynamicsBySample G>
  static Statistics forward(const Method& /*method*/, const PerSample<Control>& policy, const G& dynamics,
                            Batch<typename G::Scalar>& y, std::span<const double> times,
                            std::span<Batch<typename G::Scalar>> /*states*/, Memory<G, Method>& memory) {
    return run(policy, dynamics, y, times, true, memory);
  }

  /// y_bar (rows × n) back from times[1] to times[0]; adds to theta_bar, [θ; context].
  template <ExplicitMethod Method, DynamicsBySample G>
  static Statistics backward(const Method& /*method*/, const PerSample<Control>& /*policy*/, const G& dynamics,
                             std::span<const double> /*times*/,
                             std::span<const Batch<typename G::Scalar>> /*outputs_bar*/,
                             BatchRef<typename G::Scalar> y_bar, VectorRef<typename G::Scalar> theta_bar,
                             Memory<G, Method>& memory) {
    using Scalar = typename G::Scalar;
    const Index rows = y_bar.rows(), n = y_bar.cols(), context = dynamics.side_inputs().context_size(),
                own = dynamics.parameter_count() - context;
    typename Workspace<Scalar>::Frame frame(memory.workspace);
    const View<Scalar> end_bar(y_bar), start_bar = frame.batch(rows, n), none = frame.vector(rows),
                                       all_bar = frame.vector(own + context),
                                       context_bar(all_bar.data() + own, context / n, n);
    fill<Scalar>(none, 0);
    const Statistics statistics = memory.solve.back(
        memory.ended, [&](Index sample, std::size_t i) { return i == 0 ? none.data() : end_bar.col(sample).data(); },
        start_bar, all_bar.head(own), context_bar);
    raise_first(memory.ended);
    copy<Scalar>(start_bar, end_bar);
    add<Scalar>(all_bar, View<Scalar>(theta_bar));
    return statistics;
  }

 private:
  template <DynamicsBySample G, ExplicitMethod Method>
  static Statistics run(const PerSample<Control>& policy, const G& dynamics, Batch<typename G::Scalar>& y,
                        std::span<const double> times, bool keep, Memory<G, Method>& memory) {
    using Scalar = typename G::Scalar;
    require_times(times);
    require_valid(policy.control);
    require_rows_of_control(policy.control, dynamics.error_rows());
    memory.ended.assign(std::size_t(y.cols()), SolveStatus());
    const Statistics statistics = memory.solve.solve(
        SampleDynamics<G>(dynamics), policy, OutputTimes::step_to, keep, y, [times](Index /*sample*/) { return times; },
        [&](Index sample, std::size_t i, const auto& state) {
          if (i > 0) copy<Scalar>(View<const Scalar>(state.data(), y.rows(), 1), View<Scalar>(y).col(sample));
        },
        [&](Index sample, const SolveStatus& ended) {
          SolveStatus& own = memory.ended[std::size_t(sample)] = ended;
          own.sample = sample;
          if (own.outcome != SolveOutcome::bad_input) return;
          if (const char* const fault = fault_of_start(policy.control, View<const Scalar>(y).col(sample).vector()))
            own.subject = message({"Cnf: the state of a sample at the start of a solve", fault});
        });
    raise_first(memory.ended);
    return statistics;
  }
};

/// What differentiates a solve by this control: the gradient method that a flow names, or with PerSample the one above.
template <class Gradient, class Control>
struct GradientByControl {
  using type = Gradient;
  [[nodiscard]] static const Gradient& of(const Gradient& gradient) { return gradient; }
};
template <class Gradient, class Control>
struct GradientByControl<Gradient, PerSample<Control>> {
  using type = SampleBackpropagation<Control>;
  [[nodiscard]] static type of(const Gradient& /*gradient*/) { return {}; }
};

}  // namespace pathline::detail
