#include <pathline/flow/preset/ffjord.hpp>

#include <support/catch.hpp>
#include <support/preset_laws.hpp>

using namespace pathline;
using namespace pathline::test;

namespace {

using Field = SquashMlp<double, Tanh>;
template <class... Policies>
using WithPolicies = decltype(ffjord<double>({}, std::declval<Policies>()...));

// The preset itself, then every kind that it names overridden, then kinds that it does not name.
static_assert(std::same_as<WithPolicies<>, Cnf<Field, Hutchinson<Rademacher>, Dopri5, PiController>>);
static_assert(std::same_as<WithPolicies<ExactTrace>, Cnf<Field, Dopri5, PiController, ExactTrace>>);
static_assert(std::same_as<WithPolicies<Tsit5>, Cnf<Field, Hutchinson<Rademacher>, PiController, Tsit5>>);
static_assert(std::same_as<WithPolicies<IController>, Cnf<Field, Hutchinson<Rademacher>, Dopri5, IController>>);
static_assert(std::same_as<WithPolicies<FixedSteps, Rk4>, Cnf<Field, Hutchinson<Rademacher>, FixedSteps, Rk4>>);
static_assert(std::same_as<WithPolicies<Threads>, Cnf<Field, Hutchinson<Rademacher>, Dopri5, PiController, Threads>>);

}  // namespace

TEST_CASE("ffjord: defaults are those of the paper's code for toys", "[flow][presets]") {
  const auto flow = ffjord<double>({});
  // Concat-squash layers have a matrix, a bias, a gate of two and a shift for each output: in + 4 numbers.
  CHECK(flow.parameters().size() == 64 * (2 + 4) + 2 * 64 * (64 + 4) + 2 * (64 + 4));
  CHECK(flow.training_trace() == "Hutchinson's estimate, probes: 1");
  CHECK(flow.evaluation_trace() == "exact trace by d tangents");
  CHECK(flow.time_span().data == 0);
  CHECK(flow.time_span().base == 1);
  const FfjordOptions options;
  CHECK(options.rtol == 1e-5);
  CHECK(options.atol == 1e-5);
}

TEST_CASE("ffjord: options reach the flow", "[flow][presets]") {
  const auto flow = ffjord<double>({.dim = 3, .hidden = {5}, .seed = 1});
  CHECK(flow.dim() == 3);
  CHECK(flow.parameters().size() == 5 * (3 + 4) + 3 * (5 + 4));
  CHECK(flow.parameters() == ffjord<double>({.dim = 3, .hidden = {5}, .seed = 1}).parameters());
  CHECK(flow.parameters() != ffjord<double>({.dim = 3, .hidden = {5}, .seed = 2}).parameters());
  const Batch<double> X = Batch<double>::Random(3, 4);
  const auto evaluations = [&](double tolerance) {
    return ffjord<double>({.dim = 3, .hidden = {5}, .rtol = tolerance, .atol = tolerance, .seed = 1})
        .likelihood(X)
        .statistics.evaluations;
  };
  CHECK(evaluations(1e-10) > evaluations(1e-4));
  CHECK_THROWS_AS(ffjord<double>({.dim = 0}), ArgumentError);
  CHECK_THROWS_AS(ffjord<double>({.hidden = {4, 0}}), ArgumentError);
}

TEST_CASE("ffjord: the gradient agrees with central differences", "[flow][presets][gradient]") {
  const auto flow = ffjord<double>({.hidden = {4, 3}, .seed = 6}, Dopri5{}, FixedSteps(2));
  // Differences of a loss of order 3 round at 3 ε / h = 1e-9, beside gradients of order 0.1.
  CHECK(gradient_error(flow) < 1e-7);
}

TEST_CASE("ffjord: a flow in training is a density", "[flow][presets][many-draws]") {
  auto flow = ffjord<double>({.hidden = {8, 8}, .seed = 2});
  CHECK(train_briefly(flow, 40, 0.02) < -0.1);
  CHECK(total_probability(flow) == Approx(1).margin(1e-3));
}
