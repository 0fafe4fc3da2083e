/// \file
/// The way back of samples with steps of their own, by an explicit method: docs/maths.md, (6.1), with a step length for
/// each column.
///
/// The rounds of the way out are not retraced. Round r takes back the r-th step from the end of every sample that has
/// so many: samples with more steps come first, so that those on their way are the leading columns. The stages of a
/// round are evaluated again, from where the steps start. Nothing else ever enters: no rejected trial, no failed
/// sample.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/interpolated_outputs.hpp>
#include <pathline/gradient/per_sample/sample_field.hpp>
#include <pathline/gradient/per_sample/sample_record.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/explicit/explicit_tableau.hpp>
#include <pathline/ode/solve_status.hpp>
#include <pathline/ode/statistics.hpp>
#include <pathline/ode/tableau/weighted_stages.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace pathline::detail {

/// Whether the end of a step, or an output inside of it, depends on stage i. The slope at its end is not counted.
template <ExplicitMethod Method>
inline constexpr auto counting_stages = [] {
  constexpr auto s = std::size_t(Method::tableau.stages);
  std::array<bool, s> counts{};
  for (std::size_t i = s; i-- > 0;) {
    counts[i] = Method::tableau.b[i] != 0;
    if constexpr (DenselyExtendedMethod<Method>) counts[i] = counts[i] || (i + 1 < s && Method::dense[i] != 0);
    for (std::size_t j = i + 1; j < s; ++j)
      counts[i] = counts[i] || (counts[j] && Method::tableau.A(int(j), int(i)) != 0);
  }
  return counts;
}();

/// K̄_i / h as a sum of λ and of all μ_j.
template <class Method, std::size_t I>
struct StageBarWeights {
  static constexpr int count = Method::tableau.stages + 1;
  static constexpr double weight(int term) {
    if (term == 0) return Method::tableau.b[I];
    const int j = term - 1;
    return j > int(I) && counting_stages<Method>[std::size_t(j)] ? Method::tableau.A(j, int(I)) : 0;
  }
};
/// What the end of a step hands on to its start, as a sum of the same.
template <class Method>
struct StartBarWeights {
  static constexpr int count = Method::tableau.stages + 1;
  static constexpr double weight(int term) {
    return term == 0 || counting_stages<Method>[std::size_t(term - 1)] ? 1 : 0;
  }
};

/// to = Σ w_n X_n, of `size` contiguous scalars each; `to` may be one of them.
template <class Weights, Real S, std::size_t N>
void write_terms_of(Index size, const std::array<S*, N>& X, S* to) {
  constexpr auto places = nonzero_places<Weights>;
  [&]<std::size_t... K>(std::index_sequence<K...>) {
    const S w[]{S(Weights::weight(int(places[K])))...};
    const S* const terms[]{X[places[K]]...};
    write_terms<S>(std::index_sequence<K...>{}, size, nullptr, w, terms, to);
  }
  (std::make_index_sequence<places.size()>{});
}

/// Keeps its memory from call to call. \tparam F  A SampleField, or what has its functions.
template <ExplicitMethod Method, class F>
class SamplesBack {
 public:
  using Scalar = typename F::Scalar;

  /// What it works with, and writes to; refers to all.
  struct Task {
    const F& field;
    const SampleRecord<Scalar>& record;
    Workspace<Scalar>& workspace;
    View<Scalar> initial;      ///< d × samples: the cotangents of the states at the start.
    View<Scalar> theta_bar;    ///< Those of θ; set, not added to.
    View<Scalar> context_bar;  ///< c × samples.
  };

  /// The cotangents of all samples whose `ended` says that they arrived; those of others are 0. One whose own cotangent
  /// stops being finite has ended there, and adds nothing to θ's.
  /// \param bar     bar(sample, i): the cotangent of the i-th output of a sample, d scalars.
  /// \param padded  Columns of a call of the field for this many samples.
  template <class Bar, class Padded>
  Statistics run(const Task& task, std::span<SolveStatus> ended, const Bar& bar, const Padded& padded) {
    Statistics statistics;
    while (!walk(task, ended, bar, padded, statistics)) continue;  // without the samples that have failed
    return statistics;
  }

 private:
  static constexpr auto s = std::size_t(Method::tableau.stages);
  static constexpr auto counts = counting_stages<Method>;
  using Step = typename SampleRecord<Scalar>::Step;
  using Output = typename SampleRecord<Scalar>::Output;
  using Frame = typename Workspace<Scalar>::Frame;

  struct Walker {
    Index sample, step, done;  // the step to be taken back, and how many there are up to its end
    std::size_t outputs;       // that have not been seen to
  };

  /// One walk over all steps; false if a sample failed.
  template <class Bar, class Padded>
  bool walk(const Task& task, std::span<SolveStatus> ended, const Bar& bar, const Padded& padded,
            Statistics& statistics) {
    for (const View<Scalar>& zero : {task.initial, task.theta_bar, task.context_bar}) fill<Scalar>(zero, 0);
    walkers_.clear();
    for (Index id = 0; id < task.record.samples(); ++id) {
      if (!ended[std::size_t(id)].ok()) continue;
      ended[std::size_t(id)].statistics = {};
      walkers_.push_back({id, task.record.last(id), task.record.steps(id), task.record.outputs(id).size()});
    }
    std::sort(walkers_.begin(), walkers_.end(), [](const Walker& a, const Walker& b) {
      return a.done != b.done ? a.done > b.done : a.sample < b.sample;
    });
    auto left = Index(walkers_.size());
    if (left == 0) return true;
    bool sound = true;
    Frame frame(task.workspace);
    const View<Scalar> lambda = frame.batch(task.initial.rows(), padded(left));
    fill<Scalar>(lambda, 0);
    add_end_slopes(task, bar, padded, lambda, statistics);
    for (;;) {
      for (Index j = 0; j < left; ++j) {
        Walker& walker = walkers_[std::size_t(j)];
        const std::span<const Output> outputs = task.record.outputs(walker.sample);
        for (; walker.outputs > 0 && is_at(outputs[walker.outputs - 1], walker.done); --walker.outputs)
          add_scaled_column(Scalar(1), bar(walker.sample, walker.outputs - 1), lambda.col(j));
      }
      if (!all_finite<Scalar>(lambda.leftCols(left))) sound = blame(task, lambda.leftCols(left), ended) && sound;
      for (; left > 0 && walkers_[std::size_t(left) - 1].done == 0; --left) {
        const View<Scalar> column = lambda.col(left - 1);
        copy<Scalar>(column, task.initial.col(walkers_[std::size_t(left) - 1].sample));
        fill<Scalar>(column, 0);  // a copy of the first sample, from now on
      }
      if (left == 0) return sound;
      const Index pullbacks = take_back(task, bar, left, lambda.leftCols(padded(left)));
      statistics.evaluations += pullbacks;
      statistics.accepted += left;
      for (Index j = 0; j < left; ++j) {
        Walker& walker = walkers_[std::size_t(j)];
        Statistics& own = ended[std::size_t(walker.sample)].statistics;
        own.evaluations += pullbacks;
        ++own.accepted;
        walker.step = task.record.step(walker.step).before;
        --walker.done;
      }
    }
  }

  /// One step of each of the first `left` samples. λ has columns of zeros after them.
  template <class Bar>
  Index take_back(const Task& task, const Bar& bar, Index left, const View<Scalar>& lambda) {
    const Index d = lambda.rows(), columns = lambda.cols(), size = d * columns;
    Frame frame(task.workspace);
    Scalar* const h = frame.scalars(size).data();
    Scalar* const Y = frame.scalars(size).data();
    choose_columns(left, columns);
    for (Index j = 0; j < columns; ++j) {
      const Index number = walkers_[std::size_t(j < left ? j : 0)].step;
      std::fill_n(h + j * d, d, Scalar(task.record.step(number).h));
      std::copy_n(task.record.state(number), d, Y + j * d);
    }
    const auto batch = [&](Scalar* data) { return View<Scalar>(data, d, columns); };

    std::array<Scalar*, s> K{}, argument{};
    std::array<std::span<Scalar>, s> tape{};
    for_each_stage([&](auto stage) {
      constexpr std::size_t i = stage;
      if constexpr (counts[i]) {
        K[i] = frame.scalars(size).data();
        tape[i] = frame.scalars(task.field.tape_size(columns));
        argument[i] = Y;
        if constexpr (i > 0) {
          argument[i] = frame.scalars(size).data();
          write_terms_of<StageWeights<Method, int(i)>>(size, K, argument[i]);
          update<Scalar>(
              batch(argument[i]), [](auto sum, auto length, auto y) { return y + length * sum; }, batch(h), batch(Y));
        }
        choose_times(task, left, Method::tableau.c[i]);
        task.field.evaluate(times_, ids_, batch(argument[i]), batch(K[i]), tape[i], task.workspace);
      }
    });

    const std::array<Scalar*, s> extra = add_inside(task, bar, left, lambda, frame);
    std::array<Scalar*, s + 1> terms{lambda.data()};  // λ, then all μ
    Index pullbacks = 0;
    for_each_stage([&](auto stage) {
      constexpr std::size_t i = s - 1 - stage;
      if constexpr (counts[i]) {
        const View<Scalar> stage_bar = batch(K[i]);  // whose value is no longer needed
        if constexpr (all_zero<StageBarWeights<Method, i>>)
          fill<Scalar>(stage_bar, 0);
        else
          write_terms_of<StageBarWeights<Method, i>>(size, terms, stage_bar.data());
        update<Scalar>(
            stage_bar, [](auto sum, auto length) { return length * sum; }, batch(h));
        if (extra[i] != nullptr) add<Scalar>(batch(extra[i]), stage_bar);
        terms[1 + i] = frame.scalars(size).data();
        choose_times(task, left, Method::tableau.c[i]);
        task.field.pullback(times_, ids_, batch(argument[i]), tape[i], stage_bar, batch(terms[1 + i]), task.theta_bar,
                            task.context_bar, task.workspace);
        ++pullbacks;
      }
    });
    write_terms_of<StartBarWeights<Method>>(size, terms, lambda.data());
    add_to_starts(task, bar, left, lambda);
    return pullbacks;
  }

  /// Calls visit(i) for i = 0 … s - 1 known at compile time.
  template <class Visit>
  static void for_each_stage(const Visit& visit) {
    [&]<std::size_t... I>(std::index_sequence<I...>) { (visit(std::integral_constant<std::size_t, I>{}), ...); }
    (std::make_index_sequence<s>{});
  }

  /// Which samples the columns of a call are: the first `left`, and copies of the very first.
  void choose_columns(Index left, Index columns) {
    ids_.resize(std::size_t(columns));
    times_.resize(std::size_t(columns));
    for (Index j = 0; j < columns; ++j) ids_[std::size_t(j)] = walkers_[std::size_t(j < left ? j : 0)].sample;
  }
  void choose_times(const Task& task, Index left, double c) {
    for (std::size_t j = 0; j < times_.size(); ++j)
      times_[j] = task.record.step(walkers_[Index(j) < left ? j : 0].step).time(c);
  }

  static void add_scaled_column(Scalar factor, const Scalar* x, const View<Scalar>& column) {
    for (Index i = 0; i < column.rows(); ++i) column(i) += factor * x[i];
  }
  [[nodiscard]] static bool is_at(const Output& output, Index done) {
    return output.after == done && output.theta == 0;
  }
  [[nodiscard]] static bool is_inside(const Output& output, Index before) {
    return output.after == before && output.theta > 0;
  }

  // --- outputs inside of steps: (6.2) ----------------------------------------------------------------------------

  /// Their parts at the ends of the steps to be taken back, which go to λ, and in their stages; null where a stage has
  /// none. The slope at the end of a step is the first stage of the next one.
  template <class Bar>
  std::array<Scalar*, s> add_inside([[maybe_unused]] const Task& task, [[maybe_unused]] const Bar& bar,
                                    [[maybe_unused]] Index left, [[maybe_unused]] const View<Scalar>& lambda,
                                    [[maybe_unused]] Frame& frame) {
    std::array<Scalar*, s> extra{};
    if constexpr (interpolates<Method>) {
      const auto add_to_stage = [&](std::size_t i, Index j, double weight, const Scalar* x) {
        if (weight == 0) return;
        if (extra[i] == nullptr) {
          extra[i] = frame.scalars(lambda.size()).data();
          std::fill_n(extra[i], lambda.size(), Scalar(0));
        }
        add_scaled_column(Scalar(weight), x, View<Scalar>(extra[i] + j * lambda.rows(), lambda.rows(), 1));
      };
      for (Index j = 0; j < left; ++j) {
        const Walker& walker = walkers_[std::size_t(j)];
        const Step& step = task.record.step(walker.step);
        const std::span<const Output> outputs = task.record.outputs(walker.sample);
        std::size_t k = walker.outputs;
        for (; k > 0 && is_inside(outputs[k - 1], walker.done - 1); --k) {
          const OutputWeights<Method> at(outputs[k - 1].theta);
          const Scalar* const x = bar(walker.sample, k - 1);
          add_scaled_column(Scalar(at.rise), x, lambda.col(j));
          for (std::size_t i = 0; i + 1 < s; ++i) add_to_stage(i, j, step.h * at.stages[i], x);
        }
        while (k > 0 && is_at(outputs[k - 1], walker.done - 1)) --k;
        for (; k > 0 && is_inside(outputs[k - 1], walker.done - 2); --k)
          add_to_stage(0, j,
                       task.record.step(step.before).h * OutputWeights<Method>(outputs[k - 1].theta).stages[s - 1],
                       bar(walker.sample, k - 1));
      }
    }
    return extra;
  }

  /// Their parts at the starts, after which they have been seen to.
  template <class Bar>
  void add_to_starts([[maybe_unused]] const Task& task, [[maybe_unused]] const Bar& bar, [[maybe_unused]] Index left,
                     [[maybe_unused]] const View<Scalar>& lambda) {
    if constexpr (interpolates<Method>)
      for (Index j = 0; j < left; ++j) {
        Walker& walker = walkers_[std::size_t(j)];
        const std::span<const Output> outputs = task.record.outputs(walker.sample);
        for (; walker.outputs > 0 && is_inside(outputs[walker.outputs - 1], walker.done - 1); --walker.outputs)
          add_scaled_column(Scalar(1 - OutputWeights<Method>(outputs[walker.outputs - 1].theta).rise),
                            bar(walker.sample, walker.outputs - 1), lambda.col(j));
      }
  }

  /// The slopes at the very ends, which are the first stages of no step, for outputs inside of the last steps.
  template <class Bar, class Padded>
  void add_end_slopes([[maybe_unused]] const Task& task, [[maybe_unused]] const Bar& bar,
                      [[maybe_unused]] const Padded& padded, [[maybe_unused]] const View<Scalar>& lambda,
                      [[maybe_unused]] Statistics& statistics) {
    if constexpr (interpolates<Method>) {
      if (walkers_[0].done == 0) return;
      auto all = Index(walkers_.size());
      while (walkers_[std::size_t(all) - 1].done == 0) --all;  // at its only time the slope of a sample is not read
      const Index d = lambda.rows(), columns = padded(all);
      Frame frame(task.workspace);
      const View<Scalar> Y = frame.batch(d, columns), slope_bar = frame.batch(d, columns), mu = frame.batch(d, columns);
      fill<Scalar>(slope_bar, 0);
      choose_columns(all, columns);
      bool any = false;
      for (Index j = 0; j < columns; ++j) {
        const Walker& walker = walkers_[std::size_t(j < all ? j : 0)];
        const std::span<const Output> outputs = task.record.outputs(walker.sample);
        times_[std::size_t(j)] = task.record.step(walker.step).t_next;
        std::copy_n(task.record.end(walker.sample), d, Y.col(j).data());
        if (j >= all) continue;
        std::size_t k = outputs.size();
        while (k > 0 && is_at(outputs[k - 1], walker.done)) --k;
        for (; k > 0 && is_inside(outputs[k - 1], walker.done - 1); --k, any = true)
          add_scaled_column(
              Scalar(task.record.step(walker.step).h * OutputWeights<Method>(outputs[k - 1].theta).stages[s - 1]),
              bar(walker.sample, k - 1), slope_bar.col(j));
      }
      if (!any) return;
      const std::span<Scalar> tape = frame.scalars(task.field.tape_size(columns));
      task.field.evaluate(times_, ids_, Y, mu, tape, task.workspace);
      task.field.pullback(times_, ids_, Y, tape, slope_bar, mu, task.theta_bar, task.context_bar, task.workspace);
      add<Scalar>(mu, lambda.leftCols(columns));
      ++statistics.evaluations;
    }
  }

  /// Says of which samples λ is not finite, and where that was; whether all of them are known already.
  bool blame(const Task& task, const View<Scalar>& lambda, std::span<SolveStatus> ended) {
    bool known = true;
    for (Index j = 0; j < lambda.cols(); ++j)
      for (Index i = 0; i < lambda.rows(); ++i) {
        const Walker& walker = walkers_[std::size_t(j)];
        SolveStatus& status = ended[std::size_t(walker.sample)];
        if (std::isfinite(lambda(i, j)) || !status.ok()) continue;
        known = false;
        status.solve = "the way back";
        status.outcome = SolveOutcome::not_finite;
        status.subject = "the cotangent";
        status.error_norm = std::numeric_limits<double>::quiet_NaN();
        status.sample = walker.sample;
        status.component = i;
        // Where the step starts that has been taken back last; where the solve ends if none has.
        Index number = task.record.last(walker.sample);
        for (Index k = task.record.steps(walker.sample); k > walker.done + 1; --k)
          number = task.record.step(number).before;
        const bool none = walker.done == task.record.steps(walker.sample);
        if (number >= 0) {
          status.t = none ? task.record.step(number).t_next : task.record.step(number).t;
          status.step = none ? 0 : -task.record.step(number).h;
        }
      }
    return known;
  }

  std::vector<Walker> walkers_;
  std::vector<Index> ids_;
  std::vector<double> times_;
};

}  // namespace pathline::detail
