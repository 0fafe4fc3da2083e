#include <pathline/flow/preset/rnode.hpp>

#include <pathline/train/fit.hpp>

#include <support/catch.hpp>
#include <support/preset_laws.hpp>

using namespace pathline;
using namespace pathline::test;

namespace {

using Field = SquashMlp<double, Tanh>;
using Judge = EvaluationSolver<Dopri5, PiController>;
template <class... Policies>
using WithPolicies = decltype(rnode<double>({}, std::declval<Policies>()...));

static_assert(std::same_as<WithPolicies<>,
                           Cnf<Field, Hutchinson<Rademacher>, Rk4, FixedSteps, KineticEnergy, JacobianNorm, Judge>>);
static_assert(std::same_as<WithPolicies<Dopri5, PiController>,
                           Cnf<Field, Hutchinson<Rademacher>, KineticEnergy, JacobianNorm, Dopri5, PiController>>);
static_assert(std::same_as<WithPolicies<KineticEnergy>,
                           Cnf<Field, Hutchinson<Rademacher>, Rk4, FixedSteps, JacobianNorm, Judge, KineticEnergy>>);
static_assert(std::same_as<WithPolicies<ExactTrace>,
                           Cnf<Field, Rk4, FixedSteps, KineticEnergy, JacobianNorm, Judge, ExactTrace>>);

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

TEST_CASE("rnode: a flow in training is a density", "[flow][presets][many-draws]") {
  const RnodeOptions options{.hidden = {8, 8}, .seed = 2};
  auto flow = rnode<double>(options);
  CHECK(train_briefly(flow, 40, 0.02) < -0.1);
  CHECK(total_probability(flow) == Approx(1).margin(1e-3));
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
  CHECK_THROWS_WITH(fit(narrow, X, {.epochs = 1}, rng),
                    "parameters: the field's vector of parameters has 0 rows, expected 1416; the field has been moved "
                    "from");
  CHECK(rng == Rng(1));
}

TEST_CASE("rnode: four steps that are too few for peaks of width 0.02 are reported, and judged by a solver that serves",
          "[flow][presets][train][many-draws]") {
  constexpr Index n = 400;
  Batch<double> X(1, n), signs(1, n);
  fill<Gaussian>(Draw{1, 1}, 0, X);
  fill<Rademacher>(Draw{1, 2}, 0, signs);
  X = (0.02 * X + signs).eval();
  auto flow = rnode<double>({.dim = 1, .hidden = {16, 16}});
  Rng rng(1);
  const FitReport report =
      fit(flow, X, {.epochs = 40, .batch = 50}, rng, Adam{.learning_rate = 1e-2}, Cosine{.final_rate = 1e-5});
  REQUIRE(report.warnings.size() == 1);
  CHECK_THAT(report.warnings[0],
             Catch::Matchers::StartsWith("the solver of training is too coarse: by the EvaluationSolver the NLL"));
  CHECK(report.training_solver_check.difference > 0.05);
  // What is reported is by the EvaluationSolver, and agrees with a refined solve.
  CHECK(report.training_solver_check.refined_nll == report.solver_check.nll);
  CHECK(report.solver_check.nll == Approx(report.solver_check.refined_nll).margin(1e-3));

  // Simpson's rule would do; equal weights err by less than 1e-9 of what falls to 0 at both ends.
  const Batch<double> grid = Row<double>::LinSpaced(6001, -3, 3);
  const auto total = [](const Row<double>& log_prob) { return log_prob.array().exp().sum() * 1e-3; };
  CHECK(total(flow.log_prob_by_training_solver(grid)) > 1.03);
  CHECK(total(flow.log_prob(grid)) == Approx(1).margin(1e-3));
}

TEST_CASE("Cnf: integer weights count as repeated rows, and weight 0 as none", "[flow][presets][weights]") {
  const auto flow = rnode<double>({.hidden = {4}, .kinetic_energy = 0.3, .jacobian_norm = 0.2, .seed = 1});
  Batch<double> X = sample_toy(ToyDensity::mixture, 4, Draw{1, 1});
  X(0, 2) = 1e200;  // of weight 0: its log p of -∞ must not matter
  const std::vector<Index> ids{5, 2, 9, 0}, repeated_ids{5, 5, 2, 0, 0, 0};
  const Vector<double> weights{{2, 1, 0, 3}};
  Batch<double> repeated(2, 6);
  repeated << X.col(0), X.col(0), X.col(1), X.col(3), X.col(3), X.col(3);
  typename std::remove_const_t<decltype(flow)>::Memory memory;
  TrainingLoss<double> weighted, expected;
  flow.value_and_gradient(X, ids, weights, Draw{1, 2}, memory, weighted);
  flow.value_and_gradient(repeated, repeated_ids, Draw{1, 2}, memory, expected);
  const double scale = 6. / 4;  // the one is a sum over 4 rows, the other over 6
  CHECK(weighted.loss == Approx(scale * expected.loss).epsilon(1e-13));
  CHECK(weighted.negative_log_likelihood == Approx(scale * expected.negative_log_likelihood).epsilon(1e-13));
  for (std::size_t i = 0; i < 2; ++i) CHECK(weighted.costs[i] == Approx(scale * expected.costs[i]).epsilon(1e-13));
  CHECK(max_difference(weighted.gradient, Vector<double>(scale * expected.gradient)) < 1e-12);

  flow.value_and_gradient(repeated, repeated_ids, Vector<double>::Ones(6), Draw{1, 2}, memory, weighted);
  CHECK(weighted.loss == Approx(expected.loss).epsilon(1e-14));
  CHECK(max_difference(weighted.gradient, expected.gradient) < 1e-14);
  CHECK_THROWS_AS(flow.value_and_gradient(X, ids, Vector<double>(3), Draw{1, 2}, memory, weighted), ShapeError);
  CHECK_THROWS_WITH(flow.value_and_gradient(X, ids, Vector<double>{{1, NAN, 1, 1}}, Draw{1, 2}, memory, weighted),
                    "Cnf::value_and_gradient: weights is nan at component 0 of sample 1, expected a finite number");
}

TEST_CASE("Cnf: a loss of one's own sees row ids and weights", "[flow][presets][weights]") {
  constexpr Index n = 300;  // in several chunks
  const auto flow = rnode<double>({.hidden = {4}, .seed = 1}, EvaluationSolver{Rk4{}, FixedSteps(4)});
  const Batch<double> X = sample_toy(ToyDensity::mixture, n, Draw{1, 1});
  std::vector<Index> ids;
  for (Index j = 0; j < n; ++j) ids.push_back(7 * j % n);
  const Vector<double> weights = Vector<double>::LinSpaced(n, 0, 2);
  Vector<double> seen(n);  // by row id: each row is in one chunk, so threads do not meet
  const auto loss = [&](const auto& Y, auto&& Y_bar, const auto& /*log_det*/, const LossRows<double>& rows) {
    Y_bar.setZero();
    double sum = 0;
    for (Index j = 0; j < Y.cols(); ++j) {
      const Index id = rows.ids[std::size_t(j)];
      seen(id) = rows.weights.empty() ? 1 : rows.weights[std::size_t(j)];
      Y_bar.col(j).head(2) = seen(id) * double(id) * Y.col(j).head(2);
      sum += 0.5 * seen(id) * double(id) * Y.col(j).head(2).squaredNorm();
    }
    return sum;
  };
  typename std::remove_const_t<decltype(flow)>::Memory memory;
  TrainingLoss<double> result;
  flow.value_and_gradient(X, ids, weights, Draw{1, 2}, loss, memory, result);
  const Batch<double> Z = flow.transform(X);
  double expected = 0;
  for (Index j = 0; j < n; ++j) {
    CHECK(seen(ids[std::size_t(j)]) == weights(j));
    expected += 0.5 * weights(j) * double(ids[std::size_t(j)]) * Z.col(j).squaredNorm();
  }
  CHECK(result.negative_log_likelihood == Approx(expected).epsilon(1e-12));
  flow.value_and_gradient(X, ids, Draw{1, 2}, loss, memory, result);
  CHECK(seen == Vector<double>::Ones(n));
}

TEST_CASE("fit: forty calls of one epoch are one call of forty, bit for bit", "[flow][presets][train][many-draws]") {
  const Batch<double> X = sample_toy(ToyDensity::mixture, 60, Draw{1, 1});
  const RnodeOptions options{.hidden = {4}, .seed = 1};
  auto whole = rnode<double>(options), parted = rnode<double>(options), restarted = rnode<double>(options);
  const FitOptions forty{.epochs = 40, .batch = 16};
  const Adam adam{.learning_rate = 0.02};
  const Cosine cosine{.final_rate = 1e-4};
  FitOptions one = forty;
  one.epochs = 1;
  one.total_epochs = 40;
  Rng rng(1), same_seed(1), another(1);
  const FitReport expected = fit(whole, X, forty, rng, adam, cosine);
  TrainingState<double> state;
  FitReport report;
  for (int call = 0; call < 40; ++call) {
    report = fit(parted, X, one, same_seed, adam, cosine, state);
    REQUIRE(report.epochs.size() == 1);
    const EpochReport &here = report.epochs[0], &there = expected.epochs[std::size_t(call)];
    CHECK(here.epoch == there.epoch);
    CHECK(here.epochs == 40);
    CHECK(here.train_loss == there.train_loss);
    CHECK(here.validation_loss == there.validation_loss);
    CHECK(here.learning_rate == there.learning_rate);
  }
  CHECK(parted.parameters() == whole.parameters());
  CHECK(report.best_epoch == expected.best_epoch);
  CHECK(report.best_criterion == expected.best_criterion);
  CHECK(same_seed == rng);
  // Moments that begin anew at each call were the fault.
  for (int call = 0; call < 40; ++call) fit(restarted, X, one, another, adam);
  CHECK(restarted.parameters() != whole.parameters());
}
