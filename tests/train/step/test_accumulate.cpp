#include <pathline/train/step/accumulate.hpp>

#include <pathline/train/batch_source.hpp>
#include <pathline/train/fit.hpp>
#include <pathline/train/sgd.hpp>
#include <pathline/train/weighted_data.hpp>

#include <support/catch.hpp>
#include <support/memory_keeper.hpp>

#include <limits>

using namespace pathline;

namespace {

/// Without running statistics.
struct Plain : test::NoisyMean {
  void after_step(const Memory& memory) = delete;
};

Batch<double> samples(Index n) {
  Batch<double> X(2, n);
  fill<Gaussian>(Draw{3, 0}, 0, X);
  return X;
}

struct Outcome {
  Plain model{};
  Rng rng{5};
  FitReport report{};
};
template <class Data, class... Policies>
Outcome trained(const Data& X, Index batch, const Policies&... policies) {
  Outcome outcome;
  outcome.report =
      fit(outcome.model, X, {.epochs = 5, .batch = batch, .validation_fraction = 0, .solver_check_rows = 0},
          outcome.rng, Sgd{.learning_rate = 0.3}, policies...);
  return outcome;
}

}  // namespace

TEST_CASE("A step of several mini-batches is that of one mini-batch of all their rows", "[train][accumulate]") {
  // 14 rows: steps of 12 and 2 rows, the second in one mini-batch; noise is by row and draw.
  const Batch<double> X = samples(14);
  const auto compare = [](const Outcome& several, const Outcome& one, Index steps = 2) {
    // 60 sums of numbers about 1 in another order.
    CHECK((several.model.theta - one.model.theta).cwiseAbs().maxCoeff() < 1e-14);
    CHECK(one.model.theta.head(2).norm() > 0.1);
    CHECK(several.rng == one.rng);
    for (std::size_t i = 0; i < 5; ++i) {
      const EpochReport &a = several.report.epochs[i], &b = one.report.epochs[i];
      CHECK(a.train_loss == Approx(b.train_loss).epsilon(1e-13));
      CHECK(a.gradient_norm == Approx(b.gradient_norm).epsilon(1e-13));
      CHECK(a.steps == steps);
      CHECK(b.steps == steps);
    }
    CHECK(several.report.epochs[0].solves == 4);
    CHECK(several.report.epochs[0].forward.accepted == 14);
  };
  compare(trained(X, 4, Accumulate{.batches = 3}), trained(X, 12));
  compare(trained(X, 4, Accumulate{.batches = 4}), trained(X, 16), 1);  // of 4, 4, 4 and 2 rows
  const Vector<double> weights = Vector<double>::LinSpaced(14, 0.1, 3);
  const auto weighted = with_weights(X, weights);
  compare(trained(weighted, 4, Accumulate{.batches = 3}), trained(weighted, 12));
  CHECK((trained(weighted, 12).model.theta - trained(X, 12).model.theta).norm() > 1e-3);
  CHECK(trained(X, 4, Accumulate{}).model.theta == trained(X, 4).model.theta);
  compare(trained(X, 4, Accumulate{.batches = std::numeric_limits<Index>::max()}), trained(X, 14), 1);
}

TEST_CASE("The cost of steps is that of all mini-batches, and no context gradient of one is left",
          "[train][accumulate]") {
  struct Loss : Plain::Loss {
    double step_cost = 0;
    Batch<double> context_gradient{};
  };
  Loss part, sum;
  part.gradient = Vector<double>::Ones(1);
  part.context_gradient = Batch<double>::Ones(1, 3);
  part.step_cost = 8;
  Accumulate::add(0.75, part, true, sum);
  part.step_cost = 4;
  Accumulate::add(0.25, part, false, sum);
  CHECK(sum.step_cost == 7);
  CHECK(sum.context_gradient.size() == 0);
}

TEST_CASE("New samples of the same numbers have noise of their own in each mini-batch of a step",
          "[train][accumulate][source]") {
  const FreshSamples source([](Index n, const Draw&) { return Batch<double>(Batch<double>::Zero(2, n)); }, 12);
  const auto noise = [&](Index batch, const auto&... policies) {
    Plain model{{.noise = 1}};
    Rng rng(5);
    fit(model, source, {.epochs = 1, .batch = batch}, rng, Sgd{.learning_rate = 1}, policies...);
    return model.theta.head(2).norm();
  };
  // The mean of 12 normal numbers, not of 4 that are repeated.
  CHECK(noise(4, Accumulate{.batches = 3}) != Approx(noise(4)));
  Plain model{{.noise = 1}};
  Rng rng(5);
  fit(model, source, {.epochs = 1, .batch = 4}, rng, Accumulate{.batches = 3});
  CHECK(rng.next() == 6);  // samples and noise of each of three
}

TEST_CASE("A run with steps of several mini-batches goes on with the same bits", "[train][accumulate][checkpoint]") {
  const Batch<double> X = samples(14);
  const test::MemoryKeeper keeper;
  struct Killed {};
  Index last = 0;
  const auto stop = [&](const EpochReport& epoch) {
    if (epoch.epoch == last) throw Killed{};
  };
  const Vector<double> whole = trained(X, 4, Accumulate{.batches = 3}, stop).model.theta;
  last = 4;
  CHECK_THROWS_AS(trained(X, 4, Accumulate{.batches = 3}, stop, keeper), Killed);
  last = 0;
  CHECK_THROWS_WITH(trained(X, 4, Accumulate{.batches = 2}, stop, keeper),
                    ContainsSubstring("batches is 2 in place of 3"));
  CHECK(trained(X, 4, Accumulate{.batches = 3}, stop, keeper).model.theta == whole);
  CHECK_THROWS_WITH(trained(X, 4, Accumulate{.batches = 0}),
                    "Accumulate: batches is 0, expected at least 1 mini-batch");
}
