// A flow's likelihood and flow matching together.
#include <pathline/train/matching/mixed_objective.hpp>

#include <pathline/flow/cnf.hpp>
#include <pathline/flow/regularizer/kinetic_energy.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/train/fit.hpp>
#include <pathline/train/matching/flow_matching.hpp>

#include <support/catch.hpp>
#include <support/differences.hpp>

#include <cmath>
#include <type_traits>
#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

auto small_flow() {
  Rng rng(6);
  return Cnf(Mlp<double, Tanh>(2, {5}, rng, 2), Rk4{}, FixedSteps(4), Threads{1}, KineticEnergy{.weight = 0.1});
}
using Flow = decltype(small_flow());
static_assert(WeightedTrainable<MixedObjective<Flow, FlowMatching<Flow>>>);

}  // namespace

TEST_CASE("A mixed objective is the sum of its parts, with the gradient of the sum", "[train][matching][gradient]") {
  auto flow = small_flow();
  const FlowMatching matching(flow);
  const MixedObjective mixed(flow, matching, 0.3);
  Batch<double> X(3, 6);
  fill<Gaussian>(Draw{8, 0}, 0, X);
  const std::vector<Index> ids{0, 1, 2, 3, 4, 5};
  const Vector<double> weights{{1, 2, 1, 0, 2, 1}};
  std::remove_const_t<decltype(mixed)>::Memory memory;
  TrainingLoss<double> result, likelihood;
  mixed.value_and_gradient(X, ids, weights, Draw{3, 1}, memory, result);
  Flow::Memory of_flow;
  flow.value_and_gradient(X, ids, weights, Draw{3, 1}, of_flow, likelihood);
  REQUIRE(result.costs.size() == 2);
  CHECK(result.costs[0] == likelihood.costs[0]);
  CHECK(result.costs[1] > 0);
  CHECK(result.loss == Approx(likelihood.loss + 0.3 * result.costs[1]).epsilon(1e-14));
  CHECK(result.negative_log_likelihood == likelihood.negative_log_likelihood);
  CHECK(result.solves == likelihood.solves);

  const Vector<double> theta = flow.parameters();
  const auto at = [&](const Vector<double>& x) {
    flow.set_parameters(x);
    TrainingLoss<double> there;
    mixed.value_and_gradient(X, ids, weights, Draw{3, 1}, memory, there);
    return there.loss;
  };
  // h = 1e-6: truncation and rounding below 1e-9 of a loss of order 1.
  CHECK(max_difference(result.gradient, central_differences(at, theta)) < 1e-7);
  flow.set_parameters(theta);
  const Batch<double> C = X.bottomRows(1);
  const auto of_context = [&](const Vector<double>& c) {
    X.bottomRows(1) = c.transpose();
    TrainingLoss<double> there;
    mixed.value_and_gradient(X, ids, weights, Draw{3, 1}, memory, there);
    return there.loss;
  };
  const Vector<double> expected = central_differences(of_context, C.transpose());
  CHECK(max_difference(result.context_gradient.transpose(), expected) < 1e-7);
}

TEST_CASE("fit takes a mixed objective, and judges by the likelihood", "[train][matching]") {
  auto flow = small_flow();
  MixedObjective mixed(flow, FlowMatching(flow), 0.3);  // keeps it
  Batch<double> X(3, 40);
  fill<Gaussian>(Draw{8, 1}, 0, X);
  Rng rng(1);
  const FitReport report = fit(mixed, X, X.leftCols(10), {.epochs = 2, .batch = 20}, rng);
  CHECK(report.best_criterion == Approx(-flow.log_prob(X.leftCols(10)).mean()).epsilon(1e-12));
  CHECK(report.epochs.back().train_costs.size() == 2);
  CHECK(report.solver_check.rows > 0);
}

TEST_CASE("A mixed objective refuses two flows and weights that are none", "[train][matching][errors]") {
  auto flow = small_flow(), other = small_flow();
  const FlowMatching matching(flow);
  CHECK_THROWS_WITH(MixedObjective(other, matching, 1),
                    "MixedObjective: flow of the other objective is another one, expected the flow that is given with "
                    "it");
  CHECK_THROWS_WITH(MixedObjective(flow, matching, -1), "MixedObjective: weight is -1, expected a positive number");
  CHECK_THROWS_AS(MixedObjective(flow, matching, 0), ArgumentError);
  CHECK_THROWS_AS(MixedObjective(flow, matching, std::nan("")), ArgumentError);
}
