/// \file
/// Maximum likelihood training of a flow by mini-batches: shuffled, clipped, watched on held-out data.
#pragma once

#include <pathline/core/data_ref.hpp>
#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/ode/errors.hpp>
#include <pathline/train/adam.hpp>
#include <pathline/train/fit_options.hpp>
#include <pathline/train/fit_report.hpp>
#include <pathline/train/rows_at_fault.hpp>
#include <pathline/train/split.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace pathline {

namespace detail {

/// The scalar of the data that a flow takes: `DataScalar` where it has one, else `Scalar`.
template <class F, class Scalar = typename F::Scalar>
struct DataScalarOfFlow {
  using type = Scalar;
};
template <class F, class Scalar>
requires requires { typename F::DataScalar; }
struct DataScalarOfFlow<F, Scalar> {
  using type = typename F::DataScalar;
};
template <class F>
using DataScalarOf = typename DataScalarOfFlow<F>::type;

}  // namespace detail

/// Anything with parameters, a training loss with its gradient, and a likelihood. `Cnf` is one.
///
/// One that also has `after_step(memory)` is told after each step of the optimizer, with the memory of the
/// value_and_gradient before it: for running statistics, as batch normalisation has them. They belong among the
/// parameters, with a gradient of exactly 0: Adam leaves those alone, and the best parameters carry theirs along.
template <class F>
concept Trainable = requires(F& flow, const F& fixed, const Batch<detail::DataScalarOf<F>>& X,
                             std::span<const Index> samples, const Draw& draw, typename F::Memory& memory,
                             decltype(std::declval<const F&>().make_training_loss())& loss) {
  { flow.parameters() } -> std::convertible_to<Vector<typename F::Scalar>&>;
  fixed.value_and_gradient(X, samples, draw, memory, loss);
  fixed.log_prob(X);
  { fixed.data_rows() } -> std::convertible_to<Index>;
};

namespace detail {

/// What was found about the rows before training, and their numbers in the caller's data; none: 0, 1, …
struct RowsAtTheDoor {
  std::vector<std::string> warnings;
  std::vector<Index> train, validation;
};

/// A training run on its way. The flow holds the current parameters; `best_` those to end with.
template <Trainable Flow>
class Training {
  using Scalar = typename Flow::Scalar;
  using DataScalar = DataScalarOf<Flow>;

 public:
  Training(Flow& flow, const Batch<DataScalar>& train, const Batch<DataScalar>& validation, const FitOptions& options,
           Rng& rng, const RowsAtTheDoor& rows)
      : flow_(flow),
        train_(train),
        validation_(validation),
        rows_(rows),
        options_(options),
        rng_(rng),
        optimizer_(flow.parameters().size()),
        best_(flow.parameters()),
        batch_(train.rows(), std::min(options.batch, train.cols())),
        loss_(flow.make_training_loss()) {}

  template <class Callback>
  FitReport run(Callback&& callback) {
    Index since_best = 0;
    if constexpr (requires { flow_.context_warnings(train_); }) report_.warnings = flow_.context_warnings(train_);
    report_.warnings.insert(report_.warnings.end(), rows_.warnings.begin(), rows_.warnings.end());
    try {
      for (Index epoch = 1; epoch <= options_.epochs; ++epoch) {
        EpochReport report = train_epoch(epoch);
        const bool judged = epoch % options_.validate_every == 0 || epoch == options_.epochs;
        if (judged) judge(report);
        since_best = report.best ? 0 : since_best + Index(judged);
        report_.epochs.push_back(report);
        if (!callback(std::as_const(report_.epochs.back()))) {
          report_.stop = StopReason::callback;
          if (!judged) judge(report_.epochs.back());  // else what was learned since the last time would be lost
          break;
        }
        if (options_.patience > 0 && since_best >= options_.patience) {
          report_.stop = StopReason::patience;
          break;
        }
      }
    } catch (const SolveError& error) {
      flow_.parameters() = best_;
      throw TrainingError(error.what(), report_);
    } catch (...) {
      flow_.parameters() = best_;
      throw;
    }
    flow_.parameters() = best_;
    check_solver();
    return report_;
  }

 private:
  EpochReport train_epoch(Index epoch) {
    const auto start = std::chrono::steady_clock::now();
    EpochReport report;
    report.epoch = epoch;
    report.epochs = options_.epochs;
    report.learning_rate = learning_rate_at(options_, epoch);
    const Adam adam{.learning_rate = report.learning_rate};
    const std::vector<Index> order = permutation(rng_.draw(), train_.cols());
    Index batches = 0, solves = 0;
    for (Index first = 0; first < train_.cols(); first += options_.batch, ++batches) {
      const auto samples = std::span<const Index>(order).subspan(
          std::size_t(first), std::size_t(std::min(options_.batch, train_.cols() - first)));
      for (std::size_t j = 0; j < samples.size(); ++j) batch_.col(Index(j)) = train_.col(samples[j]);
      flow_.value_and_gradient(batch_.leftCols(Index(samples.size())), samples, rng_.draw(), memory_, loss_);
      if (!std::isfinite(loss_.loss) || !loss_.gradient.allFinite())
        throw TrainingError("the loss or its gradient is not finite in epoch " + std::to_string(epoch), report_,
                            row_without_likelihood(flow_, batch_.leftCols(Index(samples.size())), "training",
                                                   numbers_in(rows_.train, samples)));
      report.gradient_norm += clip(loss_.gradient);
      optimizer_.step(adam, loss_.gradient, flow_.parameters());
      if constexpr (requires { flow_.after_step(memory_); }) flow_.after_step(memory_);
      const double share = double(samples.size()) / double(train_.cols());
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

  double clip(Vector<Scalar>& gradient) const {
    return clip_by_norm(gradient, options_.max_gradient_norm > 0 ? options_.max_gradient_norm
                                                                 : std::numeric_limits<double>::infinity());
  }

  // Not by the training loss: that was of the parameters before the last update, which may be the one that diverged.
  void judge(EpochReport& report) {
    const bool held_out = validation_.cols() > 0;
    const Batch<DataScalar>& judged = held_out ? validation_ : train_;
    const char* const which = held_out ? "validation" : "training";
    const double criterion = -flow_.log_prob(judged).template cast<double>().mean();
    if (!std::isfinite(criterion))
      throw TrainingError("the likelihood of the " + std::string(which) + " rows is not finite after epoch " +
                              std::to_string(report.epoch),
                          report_,
                          row_without_likelihood(flow_, judged, which, held_out ? rows_.validation : rows_.train));
    if (held_out) report.validation_nll = criterion;
    report.best = criterion < report_.best_criterion;
    if (!report.best) return;
    report_.best_criterion = criterion;
    report_.best_epoch = report.epoch;
    best_ = flow_.parameters();
  }

  // By rows that the flow is judged by. A flow of another kind, which is not solved for, has no such check.
  void check_solver() {
    if constexpr (requires { flow_.refined_log_prob(train_); }) {
      const auto refinement = flow_.refinement();
      if (options_.solver_check_rows == 0 || refinement.change.empty()) return;
      const bool held_out = validation_.cols() > 0;
      const Batch<DataScalar>& judged = held_out ? validation_ : train_;
      const Batch<DataScalar> rows = columns_of(judged, spread_columns(judged.cols(), options_.solver_check_rows));
      try {
        const Row<Scalar> own = flow_.log_prob(rows), refined = flow_.refined_log_prob(rows);
        report_.solver_check = solver_check(own, refined);
      } catch (const SolveError& error) {
        report_.warnings.push_back("the accuracy of the solver could not be checked with " + refinement.change + ": " +
                                   error.what());
        return;
      }
      if (!solver_suffices(report_.solver_check, flow_.dim()))
        report_.warnings.push_back(solver_warning(report_.solver_check, held_out ? "validation" : "training",
                                                  refinement.change, refinement.advice));
    }
  }

  Flow& flow_;
  const Batch<DataScalar>& train_;
  const Batch<DataScalar>& validation_;
  const RowsAtTheDoor& rows_;
  const FitOptions& options_;
  Rng& rng_;
  AdamState<Scalar> optimizer_;
  Vector<Scalar> best_;
  Batch<DataScalar> batch_;
  typename Flow::Memory memory_;
  decltype(std::declval<const Flow&>().make_training_loss()) loss_;
  FitReport report_;
};

}  // namespace detail

/// The callback that watches nothing.
struct KeepGoing {
  bool operator()(const EpochReport& /*report*/) const noexcept { return true; }
};

/// Trains `flow` on `train` (d × n), judging by `validation` (d × m; none: by `train`). The flow ends with
/// the best parameters that an epoch ended with, also when an error is thrown. Row ids of `train`, the draws of `rng`
/// and the flow's chunk width decide every bit of the result; threads do not.
///
/// \param callback  Sees every epoch's
/// report; returns false to stop.
///
/// \throws ShapeError, DataError, ArgumentError before anything is changed;
/// TrainingError when training diverges.
template <class Flow, class Train, class Validation, class Callback = KeepGoing>
FitReport fit(Flow& flow, const Eigen::MatrixBase<Train>& train, const Eigen::MatrixBase<Validation>& validation,
              const FitOptions& options, Rng& rng, Callback&& callback = {}) {
  constexpr bool trainable = Trainable<Flow>;
  static_assert(trainable, "fit: the first argument must be Trainable, as Cnf is");
  if constexpr (trainable) {
    using DataScalar = detail::DataScalarOf<Flow>;
    const Batch<DataScalar> rows = detail::in_scalar<DataScalar>(train),
                            held_out = detail::in_scalar<DataScalar>(validation);
    detail::require_valid(options);
    require_batch_rows("fit: training data", rows.rows(), rows.cols(), flow.data_rows());
    require_finite("fit: training data", rows);
    detail::require_mapped("fit: training data", flow, rows);
    if (held_out.cols() > 0) {
      require_batch_rows("fit: validation data", held_out.rows(), held_out.cols(), flow.data_rows());
      require_finite("fit: validation data", held_out);
      detail::require_mapped("fit: validation data", flow, held_out);
    }
    detail::RowsAtTheDoor at_the_door;
    if constexpr (requires { flow.data_warnings(rows); }) at_the_door.warnings = flow.data_warnings(rows);
    detail::warn_of_far_rows(flow, rows, held_out, at_the_door.warnings);
    return detail::Training<Flow>(flow, rows, held_out, options, rng, at_the_door).run(callback);
  } else {
    return {};
  }
}

/// The same, with `options.validation_fraction` of `data` (d × n) held out for validation.
template <class Flow, class Data, class Callback = KeepGoing>
FitReport fit(Flow& flow, const Eigen::MatrixBase<Data>& data, const FitOptions& options, Rng& rng,
              Callback&& callback = {}) {
  constexpr bool trainable = Trainable<Flow>;
  static_assert(trainable, "fit: the first argument must be Trainable, as Cnf is");
  if constexpr (trainable) {
    using DataScalar = detail::DataScalarOf<Flow>;
    const Batch<DataScalar> rows = detail::in_scalar<DataScalar>(data);
    detail::require_valid(options);
    require_batch_rows("fit: data", rows.rows(), rows.cols(), flow.data_rows());
    require_finite("fit: data", rows);
    detail::require_mapped("fit: data", flow, rows);  // before the split, which renumbers them
    detail::RowsAtTheDoor at_the_door;
    if constexpr (requires { flow.data_warnings(rows); }) at_the_door.warnings = flow.data_warnings(rows);
    SplitColumns parts = split_columns(rows.cols(), options.validation_fraction, rng);
    const Batch<DataScalar> rest = columns_of(rows, parts.rest), held_out = columns_of(rows, parts.held_out);
    at_the_door.train = std::move(parts.rest);
    at_the_door.validation = std::move(parts.held_out);
    return detail::Training<Flow>(flow, rest, held_out, options, rng, at_the_door).run(callback);
  } else {
    return {};
  }
}

}  // namespace pathline
