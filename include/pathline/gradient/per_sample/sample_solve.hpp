/// \file
/// The solve of one chunk of samples with steps of their own, out and back.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/interpolated_outputs.hpp>
#include <pathline/gradient/per_sample/sample_columns.hpp>
#include <pathline/gradient/per_sample/sample_field.hpp>
#include <pathline/gradient/per_sample/sample_record.hpp>
#include <pathline/gradient/per_sample/samples_back.hpp>
#include <pathline/ode/batch/per_sample.hpp>
#include <pathline/ode/batch/sample_solver.hpp>
#include <pathline/ode/control/step_choice.hpp>
#include <pathline/ode/solve_status.hpp>
#include <pathline/ode/statistics.hpp>

#include <array>
#include <cstddef>
#include <list>
#include <optional>
#include <span>

namespace pathline::detail {

/// \throws What the first sample that failed has to say.
inline void raise_first(std::span<const SolveStatus> samples) {
  for (const SolveStatus& sample : samples) sample.raise();
}

/// Keeps its memory from call to call; the second one of a shape allocates nothing. Times are given by times(sample), a
/// span for each of the samples of the chunk; their ends are statuses, in which samples are numbered within the chunk.
/// \tparam F  A SampleField, or what has its functions.
template <class F, ExplicitMethod Method, AdaptiveControl Control>
class SampleSolve {
 public:
  using Scalar = typename F::Scalar;
  using Policy = PerSample<Control>;

  /// \param y0       d × n.
  /// \param keep     Whether a way back follows, until which what the field refers to must stay.
  /// \param output   output(sample, i, y): y, d × 1, is the solution at times(sample)[i].
  /// \param status   status(sample, SolveStatus): how it ended.
  /// \return         Steps of all samples together, and calls of the field.
  template <class Times, class Output, class Status>
  Statistics solve(const F& field, const Policy& policy, OutputTimes outputs, bool keep, const View<const Scalar>& y0,
                   const Times& times, const Output& output, const Status& status) {
    if (solver_.empty()) solver_.emplace_back(policy);
    Solver& one = solver_.front();
    one.policy.emplace(policy);  // a domain may not be assignable
    field_.emplace(field);
    one.rhs.refer_to(*field_, workspace_);
    start_.resize(y0.rows(), y0.cols());
    record_.start(y0.rows());
    for (Index j = 0; j < y0.cols(); ++j) {
      start_.col(j) = y0.col(j).vector();
      record_.add_sample(times(j).size());
    }
    const typename Workspace<Scalar>::Unchanged unchanged(workspace_, field.parameters());
    const bool interpolate = outputs == OutputTimes::interpolate;
    Statistics sum;
    one.solver.solve(
        start_,
        [&](Index sample) -> std::span<const double> {
          const std::span<const double> all = times(sample);
          if (!interpolate) return all;
          ends_ = {all.front(), all.back()};
          return ends_;
        },
        SampleObserver<Times, Output>{record_, times, output, interpolate, keep},
        [&](Index sample, const SolveStatus& ended, const auto& /*y*/) {
          sum.accepted += ended.statistics.accepted;
          sum.rejected += ended.statistics.rejected;
          status(sample, ended);
        });
    sum.evaluations = one.rhs.calls();
    return sum;
  }

  /// The way back of the solve before, as SamplesBack::run() says.
  template <class Bar>
  Statistics back(std::span<SolveStatus> ended, const Bar& bar, const View<Scalar>& initial,
                  const View<Scalar>& theta_bar, const View<Scalar>& context_bar) {
    const typename Workspace<Scalar>::Unchanged unchanged(workspace_, field_->parameters());
    return back_.run({*field_, record_, workspace_, initial, theta_bar, context_bar}, ended, bar,
                     [this](Index samples) { return solver_.front().policy->padded(samples); });
  }

  [[nodiscard]] const F& field() const { return *field_; }
  [[nodiscard]] const SampleRecord<Scalar>& record() const noexcept { return record_; }
  [[nodiscard]] Workspace<Scalar>& workspace() { return workspace_; }

 private:
  /// The solver refers to the other two.
  struct Solver {
    explicit Solver(const Policy& first) : policy(first) {}
    Solver(const Solver&) = delete;
    Solver& operator=(const Solver&) = delete;
    ~Solver() = default;
    std::optional<Policy> policy;
    SampleRightHandSide<F> rhs;
    SampleSolver<Method, Control, SampleRightHandSide<F>, SampleColumns<Scalar>> solver{*policy, rhs};
  };

  /// Hears of steps and outputs of the solver, whose times are all or, for outputs inside of steps, both ends.
  template <class Times, class Output>
  struct SampleObserver {
    SampleRecord<Scalar>& record;
    const Times& times;
    const Output& output;
    bool interpolate, keep;

    template <class Y>
    void operator()(Index sample, std::size_t i, const Y& y) const {
      const std::span<const double> all = times(sample);
      if (!interpolate) return write(sample, i, 0, y);
      for (std::size_t k = record.written(sample); k < all.size() && (i > 0 || all[k] == all[0]); ++k)
        write(sample, k, 0, y);
    }
    template <class Y, class YNext, class Stages>
    void accepted(Index sample, double t, const Trial& trial, const Y& y, const YNext& y_next, const Stages& K) const {
      if constexpr (interpolates<Method>)
        if (interpolate) write_inside(sample, t, trial, y, y_next, K);
      if (keep) record.accept(sample, t, trial.length, trial.t_next, y.data());
      record.count_step(sample);
      if (!interpolate) return;
      const std::span<const double> all = times(sample);  // what lies at the very end the solver checks first
      for (std::size_t k = record.written(sample); all[k] == trial.t_next && all[k] != all.back(); ++k)
        write(sample, k, 0, y_next);
    }

   private:
    template <class Y>
    void write(Index sample, std::size_t i, double theta, const Y& y) const {
      record.output(sample, theta, y.data());
      output(sample, i, y);
    }
    template <class Y, class YNext, class Stages>
    void write_inside(Index sample, double t, const Trial& trial, const Y& y, const YNext& y_next,
                      const Stages& K) const {
      const std::span<const double> all = times(sample);
      for (std::size_t k = record.written(sample); t < trial.t_next ? all[k] < trial.t_next : all[k] > trial.t_next;
           ++k) {
        const double theta = (all[k] - t) / (trial.t_next - t);
        const OutputWeights<Method> at(theta);
        Vector<Scalar>& inside = record.scratch();
        inside = y + Scalar(at.rise) * (y_next - y);
        for (std::size_t j = 0; j < at.stages.size(); ++j)
          if (at.stages[j] != 0) inside += Scalar(trial.length * at.stages[j]) * K[j];
        write(sample, k, theta, inside);
      }
    }
  };

  Workspace<Scalar> workspace_;
  std::list<Solver> solver_;  // one, which does not move with this; <memory> takes compilers longer to read
  std::optional<F> field_;
  SampleColumns<Scalar> start_;
  SampleRecord<Scalar> record_;
  SamplesBack<Method, F> back_;
  std::array<double, 2> ends_{};
};

}  // namespace pathline::detail
