// Flow matching in `fit`: a known optimum, straighter paths by transport, how it is judged, warned of and refused.
#include <pathline/train/matching/flow_matching.hpp>

#include <pathline/flow/base/periodic_base.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/flow/end_time/steer.hpp>
#include <pathline/flow/regularizer/kinetic_energy.hpp>
#include <pathline/flow/transform/log_transform.hpp>
#include <pathline/flow/transform/periodic_transform.hpp>
#include <pathline/flow/with_context.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/nn/periodic_mlp.hpp>
#include <pathline/train/fit.hpp>
#include <pathline/train/matching/optimal_transport.hpp>
#include <pathline/train/metric/path_metrics.hpp>
#include <pathline/train/toy/toy_densities.hpp>

#include <support/catch.hpp>
#include <support/memory_keeper.hpp>

#include <cmath>
#include <cstddef>
#include <numbers>
#include <numeric>
#include <string>
#include <type_traits>
#include <vector>

using namespace pathline;
using test::MemoryKeeper;

namespace {

template <class... Policies>
auto small_flow(std::vector<Index> hidden, Policies... policies) {
  Rng rng(6);
  return Cnf(Mlp<double, Tanh>(2, hidden, rng), Threads{1}, policies...);
}
using Flow = decltype(small_flow({}));
static_assert(Trainable<FlowMatching<Flow>> && WeightedTrainable<FlowMatching<Flow>>);
static_assert(Trainable<FlowMatching<Flow, ByMatchingLoss>>);
static_assert(detail::is_density<FlowMatching<Flow>, double>);
static_assert(!detail::is_density<FlowMatching<Flow, ByMatchingLoss>, double>);

Batch<double> gaussian(std::uint64_t draw, Index rows, Index columns) {
  Batch<double> X(rows, columns);
  fill<Gaussian>(Draw{8, draw}, 0, X);
  return X;
}
/// N((1, -1), L L') with L = (0.5 0; 0.6 0.4).
Batch<double> correlated(std::uint64_t draw, Index n) {
  Batch<double> X = gaussian(draw, 2, n);
  X.row(1) = (0.6 * X.row(0) + 0.4 * X.row(1)).array() - 1;
  X.row(0) = 0.5 * X.row(0).array() + 1;
  return X;
}
const double entropy_of_correlated = std::log(0.5 * 0.4) + 1 + std::log(2 * std::numbers::pi);

}  // namespace

TEST_CASE("Flow matching carries one Gaussian to another, and the flow then has its density", "[train][matching]") {
  auto flow = small_flow({16});
  const FlowMatching matching(flow);
  const Batch<double> X = correlated(0, 1000), test = correlated(1, 2000);
  const double before = -flow.log_prob(test).mean() - entropy_of_correlated;
  Rng rng(1);
  FlowMatching objective(flow);
  const FitReport report = fit(objective, X, {.epochs = 40, .batch = 50, .validate_every = 40}, rng,
                               Adam{.learning_rate = 1e-2}, Cosine{.final_rate = 1e-4});
  // KL(truth, flow) from 2000 rows with a standard error of 1 / sqrt(2000) = 0.02 of both means together: their
  // difference row by row has less. 1000 rows alone cost (d + d (d + 1) / 2) / 2000 = 0.0025.
  const double after = -flow.log_prob(test).mean() - entropy_of_correlated;
  INFO("KL " << before << " before, " << after << " after");
  CHECK(before > 0.5);
  CHECK(after < 0.06);
  const EpochReport& last = report.epochs.back();
  CHECK(last.evaluations == 1);  // no solve
  CHECK(std::isnan(last.train_nll));
  CHECK(last.validation_loss == Approx(entropy_of_correlated).margin(0.3));  // nats
  CHECK(std::isnan(report.epochs.front().validation_loss));
  CHECK(report.solver_check.rows > 0);
}

TEST_CASE("Transport makes learned paths straighter than independent coupling does", "[train][matching][.long]") {
  std::vector<double> times(21);
  for (std::size_t k = 0; k < times.size(); ++k) times[k] = double(k) / 20;
  const Batch<double> X = sample_toy<double>(ToyDensity::eight_gaussians, 500, Draw{9, 0});
  const auto straightness = [&](const auto&... policies) {
    auto flow = small_flow({24, 24});
    FlowMatching matching(flow, policies...);
    const FreshSamples source(
        [](Index n, const Draw& draw) { return sample_toy<double>(ToyDensity::eight_gaussians, n, draw); }, 3200);
    Rng rng(2);
    fit(matching, source, {.epochs = 24, .batch = 64}, rng, Adam{.learning_rate = 1e-2}, Cosine{.final_rate = 1e-4});
    const double nll = -flow.log_prob(X).mean();
    INFO("NLL " << nll);
    CHECK(nll < 3.5);  // of 2.83 at best: it has left the one Gaussian that it starts as
    return path_straightness(flow, X, times).value;
  };
  const double independent = straightness(), transported = straightness(OptimalTransport{});
  INFO("length over distance: " << independent << " independent, " << transported << " by transport");
  CHECK(independent > 1.02);
  CHECK(transported - 1 < 0.25 * (independent - 1));
}

TEST_CASE("A labelled pair, trained with transport: each label has its own density", "[train][matching][many-draws]") {
  // x given the label is N(3 label, 1/4) at labels of -1 and 1, beside a component that is N(0, 1) for both.
  Batch<double> X = gaussian(3, 3, 2000);
  for (Index j = 0; j < X.cols(); ++j) {
    X(2, j) = j % 2 == 0 ? 1 : -1;
    X(0, j) = 0.5 * X(0, j) + 3 * X(2, j);
  }
  Rng rng(6);
  Cnf flow(Mlp<double, Tanh>(2, {16}, rng, 2), Threads{1});
  FlowMatching matching(flow, OptimalTransport{});
  fit(matching, X, X.leftCols(500), {.epochs = 30, .batch = 100, .validate_every = 30}, rng,
      Adam{.learning_rate = 1e-2}, Cosine{.final_rate = 1e-4});
  const double entropy = 1 + std::log(2 * std::numbers::pi) + std::log(0.5);
  for (const double label : {1., -1.}) {
    Batch<double> test = gaussian(4, 3, 1000);
    test.row(0) = 0.5 * test.row(0).array() + 3 * label;
    test.row(2).setConstant(label);
    const double kl = -flow.log_prob(test).mean() - entropy;
    INFO("label " << label << ": " << kl);
    // The means of 1000 rows have a standard error of 0.03. A flow that had taken each label's half of the base alone
    // would give its samples half of the mass, 0.69 more: without a look at labels this is 0.58.
    CHECK(kl < 0.2);
  }
  const double other_label = -flow.log_prob(with_context(X.topRows(2), -X.row(2))).mean();
  CHECK(other_label > 10);  // 6 of 0.5 away: the flow reads its label
}

TEST_CASE("A judge by the matching loss has the same draws each time", "[train][matching]") {
  auto flow = small_flow({8});
  FlowMatching matching(flow, ByMatchingLoss{.draws = 3, .batch = 40, .seed = 5}, OptimalTransport{});
  const Batch<double> X = correlated(0, 100);
  const Row<double> losses = matching.losses(X);
  CHECK(losses == matching.losses(X));
  CHECK(losses != FlowMatching(flow, ByMatchingLoss{.draws = 3, .batch = 40, .seed = 6}, OptimalTransport{}).losses(X));
  // Three draws of blocks of 34, 33 and 33 rows, each as a mini-batch has them.
  std::vector<Index> ids(34);
  std::iota(ids.begin(), ids.end(), Index(0));
  decltype(matching)::Memory memory;
  MatchingLoss<double> result;
  double sum = 0;
  for (std::uint64_t draw = 0; draw < 3; ++draw) {
    matching.value_and_gradient(X.leftCols(34), ids, Draw{5, draw}, memory, result);
    sum += result.loss / 3;
  }
  CHECK(losses.head(34).mean() == Approx(sum).epsilon(1e-13));

  Rng rng(1);
  const FitReport report = fit(matching, X, X.leftCols(50), {.epochs = 2, .batch = 50}, rng);
  CHECK(report.best_criterion == Approx(matching.losses(X.leftCols(50)).mean()).epsilon(1e-13));
  CHECK(report.solver_check.rows == 0);
}

TEST_CASE("Rows with other numbers have other draws in the matching loss", "[train][matching]") {
  auto flow = small_flow({8});
  const FlowMatching matching(flow, ByMatchingLoss{});
  const Batch<double> X = correlated(0, 10);
  const Row<double> losses = matching.losses(X), second = matching.losses(X.rightCols(4), 6);
  CHECK((losses.tail(4) - second).cwiseAbs().maxCoeff() < 1e-12);
  CHECK((losses.tail(4) - matching.losses(X.rightCols(4))).cwiseAbs().maxCoeff() > 1e-3);
}

TEST_CASE("Flow matching says which parts of the flow take no part", "[train][matching]") {
  const Batch<double> X = correlated(0, 50);
  auto plain = small_flow({4});
  CHECK(FlowMatching(plain).data_warnings(X).empty());
  auto with_costs = small_flow({4}, KineticEnergy{});
  const std::vector<std::string> warnings = FlowMatching(with_costs).data_warnings(X);
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0] ==
        "FlowMatching: the flow's regularizers take no part: flow matching solves no path that they could act on");
  auto with_both = small_flow({4}, KineticEnergy{}, Steer{});
  CHECK(FlowMatching(with_both).data_warnings(X).back() ==
        "FlowMatching: the flow's regularizers and end-time policy take no part: flow matching solves no path that "
        "they could act on");
}

namespace {

struct Interrupted {};

/// Trains on 60 rows in mini-batches of 20; the callback throws in epoch `until`.
template <class Matching, class Data>
FitReport trained(Matching& matching, const Data& data, Index until = 0, const MemoryKeeper& keeper = {}) {
  Rng rng(7);
  const auto stop = [until](const EpochReport& epoch) {
    if (epoch.epoch == until) throw Interrupted{};
  };
  return fit(matching, data, {.epochs = 3, .batch = 20}, rng, keeper, stop);
}

}  // namespace

TEST_CASE("Flow matching says when weights or contexts leave transport nothing to choose", "[train][matching]") {
  const Batch<double> X = correlated(0, 60);
  const Vector<double> equal = Vector<double>::Ones(60), different = Vector<double>::LinSpaced(60, 1, 2);
  auto flow = small_flow({4});
  FlowMatching matching(flow, ByMatchingLoss{}, OptimalTransport{});
  // Three epochs of 54 rows, since a tenth is held out.
  const std::vector<std::string> alone = trained(matching, with_weights(X, different)).warnings;
  REQUIRE(alone.size() == 1);
  CHECK_THAT(alone[0], ContainsSubstring("FlowMatching: of 162 rows in mini-batches 162 were the only ones") &&
                           ContainsSubstring("or IndependentCoupling"));
  CHECK(trained(matching, with_weights(X, equal)).warnings.empty());

  // Each label has three rows, hardly ever two of them in a mini-batch of 20.
  Rng rng(6);
  Cnf conditional(Mlp<double, Tanh>(2, {4}, rng, 2), Threads{1});
  FlowMatching by_label(conditional, ByMatchingLoss{}, OptimalTransport{});
  Batch<double> labels(1, 60);
  for (Index j = 0; j < 60; ++j) labels(j) = double(j % 20) - 9.5;
  const std::vector<std::string> rare = trained(by_label, with_weights(with_context(X, labels), equal)).warnings;
  REQUIRE(rare.size() == 1);
  CHECK_THAT(rare[0], ContainsSubstring("FlowMatching: of 162 rows in mini-batches 84 were the only ones"));
  for (Index j = 0; j < 60; ++j) labels(j) = j % 2 == 0 ? 1 : -1;
  CHECK(trained(by_label, with_weights(with_context(X, labels), equal)).warnings.empty());
}

TEST_CASE("A run by flow matching that was interrupted goes on with the same bits, or says what was changed",
          "[train][matching][checkpoint]") {
  const auto data = with_weights(correlated(0, 60), Vector<double>::LinSpaced(60, 1, 2));
  const auto run = [&](Vector<double>& theta, Index until, const MemoryKeeper& keeper, Index block = 0) {
    auto flow = small_flow({4});
    FlowMatching matching(flow, ByMatchingLoss{}, OptimalTransport{.block = block});
    const FitReport report = trained(matching, data, until, keeper);
    theta = flow.parameters();
    return report;
  };
  Vector<double> whole, parted;
  const FitReport expected = run(whole, 0, {});
  const MemoryKeeper keeper;
  CHECK_THROWS_AS(run(parted, 2, keeper), Interrupted);
  try {
    run(parted, 0, keeper, 10);
    FAIL("block of the coupling is no setting of the run");
  } catch (const CheckpointError& error) {
    CHECK(error.differences == std::vector<std::string>{"model: block is 10 in place of 0"});
  }
  const FitReport report = run(parted, 0, keeper);
  CHECK(parted == whole);
  REQUIRE(report.epochs.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(report.epochs[i].train_loss == expected.epochs[i].train_loss);
  CHECK(report.best_criterion == expected.best_criterion);
  REQUIRE(report.warnings.size() == 1);
  CHECK(report.warnings == expected.warnings);  // which count the rows of all epochs
}

TEST_CASE("Flow matching refuses what it cannot serve, and leaves the result as it was", "[train][matching][errors]") {
  auto flow = small_flow({4});
  CHECK_THROWS_WITH(FlowMatching(flow, StraightPath{.sigma_min = 2}),
                    "StraightPath: sigma_min is 2, expected in [0, 1)");
  CHECK_THROWS_AS(FlowMatching(flow, ByMatchingLoss{.draws = 0}), ArgumentError);
  Rng rng(6);
  const std::vector<Circle> circles{{.component = 0}};
  Cnf periodic(PeriodicMlp<double, Tanh>(2, circles, {4}, rng), PeriodicTransform(circles, correlated(0, 50)),
               PeriodicBase(2, circles));
  CHECK_THROWS_WITH(FlowMatching(periodic), ContainsSubstring("FlowMatching: components on circles is 1, expected 0"));

  const FlowMatching matching(flow);
  std::remove_const_t<decltype(matching)>::Memory memory;
  MatchingLoss<double> result;
  result.loss = 7;
  Batch<double> X = correlated(0, 6);
  std::vector<Index> ids{0, 1, 2, 3, 4, 5};
  CHECK_THROWS_AS(matching.value_and_gradient(X.transpose(), ids, Draw{}, memory, result), ShapeError);
  CHECK_THROWS_AS(matching.value_and_gradient(X.leftCols(5), ids, Draw{}, memory, result), ShapeError);
  CHECK_THROWS_AS(matching.value_and_gradient(X, ids, Vector<double>{{1, 2}}, Draw{}, memory, result), ShapeError);
  X(1, 3) = std::nan("");
  CHECK_THROWS_WITH(matching.value_and_gradient(X, ids, Draw{}, memory, result),
                    "FlowMatching::value_and_gradient: data is nan at component 1 of sample 3, expected a finite "
                    "number");
  CHECK(result.loss == 7);

  auto positive = small_flow({4}, Log(Vector<double>{{0, 0}}), ChunkWidth{2});
  const FlowMatching in_logarithms(positive);
  std::remove_const_t<decltype(in_logarithms)>::Memory other;
  Batch<double> Y = Batch<double>::Ones(2, 6);
  Y(0, 4) = -1;
  CHECK_THROWS_WITH(in_logarithms.value_and_gradient(Y, ids, Draw{}, other, result), ContainsSubstring("of sample 4"));
  CHECK(result.loss == 7);
}
