/// \file
/// A run of `fit` between two epochs, as it is kept and read back. What is kept decides every bit of the rest.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/message.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/train/checkpoint/run_keeper.hpp>
#include <pathline/train/checkpoint/state_and_settings.hpp>
#include <pathline/train/fit_report.hpp>
#include <pathline/train/training_state.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace pathline::detail {

/// Where no keeper is named.
struct KeepsNoRun {};

/// What changes from epoch to epoch, beside what callbacks and the batch source remember.
template <Real Scalar>
struct RunState {
  TrainingState<Scalar> training{};
  Rng rng{0};
  FitReport report{};                 ///< Without warnings and checks, which are made anew.
  Vector<double> best_losses{};       ///< Of the rows to judge by, with the best parameters.
  std::vector<double> first_batch{};  ///< Its loss and gradient norm, and loss_of_first the rows to judge by.
  Index over = 0;                     ///< 1: training has ended, and report.stop says why.
};

template <class = void>
[[noreturn]] inline void refuse_kept(const std::string& keeper, const std::string& reason) {
  throw FileError({"fit: ", keeper, " does not hold a whole run: ", reason, "; delete it to begin anew"});
}
template <class = void>
inline void require_kept(bool holds, const std::string& keeper, const char* reason) {
  if (!holds) refuse_kept(keeper, reason);
}

// Structures are taken apart as a whole, so that a new member does not compile until it is kept too.

/// Calls see(number) for each of them, in the order in which they are kept.
template <class Epoch, class See>
void for_each_number(Epoch& report, const See& see) {
  auto& [epoch, epochs, steps, loss, nll, costs, validation_loss, norm, rate, evaluations, solves, forward, backward,
         seconds, best, roll_backs] = report;
  see(epoch), see(epochs), see(steps), see(loss), see(nll), see(validation_loss), see(norm), see(rate);
  see(evaluations), see(solves), see(seconds), see(best), see(roll_backs);
  for (auto* const counts : {&forward, &backward}) {
    auto& [accepted, rejected, of_both, newton_iterations] = *counts;
    see(accepted), see(rejected), see(of_both), see(newton_iterations);
  }
  for (auto& cost : costs) see(cost);
}
inline constexpr Index numbers_of_an_epoch = 21;  // and one for each cost

/// A row for each epoch. Counts are exact in double up to 2⁵³.
template <class = void>
[[nodiscard]] inline Batch<double> table_of(const std::vector<EpochReport>& epochs) {
  const Index costs = epochs.empty() ? 0 : Index(epochs.front().train_costs.size());
  Batch<double> table(Index(epochs.size()), numbers_of_an_epoch + costs);
  for (Index i = 0; i < table.rows(); ++i) {
    Index j = 0;
    for_each_number(epochs[std::size_t(i)], [&](const auto& number) { table(i, j++) = double(number); });
  }
  return table;
}
template <class = void>
[[nodiscard]] inline std::vector<EpochReport> epochs_of(const Batch<double>& table, const std::string& keeper) {
  require_kept(table.cols() >= numbers_of_an_epoch, keeper, "the reports of the epochs are too short");
  std::vector<EpochReport> epochs(std::size_t(table.rows()));
  for (Index i = 0; i < table.rows(); ++i) {
    EpochReport& epoch = epochs[std::size_t(i)];
    epoch.train_costs.resize(std::size_t(table.cols() - numbers_of_an_epoch));
    Index j = 0;
    for_each_number(epoch, [&]<class T>(T& number) {
      const double kept = table(i, j++);
      if constexpr (std::is_integral_v<T>)
        require_kept(std::abs(kept) < 0x1p53, keeper, "a count in the reports of the epochs is no whole number");
      number = T(kept);
    });
  }
  return epochs;
}

/// Hands visit(name, value) all of it; where `visit` sets the values, what was read lies in `run` afterwards.
template <Real Scalar, class Visit>
void visit_run(RunState<Scalar>& run, const std::string& keeper, const Visit& visit) {
  auto& [epochs, optimizer, parameters, best_parameters, best_criterion, best_epoch, since_best, criteria, split,
         judged_by, rate_factor, roll_backs] = run.training;
  visit("epochs", epochs);
  visit("parameters", parameters);
  visit("best_parameters", best_parameters);
  visit("best_criterion", best_criterion);
  visit("best_epoch", best_epoch);
  visit("since_best", since_best);
  visit("criteria", criteria);
  visit("judged_by", judged_by);
  visit("rate_factor", rate_factor);
  visit("roll_backs", roll_backs);
  std::vector<std::uint64_t> parted_by, rng{run.rng.seed(), run.rng.next()};
  if (split) parted_by = {split->seed, split->number};
  visit("split", parted_by);
  require_kept(parted_by.empty() || parted_by.size() == 2, keeper, "the draw of the split is none");
  if (!parted_by.empty()) split = Draw{parted_by[0], parted_by[1]};
  visit("rng", rng);
  require_kept(rng.size() == 2, keeper, "the generator is none");
  run.rng = Rng(rng[0], rng[1]);

  auto& [steps, moments] = optimizer;
  visit("optimizer.steps", steps);
  Batch<Scalar> rows(Index(moments.size()), parameters.size());
  for (Index i = 0; i < rows.rows(); ++i) rows.row(i) = moments[std::size_t(i)].transpose();
  visit("optimizer.moments", rows);
  require_kept(rows.size() > 0 || rows.rows() == 0, keeper, "a moment of the optimizer is empty");
  moments.resize(std::size_t(rows.rows()));
  for (Index i = 0; i < rows.rows(); ++i) moments[std::size_t(i)] = rows.row(i).transpose();

  Batch<double> table = table_of(run.report.epochs);
  auto stop = Index(run.report.stop);
  visit("report.epochs", table);
  visit("report.stop", stop);
  run.report.epochs = epochs_of(table, keeper);
  require_kept(stop >= 0 && stop <= Index(StopReason::callback), keeper, "report.stop is no reason");
  run.report.stop = StopReason(int(stop));
  run.report.best_criterion = best_criterion;
  run.report.best_epoch = best_epoch;
  visit("best_losses", run.best_losses);
  visit("first_batch", run.first_batch);
  visit("over", run.over);
}

/// What a run that is read back must agree with.
struct RunSizes {
  Index last_epoch = 0, batches = 0;  ///< Of this call, and in an epoch.
  Index moments = 0, judged = 0;      ///< Of the optimizer, and rows to judge by.
};

/// \param before      What this call begins with.
/// \param parameters  How many.
/// \throws FileError unless it is a run of these sizes, with numbers that training goes on with.
template <Real Scalar>
void require_run(const RunState<Scalar>& run, const TrainingState<Scalar>& before, Index parameters,
                 const RunSizes& sizes, const std::string& keeper) {
  const TrainingState<Scalar>& state = run.training;
  const Index epochs = state.epochs - before.epochs;
  const auto require = [&](bool holds, const char* reason) { require_kept(holds, keeper, reason); };
  const auto is_whole = [&](const Vector<Scalar>& theta) {
    return theta.size() == parameters && all_finite<Scalar>(theta);
  };
  require(state.epochs > before.epochs && state.epochs <= sizes.last_epoch, "epochs is none of this run's");
  require(Index(run.report.epochs.size()) == epochs, "there is not one report for each epoch");
  require(is_whole(state.parameters) && is_whole(state.best_parameters), "the parameters are not as many finite ones");
  require(state.optimizer.steps == before.optimizer.steps + epochs * sizes.batches,
          "the optimizer's steps are not those of these epochs");
  require(Index(state.optimizer.moments.size()) == sizes.moments, "the optimizer has other moments");
  for (const Vector<Scalar>& moment : state.optimizer.moments)
    require(moment.size() == parameters, "a moment of the optimizer has another length");
  require(state.best_epoch >= 0 && state.best_epoch <= state.epochs && !std::isnan(state.best_criterion),
          "the best epoch is none of this run's");
  require(state.since_best >= 0 && state.since_best <= Index(state.criteria.size()),
          "since_best is none of this run's");
  require(state.rate_factor > 0 && state.rate_factor <= 1 && state.roll_backs >= 0, "rate_factor is none of a run");
  require(run.best_losses.size() == 0 || run.best_losses.size() == sizes.judged,
          "best_losses are not those of the rows to judge by");
  require(run.first_batch.size() == 3, "first_batch has not three numbers");
}

/// A run and where it is kept, for one call of `fit`.
template <class Keeper, Real Scalar>
class KeptRun {
  using Kept = std::remove_cvref_t<decltype(*std::declval<const Keeper&>().read())>;

 public:
  /// Reads what is kept. Where there is nothing, writes what is asked: a place that cannot be written to shows at once.
  /// \throws CheckpointError for another run; FileError.
  KeptRun(const Keeper& keeper, RunSettings asked, const TrainingState<Scalar>& before, std::size_t parameters,
          const RunSizes& sizes)
      : keeper_(keeper), asked_(std::move(asked)), kept_(keeper.read()) {
    if (!kept_) {
      keeper.write(asked_, [](auto& visit) {
        Index none = 0;
        visit("epochs", none);
      });
      return;
    }
    refuse(differences(asked_, kept_->asked()));
    Index epochs = 0;
    kept_->visit("epochs", epochs);
    if (epochs == 0) {  // interrupted in the first epochs
      kept_.reset();
      return;
    }
    visit_run(run_, keeper.name(), [&](const std::string& name, auto& value) { kept_->visit(name, value); });
    require_run(run_, before, Index(parameters), sizes, keeper.name());
    written_ = run_.training.epochs;
  }

  /// Whether there is a run to go on with, and it; until `resume`.
  [[nodiscard]] bool resumes() const { return kept_.has_value(); }
  [[nodiscard]] RunState<Scalar>& run() { return run_; }

  /// \param theta    Of the model, which has them again afterwards.
  /// \param first    With which the run began; none: theta.
  /// \param compute  compute() returns RunState::first_batch.
  /// \throws CheckpointError unless it is that of the run that is kept: numbers that every setting of the model, also
  ///         one without a name, decides.
  template <class Compute>
  void check_first_batch(std::span<Scalar> theta, const Vector<Scalar>& first, const Compute& compute) const {
    const std::vector<Scalar> given(theta.begin(), theta.end());
    std::copy_n(first.data(), first.size(), theta.begin());
    std::vector<double> now(3, std::numeric_limits<double>::quiet_NaN());
    try {
      now = compute();
    } catch (const Error&) {  // it did not fail then
    }
    std::copy(given.begin(), given.end(), theta.begin());
    std::vector<std::string> changed;
    const char* const names[]{"the loss of the first mini-batch", "the gradient norm of the first mini-batch",
                              "the loss of the first rows to judge by"};
    for (std::size_t i = 0; i < 3; ++i)
      if (const std::string text = exact_text(now[i]), kept = exact_text(run_.first_batch[i]); text != kept)
        changed.push_back(names[i] + (" is " + text + " in place of " + kept));
    if (!changed.empty())
      changed.back() += ", so that the model, its solver, a policy of it or the compiled program is another one";
    refuse(changed);
  }

  /// Sets what callbacks and the memory of a batch source remember, once all of it is found.
  /// \param remembered  remembered(visit) visits all of it, and returns how many callbacks there are.
  template <class Remembered>
  void resume(const Remembered& remembered) const {
    const auto count = [](const std::string&, auto&) {};
    Index callbacks = 0;
    kept_->visit("callbacks", callbacks);
    if (const Index now = remembered(count); now != callbacks)
      refuse({"the number of callbacks that remember something is " + std::to_string(now) + " in place of " +
              std::to_string(callbacks)});
    remembered([&](const std::string& name, auto& value) {
      auto copy = value;
      kept_->visit(name, copy);
    });
    remembered([&](const std::string& name, auto& value) { kept_->visit(name, value); });
  }

  /// A run of hours does not end with a full disk: where the keeper cannot write, it is told so once, training goes on,
  /// and the next write is tried as this one.
  template <class Remembered>
  void write(RunState<Scalar>& run, const Remembered& remembered) {
    const bool failed_before = !failure_.empty();
    try {
      keeper_.write(asked_, [&](auto& visit) {
        const auto see = [&](const std::string& name, auto& value) { visit(name, value); };
        visit_run(run, keeper_.name(), see);
        Index callbacks = remembered(see);
        visit("callbacks", callbacks);
      });
      failure_.clear();
      written_ = run.training.epochs;
    } catch (const FileError& error) {
      failure_ =
          message({keeper_.name(), " keeps the run up to epoch ", written_, ", and not to epoch ", run.training.epochs,
                   ", after which it could not be written (", error.what(), "); training goes on without it"});
      if constexpr (requires { keeper_.warn(failure_); })
        if (!failed_before) keeper_.warn(failure_);
    }
  }
  /// Of a last write that failed.
  void add_warning(std::vector<std::string>& warnings) const {
    if (!failure_.empty()) warnings.push_back(failure_);
  }

 private:
  void refuse(std::vector<std::string> what_differs) const {
    if (!what_differs.empty()) throw CheckpointError(keeper_.name(), std::move(what_differs));
  }

  const Keeper& keeper_;
  RunSettings asked_;
  std::optional<Kept> kept_;
  RunState<Scalar> run_;
  Index written_ = 0;    // the epoch of the last write
  std::string failure_;  // of the last write, or empty
};
template <Real Scalar>
class KeptRun<KeepsNoRun, Scalar> {
 public:
  [[nodiscard]] static constexpr bool resumes() { return false; }
  static void add_warning(std::vector<std::string>& /*warnings*/) {}
};

}  // namespace pathline::detail
