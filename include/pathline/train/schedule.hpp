/// \file
/// How the learning rate changes while a model is trained. A schedule is a struct of constants: the rate follows from
/// where the run is, so that nothing is remembered and a run that is continued has the rate of one that never paused.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/train/optimizer.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <limits>
#include <numbers>
#include <span>

namespace pathline {

/// Where a training run is, over all calls of its TrainingState.
struct TrainingProgress {
  Index epoch = 1, epochs = 1;         ///< This epoch, counted from 1, of how many.
  Index step = 1, steps = 1;           ///< This step of the optimizer, counted from 1, of how many.
  std::span<const double> criteria{};  ///< Mean losses of the validation rows, one for each validation so far.
  Index since_best = 0;                ///< Validations since the one with the least.
};

/// - `rate(learning_rate, progress)`: the rate of this step, from the optimizer's own.
/// - `check(learning_rate)`, where its settings can be wrong: throws ArgumentError.
/// - `static constexpr bool reads_total = false`, where the rate does not depend on `epochs` and `steps`: such a run
///   continues in further calls without `total_epochs`.
/// - `static constexpr bool reads_criteria = true`, where it depends on `criteria` or `since_best`, which need rows to
///   judge by. A callback that does says so too.
template <class S>
concept Schedule = requires(const S& schedule, double learning_rate, const TrainingProgress& progress) {
  { schedule.rate(learning_rate, progress) } -> std::convertible_to<double>;
};

/// The optimizer's own rate throughout.
struct ConstantRate {
  static constexpr bool reads_total = false;
  [[nodiscard]] double rate(double learning_rate, const TrainingProgress& /*progress*/) const { return learning_rate; }
};

namespace detail {

/// From `first` at phase 0 to `last` at phase 1 along half a cosine: Loshchilov & Hutter 2017, equation 5.
[[nodiscard]] inline double half_cosine(double first, double last, double phase) {
  return last + 0.5 * (first - last) * (1 + std::cos(std::numbers::pi * phase));
}

inline void require_final_rate(const char* what, double final_rate, double learning_rate) {
  if (!(final_rate >= 0 && final_rate <= learning_rate))
    throw ArgumentError(what, final_rate, "from 0 to the optimizer's learning_rate, " + number(learning_rate));
}

}  // namespace detail

/// Falls along half a cosine (Loshchilov & Hutter 2017, arXiv 1608.03983, equation 5, without restarts): the
/// optimizer's rate in the first epoch, `final_rate` in the last. Constant within an epoch.
struct Cosine {
  double final_rate = 0;

  template <class Visit>
  void settings(Visit& visit) const {
    visit("final_rate", final_rate);
  }
  void check(double learning_rate) const {
    detail::require_final_rate("Cosine: final_rate", final_rate, learning_rate);
  }
  [[nodiscard]] double rate(double learning_rate, const TrainingProgress& progress) const {
    if (progress.epochs < 2) return learning_rate;
    const double phase = double(progress.epoch - 1) / double(progress.epochs - 1);
    return detail::half_cosine(learning_rate, final_rate, phase);
  }
};

/// Rises in equal parts, step by step, to the optimizer's rate, which the last step of the warm-up has (Goyal et al.
/// 2017, arXiv 1706.02677, section 2.2), then falls along half a cosine to `final_rate` at the last step.
struct WarmUpThenCosine {
  double warm_up_epochs = 1;  ///< Need not be whole.
  double final_rate = 0;

  template <class Visit>
  void settings(Visit& visit) const {
    visit("warm_up_epochs", warm_up_epochs);
    visit("final_rate", final_rate);
  }
  void check(double learning_rate) const {
    detail::require_setting(warm_up_epochs >= 0 && std::isfinite(warm_up_epochs), "WarmUpThenCosine: warm_up_epochs",
                            warm_up_epochs, "at least 0");
    detail::require_final_rate("WarmUpThenCosine: final_rate", final_rate, learning_rate);
  }
  [[nodiscard]] double rate(double learning_rate, const TrainingProgress& progress) const {
    const auto step = double(progress.step), steps = double(progress.steps);
    const double warm_up = std::round(warm_up_epochs * steps / double(progress.epochs));
    if (step <= warm_up) return learning_rate * step / warm_up;
    const double first = std::max(warm_up, 1.0);  // the step that has the whole rate
    return step < first || steps <= first
               ? learning_rate
               : detail::half_cosine(learning_rate, final_rate, (step - first) / (steps - first));
  }
};

/// How `OneCycle` goes from one rate to the next.
enum class Anneal { cosine, linear };

/// One cycle of super-convergence (Smith & Topin 2018, arXiv 1708.07120), in the two phases that PyTorch's `OneCycleLR`
/// has by default: from learning_rate / start_divisor up to the optimizer's rate, and from there at once down to
/// learning_rate / (start_divisor · final_divisor) at the last step, far below the start. Changes step by step. The
/// optimizer's momentum stays as it is, which the paper's goes down as the rate goes up.
struct OneCycle {
  double warm_up_fraction = 0.3;   ///< Share of all steps in which the rate rises; 0: the first step has the peak.
  double start_divisor = 25;       ///< Of the optimizer's rate; gives the rate of the first step.
  double final_divisor = 1e4;      ///< Of the rate of the first step; gives that of the last.
  Anneal anneal = Anneal::cosine;  ///< `linear` is the paper's.

  template <class Visit>
  void settings(Visit& visit) const {
    visit("warm_up_fraction", warm_up_fraction);
    visit("start_divisor", start_divisor);
    visit("final_divisor", final_divisor);
    visit("anneal", anneal);
  }
  void check(double /*learning_rate*/) const {
    detail::require_setting(warm_up_fraction >= 0 && warm_up_fraction <= 1, "OneCycle: warm_up_fraction",
                            warm_up_fraction, "from 0 to 1");
    detail::require_setting(start_divisor >= 1 && std::isfinite(start_divisor), "OneCycle: start_divisor",
                            start_divisor, "a number of at least 1");
    detail::require_setting(final_divisor >= 1 && std::isfinite(final_divisor), "OneCycle: final_divisor",
                            final_divisor, "a number of at least 1");
  }
  [[nodiscard]] double rate(double learning_rate, const TrainingProgress& progress) const {
    const double step = double(progress.step - 1), last = double(progress.steps - 1);
    const double peak = std::max(warm_up_fraction * double(progress.steps) - 1, 0.0);  // need not be whole
    const double start = learning_rate / start_divisor;
    if (step < peak) return between(start, learning_rate, step / peak);
    return last > peak ? between(learning_rate, start / final_divisor, (step - peak) / (last - peak)) : learning_rate;
  }

 private:
  [[nodiscard]] double between(double first, double last, double phase) const {
    return anneal == Anneal::cosine ? detail::half_cosine(first, last, phase) : first + (last - first) * phase;
  }
};

/// Multiplied by `factor` after every `every` epochs: learning_rate · factor^⌊(epoch - 1) / every⌋. OT-Flow halves its
/// rate so (Onken et al. 2021).
struct StepDecay {
  Index every = 30;
  double factor = 0.1;

  static constexpr bool reads_total = false;
  template <class Visit>
  void settings(Visit& visit) const {
    visit("every", every);
    visit("factor", factor);
  }
  void check(double /*learning_rate*/) const {
    detail::require_setting(every >= 1, "StepDecay: every", double(every), "at least 1 epoch");
    detail::require_setting(factor > 0 && factor <= 1, "StepDecay: factor", factor, "above 0 and at most 1");
  }
  [[nodiscard]] double rate(double learning_rate, const TrainingProgress& progress) const {
    return learning_rate * std::pow(factor, double((progress.epoch - 1) / every));
  }
};

/// Multiplied by `factor` whenever `patience` validations in a row have not lowered the least mean loss so far by more
/// than `least_gain` (He et al. 2016, section 3.4, divide by ten "when the error plateaus"); never below `least_rate`.
struct OnPlateau {
  Index patience = 10;
  double factor = 0.1;
  double least_gain = 0;  ///< In units of the loss; nats for a flow.
  double least_rate = 0;

  static constexpr bool reads_total = false, reads_criteria = true;
  template <class Visit>
  void settings(Visit& visit) const {
    visit("patience", patience);
    visit("factor", factor);
    visit("least_gain", least_gain);
    visit("least_rate", least_rate);
  }
  void check(double learning_rate) const {
    detail::require_setting(patience >= 1, "OnPlateau: patience", double(patience), "at least 1 validation");
    detail::require_setting(factor > 0 && factor < 1, "OnPlateau: factor", factor, "above 0 and below 1");
    detail::require_setting(least_gain >= 0, "OnPlateau: least_gain", least_gain, "at least 0");
    detail::require_final_rate("OnPlateau: least_rate", least_rate, learning_rate);
  }
  [[nodiscard]] double rate(double learning_rate, const TrainingProgress& progress) const {
    double best = std::numeric_limits<double>::infinity(), rate = learning_rate;
    Index without_gain = 0;
    for (const double criterion : progress.criteria) {
      const bool gains = criterion < best - least_gain;
      if (gains) best = criterion;
      without_gain = gains ? 0 : without_gain + 1;
      if (without_gain < patience) continue;
      rate *= factor;
      without_gain = 0;
    }
    return std::max(rate, least_rate);
  }
};

}  // namespace pathline
