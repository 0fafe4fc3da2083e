/// \file
/// A callback of `fit` that says how far training is: epoch, losses, evaluations a solve, time left.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/message.hpp>
#include <pathline/train/callbacks.hpp>
#include <pathline/train/fit_report.hpp>
#include <pathline/train/progress_line.hpp>

#include <cmath>
#include <cstdio>
#include <iostream>
#include <optional>
#include <ostream>
#include <string>
#include <utility>

namespace pathline {

namespace detail {

/// Three decimals, as long as the number is of a usual size: a mean square may be small.
[[nodiscard, gnu::cold]] inline std::string loss_text(double loss) {
  char text[32];
  const double size = std::abs(loss);
  std::snprintf(text, sizeof text, size == 0 || (size >= 0.01 && size < 1e6) ? "%.3f" : "%.3e", loss);
  return text;
}

/// "loss 2.345  validation 2.401  20 evaluations", without a validation loss that is NaN.
[[nodiscard, gnu::cold]] inline std::string progress_text(const EpochReport& epoch, double validation_loss) {
  std::string text = message({"loss ", loss_text(epoch.train_loss)});
  if (!std::isnan(validation_loss)) text += message({"  validation ", loss_text(validation_loss)});
  if (epoch.evaluations > 0) text += message({"  ", epoch.evaluations, " evaluations"});
  if (epoch.roll_backs > 0) text += message({"  rolled back ", epoch.roll_backs, "x"});
  return text;
}

}  // namespace detail

/// On a terminal one line with a bar that rewrites itself; elsewhere a plain line every few seconds and after the last
/// epoch, also where that comes early.
struct PrintProgress {
  std::ostream* out = &std::cerr;
  const char* what = "training";  ///< Opens each line.
  /// Absent: those of a terminal where `out` is one, and plain lines elsewhere.
  std::optional<ProgressOptions> options{};

  void check() const {
    if (!out) throw ArgumentError("PrintProgress: out", "null", "a stream; to print nothing, leave PrintProgress away");
    if (!what) throw ArgumentError("PrintProgress: what", "null", "a text, which may be empty");
  }

  class Run {
   public:
    template <class Visit>
    void state(Visit& /*visit*/) const {}  // nothing that the run depends on
    Run(const PrintProgress& settings, const TrainingStart& start, const ProgressOptions& options)
        : line_(*settings.out, settings.what, long(start.total), options, long(start.done)) {
      if (start.resumed)
        *settings.out << settings.what << "  resumed after epoch " << start.done << " of " << start.total << '\n'
                      << std::flush;
    }
    void operator()(const EpochReport& epoch) {
      if (!std::isnan(epoch.validation_loss)) validation_loss_ = epoch.validation_loss;
      // Of the last validation, where not every epoch has one.
      line_.update(long(epoch.epoch), detail::progress_text(epoch, validation_loss_));
    }

   private:
    ProgressLine line_;
    double validation_loss_ = std::nan("");
  };

  [[nodiscard]] Run start(const TrainingStart& start) const {
    return Run(*this, start, options.value_or(progress_options_of(*out)));
  }
};

}  // namespace pathline
