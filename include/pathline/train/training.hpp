/// \file
/// The training loop of `fit`: epochs of shuffled mini-batches, the choice of the best parameters, and what is to be
/// said of the data when a likelihood is not finite.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/ode/errors.hpp>
#include <pathline/train/adam.hpp>
#include <pathline/train/fit_options.hpp>
#include <pathline/train/fit_report.hpp>
#include <pathline/train/rows_at_fault.hpp>
#include <pathline/train/solver_check.hpp>
#include <pathline/train/split.hpp>
#include <pathline/train/trainable.hpp>
#include <pathline/train/training_state.hpp>
#include <pathline/train/weighted_data.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace pathline::detail {

/// A training run on its way. The flow holds the current parameters, the state all that the next call needs.
template <Trainable Flow>
class Training {
  using Scalar = typename Flow::Scalar;
  using DataScalar = DataScalarOf<Flow>;
  using Rows = FitRows<DataScalar>;

 public:
  Training(Flow& flow, const Rows& train, const Rows& validation, const FitOptions& options, Rng& rng,
           TrainingState<Scalar>& state, std::vector<std::string> warnings)
      : flow_(flow),
        train_(train),
        judged_(validation.X.cols() > 0 ? validation : train),
        options_(options),
        rng_(rng),
        state_(state),
        total_(require_total(options, state.epochs)),
        held_out_(validation.X.cols() > 0),
        used_(counted(train)),
        batch_(train.X.rows(), std::min(options.batch, Index(used_.size()))),
        loss_(flow.make_training_loss()) {
    report_.warnings = std::move(warnings);
    if (judged_.weights.size() > 0) judged_shares_ = shares_of(judged_.weights);
    set_factors();
    begin();
  }

  template <class Callback>
  FitReport run(Callback&& callback) {
    try {
      for (Index i = 0; i < options_.epochs && !patience_is_over(); ++i) {
        const Index epoch = state_.epochs + 1;
        EpochReport report = train_epoch(epoch);
        const bool judged = epoch % options_.validate_every == 0 || epoch == total_;
        if (judged) judge(report);
        state_.epochs = epoch;
        report_.epochs.push_back(report);
        if (!callback(std::as_const(report_.epochs.back()))) {
          report_.stop = StopReason::callback;
          if (!judged) judge(report_.epochs.back());  // else what was learned since the last time would be lost
          break;
        }
      }
    } catch (const SolveError& error) {
      const bool first = state_.optimizer.steps() == 0;
      give_up();
      throw TrainingError(error.what(), report_,
                          first ? "No step of training had been taken" : TrainingError::lower_the_rate);
    } catch (...) {
      give_up();
      throw;
    }
    if (report_.stop != StopReason::callback && patience_is_over()) report_.stop = StopReason::patience;
    state_.parameters = flow_.parameters();
    flow_.parameters() = state_.best_parameters;
    check_solver();
    find_dominant_sample();
    return report_;
  }

 private:
  // Factors of the rows: weights over their mean, so that mini-batches have the weighted mean without bias.
  void set_factors() {
    if (train_.weights.size() == 0) return;
    factors_ = (shares_of(train_.weights) * double(used_.size())).template cast<Scalar>();
    batch_factors_.resize(batch_.cols());
  }

  void begin() {
    const Vector<Scalar>& parameters = flow_.parameters();
    const auto bytes = [](const auto& matrix) { return std::size_t(matrix.size()) * sizeof(*matrix.data()); };
    const std::uint64_t judged_by =
        fingerprint(judged_.weights.data(), bytes(judged_.weights), fingerprint(judged_.X.data(), bytes(judged_.X)));
    if (state_.parameters.size() == 0) {
      state_.parameters = state_.best_parameters = parameters;
      state_.optimizer = AdamState<Scalar>(parameters.size());
    } else if (state_.judged_by != judged_by) {
      state_.best_criterion = std::numeric_limits<double>::infinity();
      state_.best_epoch = state_.since_best = 0;
    }
    state_.judged_by = judged_by;
    report_.best_criterion = state_.best_criterion;
    report_.best_epoch = state_.best_epoch;
    flow_.parameters() = state_.parameters;
  }

  // After an error: moments may not be finite.
  void give_up() {
    flow_.parameters() = state_.best_parameters;
    state_.parameters = state_.best_parameters;
    state_.optimizer = AdamState<Scalar>(state_.parameters.size());
  }

  [[nodiscard]] bool patience_is_over() const {
    return options_.patience > 0 && state_.since_best >= options_.patience;
  }

  EpochReport train_epoch(Index epoch) {
    const auto start = std::chrono::steady_clock::now();
    EpochReport report;
    report.epoch = epoch;
    report.epochs = total_;
    report.learning_rate = learning_rate_at(options_, epoch, total_);
    const Adam adam{.learning_rate = report.learning_rate};
    const auto n = Index(used_.size());
    std::vector<Index> order = permutation(rng_.draw(), n);
    for (Index& sample : order) sample = used_[std::size_t(sample)];
    Index batches = 0, solves = 0;
    for (Index first = 0; first < n; first += options_.batch, ++batches) {
      const auto samples =
          std::span<const Index>(order).subspan(std::size_t(first), std::size_t(std::min(options_.batch, n - first)));
      set_loss(samples);
      if (!std::isfinite(loss_.loss) || !loss_.gradient.allFinite())
        refuse("the loss or its gradient is not finite in epoch " + std::to_string(epoch), train_, samples);
      report.gradient_norm += clip(loss_.gradient);
      state_.optimizer.step(adam, loss_.gradient, flow_.parameters());
      if constexpr (requires { flow_.after_step(memory_); }) flow_.after_step(memory_);
      const double share = double(samples.size()) / double(n);
      report.train_loss += share * loss_.loss;
      report.train_nll += share * loss_.negative_log_likelihood;
      report.train_costs.resize(loss_.costs.size());
      for (std::size_t i = 0; i < loss_.costs.size(); ++i) report.train_costs[i] += share * loss_.costs[i];
      report.forward += loss_.forward;
      report.backward += loss_.backward;
      solves += loss_.solves;
    }
    report.gradient_norm /= double(batches);
    report.evaluations = solves > 0 ? (report.forward.evaluations + solves / 2) / solves : 0;
    report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return report;
  }

  // Of the mini-batch of these samples.
  void set_loss(std::span<const Index> samples) {
    const auto n = Index(samples.size());
    for (Index j = 0; j < n; ++j) batch_.col(j) = train_.X.col(samples[std::size_t(j)]);
    relabel_failures(
        [&] {
          if constexpr (WeightedTrainable<Flow>)
            if (factors_.size() > 0) {
              for (Index j = 0; j < n; ++j) batch_factors_(j) = factors_(samples[std::size_t(j)]);
              flow_.value_and_gradient(batch_.leftCols(n), samples, batch_factors_.head(n), rng_.draw(), memory_,
                                       loss_);
              return;
            }
          flow_.value_and_gradient(batch_.leftCols(n), samples, rng_.draw(), memory_, loss_);
        },
        [&](SolveFailure& at) {
          if (at.sample >= 0 && at.sample < n) at.sample = train_.number_of(samples[std::size_t(at.sample)]);
        });
  }

  double clip(Vector<Scalar>& gradient) const {
    return clip_by_norm(gradient, options_.max_gradient_norm > 0 ? options_.max_gradient_norm
                                                                 : std::numeric_limits<double>::infinity());
  }

  // Not by the training loss: that was of the parameters before the last update, which may be the one that diverged.
  void judge(EpochReport& report) {
    const Vector<Scalar>& parameters = flow_.parameters();
    if (!parameters.allFinite())
      throw TrainingError("the parameters are not finite after epoch " + std::to_string(report.epoch), report_);
    const Row<double> log_prob =
        relabel_failures([&] { return Row<double>(flow_.log_prob(judged_.X).template cast<double>()); },
                         [&](SolveFailure& at) {
                           if (at.sample >= 0) at.sample = judged_.number_of(at.sample);
                         });
    const double criterion = -mean(log_prob);
    if (!std::isfinite(criterion)) {
      const std::vector<Index> all = counted(judged_);
      refuse("the likelihood of the " + std::string(held_out_ ? "validation" : "training") +
                 " rows is not finite after epoch " + std::to_string(report.epoch),
             judged_, all);
    }
    if (held_out_) report.validation_nll = criterion;
    report.best = criterion < state_.best_criterion;
    if (!report.best) {
      ++state_.since_best;
      return;
    }
    state_.since_best = 0;
    report_.best_criterion = state_.best_criterion = criterion;
    report_.best_epoch = state_.best_epoch = report.epoch;
    state_.best_parameters = parameters;
    best_nll_ = -log_prob;
  }

  // Over the rows to judge by, weighted as they are.
  [[nodiscard]] double mean(const Row<double>& log_prob) const {
    if (judged_shares_.size() == 0) return log_prob.mean();
    double sum = 0;
    for (Index j = 0; j < log_prob.size(); ++j)
      if (judged_shares_(j) > 0) sum += judged_shares_(j) * log_prob(j);  // else what is no number would count
    return sum;
  }

  // Of these samples one may have no finite likelihood with the best parameters so far, at first those that training
  // began with: then a smaller learning rate would not help.
  [[noreturn]] void refuse(const std::string& what, const Rows& rows, std::span<const Index> samples) {
    const Batch<DataScalar> X = columns_of(rows.X, samples);
    std::vector<Index> numbers;
    for (const Index sample : samples) numbers.push_back(rows.number_of(sample));
    const char* const which = held_out_ && &rows == &judged_ ? "validation" : "training";
    const Vector<Scalar> failing = flow_.parameters();
    flow_.parameters() = state_.best_parameters;
    std::string row = row_without_likelihood(flow_, X, which, numbers, Blame::any);
    if (row.empty() && failing.allFinite()) {
      flow_.parameters() = failing;
      row = row_without_likelihood(flow_, X, which, numbers, Blame::outside_of_support);
    }
    if (row.empty() && state_.optimizer.steps() == 0)
      throw TrainingError(what + " before the first step", report_,
                          "Look at the data's scale (Standardize), the field's first parameters and the weights of "
                          "costs");
    throw TrainingError(what, report_, row.empty() ? TrainingError::lower_the_rate : row);
  }

  // By rows that the flow is judged by. A flow of another kind, which is not solved for, has no such check.
  void check_solver() {
    if constexpr (requires { flow_.refined_log_prob(train_.X); }) {
      if (options_.solver_check_rows == 0) return;
      std::vector<Index> samples = counted(judged_);
      const std::vector<Index> some = spread_columns(Index(samples.size()), options_.solver_check_rows);
      for (std::size_t i = 0; i < some.size(); ++i) samples[i] = samples[std::size_t(some[i])];
      const Batch<DataScalar> rows = columns_of(judged_.X, std::span<const Index>(samples).first(some.size()));
      const char* const which = held_out_ ? "validation" : "training";
      if (const auto refinement = flow_.refinement(); !refinement.change.empty())
        report_.solver_check = compare_solvers(
            refinement.change, [&] { return solver_check<Scalar>(flow_.log_prob(rows), flow_.refined_log_prob(rows)); },
            [&](const SolverCheck& check) {
              return solver_warning(check, which, refinement.change, refinement.advice);
            });
      if constexpr (requires { flow_.log_prob_by_training_solver(rows); })
        report_.training_solver_check = compare_solvers(
            "the solver of training",
            [&] { return solver_check<Scalar>(flow_.log_prob_by_training_solver(rows), flow_.log_prob(rows)); },
            [&](const SolverCheck& check) { return training_solver_warning(check, which); });
    }
  }

  // Warns where two solvers differ, or where one of them fails.
  template <class Compare, class Warning>
  SolverCheck compare_solvers(const std::string& with, const Compare& compare, const Warning& warning) {
    SolverCheck check;
    try {
      check = compare();
      if (!solver_suffices(check, flow_.dim())) report_.warnings.push_back(warning(check));
    } catch (const Error& error) {
      report_.warnings.push_back("the accuracy of the solver could not be checked with " + with + ": " + error.what());
    }
    return check;
  }

  void find_dominant_sample() {
    if (best_nll_.size() == 0) return;  // no better parameters in this call
    const Index n = best_nll_.size();
    const Dominant dominant = dominant_sample(
        best_nll_, judged_shares_.size() > 0 ? judged_shares_ : Vector<double>::Constant(n, 1 / double(n)));
    if (dominant.sample < 0) return;
    const std::string name = std::string(held_out_ ? "validation" : "training") + " sample " +
                             std::to_string(judged_.number_of(dominant.sample));
    for (const std::string& warning : report_.warnings)
      if (warning.starts_with(name + " ")) return;  // found at the door
    report_.warnings.push_back(name + ", " + numbers_of(judged_.X.col(dominant.sample)) + ", alone adds " +
                               number(dominant.share) +
                               " nats to the mean that chose the best parameters. Check it, or leave it out");
  }

  Flow& flow_;
  const Rows& train_;
  const Rows& judged_;
  const FitOptions& options_;
  Rng& rng_;
  TrainingState<Scalar>& state_;
  Index total_;
  bool held_out_;
  std::vector<Index> used_;  // samples of positive weight
  Vector<Scalar> factors_, batch_factors_;
  Vector<double> judged_shares_;  // add up to 1; empty: all are equal
  Vector<double> best_nll_;
  Batch<DataScalar> batch_;
  typename Flow::Memory memory_;
  decltype(std::declval<const Flow&>().make_training_loss()) loss_;
  FitReport report_;
};

}  // namespace pathline::detail
