/// \file
/// What `fit` does when training diverges, in place of giving up: it goes back, and goes on more slowly.
///
///     const FitReport report = fit(flow, X, {.epochs = 200}, rng, Adam{.learning_rate = 0.1}, RollBack{});
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/message.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/ode/errors.hpp>
#include <pathline/train/fit_report.hpp>
#include <pathline/train/optimizer.hpp>
#include <pathline/train/training_plan.hpp>
#include <pathline/train/training_state.hpp>

#include <algorithm>
#include <any>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace pathline {

/// Where a loss, a gradient or the parameters of an epoch are not finite, a solve fails (steps underflow, or are too
/// many), or the mean training loss explodes, the run goes back to the end of the epoch before: parameters, optimizer,
/// generator, and what the batch source, the model and callbacks remember by `state(visit)`. Every learning rate from
/// then on is `factor` times what it would be. Callbacks see good epochs only; `EpochReport::roll_backs` counts, and
/// FitReport::warnings has a line for each. A `TrainingState` and checkpoints keep the factor.
struct RollBack {
  double factor = 0.5;
  /// In a row; after these `fit` throws what it would have thrown at once, as it does where a lower rate cannot help:
  /// no step of the epoch was taken, or a row is at fault. The factor is then what it was before these tries.
  Index tries = 5;
  /// An epoch has exploded when its mean training loss is above the lowest so far, of the epochs before it and the
  /// first step of this call, by more than this times 1 + |lowest|.
  double explosion = 10;

  static constexpr bool rolls_back = true;
  template <class Visit>
  void settings(Visit& visit) const {
    visit("factor", factor);
    visit("tries", tries);
    visit("explosion", explosion);
  }
  void check() const {
    detail::require_setting(factor > 0 && factor < 1, "RollBack: factor", factor, "above 0 and below 1");
    detail::require_setting(tries >= 1, "RollBack: tries", double(tries), "at least 1");
    detail::require_setting(explosion > 0, "RollBack: explosion", explosion, "a positive number");
  }
  /// A run that can go back to the end of its last good epoch.
  template <Real Scalar>
  class Run {
   public:
    /// Calls train(), which throws TrainingError or SolveError where it diverges. False: it did, and all is as before,
    /// but for the factor of the rate.
    /// \param remembered  remembered(visit) visits what the source, the model and callbacks remember.
    /// \throws what train() threw last, after `tries` in a row or where a lower rate cannot help; ArgumentError where
    ///         state(visit) names other values than when the epoch began.
    template <class Train, class Flow, class Remembered>
    bool trained_or_back(const RollBack& policy, const Train& train, Flow& flow, TrainingState<Scalar>& state, Rng& rng,
                         FitReport& report, const Remembered& remembered) {
      const std::span<Scalar> theta = detail::parameter_span(flow);
      if (tries_ == 0) take(theta, state, rng, remembered);
      const auto gives_up = [&] { return tries_ == policy.tries || state.optimizer.steps == optimizer_.steps; };
      std::string why;
      try {
        train();
        tries_ = 0;
        return true;
      } catch (TrainingError& error) {
        if (gives_up() || !error.lower_rate_may_help) rethrow_with_factor_of_before(state);
        report = std::move(error.report);
        why = std::move(error.reason);
      } catch (const SolveError& error) {
        if (gives_up()) rethrow_with_factor_of_before(state);
        why = error.what();
      } catch (...) {
        rethrow_with_factor_of_before(state);
      }
      restore(theta, state, rng, remembered);
      ++tries_;
      ++state.roll_backs;
      state.rate_factor *= policy.factor;
      report.warnings.push_back(
          detail::message({"training diverged in epoch ", state.epochs + 1, " and went back to the end of epoch ",
                           state.epochs, "; every learning rate is ", state.rate_factor,
                           " times what was asked from there on. It had failed: ", why}));
      return false;
    }

    /// The loss of a step; a run that goes on has seen that of its first step again.
    void see_step(double loss) {
      if (std::isnan(first_loss_)) first_loss_ = loss;
    }
    /// What is to be said of an epoch that has exploded; empty where it has not.
    [[nodiscard]] std::string explosion_text(const RollBack& policy, const EpochReport& epoch,
                                             const std::vector<EpochReport>& before) const {
      double lowest = first_loss_;
      for (const EpochReport& one : before) lowest = std::min(lowest, one.train_loss);
      if (!(epoch.train_loss - lowest > policy.explosion * (1 + std::abs(lowest)))) return "";
      return detail::message(
          {"the mean training loss of epoch ", epoch.epoch, " is ", epoch.train_loss, ", where it had been ", lowest});
    }

   private:
    template <class Remembered>
    void take(std::span<const Scalar> theta, const TrainingState<Scalar>& state, const Rng& rng,
              const Remembered& remembered) {
      theta_.assign(theta.begin(), theta.end());
      optimizer_ = state.optimizer;
      rng_ = rng;
      rate_factor_ = state.rate_factor;
      roll_backs_ = state.roll_backs;
      values_.clear();
      remembered([this](const std::string& /*name*/, const auto& value) { values_.emplace_back(value); });
    }
    template <class Remembered>
    void restore(std::span<Scalar> theta, TrainingState<Scalar>& state, Rng& rng, const Remembered& remembered) const {
      std::size_t i = 0;
      bool same = true;
      remembered([&]<class T>(const std::string& /*name*/, T& /*value*/) {
        same = same && i < values_.size() && std::any_cast<T>(&values_[i]);
        ++i;
      });
      if (!same || i != values_.size()) {
        set_factor_of_before(state);
        throw ArgumentError("RollBack: what state(visit) names", "not what it named when the epoch began",
                            "always the same values");
      }
      std::copy(theta_.begin(), theta_.end(), theta.begin());
      state.optimizer = optimizer_;
      rng = rng_;
      i = 0;
      remembered(
          [&]<class T>(const std::string& /*name*/, T& value) { value = std::any_cast<const T&>(values_[i++]); });
    }
    /// Else the next call with this state would go on at the rate of the last try.
    void set_factor_of_before(TrainingState<Scalar>& state) const {
      state.rate_factor = rate_factor_;
      state.roll_backs = roll_backs_;
    }
    [[noreturn]] void rethrow_with_factor_of_before(TrainingState<Scalar>& state) const {
      set_factor_of_before(state);
      throw;
    }

    std::vector<Scalar> theta_;
    OptimizerState<Scalar> optimizer_;
    Rng rng_{0};
    std::vector<std::any> values_;
    double rate_factor_ = 1;            // before tries_
    Index roll_backs_ = 0, tries_ = 0;  // in a row
    double first_loss_ = std::numeric_limits<double>::quiet_NaN();
  };
};

}  // namespace pathline
