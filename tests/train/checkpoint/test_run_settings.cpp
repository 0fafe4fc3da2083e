// Whatever a run is asked otherwise than the one that is kept, it is refused by the name of what differs.
#include <pathline/train/checkpoint/run_settings.hpp>

#include <pathline/core/random.hpp>
#include <pathline/train/adam.hpp>
#include <pathline/train/fit.hpp>
#include <pathline/train/schedule.hpp>

#include <support/catch.hpp>
#include <support/memory_keeper.hpp>

#include <string>
#include <vector>

using namespace pathline;
using test::MemoryKeeper;
using test::NoisyMean;

namespace {

Batch<double> samples(Index n, double shift) {
  Batch<double> X(2, n);
  fill<Gaussian>(Draw{3, 0}, 0, X);
  return X.array() + shift;
}

/// One call of fit, and all that it is asked.
struct Call {
  NoisyMean model{};
  Batch<double> train = samples(20, 1), validation = samples(10, 1);
  Vector<double> weights = Vector<double>::Ones(20);
  FitOptions options{.epochs = 3, .batch = 8};
  Rng rng{7};
  Adam adam{};
  StepDecay decay{};
  ClipByNorm clip{.max_norm = 5};
  EarlyStopping stopping{};
  TrainingState<double> state{};

  std::vector<std::string> differences(const MemoryKeeper& keeper) {
    try {
      fit(model, with_weights(train, weights), validation, options, rng, adam, decay, clip, stopping, state, keeper);
    } catch (const CheckpointError& error) {
      return error.differences;
    }
    return {};
  }
};

}  // namespace

TEST_CASE("A run that is asked something else is refused by name", "[train][checkpoint][errors]") {
  const MemoryKeeper keeper;
  Call first;
  CHECK(first.differences(keeper).empty());
  const auto kept = keeper.read();
  CHECK(Call().differences(keeper).empty());
  const auto with = [&](const auto& change) {
    Call call;
    change(call);
    const NoisyMean before = call.model;
    const Rng rng = call.rng;
    const std::vector<std::string> differences = call.differences(keeper);
    CHECK(call.model.theta == before.theta);
    CHECK(call.rng == rng);
    REQUIRE(!differences.empty());
    return differences;
  };
  using Lines = std::vector<std::string>;
  CHECK(with([](Call& call) { call.options.epochs = 4; }) == Lines{"epochs is 4 in place of 3"});
  CHECK(with([](Call& call) { call.options.batch = 9; }) == Lines{"batch is 9 in place of 8"});
  CHECK(with([](Call& call) { call.options.validate_every = 2; }) == Lines{"validate_every is 2 in place of 1"});
  CHECK(with([](Call& call) { call.options.total_epochs = 3; }) == Lines{"total_epochs is 3 in place of none"});
  CHECK(with([](Call& call) { call.rng = Rng(8); }) == Lines{"seed of the generator is 8 in place of 7"});
  CHECK(with([](Call& call) { call.rng = Rng(7, 1); }) == Lines{"next draw of the generator is 1 in place of 0"});
  CHECK(with([](Call& call) { call.adam.beta2 = 0.9990000001; }) ==
        Lines{"Adam: beta2 is 0.99900000010000001 in place of 0.999"});
  CHECK(with([](Call& call) { call.decay.every = 31; }) == Lines{"StepDecay: every is 31 in place of 30"});
  CHECK(with([](Call& call) { call.clip.max_norm = 6; }) == Lines{"ClipByNorm: max_norm is 6 in place of 5"});
  CHECK(with([](Call& call) { call.stopping.patience = 21; }) == Lines{"EarlyStopping: patience is 21 in place of 20"});
  CHECK_THAT(with([](Call& call) { call.model.theta(1) = 1e-300; }).front(),
             Catch::Matchers::StartsWith("first parameters, fingerprint is "));
  CHECK_THAT(with([](Call& call) { call.train(1, 3) += 1e-9; }).front(),
             Catch::Matchers::StartsWith("training data: fingerprint is "));
  CHECK_THAT(with([](Call& call) { call.weights(3) = 2; }).front(),
             Catch::Matchers::StartsWith("training data: fingerprint is "));
  CHECK(with([](Call& call) {
          call.train = samples(21, 1);
          call.weights = Vector<double>::Ones(21);
        }).front() == "samples of an epoch is 21 in place of 20");
  CHECK_THAT(with([](Call& call) { call.validation(1, 3) += 1e-9; }).front(),
             Catch::Matchers::StartsWith("rows to judge by, fingerprint is "));
  // Several at a time, in the order of the settings.
  CHECK(with([](Call& call) {
          call.adam.learning_rate = 0.002;
          call.options.epochs = 2;
        }) == Lines{"epochs is 2 in place of 3", "Adam: learning_rate is 0.002 in place of 0.001"});
  // Without a name: what the model computes shows it.
  const Lines unnamed = with([](Call& call) { call.model.noise = 0.1000001; });
  REQUIRE(unnamed.size() == 2);
  CHECK_THAT(unnamed[0], Catch::Matchers::StartsWith("the loss of the first mini-batch is "));
  CHECK_THAT(unnamed[1], ContainsSubstring("so that the model, its solver, a policy of it or the compiled program is "
                                           "another one"));
  const Lines judging = with([](Call& call) { call.model.shift = 0.5; });
  REQUIRE(judging.size() == 1);
  CHECK_THAT(judging.front(), Catch::Matchers::StartsWith("the loss of the first rows to judge by is "));
  // A further call with the state of the first.
  const Lines further = with([&](Call& call) {
    call.model = first.model;
    call.state = first.state;
  });
  CHECK_THAT(further.front(), Catch::Matchers::StartsWith("first parameters, fingerprint is "));
  CHECK(keeper.read()->asked() == kept->asked());
}

TEST_CASE("Another kind of policy or model is refused by name", "[train][checkpoint][errors]") {
  const MemoryKeeper keeper;
  const Batch<double> X = samples(20, 1);
  const FitOptions options{.epochs = 2};
  NoisyMean model;
  Rng rng(7);
  fit(model, X, options, rng, keeper);
  struct Renamed : NoisyMean {
  } renamed;
  const auto differences = [&](auto& other, const auto&... policies) {
    Rng same_seed(7);
    try {
      fit(other, X, options, same_seed, keeper, policies...);
    } catch (const CheckpointError& error) {
      return error.differences;
    }
    return std::vector<std::string>{};
  };
  NoisyMean same;
  using Lines = std::vector<std::string>;
  CHECK(differences(same, EarlyStopping{}, KeepLast{}, Cosine{}, AdamW{}) ==
        Lines{"optimizer is AdamW in place of Adam", "schedule is Cosine in place of ConstantRate",
              "parameter choice is KeepLast in place of KeepBest", "stopping rules is 1 in place of 0"});
  const Lines other_model = differences(renamed);
  REQUIRE(other_model.size() == 1);
  CHECK_THAT(other_model.front(), Catch::Matchers::StartsWith("model is "));
}

TEST_CASE("Two policies of one type are told apart", "[train][checkpoint][errors]") {
  const MemoryKeeper keeper;
  const Batch<double> X = samples(20, 1);
  const auto train = [&](Index second) {
    NoisyMean model;
    Rng rng(7);
    fit(model, X, {.epochs = 2}, rng, keeper, EarlyStopping{.patience = 5}, EarlyStopping{.patience = second});
  };
  train(6);
  CHECK_NOTHROW(train(6));
  CHECK_THROWS_WITH(train(7), ContainsSubstring("EarlyStopping: patience (2) is 7 in place of 6"));
}
