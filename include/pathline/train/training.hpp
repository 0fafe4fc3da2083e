/// \file
/// The training loop of `fit`: epochs of mini-batches, the choice of the parameters, and what is to be said of the data
/// when a likelihood is not finite.
#pragma once

#include <pathline/core/clock.hpp>
#include <pathline/core/errors.hpp>
#include <pathline/core/message.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/errors.hpp>
#include <pathline/train/callbacks.hpp>
#include <pathline/train/checkpoint/kept_run.hpp>
#include <pathline/train/checkpoint/run_keeper.hpp>
#include <pathline/train/checkpoint/run_settings.hpp>
#include <pathline/train/checkpoint/state_and_settings.hpp>
#include <pathline/train/fit_options.hpp>
#include <pathline/train/fit_policies.hpp>
#include <pathline/train/fit_report.hpp>
#include <pathline/train/gradient_transform.hpp>
#include <pathline/train/rows_at_fault.hpp>
#include <pathline/train/schedule.hpp>
#include <pathline/train/solver_check.hpp>
#include <pathline/train/step/mini_batch_loss.hpp>
#include <pathline/train/trainable.hpp>
#include <pathline/train/training_plan.hpp>
#include <pathline/train/training_state.hpp>
#include <pathline/train/weighted_data.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace pathline::detail {

/// A training run on its way. The flow holds the current parameters, the state all that the next call needs.
/// \tparam DataScalar  Of the rows that the flow is judged by.
template <class Flow, class Source, class Plan, Real DataScalar>
class Training {
  using Scalar = typename Flow::Scalar;
  using Rows = FitRows<DataScalar>;
  using Keeper = std::remove_cvref_t<decltype(Plan::keeper)>;
  using Accumulation = std::remove_cvref_t<decltype(Plan::accumulation)>;
  using Recovery = std::remove_cvref_t<decltype(Plan::recovery)>;
  static constexpr bool density = is_density<Flow, DataScalar>;
  static constexpr bool keeps = RunKeeper<Keeper>;

 public:
  /// \param rows      To judge by, and for the check of the solver; none: null.
  /// \param held_out  Whether those are other rows than the training rows.
  Training(Flow& flow, const Source& source, const Rows* rows, bool held_out, Plan& plan, Rng& rng,
           std::vector<std::string> warnings)
      : flow_(flow),
        source_(source),
        rows_(rows),
        plan_(plan),
        state_(plan.state),
        rng_(rng),
        held_out_(held_out),
        judges_(rows && (held_out || plan.criteria_needed)),
        last_(plan.state.epochs + plan.options.epochs),
        rows_of_step_(plan.accumulation.batches > source.samples() / plan.options.batch
                          ? source.samples()
                          : plan.options.batch * Index(plan.accumulation.batches)),
        steps_((source.samples() + rows_of_step_ - 1) / rows_of_step_),
        loss_(flow.make_training_loss()),
        part_(loss_of_part<Accumulation>(flow)),
        kept_(open()) {
    report_.warnings = std::move(warnings);
    if (rows && judges_ && !rows->whole()) judged_ = rows->gathered();
    if (rows && judges_ && rows->weighted()) judged_shares_ = shares_of(*rows);
    if constexpr (keeps)
      if (kept_.resumes()) check_first_batch();
  }

  FitReport run() {
    TrainingStart start{plan_.options.epochs, state_.epochs, plan_.total, kept_.resumes()};
    if constexpr (keeps) start.done = kept_.resumes() ? kept_.run().training.epochs : state_.epochs;
    start_callbacks<0>(start);
    copy<Scalar>(View<const Scalar>(parameter_span(flow_)), state_.parameters);
    restore();
    if (rows_ && plan_.options.solver_check_rows > 0)
      check_solvers(flow_, *rows_, kind_of_rows(), plan_.options.solver_check_rows, report_);
    // Else no better parameters in this call, or a loss in units of its own, in which 50 may be little.
    if (best_losses_.size() > 0) report_.best_standard_error = standard_error_of(best_losses_, judged_shares_);
    if (best_losses_.size() > 0 && density)
      warn_of_dominant_row(best_losses_, judged_shares_, *rows_, kind_of_rows(), report_.warnings);
    if constexpr (requires { flow_.training_warnings(memory_); })
      for (std::string& warning : flow_.training_warnings(memory_)) report_.warnings.push_back(std::move(warning));
    kept_.add_warning(report_.warnings);
    return std::move(report_);
  }

 private:
  // Each lives until the run is over, on its own: it need not be movable.
  template <std::size_t I, class... Running>
  void start_callbacks(const TrainingStart& start, Running&... running) {
    if constexpr (I < std::tuple_size_v<decltype(plan_.callbacks)>) {
      auto&& next = started(std::get<I>(plan_.callbacks), start);
      start_callbacks<I + 1>(start, running..., next);
    } else {
      const auto tell = [&]([[maybe_unused]] const EpochReport& epoch) {
        bool on = true;
        ((on = goes_on(running, epoch) && on), ...);
        return on;
      };
      const auto remembered = [&](const auto& visit) {
        visit_part(visit, "source.", memory_of_source_);
        visit_part(visit, "model.", memory_);
        return visit_callbacks(visit, running...);
      };
      if constexpr (keeps)
        if (kept_.resumes()) kept_.resume(remembered);
      begin();
      if constexpr (keeps)
        if (kept_.resumes()) go_on(kept_.run());
      loop(tell, remembered);
    }
  }

  template <class Tell, class Remembered>
  void loop(const Tell& tell, [[maybe_unused]] const Remembered& remembered) {
    try {
      if (!kept_.resumes()) over_ = ends();
      while (!over_) {
        const Index epoch = state_.epochs + 1;
        const bool judged = judges_ && (epoch % plan_.options.validate_every == 0 || epoch == plan_.total);
        EpochReport report;
        if constexpr (Recovery::rolls_back) {
          const auto trained = [&] { train(epoch, judged, report); };
          if (!recovery_.trained_or_back(plan_.recovery, trained, flow_, state_, rng_, report_, remembered)) continue;
        } else {
          train(epoch, judged, report);
        }
        state_.epochs = epoch;
        report_.epochs.push_back(std::move(report));
        if (!tell(std::as_const(report_.epochs.back()))) report_.stop = StopReason::callback;
        over_ = ends();
        if (report_.stop != StopReason::epochs_done && !judged && judges_) {
          judge(report_.epochs.back());  // else what was learned since the last time would be lost
          keep(report_.epochs.back());
        }
        if constexpr (keeps)
          if (over_ || epoch % plan_.keeper.every == 0) keep_run(remembered);
      }
    } catch (const SolveError& error) {
      const bool first = state_.optimizer.steps == 0;
      give_up();
      throw TrainingError(error.what(), std::move(report_),
                          first ? "No step of training had been taken" : TrainingError::lower_the_rate);
    } catch (...) {
      give_up();
      throw;
    }
  }

  void begin() {
    const auto theta = parameter_span(flow_);
    const std::uint64_t judged_by = judges_ ? fingerprint_of(*rows_) : 0;
    if (state_.parameters.size() == 0) {
      state_.parameters.resize(Index(theta.size()));
      copy<Scalar>(View<const Scalar>(theta), state_.parameters);
      state_.best_parameters = state_.parameters;
      state_.optimizer = {};
    } else if (state_.judged_by != judged_by) {
      state_.best_criterion = std::numeric_limits<double>::infinity();
      state_.best_epoch = state_.since_best = 0;
      state_.criteria.clear();
    }
    state_.judged_by = judged_by;
    state_.split = plan_.draws.split;
    rng_ = plan_.draws.rng;
    report_.best_criterion = state_.best_criterion;
    report_.best_epoch = state_.best_epoch;
    copy<Scalar>(state_.parameters, View<Scalar>(theta));
  }

  [[nodiscard]] KeptRun<Keeper, Scalar> open() {
    if constexpr (keeps) {
      const Index moments = std::remove_cvref_t<decltype(plan_.optimizer)>::moments;
      const RunSizes sizes{last_, steps_, moments, judges_ ? rows_->samples() : 0};
      return {plan_.keeper, settings_of_run(flow_, source_, rows_, plan_), state_, parameter_span(flow_).size(), sizes};
    } else {
      return {};
    }
  }

  void check_first_batch() {
    kept_.check_first_batch(parameter_span(flow_), state_.parameters, [&] {
      Rng rng = plan_.draws.rng;
      typename Source::Memory memory_of_source;
      typename Flow::Memory memory;
      source_.start_epoch(rng, memory_of_source);
      std::optional<double> loss;  // of the first mini-batch, where a step has several
      double norm = 0;
      const auto see = [&](const auto& /*mini_batch*/) {
        if (!loss) norm = gradient_norm(loss_.gradient), loss = loss_.loss;
      };
      set_loss_of_step(plan_, flow_, source_, 0, rows_of_step_, rng, memory_of_source, memory, part_, loss_, see);
      if constexpr (Recovery::rolls_back) recovery_.see_step(loss_.loss);
      return std::vector<double>{*loss, norm, loss_of_first(flow_, rows_)};
    });
  }

  template <class Remembered>
  void keep_run(const Remembered& remembered) {
    RunState<Scalar> run{state_, rng_, report_, best_losses_, first_batch_, over_ ? 1 : 0};
    copy<Scalar>(View<const Scalar>(parameter_span(flow_)), run.training.parameters);
    kept_.write(run, remembered);
  }

  void go_on(RunState<Scalar>& run) {
    run.report.warnings = std::move(report_.warnings);
    state_ = std::move(run.training);
    rng_ = run.rng;
    report_ = std::move(run.report);
    best_losses_ = std::move(run.best_losses);
    first_batch_ = std::move(run.first_batch);
    over_ = run.over != 0;
    copy<Scalar>(state_.parameters, View<Scalar>(parameter_span(flow_)));
  }

  void restore() { copy<Scalar>(state_.best_parameters, View<Scalar>(parameter_span(flow_))); }

  // After an error: moments may not be finite.
  void give_up() {
    restore();
    state_.parameters = state_.best_parameters;
    state_.optimizer = {};
  }

  [[nodiscard]] TrainingProgress progress(Index epoch, Index batch) const {
    return {epoch,           plan_.total,      (epoch - 1) * steps_ + batch + 1, plan_.total * steps_,
            state_.criteria, state_.since_best};
  }

  // Whether training is over, and why. Stopping rules are asked before each epoch.
  [[nodiscard]] bool ends() {
    const TrainingProgress at = progress(state_.epochs + 1, 0);
    const auto ask = [&]<class C>([[maybe_unused]] const C& callback) {
      if constexpr (StoppingRule<C>)
        if (report_.stop == StopReason::epochs_done && callback.stop(at)) report_.stop = stop_reason<C>;
    };
    std::apply([&](auto&... callback) { (ask(callback), ...); }, plan_.callbacks);
    return report_.stop != StopReason::epochs_done || state_.epochs == last_;
  }

  [[nodiscard]] double rate_of(Index epoch, Index batch) const {
    const double rate = state_.rate_factor * plan_.schedule.rate(plan_.optimizer.learning_rate, progress(epoch, batch));
    if (!(rate >= 0 && std::isfinite(rate)))
      throw ArgumentError(message({"fit: the schedule's rate in epoch ", epoch}), rate, "at least 0");
    return rate;
  }

  void train(Index epoch, bool judged, EpochReport& report) {
    train_epoch(epoch, report);
    if constexpr (Recovery::rolls_back)
      if (const std::string why = recovery_.explosion_text(plan_.recovery, report, report_.epochs); !why.empty())
        fail(why, "");
    if (judged) judge(report);
    keep(report);
  }

  void train_epoch(Index epoch, EpochReport& report) {
    const double start = seconds_now();
    report.epoch = epoch, report.epochs = plan_.total;
    report.roll_backs = state_.roll_backs;
    const Index n = source_.samples();
    source_.start_epoch(rng_, memory_of_source_);
    for (Index first = 0; first < n; first += rows_of_step_) {
      const Index count = std::min(rows_of_step_, n - first);
      report.learning_rate = rate_of(epoch, report.steps);
      double norm = 0;
      const auto check = [&](const auto& mini_batch) {
        norm = gradient_norm(loss_.gradient);
        if constexpr (keeps)
          if (first_batch_.empty()) first_batch_ = {loss_.loss, norm, loss_of_first(flow_, rows_)};
        if (!std::isfinite(loss_.loss) || !(std::isfinite(norm) || all_finite<Scalar>(loss_.gradient)))
          refuse(message({"the loss or its gradient is not finite in epoch ", epoch}), mini_batch);
      };
      set_loss_of_step(plan_, flow_, source_, first, count, rng_, memory_of_source_, memory_, part_, loss_, check);
      if constexpr (Recovery::rolls_back) recovery_.see_step(loss_.loss);
      report.gradient_norm += norm;
      plan_.transform.apply(loss_.gradient, norm);
      const auto theta = parameter_map<Scalar>(flow_);
      state_.optimizer.step(plan_.optimizer, report.learning_rate, loss_.gradient, theta);
      ++report.steps;
      end_step<Scalar>(flow_, memory_, theta, plan_.callbacks);
      add_batch(double(count) / double(n), loss_, report);
    }
    report.gradient_norm /= double(report.steps);
    if (report.solves > 0) report.evaluations = (report.forward.evaluations + report.solves / 2) / report.solves;
    report.seconds = seconds_now() - start;
  }

  void require_finite_step(Index epoch) {
    const std::span<const Scalar> theta = parameter_span(flow_);
    if (!all_finite<Scalar>(theta))
      throw TrainingError(message({"the parameters are not finite after epoch ", epoch}), std::move(report_));
  }

  // Not by the training loss: that was of the parameters before the last update, which may be the one that diverged.
  void judge(EpochReport& report) {
    require_finite_step(report.epoch);
    Vector<double> losses = losses_of_rows(flow_, *rows_, judged_);
    const double criterion = mean_of(losses, judged_shares_);
    if (!std::isfinite(criterion)) {
      std::vector<Index> numbers = counted(*rows_);
      const Batch<DataScalar> X = rows_->gathered(numbers);
      for (Index& sample : numbers) sample = rows_->number_of(sample);
      refuse_rows(message({density ? "the likelihood" : "the loss", " of the ", kind_of_rows(),
                           " rows is not finite after epoch ", report.epoch}),
                  X, numbers, kind_of_rows());
    }
    if (held_out_) report.validation_loss = criterion;
    state_.criteria.push_back(criterion);
    report.best = criterion < state_.best_criterion;
    state_.since_best = report.best ? 0 : state_.since_best + 1;
    if (!report.best) return;
    report_.best_criterion = state_.best_criterion = criterion;
    report_.best_epoch = state_.best_epoch = report.epoch;
    best_losses_ = std::move(losses);
  }

  void keep(const EpochReport& report) {
    if (!plan_.choice.keeps(report)) return;
    require_finite_step(report.epoch);
    copy<Scalar>(View<const Scalar>(parameter_span(flow_)), state_.best_parameters);
  }

  [[nodiscard]] const char* kind_of_rows() const { return held_out_ ? "validation" : "training"; }

  template <class Mini>
  [[noreturn]] void refuse(const std::string& what, const Mini& batch) {
    if constexpr (std::same_as<std::remove_cvref_t<decltype(batch.data)>, Batch<DataScalar>>) {
      std::vector<Index> numbers;
      for (const Index sample : batch.samples) numbers.push_back(number_in(source_, sample));
      refuse_rows(what, batch.data, numbers, "training");
    }
    fail(what, "");
  }

  // One of these samples may have no finite likelihood with the parameters kept so far, at first those that training
  // began with: then a smaller learning rate would not help.
  [[noreturn]] void refuse_rows(const std::string& what, const Batch<DataScalar>& X, std::span<const Index> numbers,
                                const char* which) {
    const auto theta = parameter_span(flow_);
    const Vector<Scalar> failing = View<const Scalar>(theta).vector();
    restore();
    std::string row = row_without_likelihood(flow_, X, which, numbers, Blame::any);
    if (row.empty() && all_finite<Scalar>(failing)) {
      copy<Scalar>(failing, View<Scalar>(theta));
      row = row_without_likelihood(flow_, X, which, numbers, Blame::outside_of_support);
    }
    fail(what, row);
  }

  [[noreturn]] void fail(const std::string& what, const std::string& row) {
    if (row.empty() && state_.optimizer.steps == 0)
      throw TrainingError(message({what, " before the first step"}), std::move(report_),
                          "Look at the data's scale (Standardize), the field's first parameters and the weights of "
                          "costs");
    throw TrainingError(what, std::move(report_), row.empty() ? std::string_view(TrainingError::lower_the_rate) : row);
  }

  Flow& flow_;
  const Source& source_;
  const Rows* rows_;
  Plan& plan_;
  TrainingState<Scalar>& state_;
  Rng& rng_;
  bool held_out_, judges_, over_ = false;
  Index last_, rows_of_step_, steps_;  // epoch of this call, rows of a step, steps of an epoch
  std::vector<double> first_batch_;    // see RunState
  Batch<DataScalar> judged_;           // the rows to judge by, where they are not all columns of the user's batch
  Vector<double> judged_shares_;       // add up to 1; empty: all are equal
  Vector<double> best_losses_;
  typename Source::Memory memory_of_source_;
  typename Flow::Memory memory_;
  TrainingLossOf<Flow> loss_;
  [[no_unique_address]] decltype(loss_of_part<Accumulation>(std::declval<Flow&>())) part_;
  [[no_unique_address]] typename Recovery::template Run<Scalar> recovery_;
  FitReport report_;
  KeptRun<Keeper, Scalar> kept_;
};

}  // namespace pathline::detail
