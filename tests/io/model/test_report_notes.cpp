#include <pathline/io/model/report_notes.hpp>

#include <pathline/io/model/model_file.hpp>
#include <pathline/io/tensor.hpp>
#include <pathline/train/fit_report.hpp>

#include <support/catch.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace pathline;

TEST_CASE("io: notes tell what training reported", "[io]") {
  FitReport report;
  report.best_epoch = 2;
  report.best_criterion = 0.1;
  report.warnings = {"a", "b"};
  report.epochs.resize(2);
  report.epochs[0].train_loss = 3;
  report.epochs[1].train_loss = 1.5;
  report.epochs[1].forward.evaluations = 4;
  report.epochs[1].backward.evaluations = 5;
  const std::vector<std::pair<StopReason, std::string>> reasons{{StopReason::epochs_done, "epochs_done"},
                                                                {StopReason::patience, "patience"},
                                                                {StopReason::stopping_rule, "stopping_rule"},
                                                                {StopReason::callback, "callback"}};
  for (const auto& [stop, text] : reasons) {
    report.stop = stop;
    CHECK(io::notes_of(report).text("report.stop") == text);
  }
  const io::Notes notes = io::notes_of(report);
  CHECK(notes.text("report.best_epoch") == "2");
  CHECK(notes.text("report.best_criterion") == "0.1");
  CHECK(notes.text("report.warnings") == "a\nb\n");
  CHECK(io::values_of<double>(*notes.find("report.train_loss")) == std::vector<double>{3, 1.5});
  CHECK(io::values_of<double>(*notes.find("report.evaluations")) == std::vector<double>{0, 9});
}
