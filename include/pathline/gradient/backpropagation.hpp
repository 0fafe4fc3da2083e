/// \file
/// The exact gradient of the number that was computed: back through the accepted steps of the solve.
///
/// Also called the discrete adjoint. Step sizes are treated as constants: an adaptive solve's gradient is that of the
/// steps that it took. docs/maths.md, (6.1).
#pragma once

#include <pathline/core/few_rows.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/interpolated_outputs.hpp>
#include <pathline/gradient/recording.hpp>
#include <pathline/gradient/step_cost.hpp>
#include <pathline/gradient/stepper_pool.hpp>
#include <pathline/ode.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <span>

namespace pathline {

/// Discretise, then differentiate. Memory grows with the number of steps; see `Tapes`.
///
///     Cnf flow(field, Dopri5{}, PiController{}, Backpropagation<>{.tapes = Tapes::recompute});
template <class Cost = NoStepCost>
struct Backpropagation {
  Tapes tapes = Tapes::keep;
  Cost step_cost{};                 ///< A cost of the steps, `StepCost`; its sum is `Memory::step_cost`.
  Outputs outputs = Outputs::land;  ///< How the states at `times` come about.

  /// The same method for a loss that has no cost of the steps in it.
  [[nodiscard]] Backpropagation<> without_step_cost() const { return {.tapes = tapes, .outputs = outputs}; }

  /// What one thread keeps from the way out to the way back, and from one solve to the next.
  template <Dynamics G, class Method>
  struct Memory {
    using Scalar = typename G::Scalar;
    Workspace<Scalar> workspace;
    StepperPool<Method, Batch<Scalar>> steppers;
    Recording<G, !std::same_as<Cost, NoStepCost>> recording;
    Scalar step_cost = Scalar(0);  ///< Sum over the accepted steps of the last solve.
    detail::OutputWriter<Batch<Scalar>> writer;
  };

  /// Solves and records. `y` (rows × columns) holds y(t0), then y at the last of `times`; `states`, unless empty,
  /// takes y at each of the times.
  ///
  /// \throws SolveError and its kin as `integrate` does; ArgumentError for interpolated outputs by a method that has
  ///         none.
  template <class Method, class Control, Dynamics G>
  Statistics forward(const Method& method, const Control& control, const G& dynamics, Batch<typename G::Scalar>& y,
                     std::span<const double> times, std::span<Batch<typename G::Scalar>> states,
                     Memory<G, Method>& memory) const {
    static_assert(
        ExplicitMethod<Method>,
        "Backpropagation: this solver has no pullback yet; use an explicit Runge-Kutta method such as Dopri5");
    static_assert(detail::reads_stages_of<Cost, Method>,
                  "Backpropagation: the cost of the steps reads the stages of another method than the solve's");
    if constexpr (ExplicitMethod<Method>) {
      detail::require_interpolation<Method>(outputs);
      const detail::OutputSchedule schedule(times, outputs);
      memory.recording.start(dynamics, tapes, memory.workspace);
      memory.step_cost = 0;
      auto& stepper = memory.steppers.at(y.rows(), y.cols()).stepper;
      if constexpr (detail::interpolates<Method>)
        if (outputs == Outputs::interpolate) {
          memory.writer.start(times, states);
          Observer<G, Method, true> observer{memory, step_cost, states};
          return integrate(method, control, memory.recording, y, schedule.times(), stepper, observer);
        }
      Observer<G, Method, false> observer{memory, step_cost, states};
      return integrate(method, control, memory.recording, y, schedule.times(), stepper, observer);
    } else {
      return {};
    }
  }

  /// Walks the record back. `y_bar` (rows × columns) holds the cotangent of y at the last time, then that of y(t0);
  /// `outputs_bar`, unless empty, holds a cotangent for each of the times, which are added on the way. Adds to
  /// theta_bar. `step_cost_bar` is the factor of the cost of the steps in the loss.
  template <class Method, class Control, Dynamics G>
  Statistics backward(const Method& /*method*/, const Control& /*control*/, const G& dynamics,
                      std::span<const double> times, std::span<const Batch<typename G::Scalar>> outputs_bar,
                      BatchRef<typename G::Scalar> y_bar, VectorRef<typename G::Scalar> theta_bar,
                      Memory<G, Method>& memory, typename G::Scalar step_cost_bar = 1) const {
    using Scalar = typename G::Scalar;
    Statistics statistics;
    if constexpr (ExplicitMethod<Method>) {  // forward() has refused any other
      const auto& steps = memory.recording.steps();
      typename Workspace<Scalar>::Frame frame(memory.workspace);
      StepBack<G, Method> back(dynamics, frame);
      BatchMap<Scalar> lambda = frame.batch(y_bar.rows(), y_bar.cols());  // contiguous, as y_bar need not be
      lambda = y_bar;
      detail::OutputsBack<Method, decltype(memory.recording)> given(outputs, times, outputs_bar, memory.recording);
      for (std::size_t index = steps.size(); index > 0; --index) {
        given.add_at_end(index, lambda);
        back.begin(index - 1, step_cost, step_cost_bar, memory);
        given.add_inside(index, lambda, back);
        statistics.evaluations += back.finish(index - 1, lambda, theta_bar, memory);
        given.add_to_start(index, lambda);
      }
      given.add_at_end(0, lambda);
      y_bar = lambda;
      statistics.accepted = static_cast<Index>(steps.size());
    }
    return statistics;
  }

 private:
  static constexpr bool has_step_cost = !std::same_as<Cost, NoStepCost>;

  // Passes the solver's news on to the recording, sums the cost of the steps, and copies outputs.
  template <Dynamics G, class Method, bool interpolates>
  struct Observer {
    static constexpr bool reads_last_stage = has_step_cost || interpolates;

    Memory<G, Method>& memory;
    const Cost& cost;
    std::span<Batch<typename G::Scalar>> states;

    void keep_first_stage() { memory.recording.keep_first_stage(); }
    void discard() { memory.recording.discard(); }
    template <class Stepper>
    void accept(double t, double h, const Stepper& stepper) {
      memory.recording.accept(t, h, stepper);
      if constexpr (interpolates) memory.writer.write(stepper, t);
      if constexpr (has_step_cost)
        memory.step_cost += cost.evaluate(AcceptedStep<typename G::Scalar>{
            t, h, memory.recording.stages(memory.recording.steps().size() - 1, Stepper::stages)});
    }
    void output(Index i, const Batch<typename G::Scalar>& y) {
      memory.recording.output(i, y);
      if constexpr (interpolates) {
        i == 0 ? memory.writer.write_first(y) : memory.writer.write_last(y);
      } else {
        if (!states.empty()) states[std::size_t(i)] = y;
      }
    }
  };

  // The discrete adjoint of one explicit Runge–Kutta step: from λ = ȳ⁺, for i = s … 1,
  //   k̄_i = h (b_i λ + Σ_{j>i} a_ji μ_j),   μ_i = J_iᵀ k̄_i,   and then   λ += Σ μ_i.
  // Only path rows feed back, so μ has path rows only and the other rows of λ never change.
  template <Dynamics G, class Method>
  class StepBack {
    using Scalar = typename G::Scalar;
    static constexpr auto tableau = Method::tableau;
    static constexpr auto s = std::size_t(Method::tableau.stages);

   public:
    StepBack(const G& dynamics, typename Workspace<Scalar>::Frame& frame)
        : path_(dynamics.path_rows()),
          stage_bar_(make(frame, dynamics.rows(), dynamics.columns(), std::make_index_sequence<s>{})),
          mu_(make(frame, path_, dynamics.columns(), std::make_index_sequence<s>{})) {}

    /// Starts with what the step's cost sends to the stages.
    void begin(std::size_t index, const Cost& cost, Scalar cost_bar, Memory<G, Method>& memory) {
      active_.fill(has_step_cost);
      if constexpr (has_step_cost) {
        const auto& step = memory.recording.steps()[index];
        for (std::size_t i = 0; i < s; ++i) stage_bar_[i].setZero();
        cost.pullback(AcceptedStep<Scalar>{step.t, step.h, memory.recording.stages(index, s)},
                      std::span<BatchMap<Scalar>>(stage_bar_));
        for (std::size_t i = 0; i < s; ++i) stage_bar_[i] *= cost_bar;
      }
    }

    /// Adds a cotangent to that of K_{i+1}.
    template <class Derived>
    void add(std::size_t i, const Eigen::MatrixBase<Derived>& bar) {
      if (active_[i])
        stage_bar_[i] += bar;
      else
        stage_bar_[i] = bar;
      active_[i] = true;
    }

    /// Walks back over the stages; returns the number of pullbacks made.
    Index finish(std::size_t index, BatchMap<Scalar> lambda, VectorRef<Scalar> theta_bar, Memory<G, Method>& memory) {
      const auto& step = memory.recording.steps()[index];
      const auto h = Scalar(step.h);
      Index pullbacks = 0;
      for (std::size_t i = s; i-- > 0;) {
        if (tableau.b[i] != 0)
          add(i, (h * Scalar(tableau.b[i])) * lambda);
        else if (!active_[i])
          stage_bar_[i].setZero();
        for (std::size_t j = i + 1; j < s; ++j) {
          const double a = tableau.A(int(j), int(i));
          if (a == 0 || !active_[j]) continue;
          detail::add_rows<Scalar>(h * Scalar(a), mu_[j], stage_bar_[i].topRows(path_));
          active_[i] = true;
        }
        if (!active_[i]) continue;  // the last stage of a method that is first same as last
        Scalar t_bar(0);
        memory.recording.pullback(i == 0 ? step.first : step.rest + i - 1, step.time(tableau.c[i]), stage_bar_[i],
                                  mu_[i], theta_bar, t_bar);
        ++pullbacks;
      }
      for (std::size_t i = 0; i < s; ++i)
        if (active_[i]) detail::add_rows<Scalar>(1, mu_[i], lambda.topRows(path_));
      return pullbacks;
    }

   private:
    template <std::size_t... I>
    static std::array<BatchMap<Scalar>, s> make(typename Workspace<Scalar>::Frame& frame, Index rows, Index columns,
                                                std::index_sequence<I...>) {
      return {((void)I, frame.batch(rows, columns))...};
    }

    Index path_;
    std::array<BatchMap<Scalar>, s> stage_bar_, mu_;
    std::array<bool, s> active_{};  // whether K_{i+1} has a cotangent
  };
};

}  // namespace pathline
