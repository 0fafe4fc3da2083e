/// \file
/// A batch solved one sample after another: how PerSample (per_sample.hpp) works with implicit methods, whose linear
/// systems are separate for each sample anyway. It has the same functions as SampleSolver.
#pragma once

#include <pathline/ode/batch/per_sample.hpp>
#include <pathline/ode/integrate.hpp>
#include <pathline/ode/solve_status.hpp>

#include <cstddef>
#include <span>
#include <string>

namespace pathline::detail {

/// The right-hand side of one sample, out of one for a batch.
template <class Rhs, class State>
struct OfOneSample {
  Rhs& rhs;
  Index sample;
  Row<Double<State>> time = Row<Double<State>>(1);

  void operator()(double t, const State& y, State& dy) {
    time(0) = t;
    if constexpr (SampleIdsRightHandSide<Rhs, State>)
      rhs(time, y, dy, std::span<const Index>(&sample, 1));
    else if constexpr (SampleTimesRightHandSide<Rhs, State>)
      rhs(time, y, dy);
    else
      evaluate(rhs, t, y, dy);
  }
  void jacobian(double t, const State& y, Jacobians<typename State::Scalar>& J) requires HasJacobian<Rhs, State> {
    rhs.jacobian(t, y, J);
  }
  void time_derivative(double t, const State& y, State& dfdt) requires HasTimeDerivative<Rhs, State> {
    rhs.time_derivative(t, y, dfdt);
  }
  [[nodiscard]] Index error_rows() const requires HasErrorRows<Rhs> { return rhs.error_rows(); }
  [[nodiscard]] Index path_rows() const requires HasPathRows<Rhs> { return rhs.path_rows(); }
};

template <EmbeddedMethod Method, AdaptiveControl Control, class Rhs, class Batch>
class OneByOneSolver {
  static constexpr bool of_batches = SampleIdsRightHandSide<Rhs, Batch> || SampleTimesRightHandSide<Rhs, Batch>;
  using State = std::conditional_t<of_batches, Batch, SingleState<Rhs, Batch>>;

 public:
  OneByOneSolver(const PerSample<Control>& policy, Rhs& rhs) : control_(policy.control), rhs_(rhs) {}

  template <class Times, class Output, class Status>
  void solve(const Batch& y0, const Times& times, const Output& output, const Status& status) {
    for (Index id = 0; id < y0.cols(); ++id) {
      y_ = y0.col(id);
      OfOneSample<Rhs, State> rhs{rhs_, id};
      Statistics statistics;
      bool started = false;
      SolveStatus ended = status_of([&] {
        if (const char* const fault = fault_of_start(control_, y_))
          throw DataError({"solve: y0 of sample ", id, fault});
        started = true;
        const SampleObserver<Output> outputs{{}, output, id};
        if constexpr (TwoPartMethod<Method>)  // whose two parts know of no samples
          statistics = integrate(Method{}, control_, rhs_, y_, times(id), stepper_, outputs);
        else
          statistics = integrate(Method{}, control_, rhs, y_, times(id), stepper_, outputs);
      });
      ended.sample = id;
      if (!started) ended.t = times(id).front();
      if (ended.ok()) {
        ended.t = times(id).back();
        ended.statistics = statistics;
      }
      if (started && !ended.ok() && ended.outcome != SolveOutcome::bad_input) y_ = stepper_.y();
      status(id, ended, y_.col(0));
    }
  }

 private:
  template <class Output>
  struct SampleObserver : NoObserver {
    static constexpr bool reads_last_stage = false;
    const Output& function;
    Index id;
    SampleObserver(NoObserver, const Output& output, Index sample) : function(output), id(sample) {}
    void output(Index i, const State& y) const { function(id, std::size_t(i), y.col(0)); }
  };

  const Control& control_;
  Rhs& rhs_;
  State y_;
  Stepper<Method, State> stepper_;
};

}  // namespace pathline::detail
