/// \file
/// The loop over steps of a batch whose samples have steps of their own: per_sample.hpp. try_solve() and solve() in
/// try_solve.hpp are its front.
///
/// The samples that are on their way are the leading columns of one batch, so that a stage is one call of the
/// right-hand side. One that has arrived, or failed, gives its column to the last; the batch shrinks with them.
#pragma once

#include <pathline/ode/batch/per_sample.hpp>
#include <pathline/ode/control/initial_step.hpp>
#include <pathline/ode/control/step_choice.hpp>
#include <pathline/ode/control/trial_error.hpp>
#include <pathline/ode/explicit/explicit_stepper.hpp>
#include <pathline/ode/solve_checks.hpp>
#include <pathline/ode/solve_status.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace pathline::detail {

/// Column j of each stage, as add_stages() reads them.
template <class State>
struct StageColumns {
  struct value_type {
    using Scalar = typename State::Scalar;
  };
  const State* stages;
  Index j;
  auto operator[](std::size_t i) const { return stages[i].col(j); }
};

template <ExplicitMethod Method, AdaptiveControl Control, class Rhs, class State>
class SampleSolver {
 public:
  using Scalar = typename State::Scalar;

  SampleSolver(const PerSample<Control>& policy, Rhs& rhs) : policy_(policy), control_(policy.control), rhs_(rhs) {}

  /// Solves every column of y0 through its own times.
  /// \param times   times(sample): a span of times, the first of which belongs to y0; as integrate() takes them.
  /// \param output  output(sample, i, y): y, d × 1, is the solution at times(sample)[i]. If it has that,
  ///                output.accepted(sample, t, trial, y, y_next, stages) is told each accepted step from t and y.
  /// \param status  status(sample, SolveStatus, y): how it ended, and the state where it stopped.
  template <class Times, class Output, class Status>
  void solve(const State& y0, const Times& times, const Output& output, const Status& status) {
    samples_.clear();
    SolveStatus stopped = status_of([&] { solve_all(y0, times, output, status); });
    if (stopped.ok()) return;
    for (Index j = 0; j < live(); ++j) {  // the right-hand side has thrown, or changed its shape
      const Sample& sample = samples_[std::size_t(j)];
      if (sample.ended) continue;
      stopped.t = sample.t;
      stopped.sample = sample.id;
      stopped.statistics = sample.counts;
      status(sample.id, stopped, y_.col(j));
    }
  }

 private:
  template <class Times, class Output, class Status>
  void solve_all(const State& y0, const Times& times, const Output& output, const Status& status) {
    start(y0, times, output, status);
    if (live() == 0) return;
    evaluate_first_stage();
    for (Index j = 0; j < live(); ++j)
      if (!K_[0].col(j).allFinite()) fail_at_start(j, status);
    compact();
    choose_first_steps();
    for (bool first = true; live() > 0; first = false) {
      for (Index j = 0; j < live(); ++j) {
        Sample& sample = samples_[std::size_t(j)];
        if (sample.counts.accepted + sample.counts.rejected < control_.max_steps)
          sample.trial = sample.choice.next(control_, sample.t, times(sample.id)[sample.next]);
        else
          end(j, SolveOutcome::step_limit, failure(j, sample.choice.planned()), status);
      }
      compact();
      if (live() == 0) break;
      if (!fsal && !first) evaluate_first_stage();
      evaluate_stages<1>();
      for (Index j = 0; j < live(); ++j) finish_step(j, times(samples_[std::size_t(j)].id), output, status);
      compact();
    }
  }

  static constexpr std::size_t stages = std::size_t(Method::tableau.stages);
  static constexpr bool fsal = first_same_as_last(Method::tableau);
  static constexpr int error_order = error_exponent<Method>;

  struct Sample {
    Index id;
    double t, t_end;
    std::size_t next;  // the time to be met next
    StepChoice choice{};
    Trial trial{};
    double last_error = std::numeric_limits<double>::quiet_NaN();
    Statistics counts{};
    Index component = -1;  // the worst of the last trial that was rejected
    bool ended = false;
  };

  [[nodiscard]] Index live() const { return Index(samples_.size()); }

  template <class Times, class Output, class Status>
  void start(const State& y0, const Times& times, const Output& output, const Status& status) {
    y_.resize(y0.rows(), y0.cols());
    for (Index id = 0; id < y0.cols(); ++id) {
      const std::span<const double> at = times(id);
      Sample sample{.id = id, .t = at.front(), .t_end = at.back(), .next = 0};
      SolveStatus ended;
      ended.t = sample.t;
      ended.sample = id;
      const char* const fault = fault_of_start(control_, y0.col(id));
      if (fault != nullptr) {
        ended.outcome = SolveOutcome::bad_input;
        ended.subject = "solve: y0 of sample " + std::to_string(id) + fault;
      }
      while (ended.ok() && sample.next < at.size() && at[sample.next] == sample.t)
        output(id, sample.next++, y0.col(id));
      if (ended.ok() && sample.next < at.size()) {
        y_.col(live()) = y0.col(id);
        samples_.push_back(sample);
      } else {
        status(id, ended, y0.col(id));
      }
    }
    fit();
  }

  /// Sizes all storage for the live samples; keeps y and K_1.
  void fit() {
    const Index kept = live(), columns = policy_.padded(kept), rows = y_.rows();
    y_.conservativeResize(rows, columns);
    K_[0].conservativeResize(rows, columns);
    for (std::size_t i = 1; i < stages; ++i) K_[i].resize(rows, columns);
    next_.resize(rows, columns);
    error_.resize(rows, 1);
    times_.resize(columns);
    ids_.resize(std::size_t(columns));
    // Copies of a live column, whatever was there: a value that is not finite, or a time out of range, is slow or
    // worse.
    for (Index j = kept; j < columns && kept > 0; ++j) {
      y_.col(j) = y_.col(0);
      K_[0].col(j) = K_[0].col(0);
    }
  }

  /// The columns of the samples that have ended move to the end.
  void compact() {
    bool any = false;
    for (Index j = live(); j-- > 0;) {
      if (!samples_[std::size_t(j)].ended) continue;
      any = true;
      const Index last = live() - 1;
      if (j != last) {
        y_.col(j) = y_.col(last);
        K_[0].col(j) = K_[0].col(last);
        samples_[std::size_t(j)] = samples_[std::size_t(last)];
      }
      samples_.pop_back();
    }
    if (any && live() > 0) fit();
  }

  /// K = f at `time(sample)` and y of each column.
  template <class Time>
  void evaluate(const Time& time, const State& y, State& K) {
    for (Index j = 0; j < y.cols(); ++j) {
      Sample& sample = samples_[std::size_t(j < live() ? j : 0)];
      times_(j) = time(sample);
      ids_[std::size_t(j)] = sample.id;
      if (j < live()) ++sample.counts.evaluations;
    }
    if constexpr (SampleIdsRightHandSide<Rhs, State>) {
      rhs_(times_, y, K, std::span<const Index>(ids_));
    } else if constexpr (SampleTimesRightHandSide<Rhs, State>) {
      rhs_(times_, y, K);
    } else {
      single_.resize(y.rows(), 1);
      single_derivative_.resize(y.rows(), 1);
      for (Index j = 0; j < live(); ++j) {
        single_ = y.col(j);
        detail::evaluate(rhs_, times_(j), single_, single_derivative_);
        K.col(j) = single_derivative_;
      }
    }
    require_shape(K, y);
  }

  void evaluate_first_stage() {
    if (live() == 0) return;
    for (Index j = live(); j < y_.cols(); ++j) y_.col(j) = y_.col(0);
    evaluate([](const Sample& sample) { return sample.t; }, y_, K_[0]);
  }

  template <int I>
  void evaluate_stages() {
    if constexpr (I < int(stages)) {
      write_sums<StageWeights<Method, I>>();
      constexpr double c = Method::tableau.c[std::size_t(I)];
      const auto time = [](const Sample& sample) {
        return c == 1 ? sample.trial.t_next : sample.t + c * sample.trial.length;
      };
      evaluate(time, next_, K_[std::size_t(I)]);
      evaluate_stages<I + 1>();
    } else if constexpr (!fsal) {
      write_sums<SolutionWeights<Method>>();
    }
  }

  /// next = y + h Σ w_j K_j, each column by its own h.
  template <class Weights>
  void write_sums() {
    for (Index j = 0; j < live(); ++j)
      next_.col(j) = y_.col(j) +
                     weighted_stages<Weights>(samples_[std::size_t(j)].trial.length, StageColumns<State>{K_.data(), j});
    for (Index j = live(); j < next_.cols(); ++j) next_.col(j) = next_.col(0);
  }

  /// E of column j's trial, infinite where it left the domain; leaves the estimate in error_.
  TrialError error_of_trial(Index j) {
    double coarse = 0;
    if constexpr (DoublyEmbeddedMethod<Method>) coarse = square_of_estimate<CoarseErrorWeights<Method>>(j);
    const double fine = square_of_estimate<ErrorWeights<Method>>(j);
    const TrialError error = DoublyEmbeddedMethod<Method> ? error_of_two(fine, coarse) : TrialError::of_square(fine);
    if constexpr (HasDomain<Control>)
      if (std::isfinite(error.norm) && !control_.inside(next_.col(j))) return std::numeric_limits<double>::infinity();
    return error;
  }

  template <class Weights>
  double square_of_estimate(Index j) {
    error_ = weighted_stages<Weights>(samples_[std::size_t(j)].trial.length, StageColumns<State>{K_.data(), j});
    return measured_square(control_, error_part(rhs_, error_), error_part(rhs_, y_.col(j)),
                           error_part(rhs_, next_.col(j)));
  }

  template <class Error, class Y, class YNext>
  double norm(const Error& error, const Y& y, const YNext& y_next) const {
    return measured_error(control_, error_part(rhs_, error), error_part(rhs_, y), error_part(rhs_, y_next));
  }

  /// The first step, for each sample: initial_step.hpp.
  void choose_first_steps() {
    if (live() == 0) return;
    const auto start = [this](Sample& sample, const FirstStep& first) {
      sample.choice.start(control_, first, sample.t_end - sample.t);
    };
    if (control_.initial_step > 0) {
      for (Sample& sample : samples_) start(sample, {control_.initial_step, 0});
      return;
    }
    for (Index j = 0; j < live(); ++j) {
      Sample& sample = samples_[std::size_t(j)];
      const double d0 = norm(y_.col(j), y_.col(j), y_.col(j)), d1 = norm(K_[0].col(j), y_.col(j), y_.col(j));
      const double span = sample.t_end - sample.t, h0 = probe_length(d0, d1, std::abs(span));
      sample.trial.length = std::copysign(h0, span);
      const double t = sample.t + sample.trial.length;
      sample.trial.t_next = span > 0 ? std::min(t, sample.t_end) : std::max(t, sample.t_end);
      next_.col(j) = y_.col(j) + Scalar(sample.trial.length) * K_[0].col(j);
    }
    for (Index j = live(); j < next_.cols(); ++j) next_.col(j) = next_.col(0);
    evaluate([](const Sample& sample) { return sample.trial.t_next; }, next_, K_[1]);
    for (Index j = 0; j < live(); ++j) {
      Sample& sample = samples_[std::size_t(j)];
      const double h0 = std::abs(sample.trial.length), d0 = norm(y_.col(j), y_.col(j), y_.col(j));
      const double d1 = norm(K_[0].col(j), y_.col(j), y_.col(j));
      const double d2 = norm(K_[1].col(j) - K_[0].col(j), y_.col(j), y_.col(j)) / h0;
      start(sample, first_length(h0, d0, d1, d2, error_order, std::abs(sample.t_end - sample.t)));
    }
  }

  /// Judges the trial of column j and moves it on.
  template <class Output, class Status>
  void finish_step(Index j, std::span<const double> times, const Output& output, const Status& status) {
    Sample& sample = samples_[std::size_t(j)];
    const TrialError error = error_of_trial(j);
    sample.last_error = error.norm;
    const auto sizes = [&] {
      return step_sizes(control_, rhs_, sample.trial.length, K_[0].col(j), y_.col(j), next_.col(j));
    };
    const Verdict verdict = sample.choice.judge(control_, sample.t, sample.trial, error, error_order, sizes);
    if (verdict != Verdict::accepted) {
      ++sample.counts.rejected;
      SolveFailure worst;
      blame_worst(control_, error_part(rhs_, error_), error_part(rhs_, y_.col(j)), error_part(rhs_, next_.col(j)),
                  worst);
      sample.component = worst.component;
      if (verdict == Verdict::rejected) return;
      SolveFailure at = failure(j, sample.trial.length);
      if (StepChoice::is_shortest(control_, sample.trial.length)) at.min_step = shortest_step(control_);
      return end(j, SolveOutcome::step_underflow, at, status);
    }
    ++sample.counts.accepted;
    if constexpr (requires(const StageColumns<State>& K) {
                    output.accepted(sample.id, sample.t, sample.trial, y_.col(j), next_.col(j), K);
                  })
      output.accepted(sample.id, sample.t, sample.trial, y_.col(j), next_.col(j), StageColumns<State>{K_.data(), j});
    sample.t = sample.trial.t_next;
    y_.col(j) = next_.col(j);
    if constexpr (fsal) K_[0].col(j) = K_[stages - 1].col(j);
    if (sample.t != times[sample.next]) return;
    if (!y_.col(j).allFinite()) {
      SolveFailure at = failure(j, sample.trial.length);
      blame_first_nonfinite(y_.col(j), at);
      at.sample = sample.id;
      return end(j, SolveOutcome::not_finite, at, status, "the solution");
    }
    while (sample.next < times.size() && times[sample.next] == sample.t) output(sample.id, sample.next++, y_.col(j));
    if (sample.next == times.size()) end(j, SolveOutcome::success, failure(j, sample.trial.length), status);
  }

  template <class Status>
  void fail_at_start(Index j, const Status& status) {
    SolveFailure at = failure(j, 0);
    blame_first_nonfinite(K_[0].col(j), at);
    at.sample = samples_[std::size_t(j)].id;
    end(j, SolveOutcome::not_finite, at, status, "the right-hand side at the start");
  }

  [[nodiscard]] SolveFailure failure(Index j, double step) const {
    const Sample& sample = samples_[std::size_t(j)];
    SolveFailure at{.t = sample.t,
                    .step = step,
                    .error_norm = sample.last_error,
                    .sample = sample.id,
                    .component = sample.component,
                    .statistics = sample.counts};
    note_accuracy<Method, Scalar>(control_, at);
    return at;
  }

  template <class Status>
  void end(Index j, SolveOutcome outcome, const SolveFailure& at, const Status& status, const char* subject = "") {
    SolveStatus result;
    static_cast<SolveFailure&>(result) = at;
    result.outcome = outcome;
    result.subject = subject;
    status(samples_[std::size_t(j)].id, result, y_.col(j));
    samples_[std::size_t(j)].ended = true;
  }

  const PerSample<Control>& policy_;
  const Control& control_;
  Rhs& rhs_;
  std::vector<Sample> samples_;  // of the leading columns
  State y_, next_;
  std::array<State, stages> K_;
  Eigen::Matrix<Scalar, State::RowsAtCompileTime, 1> error_;
  typename TimesOf<State>::type times_;
  std::vector<Index> ids_;
  SingleState<Rhs, State> single_, single_derivative_;
};

}  // namespace pathline::detail
