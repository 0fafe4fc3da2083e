// A run that diverges goes back and on, and ends with the bits of one that had the lower rate from the start.
#include <pathline/train/step/roll_back.hpp>

#include <pathline/train/exponential_moving_average.hpp>
#include <pathline/train/fit.hpp>
#include <pathline/train/print_progress.hpp>
#include <pathline/train/sgd.hpp>

#include <support/catch.hpp>
#include <support/memory_keeper.hpp>

#include <cmath>
#include <limits>
#include <sstream>
#include <string>

using namespace pathline;

namespace {

enum class Fault { none, not_finite, solve, row };

/// Fails in its own way once its parameters are far out.
struct Fragile : test::NoisyMean {
  Fault fault = Fault::none;
  double far = 50;

  void value_and_gradient(const Batch<double>& X, std::span<const Index> samples, const Draw& draw, Memory& memory,
                          Loss& loss) const {
    NoisyMean::value_and_gradient(X, samples, draw, memory, loss);
    if (theta.norm() < far || fault == Fault::none) return;
    if (fault == Fault::solve) throw SolveError("the step size underflows", {});
    if (fault == Fault::not_finite) loss.loss = std::numeric_limits<double>::quiet_NaN();
  }
  [[nodiscard]] Row<double> log_prob(const Batch<double>& X) const {
    Row<double> result = NoisyMean::log_prob(X);
    if (fault == Fault::row) base().log_density(X.leftCols(1), result);
    return result;
  }
  // By which `fit` finds the row that is at fault.
  struct Nowhere {
    void log_density(const Batch<double>& /*z*/, Row<double>& result) const {
      result(0) = -std::numeric_limits<double>::infinity();
    }
  };
  [[nodiscard]] Nowhere base() const { return {}; }
  [[nodiscard]] Index dim() const { return 2; }
  [[nodiscard]] Batch<double> transform(const Batch<double>& X) const { return X; }
};

/// Its loss is its first parameter, which grows by the rate in each step.
struct Climbing : Fragile {
  void value_and_gradient(const Batch<double>& X, std::span<const Index> samples, const Draw& draw, Memory& memory,
                          Loss& loss) const {
    Fragile::value_and_gradient(X, samples, draw, memory, loss);
    loss.loss = theta(0);
    loss.gradient = -Vector<double>::Unit(4, 0);
  }
};

/// Remembers more and more.
struct Growing {
  double steps = 0, more = 0;
  static constexpr bool watches_steps = true;
  void operator()(const EpochReport&) const {}
  template <class Theta>
  void after_step(const Theta&) {
    ++steps;
  }
  template <class Visit>
  void state(Visit& visit) {
    visit("steps", steps);
    if (steps > 0) visit("more", more);
  }
};

/// From this epoch on 64 times the rate.
struct Jump {
  Index epoch = 1;
  double times = 64;
  static constexpr bool reads_total = false;
  template <class Visit>
  void settings(Visit& visit) const {
    visit("epoch", epoch);
    visit("times", times);
  }
  [[nodiscard]] double rate(double learning_rate, const TrainingProgress& progress) const {
    return progress.epoch < epoch ? learning_rate : times * learning_rate;
  }
};

Batch<double> samples(Index n) {
  Batch<double> X(2, n);
  fill<Gaussian>(Draw{3, 0}, 0, X);
  return X.array() + 2;
}

struct Outcome {
  Fragile model{};
  Rng rng{5};
  TrainingState<double> state{};
  ExponentialMovingAverage<double> average{.decay = 0.9};
  FitReport report{};
};
template <class... Policies>
void train(Outcome& run, double rate, const Jump& jump, const Policies&... policies) {
  run.report = fit(run.model, samples(40), {.epochs = 8, .batch = 4, .validation_fraction = 0, .solver_check_rows = 0},
                   run.rng, Sgd{.learning_rate = rate, .momentum = 0}, jump, run.state, run.average, policies...);
}

}  // namespace

TEST_CASE("A run that diverges goes back, and on with a lower rate, to the same bits", "[train][roll_back]") {
  // Errors of the mean are multiplied by 1 - rate each step: 0.1 * 64 = 6.4 diverges, and so does a half of it; a
  // quarter, 1.6, converges.
  for (const Fault fault : {Fault::none, Fault::not_finite, Fault::solve})
    for (const Index epoch : {1, 4}) {
      INFO("fault " << int(fault) << ", epoch " << epoch);
      Outcome run, slow;
      run.model.fault = slow.model.fault = fault;
      train(run, 0.1, {.epoch = epoch}, RollBack{});
      if (epoch == 1) train(slow, 0.025, {.epoch = epoch});
      if (epoch == 4) train(slow, 0.1, {.epoch = epoch, .times = 16});
      CHECK(run.model.theta == slow.model.theta);
      CHECK(run.average.average == slow.average.average);
      CHECK(run.average.steps == slow.average.steps);
      CHECK(run.rng == slow.rng);
      CHECK(run.state.criteria == slow.state.criteria);
      CHECK(run.state.optimizer.steps == 80);
      CHECK(run.state.rate_factor == 0.25);
      CHECK(run.state.roll_backs == 2);
      REQUIRE(run.report.epochs.size() == 8);
      CHECK(run.report.epochs.back().roll_backs == 2);
      CHECK(run.report.epochs.front().roll_backs == (epoch == 1 ? 2 : 0));
      CHECK(slow.report.epochs.back().roll_backs == 0);
      REQUIRE(run.report.warnings.size() == 2);
      const std::string from = std::to_string(epoch), to = std::to_string(epoch - 1);
      CHECK_THAT(
          run.report.warnings[1],
          ContainsSubstring("training diverged in epoch " + from + " and went back to the end of epoch " + to +
                            "; every learning rate is 0.25 times what was asked from there on. It had failed: "));
      CHECK_THAT(run.report.warnings[1], ContainsSubstring(fault == Fault::solve        ? "the step size underflows"
                                                           : fault == Fault::not_finite ? "is not finite"
                                                                                        : "the mean training loss"));
      CHECK_THAT(run.report.warnings[1], !ContainsSubstring("the flow keeps the best parameters"));
      CHECK_THAT(run.report.warnings[1], !ContainsSubstring("Lower the"));
    }
}

TEST_CASE("When all tries are used up, fit throws as without them", "[train][roll_back][errors]") {
  Outcome run;
  run.model.fault = Fault::not_finite;
  Vector<double> best;
  try {
    train(run, 0.1, {.epoch = 3, .times = 1e9}, RollBack{.factor = 0.5, .tries = 3});
    FAIL("it converged");
  } catch (const TrainingError& error) {
    CHECK_THAT(error.what(), ContainsSubstring("fit: the loss or its gradient is not finite in epoch 3"));
    CHECK(error.report.epochs.size() == 2);
    CHECK(error.report.warnings.size() == 3);
    CHECK(error.reason == "the loss or its gradient is not finite in epoch 3");
  }
  CHECK(run.state.rate_factor == 1);
  CHECK(run.state.roll_backs == 0);
  CHECK(run.state.epochs == 2);
  CHECK(run.model.theta == run.state.best_parameters);
  CHECK((run.model.theta.head(2).array() - 2).abs().maxCoeff() < 1);
  CHECK_THROWS_WITH(train(run, 0.1, {}, RollBack{.factor = 1}), "RollBack: factor is 1, expected above 0 and below 1");
  CHECK_THROWS_WITH(train(run, 0.1, {}, RollBack{.tries = 0}), "RollBack: tries is 0, expected at least 1");
  CHECK_THROWS_WITH(train(run, 0.1, {}, RollBack{.explosion = 0}),
                    "RollBack: explosion is 0, expected a positive number");
}

TEST_CASE("Where a lower rate cannot help, fit throws at once", "[train][roll_back][errors]") {
  const auto failed = [](Fault fault, double far) {
    Outcome run;
    run.model.fault = fault;
    run.model.far = far;
    try {
      train(run, 0.1, {.times = 1}, RollBack{});
      FAIL("it converged");
    } catch (const TrainingError& error) {
      CHECK(error.report.warnings.empty());
      CHECK(run.state.rate_factor == 1);
      CHECK(run.state.roll_backs == 0);
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK_THAT(failed(Fault::not_finite, 0), ContainsSubstring("before the first step"));
  CHECK_THAT(failed(Fault::solve, 0), ContainsSubstring("the step size underflows"));
  CHECK_THAT(failed(Fault::row, 0), ContainsSubstring(". training sample "));
}

TEST_CASE("Going back refuses a state that names other values than before", "[train][roll_back][errors]") {
  Outcome run;
  run.model.fault = Fault::not_finite;
  Growing growing;
  CHECK_THROWS_WITH(fit(run.model, samples(40), {.epochs = 2, .batch = 4, .solver_check_rows = 0}, run.rng,
                        Sgd{.learning_rate = 6.4}, run.state, growing, RollBack{}),
                    ContainsSubstring("RollBack: what state(visit) names is not what it named when the epoch began"));
  CHECK(run.state.rate_factor == 1);
}

TEST_CASE("A resumed run compares with the first step of the whole run", "[train][roll_back][checkpoint]") {
  // The loss climbs from 0 by 0.1 an epoch and has a mean of 3.28 in the fifth: above 3.2 (1 + 0), that of the first
  // step, but not above 3.2 (1 + 0.045) + 0.045, that of the first epoch.
  const test::MemoryKeeper keeper;
  struct Killed {};
  const auto run = [&](Index last, const auto&... policies) {
    Climbing model;
    TrainingState<double> state;
    Rng rng(5);
    const auto kill = [&](const EpochReport& epoch) {
      if (epoch.epoch == last) throw Killed{};
    };
    fit(model, samples(40), {.epochs = 5, .batch = 4, .validation_fraction = 0, .solver_check_rows = 0}, rng,
        Sgd{.learning_rate = 0.01, .momentum = 0}, Jump{.epoch = 5}, state, RollBack{.explosion = 3.2}, kill,
        policies...);
    CHECK(state.roll_backs == 1);
    return state.parameters;
  };
  const Vector<double> whole = run(0, keeper);
  keeper.kept->reset();
  CHECK_THROWS_AS(run(4, keeper), Killed);
  CHECK(run(0, keeper) == whole);
}

TEST_CASE("A run that went back and was interrupted ends with the same bits", "[train][roll_back][checkpoint]") {
  const test::MemoryKeeper keeper;
  struct Killed {};
  Index last = 0;
  std::ostringstream out;
  const PrintProgress progress{.out = &out, .options = ProgressOptions{.terminal = false}};
  const auto run = [&] {
    Outcome outcome;
    train(outcome, 0.1, {.epoch = 4}, RollBack{}, keeper, progress, [&](const EpochReport& epoch) {
      if (epoch.epoch == last) throw Killed{};
    });
    return outcome;
  };
  Outcome whole;
  train(whole, 0.1, {.epoch = 4}, RollBack{});
  last = 6;
  CHECK_THROWS_AS(run(), Killed);
  last = 0;
  const Outcome resumed = run();
  CHECK(resumed.model.theta == whole.model.theta);
  CHECK(resumed.state.rate_factor == 0.25);
  CHECK(resumed.report.epochs.back().roll_backs == 2);
  CHECK_THAT(out.str(), ContainsSubstring("rolled back 2x"));

  (*keeper.kept)->at<double>("rate_factor") = 2;
  CHECK_THROWS_WITH(run(), ContainsSubstring("rate_factor is none of a run"));
}
