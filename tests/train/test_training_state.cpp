// What two calls of fit share, and what their options allow.
#include <pathline/train/training_state.hpp>

#include <pathline/train/fit_options.hpp>
#include <pathline/train/fit_report.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <span>
#include <string>

using namespace pathline;
using namespace pathline::detail;

TEST_CASE("A state resumes the parameters that it left, and no others", "[train][state][errors]") {
  TrainingState<double> state;
  const Vector<double> theta{{1, 2, 3}};
  const auto resume = [&](const Vector<double>& parameters) {
    require_resumable<double>(state, std::span<const double>(parameters.data(), std::size_t(parameters.size())));
  };
  CHECK_NOTHROW(resume(theta));  // a new one has none
  state.epochs = 1;
  state.parameters = 2 * theta;
  state.best_parameters = theta;
  CHECK_NOTHROW(resume(theta));
  CHECK_THROWS_AS(resume(2 * theta), ArgumentError);
  CHECK_THROWS_AS(resume(Vector<double>{{1, 2, 4}}), ArgumentError);
  CHECK_THROWS_WITH(resume(Vector<double>{{1, 2}}), "fit: the state's vector of parameters has 3 rows, expected 2");
}

TEST_CASE("The epochs of a run are those of all its calls", "[train][state][errors]") {
  CHECK(require_total({.epochs = 5}, 0, true) == 5);
  CHECK(require_total({.epochs = 5}, 3, false) == 8);
  CHECK(require_total({.epochs = 5, .total_epochs = 20}, 3, true) == 20);
  CHECK(require_total({.epochs = 5, .total_epochs = 8}, 3, true) == 8);
  CHECK_THROWS_WITH(require_total({.epochs = 5}, 3, true),
                    "fit: total_epochs is missing, expected the epochs of all calls together, over which the learning "
                    "rate changes, of which 3 are done; or a schedule that does not depend on it");
  CHECK_THROWS_WITH(require_total({.epochs = 5, .total_epochs = 7}, 3, false),
                    "fit: total_epochs is 7, expected at least 8, with the 3 epochs that are done and the 5 of this "
                    "call");
}

TEST_CASE("Options are checked one by one", "[train][errors]") {
  CHECK_NOTHROW(require_valid({}));
  CHECK_NOTHROW(require_valid({.epochs = 1, .batch = 1, .validation_fraction = 0, .solver_check_rows = 0}));
  CHECK_THROWS_WITH(require_valid({.validate_every = 0}), "fit: validate_every is 0, expected at least 1");
  CHECK_THROWS_WITH(require_valid({.validation_fraction = 1}), "fit: validation_fraction is 1, expected in [0, 1)");
}

TEST_CASE("A training error says what to do, and has the report so far", "[train][errors]") {
  FitReport report;
  report.best_epoch = 7;
  const TrainingError error("the loss is nan", std::move(report));
  CHECK(error.report.best_epoch == 7);
  CHECK(std::string(error.what()) ==
        "fit: the loss is nan; the flow keeps the best parameters so far. Lower the optimizer's learning_rate, name "
        "ClipByNorm, or loosen the solver's tolerances");
  CHECK(std::string(TrainingError("x", {}, "Sleep").what()) ==
        "fit: x; the flow keeps the best parameters so far. Sleep");
  CHECK(std::isnan(EpochReport{}.validation_loss));
  CHECK(std::isinf(report.best_criterion));
}
