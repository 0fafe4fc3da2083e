// Weights of a source's rows in all that trains by them: objectives, resumed runs, steps of several mini-batches, runs
// that go back, and validation.
#include <pathline/train/source/shuffled_source.hpp>

#include <pathline/flow/cnf.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/ode/explicit/tableaux.hpp>
#include <pathline/train/adam.hpp>
#include <pathline/train/fit.hpp>
#include <pathline/train/matching/flow_matching.hpp>
#include <pathline/train/matching/mixed_objective.hpp>
#include <pathline/train/matching/optimal_transport.hpp>
#include <pathline/train/rate/find_learning_rate.hpp>
#include <pathline/train/sgd.hpp>
#include <pathline/train/source/row_set.hpp>
#include <pathline/train/step/accumulate.hpp>
#include <pathline/train/step/roll_back.hpp>

#include <support/catch.hpp>
#include <support/mean_of_epoch.hpp>
#include <support/memory_keeper.hpp>

#include <cstddef>
#include <span>
#include <type_traits>
#include <vector>

using namespace pathline;
using test::MemoryKeeper;
using test::NoisyMean;

namespace {

auto make_flow() {
  Rng rng(6);
  return Cnf(Mlp<double, Tanh>(2, {6}, rng), Rk4{}, FixedSteps(3), Threads{1});
}
using Flow = decltype(make_flow());

Batch<double> gaussian(Index rows, Index columns, std::uint64_t draw = 0) {
  Batch<double> X(rows, columns);
  fill<Gaussian>(Draw{4, draw}, 0, X);
  return X;
}

/// The same rows with one more number, their weight.
Batch<double> with_last_row(const Batch<double>& X, const Row<double>& weights) {
  Batch<double> result(X.rows() + 1, X.cols());
  result << X, weights;
  return result;
}

/// 0, 1, 2, 3, 0, 1, …
Row<double> whole_weights(Index n) {
  Row<double> weights(n);
  for (Index j = 0; j < n; ++j) weights(j) = double(j % 4);
  return weights;
}

// Windows of a few blocks, so that rows come from several.
constexpr ShuffleOptions small_blocks{.block_bytes = 96, .window_bytes = 384};

ShuffleOptions weighted(ShuffleOptions options = small_blocks) {
  options.last_is_weight = true;
  return options;
}

/// Not in memory, so that blocks are read.
auto computed(const Batch<double>& X) {
  return rows_by_function<double>(X.rows(), X.cols(),
                                  [&X](Index first, BatchRef<double> out) { out = X.middleCols(first, out.cols()); });
}

/// NoisyMean without its running statistics and its noise, which depends on the mini-batch.
struct Mean {
  using Scalar = double;
  using Memory = NoisyMean::Memory;
  NoisyMean inner{.noise = 0};

  [[nodiscard]] Vector<double>& parameters() { return inner.theta; }
  [[nodiscard]] const Vector<double>& parameters() const { return inner.theta; }
  [[nodiscard]] Index data_rows() const { return 2; }
  [[nodiscard]] NoisyMean::Loss make_training_loss() const { return {}; }
  [[nodiscard]] Row<double> log_prob(const Batch<double>& X) const { return inner.log_prob(X); }
  void value_and_gradient(const Batch<double>& X, std::span<const Index> samples, const Draw& draw, Memory& memory,
                          NoisyMean::Loss& loss) const {
    inner.value_and_gradient(X, samples, draw, memory, loss);
  }
  void value_and_gradient(const Batch<double>& X, std::span<const Index> samples, const Vector<double>& weights,
                          const Draw& draw, Memory& memory, NoisyMean::Loss& loss) const {
    inner.value_and_gradient(X, samples, weights, draw, memory, loss);
  }
};

/// θ after some epochs, and what the run reported.
template <class Model>
struct Trained {
  Vector<double> theta;
  FitReport report;
};
template <class Model, class Source, class... Policies>
Trained<Model> trained(Model model, const Source& source, const FitOptions& options, Policies&&... policies) {
  Rng rng(9);
  const FitReport report = fit(model, source, options, rng, policies...);
  return {Vector<double>(model.parameters()), report};
}

}  // namespace

TEST_CASE("Equal weights of rows train to the bits of rows without weights", "[train][source][weights]") {
  const Batch<double> X = gaussian(2, 49);  // 49 times a 49th is not 1 in binary
  const FitOptions options{.epochs = 2, .batch = 16, .solver_check_rows = 0};
  double judged = 0;
  const auto compare = [&](const auto& objective_of) {
    const auto run = [&](const auto& source) {
      auto flow = make_flow();
      auto&& objective = objective_of(flow);
      Rng rng(9);
      const FitReport report = fit(objective, source, options, rng, Adam{.learning_rate = 1e-2});
      REQUIRE(report.epochs.size() == 2);
      judged = report.best_criterion;
      return Vector<double>(std::as_const(flow).parameters());
    };
    const Vector<double> before = make_flow().parameters();
    // Rows that are computed: blocks have the same rows with the weight as without when they have as many.
    ShuffleOptions of_three = small_blocks;
    of_three.block_bytes = 144;
    of_three.window_bytes = 576;
    const auto plain = computed(X);
    const RowsInMemory in_memory(X);
    const Vector<double> expected = run(ShuffledSource(plain, small_blocks)),
                         expected_in_memory = run(ShuffledSource(in_memory));
    CHECK(expected != before);
    for (const double weight : {1., 0.1, 3e-200, 7e200}) {  // 0.1 in sums of 6: not six times 0.1
      INFO("weight " << weight);
      const Batch<double> XW = with_last_row(X, Row<double>::Constant(49, weight));
      const auto rows = computed(XW);
      CHECK(run(ShuffledSource(rows, weighted(of_three))) == expected);
      const RowsInMemory kept(XW);
      CHECK(run(ShuffledSource(kept, weighted({}))) == expected_in_memory);
      ShuffleOptions given = weighted({});
      given.mean_weight = weight;
      CHECK(run(ShuffledSource(kept, given)) == expected_in_memory);
    }
    // A batch and its weights, of which 49 are trained on and 6 judge.
    const Batch<double> more = gaussian(2, 55);
    const Vector<double> of_batch = run(more);
    const double criterion = judged;
    CHECK(run(with_weights(more, Vector<double>::Constant(55, 0.1))) == of_batch);
    CHECK(judged == criterion);
    CHECK(run(with_weights(more, Vector<double>::LinSpaced(55, 0.1, 0.2))) != of_batch);
  };
  SECTION("likelihood") {
    compare([](Flow& flow) -> Flow& { return flow; });
  }
  SECTION("flow matching") {
    compare([](Flow& flow) { return FlowMatching(flow); });
  }
  SECTION("flow matching by transport") {
    compare([](Flow& flow) { return FlowMatching(flow, OptimalTransport{}); });
  }
  SECTION("both") {
    compare([](Flow& flow) { return MixedObjective(flow, FlowMatching(flow), 0.3); });
  }
}

TEST_CASE("By flow matching, rows of whole weights count as so many rows", "[train][source][weights][matching]") {
  const Batch<double> X = gaussian(2, 12);
  const Row<double> weights = whole_weights(12);
  auto flow = make_flow();
  const auto check = [&](const auto& objective) {
    // A base point and a time are those of the row's number: copies of a row have the same.
    std::vector<Index> ids;
    Batch<double> repeated(2, 18);
    for (Index j = 0; j < 12; ++j)
      for (Index copy = 0; copy < Index(weights(j)); ++copy) {
        repeated.col(Index(ids.size())) = X.col(j);
        ids.push_back(j);
      }
    REQUIRE(ids.size() == 18);
    typename std::remove_cvref_t<decltype(objective)>::Memory memory;
    auto expected = objective.make_training_loss(), loss = expected;
    objective.value_and_gradient(repeated, ids, Draw{3, 1}, memory, expected);
    const Batch<double> XW = with_last_row(X, weights);
    const auto rows = computed(XW);
    const ShuffledSource source(rows, weighted());
    REQUIRE(source.samples() == 12);
    const auto mean = test::mean_of_epoch(
        source, [&](const auto& mini) -> const auto& {
          const ConstVectorMap<double> factors(mini.factors.data(), Index(mini.factors.size()));
          objective.value_and_gradient(mini.data, mini.samples, factors, Draw{3, 1}, memory, loss);
          return loss;
        });
    // Sums in another order.
    CHECK(mean.loss == Approx(expected.loss).epsilon(1e-13));
    CHECK((mean.gradient - expected.gradient).norm() < 1e-13 * expected.gradient.norm());
  };
  check(FlowMatching(flow));
  check(MixedObjective(flow, FlowMatching(flow), 0.3));
}

TEST_CASE("A run from a source with weights goes on from its checkpoint with the same bits",
          "[train][source][weights][checkpoint]") {
  const Batch<double> X = gaussian(2, 50), XW = with_last_row(X, whole_weights(50));
  const auto rows = computed(XW);
  ShuffleOptions options = weighted();
  options.epoch = 20;
  const ShuffledSource source(rows, options);
  struct Killed {};
  const auto run = [&](MemoryKeeper keeper, Index stop) {
    auto flow = make_flow();
    FlowMatching objective(flow, OptimalTransport{});  // which groups rows by their weight
    Rng rng(9);
    const FitReport report =
        fit(objective, source, {.epochs = 6, .batch = 8, .solver_check_rows = 0}, rng, Adam{.learning_rate = 1e-2},
            Accumulate{.batches = 2}, keeper, [&](const EpochReport& epoch) {
              if (epoch.epoch == stop) throw Killed{};
            });
    return Trained<Flow>{flow.parameters(), report};
  };
  const Trained<Flow> whole = run({}, 0);
  MemoryKeeper keeper;
  CHECK_THROWS_AS(run(keeper, 4), Killed);
  REQUIRE((*keeper.kept)->at<Index>("epochs") == 3);
  const MemoryKeeper unchanged{.kept = std::make_shared<std::optional<test::KeptInMemory>>(*keeper.kept)};
  const Trained<Flow> resumed = run(keeper, 0);
  CHECK(resumed.theta == whole.theta);
  CHECK(resumed.report.epochs.back().train_loss == whole.report.epochs.back().train_loss);
  CHECK(resumed.report.warnings == whole.report.warnings);  // how many rows were alone with their weight

  // Other weights of the same rows are other data.
  const Batch<double> others = with_last_row(X, Row<double>::LinSpaced(50, 1, 2));
  const auto other_rows = computed(others);
  const ShuffledSource other(other_rows, options);
  auto flow = make_flow();
  FlowMatching objective(flow, OptimalTransport{});
  Rng rng(9);
  CHECK_THROWS_WITH(fit(objective, other, {.epochs = 6, .batch = 8, .solver_check_rows = 0}, rng,
                        Adam{.learning_rate = 1e-2}, Accumulate{.batches = 2}, unchanged),
                    ContainsSubstring("training data: "));
}

TEST_CASE("Steps of several mini-batches, the rate finder and a run that goes back use a source's weights",
          "[train][source][weights]") {
  const Batch<double> X = gaussian(2, 48), XW = with_last_row(X, whole_weights(48));
  const RowsInMemory rows(XW), plain_rows(X);
  const ShuffledSource source(rows, weighted({})), plain(plain_rows);
  const Mean model;
  const FitOptions small{.epochs = 3, .batch = 4, .solver_check_rows = 0}, large{.epochs = 3, .batch = 12};
  const Sgd sgd{.learning_rate = 0.1};
  const auto theta = [&](const auto& from, const FitOptions& options, auto... policies) {
    return trained(model, from, options, sgd, policies...).theta.head(2).eval();
  };
  CHECK((theta(source, small, Accumulate{.batches = 3}) - theta(source, large)).norm() < 1e-14);
  CHECK((theta(source, large) - theta(plain, large)).norm() > 1e-2);

  const RateSearch search{.steps = 20, .batch = 12};
  Mean tried;
  CHECK(find_learning_rate(tried, source, search, Rng(1)).losses !=
        find_learning_rate(tried, plain, search, Rng(1)).losses);

  // One that is sent back to its beginning ends with the bits of one at half the rate.
  struct FailsOnce : Mean {
    bool* failed = nullptr;
    void value_and_gradient(const Batch<double>& Y, std::span<const Index> samples, const Vector<double>& weights,
                            const Draw& draw, Memory& memory, NoisyMean::Loss& loss) const {
      Mean::value_and_gradient(Y, samples, weights, draw, memory, loss);
      fail();
    }
    void value_and_gradient(const Batch<double>& Y, std::span<const Index> samples, const Draw& draw, Memory& memory,
                            NoisyMean::Loss& loss) const {
      Mean::value_and_gradient(Y, samples, draw, memory, loss);
      fail();
    }
    void fail() const {
      if (*failed || inner.theta.norm() == 0) return;  // a step must have been taken
      *failed = true;
      throw SolveError("the step size underflows", {});
    }
  };
  const auto run = [&](const auto& from, double rate, bool fails) {
    bool failed = !fails;
    FailsOnce fragile;
    fragile.failed = &failed;
    return trained(fragile, from, {.epochs = 3, .batch = 12, .solver_check_rows = 0}, Sgd{.learning_rate = rate},
                   RollBack{.factor = 0.5});
  };
  const auto back = run(source, 0.1, true);
  CHECK(back.report.epochs.back().roll_backs == 1);
  CHECK(back.theta == run(source, 0.05, false).theta);
  CHECK(back.theta != run(plain, 0.05, false).theta);
}

TEST_CASE("Early stopping and the best parameters go by the weighted loss of validation rows",
          "[train][source][weights]") {
  const Batch<double> X = gaussian(2, 60);
  const RowsInMemory rows(X);
  const ShuffledSource source(rows);
  // Half of these rows are far from the others, and the weights say how far they count.
  Batch<double> V = gaussian(2, 12, 1), repeated(2, 18);
  V.rightCols(6).array() += 1.5;
  const Row<double> weights = whole_weights(12);
  Index copies = 0;
  for (Index j = 0; j < 12; ++j)
    for (Index copy = 0; copy < Index(weights(j)); ++copy) repeated.col(copies++) = V.col(j);
  REQUIRE(copies == 18);
  const auto run = [&](const auto& validation) {
    Mean model;
    model.inner.theta.head(2).setConstant(3);  // training passes the validation rows' mean on its way to its own
    Rng rng(9);
    return fit(model, source, validation, {.epochs = 60, .batch = 20, .solver_check_rows = 0}, rng,
               Sgd{.learning_rate = 0.02, .momentum = 0}, EarlyStopping{.patience = 3});
  };
  const FitReport by_weights = run(with_weights(V, weights)), by_copies = run(repeated), by_all = run(V);
  CHECK(by_weights.stop == StopReason::patience);
  CHECK(by_weights.best_epoch == by_copies.best_epoch);
  CHECK(by_weights.epochs.size() == by_copies.epochs.size());
  CHECK(by_weights.best_criterion == Approx(by_copies.best_criterion).epsilon(1e-13));
  CHECK(std::abs(by_weights.best_criterion - by_all.best_criterion) > 1e-2);

  // Rows that still have their weight are not taken for samples.
  const Batch<double> VW = with_last_row(V, weights);
  CHECK_THROWS_WITH(run(VW), ContainsSubstring("fit: validation data has 3 rows, expected 2"));
}
