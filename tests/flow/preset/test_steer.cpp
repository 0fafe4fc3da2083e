#include <pathline/flow/preset/steer.hpp>

#include <support/catch.hpp>
#include <support/preset_laws.hpp>

using namespace pathline;
using namespace pathline::test;

namespace {

using Field = SquashMlp<double, Tanh>;
template <class... Policies>
using WithPolicies = decltype(steer<double>({}, std::declval<Policies>()...));

static_assert(std::same_as<WithPolicies<>, Cnf<Field, Hutchinson<Rademacher>, Dopri5, PiController, Steer>>);
static_assert(
    std::same_as<WithPolicies<SteerAbsolute>, Cnf<Field, Hutchinson<Rademacher>, Dopri5, PiController, SteerAbsolute>>);
static_assert(std::same_as<WithPolicies<ExactTrace>, Cnf<Field, Dopri5, PiController, Steer, ExactTrace>>);
static_assert(std::same_as<WithPolicies<Rk4, FixedSteps>, Cnf<Field, Hutchinson<Rademacher>, Steer, Rk4, FixedSteps>>);

template <class Flow>
double nll(const Flow& flow, const Draw& draw) {
  typename Flow::Memory memory;
  TrainingLoss<double> result;
  flow.value_and_gradient(sample_toy(ToyDensity::mixture, 5, Draw{1, 1}).topRows(1), row_ids(5), draw, memory, result);
  return result.negative_log_likelihood;
}

}  // namespace

TEST_CASE("steer: training ends at a time that the draw decides, evaluation at the flow's", "[flow][presets]") {
  // In one dimension a Rademacher probe gives the exact trace, so that the end time is all that a draw decides.
  const auto flow = steer<double>({.dim = 1, .hidden = {4}, .seed = 1}, Dopri5{}, FixedSteps(2)),
             fixed = steer<double>({.dim = 1, .hidden = {4}, .half_width = 0, .seed = 1}, Dopri5{}, FixedSteps(2));
  CHECK(std::abs(nll(flow, Draw{1, 2}) - nll(flow, Draw{1, 3})) > 1e-3);
  CHECK(nll(fixed, Draw{1, 2}) == nll(fixed, Draw{1, 3}));
  const Batch<double> X = sample_toy(ToyDensity::mixture, 5, Draw{1, 1}).topRows(1);
  CHECK(flow.log_prob(X) == fixed.log_prob(X));
  CHECK(SteerOptions{}.half_width == 0.5);
  CHECK(steer<double>({}).parameters() == ffjord<double>({}).parameters());
  CHECK_THROWS_AS(steer<double>({.half_width = 1}), ArgumentError);
}

TEST_CASE("steer: tolerances reach the flow", "[flow][presets]") {
  const Batch<double> X = sample_toy(ToyDensity::mixture, 5, Draw{1, 1});
  const auto evaluations = [&](double rtol, double atol) {
    return steer<double>({.hidden = {4}, .rtol = rtol, .atol = atol, .seed = 1}).likelihood(X).statistics.evaluations;
  };
  CHECK(evaluations(1e-10, 1e-10) > evaluations(1e-4, 1e-10));
  CHECK(evaluations(1e-10, 1e-10) > evaluations(1e-10, 1e-4));
}

TEST_CASE("steer: the gradient agrees with central differences", "[flow][presets][gradient]") {
  // Rounding: 3 ε / h = 1e-9 beside gradients of order 0.1.
  CHECK(gradient_error(steer<double>({.hidden = {4, 3}, .seed = 6}, Dopri5{}, FixedSteps(2))) < 1e-7);
}

TEST_CASE("steer: a flow in training is a density", "[flow][presets][many-draws]") {
  const SteerOptions options{.hidden = {8, 8}, .seed = 2};
  auto flow = steer<double>(options, Dopri5{}, FixedSteps(2));  // the type of the case above, for compile time
  CHECK(train_briefly(flow, 60, 0.02) < -0.1);
  auto test_flow = steer<double>(options);
  test_flow.parameters() = flow.parameters();
  CHECK(total_probability(test_flow) == Approx(1).margin(1e-3));
}
