/// \file
/// The exact gradient of the number that was computed: back through the accepted steps of the solve.
///
/// Also called the discrete adjoint. Step sizes are treated as constants: an adaptive solve's gradient is that of the
/// steps that it took. docs/maths.md, (6.1).
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/dynamics_view.hpp>
#include <pathline/gradient/explicit_step_pullback.hpp>
#include <pathline/gradient/interpolated_outputs.hpp>
#include <pathline/gradient/record_storage.hpp>
#include <pathline/gradient/recording.hpp>
#include <pathline/gradient/solve_dynamics.hpp>
#include <pathline/gradient/step_cost.hpp>
#include <pathline/gradient/step_pullback.hpp>
#include <pathline/gradient/stepper_pool.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/statistics.hpp>

#include <concepts>
#include <cstddef>
#include <span>
#include <type_traits>

namespace pathline {

namespace detail {

/// Steps of a solve through these times; 0 where nobody knows.
template <class Control>
[[nodiscard]] Index planned_steps(const Control& control, std::span<const double> times) {
  Index steps = 0;
  if constexpr (FixedControl<Control>)
    for (std::size_t i = 1; i < times.size(); ++i) steps += times[i] != times[i - 1] ? control.steps_per_interval : 0;
  return steps;
}

/// The recording of the family of methods, or that which a storage has of its own.
template <class Method, Real S, class Storage, bool keep_stages>
struct RecordingOf {
  using type = typename StepRecord<Method>::template Recording<S, Storage, keep_stages>;
};
template <class Method, Real S, RunsAgain Storage, bool keep_stages>
struct RecordingOf<Method, S, Storage, keep_stages> : RecordingOf<Method, S, KeepTapes, keep_stages> {};  // is refused
template <class Method, Real S, RunsAgain Storage, bool keep_stages>
requires ResumableStepper<Stepper<Method, Batch<S>>>
struct RecordingOf<Method, S, Storage, keep_stages> {
  using type = typename Storage::template Recording<Method, S, keep_stages>;
};

}  // namespace detail

/// Discretise, then differentiate. Memory grows with the number of steps unless the storage bounds it.
///
///     Cnf flow(field, Dopri5{}, PiController{}, Backpropagation<RecomputeStages>{});
///
/// \tparam Storage  What is kept for the way back: `KeepTapes`, or `RecomputeStages` with less memory, or in a memory
///                  that does not grow `Checkpoints` or `MemoryBudget` (gradient/checkpoint/checkpoints.hpp).
/// \tparam Cost     A cost of the steps, `StepCost`.
template <class Storage = KeepTapes, class Cost = NoStepCost>
struct Backpropagation {
  static_assert(RecordStorage<Storage> || RunsAgain<Storage>,
                "Backpropagation: the first argument must be a RecordStorage: KeepTapes or RecomputeStages, or "
                "Checkpoints or MemoryBudget");

  Cost step_cost{};                            ///< Its sum over the steps is `Memory::step_cost`.
  OutputTimes outputs = OutputTimes::step_to;  ///< How the states at `times` come about.
  [[no_unique_address]] Storage storage{};     ///< Of use where a storage has settings.

  /// The same method for a loss that has no cost of the steps in it.
  [[nodiscard]] Backpropagation<Storage> without_step_cost() const {
    return {.step_cost = {}, .outputs = outputs, .storage = storage};
  }

  static constexpr bool has_step_cost = !std::same_as<Cost, NoStepCost>;

  /// What one thread keeps from the way out to the way back, and from one solve to the next.
  template <Real Scalar, class Method>
  struct ThreadMemory {
    Workspace<Scalar> workspace;
    StepperPool<Method, Batch<Scalar>> steppers;
    typename detail::RecordingOf<Method, Scalar, Storage, has_step_cost>::type recording;
    typename StepRecord<Method>::template Memory<Scalar> pullback;
    Scalar step_cost = Scalar(0);  ///< Sum over the accepted steps of the last solve.
    detail::ScheduledOutputs<Method, Batch<Scalar>> writer;
  };
  template <Dynamics G, class Method>
  using Memory = ThreadMemory<typename G::Scalar, Method>;

  /// Solves and records. `y` (rows × columns) holds y(t0), then y at the last of `times`; `states`, unless empty,
  /// takes y at each of the times. Refers to the dynamics until `backward` is done.
  ///
  /// \throws SolveError as `integrate` does; ArgumentError for interpolated outputs by a method that has
  ///         none.
  template <class Method, class Control, Dynamics G>
  Statistics forward(const Method& method, const Control& control, const G& dynamics, Batch<typename G::Scalar>& y,
                     std::span<const double> times, std::span<Batch<typename G::Scalar>> states,
                     Memory<G, Method>& memory) const {
    return record(method, control, dynamics, y, times, states, memory);
  }
  /// The same for a solve whose end alone is wanted. What writes outputs is then not compiled.
  template <class Method, class Control, Dynamics G>
  Statistics forward(const Method& method, const Control& control, const G& dynamics, Batch<typename G::Scalar>& y,
                     std::span<const double> times, NoOutputs none, Memory<G, Method>& memory) const {
    return record(method, control, dynamics, y, times, none, memory);
  }

  /// Walks the record back. `y_bar` (rows × columns) holds the cotangent of y at the last time, then that of y(t0);
  /// `outputs_bar`, unless empty, holds a cotangent for each of the times, which are added on the way. Adds to
  /// theta_bar. `step_cost_bar` is the factor of the cost of the steps in the loss.
  template <class Method, class Control, Dynamics G>
  Statistics backward(const Method& /*method*/, [[maybe_unused]] const Control& control, const G& dynamics,
                      std::span<const double> times, std::span<const Batch<typename G::Scalar>> outputs_bar,
                      BatchRef<typename G::Scalar> y_bar, VectorRef<typename G::Scalar> theta_bar,
                      Memory<G, Method>& memory, typename G::Scalar step_cost_bar = 1) const {
    return go_back<Method>(control, dynamics, times, outputs_bar, y_bar, theta_bar, memory, step_cost_bar);
  }
  template <class Method, class Control, Dynamics G>
  Statistics backward(const Method& /*method*/, [[maybe_unused]] const Control& control, const G& dynamics,
                      std::span<const double> times, NoOutputs none, BatchRef<typename G::Scalar> y_bar,
                      VectorRef<typename G::Scalar> theta_bar, Memory<G, Method>& memory,
                      typename G::Scalar step_cost_bar = 1) const {
    return go_back<Method>(control, dynamics, times, none, y_bar, theta_bar, memory, step_cost_bar);
  }

 private:
  /// The record of the family of methods: of all steps, or of one at a time.
  template <Real Scalar, class Method>
  using OneStep =
      typename detail::RecordingOf<Method, Scalar, std::conditional_t<RunsAgain<Storage>, KeepTapes, Storage>,
                                   has_step_cost>::type;
  template <class Method>
  static constexpr bool gives_stages = !has_step_cost || requires(StepPullback<Method, detail::AnyDynamics> & back) {
    back.start_stages();
  };
  template <class Method>
  static constexpr bool supports =
      MethodWithPullback<Method>&& detail::reads_stages_of<Cost, Method>&& gives_stages<Method>;
  template <class Method, Dynamics G>
  using DynamicsOf = typename StepRecord<Method>::template Dynamics<typename G::Scalar>;

  // States: a span of them, or NoOutputs.
  template <class Method, class Control, Dynamics G, class States>
  Statistics record(const Method& method, const Control& control, const G& dynamics, Batch<typename G::Scalar>& y,
                    std::span<const double> times, States states, Memory<G, Method>& memory) const {
    static_assert(MethodWithPullback<Method>,
                  "Backpropagation: this solver has no pullback: include pathline/gradient.hpp for any that is "
                  "not explicit Runge-Kutta, or use one that is, such as Dopri5");
    static_assert(
        !RunsAgain<Storage> || ResumableStepper<Stepper<Method, Batch<typename G::Scalar>>>,
        "Backpropagation: Checkpoints and MemoryBudget take steps again, which the Stepper of this solver does "
        "not offer: a reversible solver needs neither, any other takes KeepTapes or RecomputeStages");
    static_assert(detail::reads_stages_of<Cost, Method>,
                  "Backpropagation: the cost of the steps reads the stages of another method than the solve's");
    static_assert(!MethodWithPullback<Method> || !detail::reads_stages_of<Cost, Method> || gives_stages<Method>,
                  "Backpropagation: a cost of the steps reads the stages of a Runge-Kutta method");
    if constexpr (supports<Method>) {
      memory.recording.start(DynamicsOf<Method, G>(dynamics), memory.workspace);
      return solve(method, control, y, times, states, memory);
    } else {
      return {};
    }
  }

  template <class Method, class Control, Dynamics G, class Bars>
  Statistics go_back([[maybe_unused]] const Control& control, const G& dynamics, std::span<const double> times,
                     Bars outputs_bar, BatchRef<typename G::Scalar> y_bar, VectorRef<typename G::Scalar> theta_bar,
                     Memory<G, Method>& memory, typename G::Scalar step_cost_bar) const {
    if constexpr (requires { memory.recording.solve_as(control); }) memory.recording.solve_as(control);
    if constexpr (supports<Method>)  // forward() has refused any other
      return walk_back<Method>(DynamicsOf<Method, G>(dynamics), times, outputs_bar, y_bar, theta_bar, memory,
                               step_cost_bar);
    else
      return {};
  }

  template <class Method, class Control, Real Scalar, class States>
  Statistics solve(const Method& method, const Control& control, Batch<Scalar>& y, std::span<const double> times,
                   States states, ThreadMemory<Scalar, Method>& memory) const {
    constexpr bool writes = !std::same_as<States, NoOutputs>;
    detail::require_interpolation<Method>(outputs);
    const std::conditional_t<writes, detail::OutputSchedule, detail::BothEnds> schedule(times, outputs);
    if constexpr (RunsAgain<Storage> && ResumableStepper<Stepper<Method, Batch<Scalar>>>)  // else see `forward`
      memory.recording.plan(storage.room(), detail::planned_steps(control, schedule.times()), times.size());
    memory.step_cost = 0;
    auto& stepper = memory.steppers.at(y.rows(), y.cols()).stepper;
    if constexpr (writes) memory.writer.start(times, states, outputs);
    Observer<Scalar, Method, writes> observer{memory, step_cost};
    OneStep<Scalar, Method>& rhs = memory.recording;
    if constexpr (FixedControl<Control> && detail::interpolates<Method> && !has_step_cost)
      if (outputs == OutputTimes::interpolate)
        return detail::integrate_batch<true>(method, control, rhs, y, schedule.times(), stepper, observer);
    return detail::integrate_batch<has_step_cost>(method, control, rhs, y, schedule.times(), stepper, observer);
  }

  template <class Method, class AnyDynamics, class Bars, Real Scalar>
  Statistics walk_back(const AnyDynamics& dynamics, std::span<const double> times, Bars outputs_bar,
                       BatchRef<Scalar> y_bar, VectorRef<Scalar> theta_bar, ThreadMemory<Scalar, Method>& memory,
                       Scalar step_cost_bar) const {
    Statistics statistics;
    const auto& steps = memory.recording.steps();
    typename Workspace<Scalar>::Frame frame(memory.workspace);
    StepPullback<Method, AnyDynamics> back(dynamics, frame, memory.pullback);
    BatchMap<Scalar> lambda = frame.batch(y_bar.rows(), y_bar.cols());  // contiguous, as y_bar need not be
    detail::copy<Scalar>(y_bar, lambda);
    using Given = std::conditional_t<std::same_as<Bars, NoOutputs>, detail::NoOutputsBack,
                                     detail::OutputsBack<Method, decltype(memory.recording)>>;
    Given given(outputs, times, outputs_bar, memory.recording);
    for (std::size_t index = steps.size(); index > 0; --index) {
      given.add_at_end(index, lambda);
      OneStep<Scalar, Method>& record = opened(memory.recording, index - 1);
      const auto& step = record.steps()[RunsAgain<Storage> ? 0 : index - 1];
      back.begin();
      if constexpr (has_step_cost) {
        const std::span<BatchMap<Scalar>> stages_bar = back.start_stages();
        step_cost.pullback(AcceptedStep<Scalar>{step.t, step.h, memory.recording.stages(index - 1, stages_bar.size())},
                           stages_bar);
        for (BatchMap<Scalar>& bar : stages_bar) detail::scale<Scalar>(step_cost_bar, bar);
      }
      given.add_inside(index, lambda, back);
      statistics.evaluations += back.finish(step, lambda, theta_bar, record);
      given.add_to_start(index, lambda);
    }
    given.add_at_end(0, lambda);
    detail::copy<Scalar>(lambda, y_bar);
    statistics.accepted = static_cast<Index>(steps.size());
    return statistics;
  }

  template <class Recording>
  static auto& opened(Recording& recording, [[maybe_unused]] std::size_t index) {
    if constexpr (requires { recording.open(index); })
      return recording.open(index);
    else
      return recording;
  }

  // Passes the solver's news on to the recording, sums the cost of the steps, and has outputs written.
  template <Real Scalar, class Method, bool writes>
  struct Observer {
    ThreadMemory<Scalar, Method>& memory;
    const Cost& cost;

    void keep_first_stage() { memory.recording.keep_first_stage(); }
    void discard() { memory.recording.discard(); }
    void reject(const Stepper<Method, Batch<Scalar>>& stepper) {
      if constexpr (requires { memory.recording.reject(stepper); }) memory.recording.reject(stepper);
    }
    void accept(double t, double h, const Stepper<Method, Batch<Scalar>>& stepper) {
      memory.recording.accept(t, h, stepper);
      if constexpr (writes) memory.writer.accept(stepper, t);
      if constexpr (has_step_cost)
        memory.step_cost += cost.evaluate(AcceptedStep<Scalar>{
            t, h, memory.recording.stages(memory.recording.steps().size() - 1, std::size_t(stepper.stages))});
    }
    void output(Index i, const Batch<Scalar>& y) {
      memory.recording.output(i, y);
      if constexpr (writes) memory.writer.output(i, y);
    }
  };
};

}  // namespace pathline
