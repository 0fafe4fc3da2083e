#include <pathline/flow/preset/ot_flow.hpp>

#include <support/catch.hpp>
#include <support/preset_laws.hpp>

using namespace pathline;
using namespace pathline::test;

namespace {

using Field = Network<Potential<double>>;
using Judge = EvaluationSolver<Dopri5, PiController>;
template <class... Policies>
using WithPolicies = decltype(ot_flow<double>({}, std::declval<Policies>()...));

static_assert(std::same_as<WithPolicies<>, Cnf<Field, ClosedFormTrace, Rk4, FixedSteps, KineticEnergy, LikelihoodWeight,
                                               HamiltonJacobiBellman, Judge>>);
static_assert(
    std::same_as<WithPolicies<Dopri5, PiController>, Cnf<Field, ClosedFormTrace, KineticEnergy, LikelihoodWeight,
                                                         HamiltonJacobiBellman, Dopri5, PiController>>);
static_assert(std::same_as<WithPolicies<LikelihoodWeight>, Cnf<Field, ClosedFormTrace, Rk4, FixedSteps, KineticEnergy,
                                                               HamiltonJacobiBellman, Judge, LikelihoodWeight>>);
static_assert(std::same_as<WithPolicies<HamiltonJacobiBellman, KineticEnergy>,
                           Cnf<Field, ClosedFormTrace, Rk4, FixedSteps, LikelihoodWeight, Judge, HamiltonJacobiBellman,
                               KineticEnergy>>);
static_assert(std::same_as<WithPolicies<Threads>, Cnf<Field, ClosedFormTrace, Rk4, FixedSteps, KineticEnergy,
                                                      LikelihoodWeight, HamiltonJacobiBellman, Judge, Threads>>);

}  // namespace

TEST_CASE("ot_flow: defaults are those of the paper's code for toys", "[flow][presets]") {
  const auto flow = ot_flow<double>({});
  // K0 and b0, K1 and b1, w, A (3 × 3), b.
  CHECK(flow.parameters().size() == 32 * 4 + 32 * 33 + 32 + 9 + 3);
  CHECK(flow.training_trace() == "exact trace in closed form");
  typename std::remove_const_t<decltype(flow)>::Memory memory;
  TrainingLoss<double> result;
  flow.value_and_gradient(sample_toy(ToyDensity::mixture, 5, Draw{1, 1}), row_ids(5), Draw{1, 2}, memory, result);
  REQUIRE(result.costs.size() == 2);
  CHECK(result.loss ==
        Approx(100 * result.negative_log_likelihood + result.costs[0] + 5 * result.costs[1]).epsilon(1e-14));
  CHECK(result.forward.evaluations == 8 * 4);
}

TEST_CASE("ot_flow: options reach the flow", "[flow][presets]") {
  const OtFlowOptions options{
      .dim = 3, .width = 5, .depth = 2, .steps = 3, .likelihood_weight = 7, .hjb_weight = 2, .seed = 4};
  const auto flow = ot_flow<double>(options);
  CHECK(flow.dim() == 3);
  CHECK(flow.parameters().size() == 5 * 5 + 2 * 5 * 6 + 5 + 16 + 4);
  CHECK(flow.parameters() == ot_flow<double>(options).parameters());
  CHECK(flow.parameters() != ot_flow<double>({.dim = 3, .width = 5, .depth = 2, .seed = 5}).parameters());
  typename std::remove_const_t<decltype(flow)>::Memory memory;
  TrainingLoss<double> result;
  flow.value_and_gradient(Batch<double>::Random(3, 4), row_ids(4), Draw{1, 2}, memory, result);
  CHECK(result.loss ==
        Approx(7 * result.negative_log_likelihood + result.costs[0] + 2 * result.costs[1]).epsilon(1e-14));
  CHECK(result.forward.evaluations == 3 * 4);
  CHECK_THROWS_AS(ot_flow<double>({.dim = 0}), ArgumentError);
  CHECK_THROWS_AS(ot_flow<double>({.width = 0}), ArgumentError);
  CHECK_THROWS_AS(ot_flow<double>({.depth = 0}), ArgumentError);
  CHECK_THROWS_AS(ot_flow<double>({.steps = 0}), ArgumentError);
}

TEST_CASE("ot_flow: the gradient agrees with central differences", "[flow][presets][gradient]") {
  // Weights of order 1. No residual of the Hamilton-Jacobi-Bellman equation is within h of 0, where |.| has its kink.
  // Rounding: a loss of order 10 gives 10 ε / h = 2e-9 beside gradients of order 1.
  CHECK(gradient_error(ot_flow<double>(
            {.width = 4, .depth = 2, .steps = 2, .likelihood_weight = 1, .hjb_weight = 0.7, .seed = 6})) < 1e-7);
}

TEST_CASE("ot_flow: a flow in training is a density", "[flow][presets][many-draws]") {
  const OtFlowOptions options{.width = 12, .seed = 2};
  auto flow = ot_flow<double>(options);
  CHECK(train_briefly(flow, 40, 0.05) < -10);  // of 100 times the likelihood
  CHECK(total_probability(flow) == Approx(1).margin(1e-3));
}
