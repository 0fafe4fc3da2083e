#include <pathline/flow/evaluation.hpp>

#include <pathline/flow/cnf.hpp>
#include <pathline/gradient/step_regularizers.hpp>
#include <pathline/nn/mlp.hpp>

#include <support/catch.hpp>

#include <vector>

using namespace pathline;

namespace {

Mlp<double, Tanh> field() {
  Rng rng(4);
  Mlp<double, Tanh> result(2, {8}, rng);
  result.parameters() *= 3;  // so that two steps are far from the truth
  return result;
}

static_assert(FlowPolicy<EvaluationSolver<Dopri5, PiController>>);
static_assert(!FlowPolicy<EvaluationSolver<PiController, Dopri5>>);

}  // namespace

TEST_CASE("EvaluationSolver: all but training is by that solver, and training by its own", "[flow][evaluation]") {
  constexpr Index n = 5;
  const PiController control{.rtol = 1e-6, .atol = 1e-6};
  // A cost that reads the stages of the training solver, which the score must do without.
  const Backpropagation<KeepTapes, ErrorEstimateCost<BogackiShampine>> gradient{.step_cost = {.weight = 0.5}};
  const Cnf flow(field(), gradient, BogackiShampine{}, FixedSteps(2), EvaluationSolver{Dopri5{}, control});
  const Cnf trained_alike(field(), gradient, BogackiShampine{}, FixedSteps(2));
  const Cnf judged_alike(field(), Dopri5{}, control);
  Batch<double> X(2, n);
  fill<Gaussian>(Draw{3, 1}, 0, X);

  CHECK(flow.log_prob(X) == judged_alike.log_prob(X));
  CHECK(flow.refined_log_prob(X) == judged_alike.refined_log_prob(X));
  CHECK(flow.refinement().change == judged_alike.refinement().change);
  CHECK(flow.log_prob_with_error(X, ExactTrace{}, 1, 1).solver_error ==
        judged_alike.log_prob_with_error(X, ExactTrace{}, 1, 1).solver_error);
  CHECK(flow.transform(X) == judged_alike.transform(X));
  CHECK(flow.inverse(X) == judged_alike.inverse(X));
  CHECK(flow.trajectory(X, {0, 0.3, 1}) == judged_alike.trajectory(X, {0, 0.3, 1}));
  Rng rng(1), same(1);
  CHECK(flow.sample(3, rng) == judged_alike.sample(3, same));
  CHECK(flow.sample_with_log_prob(3, rng).log_prob == judged_alike.sample_with_log_prob(3, same).log_prob);
  CHECK(flow.score(X) == judged_alike.score(X));

  CHECK(flow.log_prob_by_training_solver(X) == trained_alike.log_prob(X));
  CHECK((flow.log_prob(X) - trained_alike.log_prob(X)).cwiseAbs().maxCoeff() > 0.01);  // or all of this says nothing
  const std::vector<Index> ids{0, 1, 2, 3, 4};
  std::remove_const_t<decltype(flow)>::Memory memory;
  std::remove_const_t<decltype(trained_alike)>::Memory other_memory;
  TrainingLoss<double> loss, expected;
  flow.value_and_gradient(X, ids, Draw{1, 2}, memory, loss);
  trained_alike.value_and_gradient(X, ids, Draw{1, 2}, other_memory, expected);
  CHECK(loss.loss == expected.loss);
  CHECK(loss.gradient == expected.gradient);
}
