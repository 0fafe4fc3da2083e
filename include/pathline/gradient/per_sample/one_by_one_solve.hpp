/// \file
/// The solve of one chunk of samples one after another, out and back: how PerSample works with methods that are not
/// explicit, whose linear systems are separate for each sample anyway. It has the same functions as SampleSolve.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/interpolated_outputs.hpp>
#include <pathline/gradient/per_sample/sample_field.hpp>
#include <pathline/gradient/side_inputs.hpp>
#include <pathline/gradient/solve_dynamics.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/batch/per_sample.hpp>
#include <pathline/ode/solve_checks.hpp>
#include <pathline/ode/solve_status.hpp>
#include <pathline/ode/statistics.hpp>

#include <cstddef>
#include <limits>
#include <list>
#include <optional>
#include <span>
#include <vector>

namespace pathline::detail {

/// Keeps a record for each sample of the chunk, each with a workspace of its own. \tparam Gradient  A Backpropagation.
template <VectorField F, class Method, AdaptiveControl Control, class Gradient>
class OneByOneSolve {
 public:
  using Scalar = typename F::Scalar;

  template <class Times, class Output, class Status>
  Statistics solve(const SampleField<F>& field, const PerSample<Control>& policy, OutputTimes outputs, bool keep,
                   const View<const Scalar>& y0, const Times& times, const Output& output, const Status& status) {
    field_.emplace(field);
    control_.emplace(policy.control);  // a domain may not be assignable
    gradient_.outputs = outputs;
    const auto records = keep ? std::size_t(y0.cols()) : std::size_t(1);
    while (samples_.size() < records) samples_.emplace_back();
    auto sample = samples_.begin();
    Statistics sum;
    for (Index j = 0; j < y0.cols(); ++j) {
      One& one = keep && j > 0 ? *++sample : *sample;
      one.times = times(j);
      one.dynamics.emplace(field.field(), 1, side_inputs(field.context(), j));
      SolveStatus ended = solve(one, y0.col(j), keep);
      ended.sample = j;
      sum += ended.statistics;
      for (std::size_t k = 0; k < one.times.size(); ++k) output(j, k, states_[k].col(0));
      status(j, ended);
    }
    return sum;
  }

  template <class Bar>
  Statistics back(std::span<SolveStatus> ended, const Bar& bar, const View<Scalar>& initial,
                  const View<Scalar>& theta_bar, const View<Scalar>& context_bar) {
    for (const View<Scalar>& zero : {initial, theta_bar, context_bar}) fill<Scalar>(zero, 0);
    const typename Workspace<Scalar>::Unchanged unchanged(workspace_, field_->field().parameters());
    auto sample = samples_.begin();
    Statistics sum;
    for (std::size_t j = 0; j < ended.size(); ++j, ++sample) {
      if (!ended[j].ok()) continue;
      const SolveStatus back = this->back(*sample, Index(j), bar);
      sum += back.statistics;
      if (!back.ok()) {
        ended[j] = back;
        continue;
      }
      ended[j].statistics = back.statistics;
      copy<Scalar>(y_bar_, initial.col(Index(j)));
      add<Scalar>(View<Scalar>(parameters_bar_).head(theta_bar.rows()), theta_bar);
      if (context_bar.rows() > 0)
        copy<Scalar>(View<Scalar>(parameters_bar_).tail(context_bar.rows()), context_bar.col(Index(j)));
    }
    return sum;
  }

  [[nodiscard]] const SampleField<F>& field() const { return *field_; }
  [[nodiscard]] Workspace<Scalar>& workspace() { return workspace_; }

 private:
  struct One {
    typename Gradient::template Memory<FieldDynamics<F>, Method> memory;
    std::optional<FieldDynamics<F>> dynamics;
    std::span<const double> times;
  };

  static SideInputs<Scalar> side_inputs(const View<const Scalar>& context, Index j) {
    if (context.rows() == 0) return {};
    return SideInputs<Scalar>(typename SideInputs<Scalar>::Context(context.col(j).data(), context.rows(), 1,
                                                                   Eigen::OuterStride<>(context.stride())));
  }

  /// States at its times in states_, NaN where it did not come to.
  SolveStatus solve(One& one, const View<const Scalar>& y0, bool keep) {
    const std::size_t count = one.times.size();
    if (states_.size() < count) states_.resize(count);
    for (std::size_t k = 0; k < count; ++k)
      states_[k].setConstant(y0.rows(), 1, std::numeric_limits<Scalar>::quiet_NaN());
    const std::span<Batch<Scalar>> states = std::span<Batch<Scalar>>(states_).first(count);
    auto& slot = one.memory.steppers.at(y0.rows(), 1);
    Batch<Scalar>& y = slot.y;
    y = y0.map();
    Workspace<Scalar>& workspace = one.memory.workspace;
    const typename Workspace<Scalar>::Unchanged unchanged(workspace, field_->field().parameters());
    bool started = false;
    Statistics statistics;
    SolveStatus ended = status_of([&] {
      if (const char* const fault = fault_of_start(*control_, y)) throw DataError({"NeuralOde: y0 of a sample", fault});
      started = true;
      if (keep) {
        statistics = gradient_.forward(Method{}, *control_, *one.dynamics, y, one.times, states, one.memory);
      } else {
        one.memory.writer.start(one.times, states, gradient_.outputs);
        ScheduledOutputsObserver<Method, Batch<Scalar>> observer(one.memory.writer);
        statistics =
            solve_dynamics(Method{}, *control_, *one.dynamics, workspace, y, one.times, slot.stepper, observer);
      }
    });
    if (!started) ended.t = one.times.front();
    if (ended.ok()) {
      ended.t = one.times.back();
      ended.statistics = statistics;
    }
    return ended;
  }

  /// Its cotangents in y_bar_ and parameters_bar_, [θ; context].
  template <class Bar>
  SolveStatus back(One& one, Index j, const Bar& bar) {
    const std::size_t count = one.times.size();
    const Index d = one.dynamics->rows();
    if (states_bar_.size() < count) states_bar_.resize(count);
    for (std::size_t k = 0; k < count; ++k) states_bar_[k] = ConstBatchMap<Scalar>(bar(j, k), d, 1);
    y_bar_.setZero(d, 1);
    parameters_bar_.setZero(one.dynamics->parameter_count());
    const typename Workspace<Scalar>::Unchanged unchanged(one.memory.workspace, field_->field().parameters());
    Statistics statistics;
    SolveStatus ended = status_of([&] {
      statistics = gradient_.backward(Method{}, *control_, *one.dynamics, one.times,
                                      std::span<const Batch<Scalar>>(states_bar_).first(count), y_bar_, parameters_bar_,
                                      one.memory);
    });
    ended.solve = "the way back";
    if (ended.ok()) {
      ended.statistics = statistics;
      ended.t = one.times.front();
      if (!y_bar_.allFinite() || !parameters_bar_.allFinite()) {
        ended.outcome = SolveOutcome::not_finite;
        ended.subject = "the cotangent";
        ended.error_norm = std::numeric_limits<double>::quiet_NaN();
        blame_first_nonfinite(y_bar_, ended);
      }
    }
    ended.sample = j;
    return ended;
  }

  Workspace<Scalar> workspace_;
  std::optional<SampleField<F>> field_;
  std::optional<Control> control_;
  Gradient gradient_;
  std::list<One> samples_;  // which do not move between the way out and the way back
  std::vector<Batch<Scalar>> states_, states_bar_;
  Batch<Scalar> y_bar_;
  Vector<Scalar> parameters_bar_;
};

}  // namespace pathline::detail
