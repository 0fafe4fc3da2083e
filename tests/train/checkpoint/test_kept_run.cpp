// A run that goes on from what was kept ends with the bits of one that was never stopped, wherever it was stopped.
#include <pathline/train/checkpoint/kept_run.hpp>

#include <pathline/core/random.hpp>
#include <pathline/train/adam.hpp>
#include <pathline/train/batch_source.hpp>
#include <pathline/train/fit.hpp>

#include <support/catch.hpp>
#include <support/memory_keeper.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

using namespace pathline;
using test::KeptInMemory;
using test::MemoryKeeper;
using test::NoisyMean;

namespace {

Batch<double> samples(Index n, std::uint64_t draw) {
  Batch<double> X(2, n);
  fill<Gaussian>(Draw{3, draw}, 0, X);
  return X.array() + 1;
}

struct Interrupted {};

/// All that a call of fit leaves. Bits, since some of it is NaN.
struct Outcome {
  NoisyMean model;
  Rng rng{7};
  TrainingState<double> state;
  FitReport report;
  double lowest = 1e9;  // of a callback

  [[nodiscard]] std::vector<std::uint64_t> bits() const {
    std::vector<double> all(model.theta.data(), model.theta.data() + model.theta.size());
    for (EpochReport epoch : report.epochs) {
      epoch.seconds = 0;
      detail::for_each_number(epoch, [&](const auto& number) { all.push_back(double(number)); });
    }
    for (const double number : {report.best_criterion, double(report.best_epoch), double(report.stop),
                                double(rng.next()), double(state.epochs), double(state.optimizer.steps),
                                state.best_criterion, double(state.since_best), double(state.judged_by), lowest})
      all.push_back(number);
    for (const auto* const vector :
         {&state.parameters, &state.best_parameters, &state.optimizer.moments.at(0), &state.optimizer.moments.at(1)})
      all.insert(all.end(), vector->data(), vector->data() + vector->size());
    all.insert(all.end(), state.criteria.begin(), state.criteria.end());
    std::vector<std::uint64_t> result;
    for (const double number : all) result.push_back(std::bit_cast<std::uint64_t>(number));
    for (const std::string& warning : report.warnings) result.push_back(std::hash<std::string>()(warning));
    return result;
  }
};

constexpr Index epochs = 14;
const FitOptions options{.epochs = epochs, .batch = 8, .validation_fraction = 0.4, .validate_every = 3};

/// Trains on weighted rows, of which some are held out; the callback throws in epoch `until`.
void train(Outcome& out, const MemoryKeeper& keeper, Index until, Index patience = 20) {
  Batch<double> X = samples(40, 0);
  X(0, 12) = -20;  // held out, and worth a warning by the losses of the best epoch
  const Vector<double> weights = Vector<double>::LinSpaced(40, 0, 2);
  auto lowest = with_state(
      [&](const EpochReport& epoch) {
        if (epoch.epoch == until) throw Interrupted{};
        out.lowest = std::min(out.lowest, epoch.train_loss);
        return true;
      },
      [&](auto& visit) { visit("lowest", out.lowest); });
  out.report = fit(out.model, with_weights(X, weights), options, out.rng, AdamW{.learning_rate = 0.02}, out.state,
                   keeper, OnPlateau{.patience = 2}, lowest, EarlyStopping{.patience = patience});
}

/// The same, interrupted in each epoch and started again by the same command.
Outcome trained_in_pieces(const MemoryKeeper& keeper, Index patience = 20) {
  for (Index until = 1; until <= epochs; ++until) {
    Outcome out;
    try {
      train(out, keeper, until, patience);
    } catch (const Interrupted&) {
      continue;
    }
    return out;
  }
  Outcome out;
  train(out, keeper, 0, patience);
  return out;
}

}  // namespace

TEST_CASE("A run that is interrupted in every epoch ends with the bits of one that is not", "[train][checkpoint]") {
  const Index every = GENERATE(1, 3, 5), patience = GENERATE(20, 1);
  INFO("every " << every << ", patience " << patience);
  Outcome whole;
  train(whole, {.every = every}, 0, patience);
  CHECK((whole.report.stop == StopReason::patience) == (patience == 1));
  CHECK(whole.report.warnings.size() == 1);
  const MemoryKeeper keeper{.every = every};
  const Outcome parted = trained_in_pieces(keeper, patience);
  CHECK(parted.bits() == whole.bits());

  // Once more, after it has ended: nothing is trained.
  Outcome again;
  train(again, keeper, 1, patience);
  CHECK(again.bits() == whole.bits());
}

TEST_CASE("A checkpoint changes nothing, and is written every so often", "[train][checkpoint]") {
  Outcome kept;
  NoisyMean model;
  Rng rng(7);
  MemoryKeeper keeper{.every = 4};
  std::vector<Index> written;
  const auto look = [&](const EpochReport&) {
    written.push_back((*keeper.kept)->values.at("epochs").has_value() ? (*keeper.kept)->at<Index>("epochs") : -1);
  };
  fit(kept.model, samples(40, 0), options, kept.rng, keeper, look);
  fit(model, samples(40, 0), options, rng);
  CHECK(kept.model.theta == model.theta);
  CHECK(kept.rng == rng);
  CHECK(written == std::vector<Index>{0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12});
  CHECK((*keeper.kept)->at<Index>("epochs") == 14);
}

namespace {

/// Samples of a walk that goes on from epoch to epoch: its position is in the memory.
struct Walk {
  struct Memory {
    double position = 0;
    Batch<double> data;
    std::vector<Index> ids;
    template <class Visit>
    void state(Visit& visit) {
      visit("position", position);
    }
  };
  [[nodiscard]] Index samples() const { return 12; }
  void start_epoch(Rng& rng, Memory& memory) const { memory.position += rng.draw().number_at<Gaussian>(0, 0); }
  [[nodiscard]] MiniBatch<const Batch<double>&, double> batch(Index first, Index count, Rng& /*rng*/,
                                                              Memory& memory) const {
    memory.data = Batch<double>::Constant(2, count, memory.position + double(first));
    memory.ids.assign(std::size_t(count), first);
    return {memory.data, memory.ids};
  }
};

}  // namespace

TEST_CASE("The memory of a batch source goes on, with rows to judge by and without", "[train][checkpoint][source]") {
  const bool judged = GENERATE(false, true);
  const auto run = [&](NoisyMean& model, Rng& rng, const MemoryKeeper& keeper, Index until) {
    const auto stop = [until](const EpochReport& epoch) {
      if (epoch.epoch == until) throw Interrupted{};
    };
    return judged ? fit(model, Walk{}, samples(9, 1), {.epochs = 5, .batch = 5}, rng, keeper, stop)
                  : fit(model, Walk{}, {.epochs = 5, .batch = 5}, rng, keeper, stop);
  };
  NoisyMean whole, parted;
  Rng rng(7), same_seed(7), third(7);
  const FitReport expected = run(whole, rng, {}, 0);
  const MemoryKeeper keeper;
  CHECK_THROWS_AS(run(parted, same_seed, keeper, 4), Interrupted);
  parted = {};
  const FitReport report = run(parted, third, keeper, 0);
  CHECK(parted.theta == whole.theta);
  CHECK(third == rng);
  REQUIRE(report.epochs.size() == 5);
  for (std::size_t i = 0; i < 5; ++i) CHECK(report.epochs[i].train_loss == expected.epochs[i].train_loss);
}

TEST_CASE("A callback is told where a run goes on", "[train][checkpoint]") {
  struct Starts {
    std::vector<TrainingStart>& seen;
    Index until;
    auto start(const TrainingStart& start) const {
      seen.push_back(start);
      return [this](const EpochReport& epoch) {
        if (epoch.epoch == until) throw Interrupted{};
      };
    }
  };
  std::vector<TrainingStart> seen;
  const MemoryKeeper keeper{.every = 2};
  NoisyMean model, again;
  Rng rng(7), same_seed(7);
  CHECK_THROWS_AS(fit(model, samples(20, 0), options, rng, keeper, Starts{seen, 6}), Interrupted);
  fit(again, samples(20, 0), options, same_seed, keeper, Starts{seen, 0});
  REQUIRE(seen.size() == 2);
  CHECK(!seen[0].resumed);
  CHECK(seen[0].done == 0);
  CHECK(seen[1].resumed);
  CHECK(seen[1].done == 4);
  CHECK(seen[1].total == 14);
}

TEST_CASE("What is no whole run of this kind is refused, and nothing is changed", "[train][checkpoint][errors]") {
  const MemoryKeeper keeper;
  Outcome first;
  CHECK_THROWS_AS(train(first, keeper, 9), Interrupted);
  const KeptInMemory good = keeper.read().value();
  const auto refused = [&](const auto& spoil) {
    KeptInMemory bad = good;
    spoil(bad);
    *keeper.kept = bad;
    Outcome out;
    const NoisyMean before = out.model;
    std::string message;
    try {
      train(out, keeper, 0);
    } catch (const FileError& error) {
      message = error.what();
    } catch (const CheckpointError& error) {
      message = error.what();
    }
    CHECK(!message.empty());
    CHECK(out.model.theta == before.theta);
    CHECK(out.rng == Rng(7));
    CHECK(out.state.epochs == 0);
    CHECK(!out.state.split);
    CHECK(out.lowest == 1e9);
    CHECK(keeper.read()->values.size() == bad.values.size());
    return message;
  };
  for (const auto& [name, value] : good.values) {
    const std::string missing = name;
    INFO(missing);
    CHECK_THAT(refused([&](KeptInMemory& bad) { bad.values.erase(missing); }), ContainsSubstring("no " + missing));
  }
  using Vectors = Vector<double>;
  const auto whole_run = ContainsSubstring("fit: the memory does not hold a whole run: ");
  CHECK_THAT(refused([](KeptInMemory& bad) { bad.at<Index>("epochs") = 15; }), whole_run);
  CHECK_THAT(refused([](KeptInMemory& bad) { bad.at<Index>("epochs") = -1; }), whole_run);
  CHECK_THAT(refused([](KeptInMemory& bad) { bad.at<Index>("epochs") = 7; }),
             ContainsSubstring("there is not one report for each epoch; delete it to begin anew"));
  CHECK_THAT(refused([](KeptInMemory& bad) { bad.at<Vectors>("parameters").resize(3); }), whole_run);
  CHECK_THAT(refused([](KeptInMemory& bad) { bad.at<Vectors>("best_parameters")(1) = std::nan(""); }), whole_run);
  CHECK_THAT(refused([](KeptInMemory& bad) { bad.at<Batch<double>>("optimizer.moments").resize(1, 4); }), whole_run);
  CHECK_THAT(refused([](KeptInMemory& bad) { bad.at<Batch<double>>("optimizer.moments").resize(2, 5); }), whole_run);
  CHECK_THAT(refused([](KeptInMemory& bad) { bad.at<Batch<double>>("optimizer.moments").resize(Index(1) << 50, 0); }),
             whole_run);
  CHECK_THAT(refused([](KeptInMemory& bad) { bad.at<Batch<double>>("report.epochs")(2, 0) = 1e300; }), whole_run);
  CHECK_THAT(refused([](KeptInMemory& bad) { bad.at<Batch<double>>("report.epochs").resize(8, 3); }), whole_run);
  CHECK_THAT(refused([](KeptInMemory& bad) { bad.at<Index>("report.stop") = 9; }), whole_run);
  CHECK_THAT(refused([](KeptInMemory& bad) { ++bad.at<Index>("optimizer.steps"); }), whole_run);
  CHECK_THAT(refused([](KeptInMemory& bad) { bad.at<Index>("since_best") = 99; }), whole_run);
  CHECK_THAT(refused([](KeptInMemory& bad) { bad.at<double>("best_criterion") = std::nan(""); }), whole_run);
  CHECK_THAT(refused([](KeptInMemory& bad) { bad.at<Index>("best_epoch") = 9; }), whole_run);
  CHECK_THAT(refused([](KeptInMemory& bad) { bad.at<Vectors>("best_losses").resize(3); }), whole_run);
  CHECK_THAT(refused([](KeptInMemory& bad) { bad.at<std::vector<std::uint64_t>>("rng").clear(); }), whole_run);
  CHECK_THAT(refused([](KeptInMemory& bad) { bad.at<std::vector<std::uint64_t>>("split").resize(1); }), whole_run);
  CHECK_THAT(refused([](KeptInMemory& bad) { bad.at<std::vector<double>>("first_batch").clear(); }), whole_run);
  CHECK_THAT(refused([](KeptInMemory& bad) { bad.at<Index>("callbacks") = 2; }),
             ContainsSubstring("the number of callbacks that remember something is 1 in place of 2"));

  Outcome never;
  CHECK_THROWS_WITH(train(never, MemoryKeeper{.every = 0}, 0),
                    "fit: every of the checkpoint is 0, expected at least 1 epoch");

  *keeper.kept = good;
  Outcome whole, resumed;
  train(whole, {}, 0);
  train(resumed, keeper, 0);
  CHECK(resumed.bits() == whole.bits());
}
