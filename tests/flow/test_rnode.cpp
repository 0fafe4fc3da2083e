#include <pathline/flow/rnode.hpp>

#include <pathline/train/fit.hpp>

#include <support/catch.hpp>
#include <support/preset_laws.hpp>

using namespace pathline;
using namespace pathline::test;

namespace {

using Field = SquashMlp<double, Tanh>;
template <class... Policies>
using WithPolicies = decltype(rnode<double>({}, std::declval<Policies>()...));

static_assert(
    std::same_as<WithPolicies<>, Cnf<Field, Hutchinson<Rademacher>, Rk4, FixedSteps, KineticEnergy, JacobianNorm>>);
static_assert(std::same_as<WithPolicies<Dopri5, PiController>,
                           Cnf<Field, Hutchinson<Rademacher>, KineticEnergy, JacobianNorm, Dopri5, PiController>>);
static_assert(std::same_as<WithPolicies<KineticEnergy>,
                           Cnf<Field, Hutchinson<Rademacher>, Rk4, FixedSteps, JacobianNorm, KineticEnergy>>);
static_assert(
    std::same_as<WithPolicies<ExactTrace>, Cnf<Field, Rk4, FixedSteps, KineticEnergy, JacobianNorm, ExactTrace>>);

}  // namespace

TEST_CASE("rnode: the loss has the paper's weights", "[flow][presets]") {
  const auto flow = rnode<double>({.hidden = {4}, .kinetic_energy = 0.3, .jacobian_norm = 0.2, .seed = 1});
  typename std::remove_const_t<decltype(flow)>::Memory memory;
  TrainingLoss<double> result;
  flow.value_and_gradient(sample_toy(ToyDensity::mixture, 5, Draw{1, 1}), row_ids(5), Draw{1, 2}, memory, result);
  REQUIRE(result.costs.size() == 2);
  // λ_K ∫ ‖f‖² is 2 λ_K times the row ∫ ½‖f‖².
  CHECK(result.loss ==
        Approx(result.negative_log_likelihood + 0.6 * result.costs[0] + 0.2 * result.costs[1]).epsilon(1e-14));
  CHECK(result.forward.evaluations == 4 * 4);
  const RnodeOptions options;
  CHECK(options.kinetic_energy == 0.01);
  CHECK(options.jacobian_norm == 0.01);
  CHECK(rnode<double>({}).parameters() == ffjord<double>({}).parameters());
}

TEST_CASE("rnode: a user's cost takes the place of the preset's", "[flow][presets]") {
  const auto flow = rnode<double>({.hidden = {4}, .seed = 1}, KineticEnergy{.weight = 7}, JacobianNorm{.weight = 5});
  typename std::remove_const_t<decltype(flow)>::Memory memory;
  TrainingLoss<double> result;
  flow.value_and_gradient(sample_toy(ToyDensity::mixture, 5, Draw{1, 1}), row_ids(5), Draw{1, 2}, memory, result);
  REQUIRE(result.costs.size() == 2);
  CHECK(result.loss ==
        Approx(result.negative_log_likelihood + 7 * result.costs[0] + 5 * result.costs[1]).epsilon(1e-14));
}

TEST_CASE("rnode: bad options are named", "[flow][presets][errors]") {
  CHECK_THROWS_AS(rnode<double>({.steps = 0}), ArgumentError);
  CHECK_THROWS_AS(rnode<double>({.dim = 0}), ArgumentError);
}

TEST_CASE("rnode: the gradient agrees with central differences", "[flow][presets][gradient]") {
  // Weights that make the costs count as much as the likelihood. Rounding: 3 ε / h = 1e-9 beside gradients of order
  // 0.1.
  CHECK(gradient_error(rnode<double>(
            {.hidden = {4, 3}, .kinetic_energy = 0.5, .jacobian_norm = 0.5, .steps = 2, .seed = 6})) < 1e-7);
}

TEST_CASE("rnode: a flow in training is a density", "[flow][presets]") {
  const RnodeOptions options{.hidden = {8, 8}, .seed = 2};
  auto flow = rnode<double>(options);
  CHECK(train_briefly(flow, 40, 0.02) < -0.1);
  auto test_flow = rnode<double>(options, Dopri5{}, PiController{.rtol = 1e-6, .atol = 1e-6});
  test_flow.parameters() = flow.parameters();
  CHECK(total_probability(test_flow) == Approx(1).margin(1e-3));
  CHECK(total_probability(flow) == Approx(1).margin(1e-3));  // by four steps of RK4 as well, so early
}

TEST_CASE("rnode: the parameters of a flow of other widths are refused, and the flow stays as it was",
          "[flow][presets][errors]") {
  auto wide = rnode<double>({.hidden = {64, 64}}), narrow = rnode<double>({.hidden = {32, 32}});
  const Batch<double> X = sample_toy(ToyDensity::mixture, 3, Draw{1, 1});
  const Row<double> by_wide = wide.log_prob(X), by_narrow = narrow.log_prob(X);
  CHECK_THROWS_AS(narrow.parameters() = wide.parameters(), ShapeError);  // was a density of neither
  CHECK_THROWS_AS(wide.parameters() = narrow.parameters(), ShapeError);  // was read beyond its end
  CHECK(wide.log_prob(X) == by_wide);
  CHECK(narrow.log_prob(X) == by_narrow);

  const auto moved = std::move(narrow);
  CHECK(moved.log_prob(X) == by_narrow);
  CHECK_THROWS_WITH(narrow.log_prob(X),
                    "Cnf: the field's vector of parameters has 0 rows, expected 1416; the field has "
                    "been moved from");
  Rng rng(1);
  CHECK_THROWS_AS(narrow.sample(3, rng), ShapeError);
  CHECK(rng == Rng(1));
}

TEST_CASE("rnode: four steps that are too few for peaks of width 0.02 are reported", "[flow][presets][train]") {
  constexpr Index n = 400;
  Batch<double> X(1, n), signs(1, n);
  fill<Gaussian>(Draw{1, 1}, 0, X);
  fill<Rademacher>(Draw{1, 2}, 0, signs);
  X = (0.02 * X + signs).eval();
  auto flow = rnode<double>({.dim = 1, .hidden = {16, 16}});
  Rng rng(1);
  const FitReport report =
      fit(flow, X, {.epochs = 40, .batch = 50, .learning_rate = 1e-2, .final_learning_rate = 1e-5}, rng);
  REQUIRE(report.warnings.size() == 1);
  CHECK_THAT(report.warnings[0],
             Catch::Matchers::StartsWith("the flow's solver is too coarse: with 16 steps in place of 4 the NLL"));
  CHECK(report.solver_check.difference > 0.05);

  // Simpson's rule would do; equal weights err by less than 1e-9 of what falls to 0 at both ends.
  const Batch<double> grid = Row<double>::LinSpaced(6001, -3, 3);
  const auto total = [](const Row<double>& log_prob) { return log_prob.array().exp().sum() * 1e-3; };
  CHECK(total(flow.log_prob(grid)) > 1.03);
  CHECK(total(flow.refined_log_prob(grid)) == Approx(1).margin(5e-3));  // 256 times more accurate, once steps are small
}
