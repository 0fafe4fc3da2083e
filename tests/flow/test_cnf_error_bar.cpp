// The error bar of a likelihood: the spread over draws of the trace's noise, and the solver's own estimates.
#include <pathline/flow/cnf.hpp>
#include <pathline/flow/flow_likelihood.hpp>
#include <pathline/nn/mlp.hpp>

#include <support/catch.hpp>

using namespace pathline;

namespace {

constexpr Index d = 3, n = 40;

Batch<double> data() {
  Batch<double> X(d, n);
  fill<Gaussian>(Draw{3, 1}, 0, X);
  return X;
}
Mlp<double, Tanh> field() {
  Rng rng(4);
  Mlp<double, Tanh> result(d, {12}, rng);
  result.parameters() *= 3;
  return result;
}

}  // namespace

TEST_CASE("The standard error over probes covers the exact log-density", "[flow][error-bar]") {
  const Cnf flow(field(), PiController{.rtol = 1e-8, .atol = 1e-8});
  const Row<double> exact = flow.log_prob(data());
  const auto estimate = flow.log_prob_with_error(data(), Hutchinson<Rademacher>{}, 5, 40);
  REQUIRE((estimate.standard_error.array() > 0).all());
  // Student's t with 39 degrees of freedom: beyond 4.8 with probability 2e-5 a sample, 1e-3 for one of 40.
  CHECK(((estimate.log_prob - exact).array().abs() / estimate.standard_error.array()).maxCoeff() < 4.8);
  // And it is no larger than it must be: mean square of t is 39/37 ± 4.9 √(2/40).
  const double chi = ((estimate.log_prob - exact).array() / estimate.standard_error.array()).square().mean();
  CHECK(chi > 0.2);
  CHECK(chi < 2.2);
}

TEST_CASE("More draws shrink the standard error by their root", "[flow][error-bar][many-draws]") {
  const Cnf flow(field());
  const double few = flow.log_prob_with_error(data(), Hutchinson<Gaussian>{}, 5, 10).standard_error.mean();
  const double many = flow.log_prob_with_error(data(), Hutchinson<Gaussian>{}, 6, 160).standard_error.mean();
  CHECK(few / many == Approx(4).epsilon(0.25));
}

TEST_CASE("The solver's estimate is of the size of its error, and falls with the tolerance", "[flow][error-bar]") {
  const Cnf reference(field(), PiController{.rtol = 1e-11, .atol = 1e-11});
  const Row<double> truth = reference.log_prob(data());
  double last = 1;
  for (const double tolerance : {1e-3, 1e-5, 1e-7}) {
    const Cnf flow(field(), PiController{.rtol = tolerance, .atol = tolerance});
    const auto estimate = flow.log_prob_with_error(data(), ExactTrace{}, 0, 1);
    CHECK(estimate.log_prob == flow.log_prob(data()));
    CHECK((estimate.standard_error.array() == 0).all());
    const double said = estimate.solver_error.mean(), made = (estimate.log_prob - truth).cwiseAbs().mean();
    INFO("tolerance " << tolerance << ": said " << said << ", made " << made);
    CHECK(said > made / 10);  // estimates are of the embedded method, which is the worse of the two
    CHECK(said < last / 10);
    last = said;
  }
}

TEST_CASE("An error bar needs draws to compare, and an exact trace has none", "[flow][error-bar][errors]") {
  const Cnf flow(field());
  CHECK_THROWS_WITH(flow.log_prob_with_error(data(), Hutchinson<>{}, 1, 1),
                    "Cnf::log_prob_with_error: repeats is 1, expected at least 2, to tell a spread");
  CHECK_THROWS_WITH(flow.log_prob_with_error(data(), ExactTrace{}, 1, 2),
                    "Cnf::log_prob_with_error: repeats is 2, expected 1, there is no noise in an exact trace");
}

TEST_CASE("A flow says by which trace it trains and by which it evaluates", "[flow][trace]") {
  const Cnf flow(field(), Hutchinson<>{.probes = 2});
  CHECK(flow.training_trace() == "Hutchinson's estimate, probes: 2");
  CHECK(flow.evaluation_trace() == "exact trace by d tangents");
  const Cnf other(field(), EvaluationTrace{Hutchinson<>{.probes = 5}, 3});
  CHECK(other.evaluation_trace() == "Hutchinson's estimate, probes: 5");
  CHECK(other.log_prob(data()) == flow.log_prob(data(), Hutchinson<>{.probes = 5}, 3));
}
