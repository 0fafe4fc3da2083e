/// \file
/// What training reported, as notes in a model's file.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/io/model/model_file.hpp>
#include <pathline/io/number_text.hpp>
#include <pathline/io/tensor.hpp>
#include <pathline/train/fit_report.hpp>

#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace pathline::io {

/// The numbers of `fit`: `report.best_epoch`, `report.best_criterion`, `report.stop` and `report.warnings` are texts;
/// `report.train_loss`, `report.train_nll`, `report.validation_loss`, `report.gradient_norm`, `report.learning_rate`,
/// `report.seconds` and `report.evaluations` are tensors with a number for each epoch, NaN where it was not computed.
[[nodiscard]] inline Notes notes_of(const FitReport& report) {
  Notes notes;
  notes.texts["report.best_epoch"] = std::to_string(report.best_epoch);
  notes.texts["report.best_criterion"] = format_number(report.best_criterion);
  constexpr std::string_view reasons[]{"epochs_done", "patience", "stopping_rule", "callback"};
  static_assert(std::size_t(StopReason::callback) + 1 == std::size(reasons));
  notes.texts["report.stop"] = reasons[std::size_t(report.stop)];
  std::string warnings;
  for (const std::string& warning : report.warnings) warnings += warning + '\n';
  notes.texts["report.warnings"] = warnings;
  const auto column = [&](const char* name, const auto& of) {
    std::vector<double> numbers;
    for (const EpochReport& epoch : report.epochs) numbers.push_back(double(of(epoch)));
    notes.tensors.push_back(tensor_of(std::string("report.") + name, numbers));
  };
  column("train_loss", [](const EpochReport& epoch) { return epoch.train_loss; });
  column("train_nll", [](const EpochReport& epoch) { return epoch.train_nll; });
  column("validation_loss", [](const EpochReport& epoch) { return epoch.validation_loss; });
  column("gradient_norm", [](const EpochReport& epoch) { return epoch.gradient_norm; });
  column("learning_rate", [](const EpochReport& epoch) { return epoch.learning_rate; });
  column("seconds", [](const EpochReport& epoch) { return epoch.seconds; });
  column("evaluations",
         [](const EpochReport& epoch) { return epoch.forward.evaluations + epoch.backward.evaluations; });
  return notes;
}

}  // namespace pathline::io
