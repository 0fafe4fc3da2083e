/// \file
/// A callback of `fit` that writes a line for each epoch into a file, which other programs read while training goes on:
///
///     fit(flow, X, {.epochs = 200}, rng, io::WriteLog{.path = "run.csv"});
///
/// `examples/run plot_log run.csv` draws it.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/io/read_text.hpp>
#include <pathline/io/replace_file.hpp>
#include <pathline/train/callbacks.hpp>
#include <pathline/train/fit_report.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <ios>
#include <iostream>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <system_error>

namespace pathline::io {

/// Comma-separated values under a line of names, or a JSON object a line.
enum class LogFormat { csv, json_lines };

namespace detail {

/// Calls see(name, number) for all that a line of a log has; NaN: there is none.
template <class See>
void for_each_logged(const EpochReport& epoch, const See& see) {
  see("epoch", double(epoch.epoch));
  see("steps", double(epoch.steps));
  see("loss", epoch.train_loss);
  see("nll", epoch.train_nll);
  see("validation", epoch.validation_loss);
  see("gradient_norm", epoch.gradient_norm);
  see("learning_rate", epoch.learning_rate);
  see("evaluations", double(epoch.evaluations));
  see("roll_backs", double(epoch.roll_backs));
  see("seconds", epoch.seconds);
  for (std::size_t i = 0; i < epoch.train_costs.size(); ++i) see("cost_" + std::to_string(i + 1), epoch.train_costs[i]);
}

/// Nine digits, whatever the locale.
[[nodiscard, gnu::cold]] inline std::string log_number(double x) {
  std::string text = pathline::detail::number(x);
  std::replace(text.begin(), text.end(), ',', '.');
  return text;
}

/// Without the end of the line. What is not finite is an empty cell, or null.
[[nodiscard, gnu::cold]] inline std::string log_line(const EpochReport& epoch, LogFormat format, bool names = false) {
  const bool csv = format == LogFormat::csv;
  std::string line;
  for_each_logged(epoch, [&](const std::string& name, double number) {
    if (!line.empty()) line += csv ? "," : ", ";
    if (!csv) line += '"' + name + "\": ";
    if (names)
      line += name;
    else if (std::isfinite(number))
      line += log_number(number);
    else if (!csv)
      line += "null";
  });
  return csv ? line : '{' + line + '}';
}

/// The epoch of a line; 0: of the names, -1: it is no line of a log.
[[nodiscard, gnu::cold]] inline Index epoch_of_line(std::string_view line, LogFormat format) {
  const std::string_view front = format == LogFormat::csv ? "" : "{\"epoch\": ";
  if (format == LogFormat::csv && line.starts_with("epoch,steps,")) return 0;
  if (!line.starts_with(front)) return -1;
  const std::string number(line.substr(front.size(), line.find(',', front.size()) - front.size()));
  char* end = nullptr;
  const long epoch = std::strtol(number.c_str(), &end, 10);
  return number.empty() || *end != '\0' || epoch < 1 ? -1 : Index(epoch);
}

/// The lines of a log up to an epoch, with their names before them and without one that was cut off; nothing where it
/// has none of these epochs.
/// \throws FileError, which says where, for a text that is no log.
[[nodiscard, gnu::cold]] inline std::string log_up_to(const std::string& name, std::string_view text, LogFormat format,
                                                      Index epoch) {
  std::string kept;
  Index number = 0, epochs = 0;
  for (std::size_t end; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1)) {
    const std::string_view line = text.substr(0, end);
    const Index at = epoch_of_line(line, format);
    ++number;
    if (at < 0 || (at == 0) != (number == 1 && format == LogFormat::csv))
      throw FileError({name, ": line ", number, " is none of a log in this format; name another file, or delete it"});
    if (at > epoch) continue;
    kept.append(line) += '\n';
    epochs += Index(at > 0);
  }
  if (number == 0 && !text.empty())
    throw FileError({name, ": it has no whole line of a log; name another file, or delete it"});
  return epochs > 0 ? kept : "";
}

}  // namespace detail

/// A line is written and flushed after each epoch: its number, steps of the optimizer, losses (mean training loss, its
/// negative log-likelihood where the model is a density, validation), mean gradient norm, the learning rate, field
/// evaluations a solve, how often training was rolled back so far, seconds of the epoch without validation, and the
/// costs of regularizers.
///
/// Where a run goes on, from a checkpoint or with a `TrainingState`, the lines up to where it does are kept, and the
/// next follow; epochs that are trained twice are in the file once. A new run replaces the log of an old one after its
/// first epoch; until then the file stays as it is. A file that is no log is refused. A pipe or another device gets the
/// lines of this run.
///
/// \throws FileError by `fit`, before training, when the file cannot be written or is no log; after the first epoch
///         when a log that goes on has other columns, since the flow has other regularizers. On a disk that is full
///         later training goes on, and `out` is told once.
struct WriteLog {
  std::filesystem::path path;
  std::optional<LogFormat> format{};  ///< Absent: JSON lines for a name that ends in .jsonl or .json, else CSV.
  std::ostream* out = &std::cerr;     ///< Takes a line when writing fails during training; null: none.

  void check() const {
    if (path.empty()) throw ArgumentError("WriteLog: path", "empty", "the name of a file");
  }

  class Run {
   public:
    Run(const WriteLog& log, const TrainingStart& start)
        : path_(log.path), name_("WriteLog: " + log.path.string()), format_(log.format_of_path()), out_(log.out) {
      std::error_code ignored;
      const std::filesystem::file_status status = std::filesystem::status(path_, ignored);
      if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status) &&
          !std::filesystem::is_directory(status)) {
        open();  // once: whoever reads a pipe takes the first end for the last
        return;
      }
      const std::string old = std::filesystem::exists(status) ? detail::read_text("WriteLog", path_) : "";
      kept_ = detail::log_up_to(name_, old, format_, start.done);
      if (!kept_.empty()) require_columns(EpochReport{}, "");
      const detail::Replacement refused_if_it_cannot_be("WriteLog", path_);
    }

    void operator()(const EpochReport& epoch) {
      if (!begun_) begin(epoch);
      file_ << detail::log_line(epoch, format_) << '\n' << std::flush;
      if (file_ || failed_) return;
      failed_ = true;
      if (out_) *out_ << name_ << ": epoch " << epoch.epoch << " could not be written; training goes on" << std::endl;
    }
    template <class Visit>
    void state(Visit& /*visit*/) const {}  // nothing that the run depends on

   private:
    void open() {
      file_.open(path_, std::ios::binary | std::ios::app);
      if (!file_) throw FileError({name_, ": cannot be opened to write to; check the permission"});
    }
    void begin(const EpochReport& epoch) {
      if (!kept_.empty()) require_columns(epoch, "\n");
      begun_ = true;
      if (format_ == LogFormat::csv && kept_.empty()) kept_ = detail::log_line(epoch, format_, true) + '\n';
      if (file_.is_open()) {
        file_ << kept_;
        return;
      }
      try {
        replace_file("WriteLog", path_, [this](std::ostream& file) { file << kept_; });
        open();
      } catch (const FileError&) {
        file_.setstate(std::ios::badbit);  // it could be written before training
      }
    }
    // The names that are kept begin with those of this report, and then with `end`.
    void require_columns(const EpochReport& epoch, const char* end) const {
      if (format_ != LogFormat::csv) return;
      const std::string names = detail::log_line(epoch, format_, true);
      if (!kept_.starts_with(names + end))
        throw FileError({name_, ": line 1 is \"", kept_.substr(0, kept_.find('\n')), "\", expected \"", names,
                         "\", the columns of this run; name another file, or delete it"});
    }

    std::filesystem::path path_;
    std::string name_, kept_;
    LogFormat format_;
    std::ostream* out_;
    std::ofstream file_;
    bool begun_ = false, failed_ = false;
  };

  [[nodiscard]] Run start(const TrainingStart& start) const { return Run(*this, start); }

 private:
  [[nodiscard]] LogFormat format_of_path() const {
    const std::filesystem::path end = path.extension();
    return format.value_or(end == ".jsonl" || end == ".json" ? LogFormat::json_lines : LogFormat::csv);
  }
};

}  // namespace pathline::io
