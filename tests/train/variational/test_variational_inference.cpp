// Variational inference: its gradients against differences and against each other, a known density, what it refuses.
#include <pathline/train/variational/variational_inference.hpp>

#include <pathline/flow/cnf.hpp>
#include <pathline/flow/regularizer/kinetic_energy.hpp>
#include <pathline/flow/transform/context_transform.hpp>
#include <pathline/flow/with_context.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/train/batch_source.hpp>
#include <pathline/train/trainable.hpp>
#include <pathline/train/variational/fit_variational.hpp>
#include <pathline/train/variational/importance_sample.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/differences.hpp>

#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <numbers>
#include <numeric>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

/// z = (x₀, x₁ exp(rate x₀)): neither diagonal nor of constant determinant.
struct Shear {
  double rate = 0.3;
  void check(Index) const {}
  void apply(ConstBatchRef<double> X, BatchRef<double> Z, RowRef<double> log_det) const {
    for (Index j = 0; j < X.cols(); ++j) {
      log_det(j) = rate * X(0, j);
      Z.col(j) = Eigen::Vector2d(X(0, j), X(1, j) * std::exp(rate * X(0, j)));
    }
  }
  void invert(ConstBatchRef<double> Z, BatchRef<double> X) const {
    for (Index j = 0; j < Z.cols(); ++j) X.col(j) = Eigen::Vector2d(Z(0, j), Z(1, j) * std::exp(-rate * Z(0, j)));
  }
  void pullback(ConstBatchRef<double> X, ConstBatchRef<double> Z_bar, BatchRef<double> X_bar) const {
    for (Index j = 0; j < X.cols(); ++j) {
      const double e = std::exp(rate * X(0, j));
      X_bar.col(j) << Z_bar(0, j) + rate * e * X(1, j) * Z_bar(1, j) + rate, e * Z_bar(1, j);
    }
  }
};

/// Any target behind a function, so that the objective is compiled once for each kind of gradient.
struct AnyTarget {
  std::function<void(ConstBatchRef<double>, RowRef<double>, BatchRef<double>, const TargetRows<double>&)> f;
  void log_density_and_score(ConstBatchRef<double> X, RowRef<double> log_p, BatchRef<double> X_bar,
                             const TargetRows<double>& rows) const {
    f(X, log_p, X_bar, rows);
  }
};
/// log p̃(x) = -½ (x₀ - id/3)² - ½ x₁² - ¼ x₁⁴.
const AnyTarget by_id{
    [](ConstBatchRef<double> X, RowRef<double> log_p, BatchRef<double> X_bar, const TargetRows<double>& rows) {
      for (Index j = 0; j < X.cols(); ++j) {
        const double a = X(0, j) - double(rows.ids[std::size_t(j)]) / 3, b = X(1, j);
        log_p(j) = -a * a / 2 - b * b / 2 - b * b * b * b / 4;
        X_bar.col(j) << -a, -b - b * b * b;
      }
    }};
/// A Gaussian bent along a parabola; its integral is 4π.
const AnyTarget banana{
    [](ConstBatchRef<double> X, RowRef<double> log_p, BatchRef<double> X_bar, const TargetRows<double>&) {
      for (Index j = 0; j < X.cols(); ++j) {
        const double x = X(0, j), bent = X(1, j) - x * x / 8;
        log_p(j) = -x * x / 8 - bent * bent / 2;
        X_bar.col(j) << bent * x / 4 - x / 4, -bent;
      }
    }};

auto small_flow(std::vector<Index> hidden, Index context, Index steps, double energy, Index width, double shear = 0.3,
                int threads = 1) {
  Rng rng(6);
  return Cnf(Mlp<double, Tanh>(2, hidden, rng, 1 + context), Rk4{}, FixedSteps(steps), Shear{shear},
             KineticEnergy{.weight = energy}, Threads{threads}, ChunkWidth{width});
}
using Flow = decltype(small_flow({}, 0, 1, 0, 0));
using Total = VariationalInference<Flow, AnyTarget>;
using Path = VariationalInference<Flow, AnyTarget, PathDerivative>;
static_assert(Trainable<Total> && WeightedTrainable<Total> && Trainable<Path>);
static_assert(!detail::is_density<Total, double>);
static_assert(TargetDensity<StandardNormal> && TargetDensity<AnyTarget> && !TargetDensity<Shear>);

Batch<double> gaussian(std::uint64_t draw, Index rows, Index columns) {
  Batch<double> X(rows, columns);
  fill<Gaussian>(Draw{8, draw}, 0, X);
  return X;
}
/// Seven base points with a row of context, their ids and weights, and a flow of random parameters that reads them.
struct Problem {
  Batch<double> points = gaussian(1, 3, 7);
  std::vector<Index> ids{7, 1, 0, 4, 2, 9, 5};
  Vector<double> weights = Vector<double>::LinSpaced(7, 0.4, 1.9);
  Flow flow;

  explicit Problem(Index steps, double energy = 0.3, int threads = 1)
      : flow(small_flow({5}, 1, steps, energy, 3, 0.3, threads)) {
    fill<Gaussian>(Draw{8, 2}, 0, flow.parameters());
    flow.parameters() *= 0.4;
  }
  template <class Objective>
  TrainingLoss<double> loss(const Objective& objective, const Batch<double>& X) const {
    typename Objective::Memory memory;
    TrainingLoss<double> result;
    objective.value_and_gradient(X, ids, weights, Draw{5, 1}, memory, result);
    return result;
  }
};

}  // namespace

TEST_CASE("The total derivative of the reverse divergence agrees with central differences", "[train][variational]") {
  Problem problem(4);
  const Total inference(problem.flow, by_id);
  const TrainingLoss<double> got = problem.loss(inference, problem.points);
  CHECK(got.solves == 3);
  REQUIRE(got.costs.size() == 1);
  CHECK(got.loss == Approx(got.negative_log_likelihood + 0.3 * got.costs[0]));
  // Both errors of the differences are below 1e-8; without log |det ∂z/∂x| or the log-determinant it is above 0.01.
  const Vector<double> theta = problem.flow.parameters();
  const auto of_parameters = [&](const Vector<double>& at) {
    problem.flow.parameters() = at;
    return problem.loss(inference, problem.points).loss;
  };
  CHECK(max_difference(got.gradient, central_differences(of_parameters, theta)) < 1e-7);
  problem.flow.parameters() = theta;
  const auto of_context = [&](const Vector<double>& c) {
    Batch<double> X = problem.points;
    X.row(2) = c.transpose();
    return problem.loss(inference, X).loss;
  };
  CHECK(max_difference(got.context_gradient.row(0).transpose(),
                       central_differences(of_context, problem.points.row(2).transpose())) < 1e-7);

  // The value, by the flow's own samples: of ids 0, 1, … and without weights.
  problem.weights.setOnes();
  std::iota(problem.ids.begin(), problem.ids.end(), Index(0));
  CHECK(problem.loss(inference, problem.points).negative_log_likelihood ==
        Approx(inference.losses(problem.points).mean()).epsilon(1e-12));
}

TEST_CASE("The path derivative agrees with differences at fixed log q, and with the total one without its score term",
          "[train][variational]") {
  Problem problem(24);  // steps of order 4: the way out and back agree to 1e-7
  const Total total(problem.flow, by_id);
  const Path path(problem.flow, by_id, PathDerivative{});
  const TrainingLoss<double> all = problem.loss(total, problem.points), got = problem.loss(path, problem.points);
  CHECK(got.loss == Approx(all.loss).epsilon(1e-12));
  CHECK(got.costs[0] == Approx(all.costs[0]).epsilon(1e-12));

  // total = path + mean of w ∂ log q/∂θ at fixed samples, which is minus the gradient of their likelihood.
  const Problem without_energy(24, 0);
  Batch<double> X = problem.points;
  X.topRows(2) = problem.flow.inverse(problem.points);
  const TrainingLoss<double> score_term = without_energy.loss(without_energy.flow, X);
  const Vector<double> expected = all.gradient + score_term.gradient;
  CHECK(max_difference(got.gradient, expected) < 1e-6);
  CHECK(max_difference(all.gradient, expected) > 0.1);  // the score term is not small
  CHECK(max_difference(got.context_gradient, Batch<double>(all.context_gradient + score_term.context_gradient)) < 1e-6);

  // Samples move with the parameters, log q does not. Of unit weight, and without the energy.
  Problem fixed(24, 0);
  Problem moving(24, 0);
  const Total target_of(moving.flow, by_id);
  const auto loss = [&](const Vector<double>& theta) {
    moving.flow.parameters() = theta;
    Batch<double> at = moving.points, score(2, 7);
    at.topRows(2) = moving.flow.inverse(moving.points);
    Row<double> log_p(7);
    by_id.log_density_and_score(at.topRows(2), log_p, score, {moving.ids, View<const double>(nullptr, 0, 0)});
    return (fixed.flow.log_prob(at) - log_p).dot(moving.weights.transpose()) / 7;
  };
  const Path plain(fixed.flow, by_id, PathDerivative{});
  CHECK(max_difference(fixed.loss(plain, fixed.points).gradient,
                       central_differences(loss, fixed.flow.parameters(), 1e-5)) < 1e-5);
}

TEST_CASE("Where the flow is the target, the path derivative vanishes sample by sample", "[train][variational]") {
  // A last layer without weights: z' = b, so that z(0) = ε - b. The target is what the shear makes of N(-b, I).
  Problem problem(3, 0);
  const Eigen::Vector2d b(0.7, -0.4);
  // The last layer reads 5 units, time and the context, a column of weights each, and has a bias.
  problem.flow.parameters().tail(2 * (5 + 2 + 1)).setZero();
  problem.flow.parameters().tail(2) = b;
  const Batch<double> moved = problem.flow.inverse(problem.points);
  const AnyTarget same{
      [&](ConstBatchRef<double> X, RowRef<double> log_p, BatchRef<double> X_bar, const TargetRows<double>&) {
        Batch<double> Z(2, X.cols()), bar(2, X.cols());
        Row<double> log_det(X.cols());
        Shear{}.apply(X, Z, log_det);
        Z.colwise() += b;
        for (Index j = 0; j < X.cols(); ++j) log_p(j) = -Z.col(j).squaredNorm() / 2 + log_det(j) + 3;
        bar = -Z;
        Shear{}.pullback(X, bar, X_bar);
      }};
  // The constant of the target: 3 + log 2π.
  const Row<double> losses = Total(problem.flow, same).losses(problem.points);
  CHECK((losses.array() + 3 + std::log(2 * std::numbers::pi)).abs().maxCoeff() < 1e-12);
  const Estimate evidence = log_evidence(-losses);
  CHECK(evidence.value == Approx(3 + std::log(2 * std::numbers::pi)).epsilon(1e-12));
  CHECK(evidence.standard_error < 1e-12);
  CHECK(effective_sample_size(-losses) == Approx(7).epsilon(1e-12));
  CHECK(problem.loss(Path(problem.flow, same, PathDerivative{}), problem.points).gradient.cwiseAbs().maxCoeff() <
        1e-12);
  CHECK(problem.loss(Total(problem.flow, same), problem.points).gradient.cwiseAbs().maxCoeff() > 0.1);
}

TEST_CASE("A flow learns the banana: its evidence, and what is left of the divergence",
          "[train][variational][many-draws]") {
  auto flow = small_flow({16}, 0, 4, 0, 0, 0);
  Path inference(flow, banana, PathDerivative{});
  Rng rng(1);
  const FitReport report = fit(inference, {.iterations = 300, .batch = 64, .report_every = 60}, rng,
                               Adam{.learning_rate = 2e-2}, Cosine{.final_rate = 1e-4});
  REQUIRE(report.epochs.size() == 5);
  CHECK(report.warnings.empty());
  const double exact = std::log(4 * std::numbers::pi);
  CHECK(report.epochs.back().train_loss == Approx(-exact).margin(0.05));
  CHECK(report.epochs.back().train_nll == report.epochs.back().train_loss);

  const auto sample = importance_sample(flow, banana, 4000, rng);
  INFO("evidence " << sample.log_evidence.value - exact << " +- " << sample.log_evidence.standard_error << ", KL "
                   << exact - sample.elbo.value << ", " << sample.effective_samples << " effective, k " << sample.k);
  // One of 16,000 draws is further away.
  CHECK(std::abs(sample.log_evidence.value - exact) < 4 * sample.log_evidence.standard_error);
  CHECK(sample.log_evidence.standard_error < 0.02);
  CHECK(exact - sample.elbo.value < 0.03);
  CHECK(exact - sample.elbo.value > -4 * sample.elbo.standard_error);
  CHECK(sample.effective_samples > 3000);
  CHECK(sample.warnings.size() == (sample.k > largest_reliable_k(4000) ? 1 : 0));
  const Estimate mean = weighted_mean(sample.samples.row(1), sample.log_weights);  // of x₁, that of x₀² / 8
  CHECK(std::abs(mean.value - 0.5) < 4 * mean.standard_error);
  CHECK(mean.standard_error < 0.05);
}

TEST_CASE("Variational inference says when the solver is too coarse", "[train][variational]") {
  auto flow = small_flow({5}, 0, 1, 0, 0);
  flow.parameters().setConstant(1.5);
  Total inference(flow, banana);
  Rng rng(2);
  const FitReport report = fit(inference, {.iterations = 1, .batch = 64}, rng, Adam{.learning_rate = 1e-9});
  REQUIRE(report.warnings.size() == 1);
  CHECK_THAT(report.warnings[0], ContainsSubstring("the flow's solver is too coarse") &&
                                     ContainsSubstring("the NLL of 64 sampled rows is "));
}

TEST_CASE("Variational inference says that a target's score is wrong", "[train][variational]") {
  struct Wrong {  // of a target that reads no rows
    double factor;
    void log_density_and_score(ConstBatchRef<double> X, RowRef<double> log_p, BatchRef<double> X_bar) const {
      by_id.log_density_and_score(X, log_p, X_bar, {std::vector<Index>(std::size_t(X.cols()), 0), {nullptr, 0, 0}});
      X_bar *= factor;
    }
  };
  auto flow = small_flow({5}, 0, 4, 0, 0);
  const std::vector<Index> ids{0, 1, 2, 3, 4, 5, 6};
  for (const double factor : {1., 1.1}) {
    const VariationalInference inference(flow, Wrong{factor});
    std::remove_const_t<decltype(inference)>::Memory memory;
    CHECK(inference.training_warnings(memory).empty());
    TrainingLoss<double> result;
    inference.value_and_gradient(gaussian(1, 2, 7), ids, Draw{}, memory, result);
    const std::vector<std::string> warnings = inference.training_warnings(memory);
    REQUIRE(warnings.size() == (factor == 1 ? 0 : 1));
    if (factor != 1) CHECK_THAT(warnings[0], ContainsSubstring("the target's score is not the gradient"));
  }
}

TEST_CASE("Base points of one's own judge a flow that learns by variational inference", "[train][variational]") {
  auto flow = small_flow({5}, 0, 2, 0, 0, 0);
  Total inference(flow, banana);
  const Batch<double> points = gaussian(3, 2, 40);
  const double before = inference.losses(points).mean();
  const FreshSamples source([&](Index n, const Draw& draw) { return inference.base_points(n, draw); }, 64);
  Rng rng(2);
  const FitReport report = fit(inference, source, points, {.epochs = 3, .batch = 32}, rng, Adam{.learning_rate = 3e-2});
  CHECK(report.best_epoch > 0);
  CHECK(report.best_criterion == Approx(inference.losses(points).mean()).epsilon(1e-12));
  CHECK(report.best_criterion < before);
}

TEST_CASE("A float flow of double data has the derivative of a double flow, with a time stamp as context",
          "[train][variational]") {
  Problem problem(4);
  problem.weights.setOnes();
  const TrainingLoss<double> expected =
      problem.loss(Path(problem.flow, by_id, PathDerivative{}), problem.points);  // u as context

  Rng rng(6);
  Cnf flow(Mlp<float, Tanh>(2, {5}, rng, 2), Rk4{}, FixedSteps(4), Shear{}, KineticEnergy{.weight = 0.3},
           StandardizeContext(Vector<double>::Constant(1, 1.7e9), Vector<double>::Constant(1, 10)), Threads{1},
           ChunkWidth{3});
  flow.parameters() = problem.flow.parameters().cast<float>();
  Batch<double> points = problem.points;  // 1.7e9 + 10 u: numbers of float are 128 apart there
  points.row(2).array() = 1.7e9 + 10 * points.row(2).array();
  Row<double> seen = Row<double>::Zero(10);  // by row id
  const AnyTarget target{
      [&](ConstBatchRef<double> X, RowRef<double> log_p, BatchRef<double> X_bar, const TargetRows<double>& rows) {
        for (Index j = 0; j < X.cols(); ++j) seen(rows.ids[std::size_t(j)]) = rows.context(0, j);
        by_id.log_density_and_score(X, log_p, X_bar, rows);
      }};
  const VariationalInference inference(flow, target, PathDerivative{});
  std::remove_const_t<decltype(inference)>::Memory memory;
  TrainingLoss<float> got;
  inference.value_and_gradient(points, problem.ids, Draw{5, 1}, memory, got);
  for (Index j = 0; j < 7; ++j) CHECK(seen(problem.ids[std::size_t(j)]) == points(2, j));
  // Numbers up to 10, rounded to 6e-8 of themselves in each of some ten operations. With context rounded to float the
  // loss is off by 0.6.
  CHECK(got.loss == Approx(expected.loss).margin(1e-5));
  CHECK(max_difference(got.gradient.cast<double>().eval(), expected.gradient) < 1e-5);
  CHECK(max_difference(Batch<double>(10 * got.context_gradient.cast<double>()), expected.context_gradient) < 1e-5);

  const Row<double> losses = Path(problem.flow, by_id, PathDerivative{}).losses(problem.points);
  CHECK(max_difference(inference.losses(points).cast<double>().eval(), losses) < 1e-5);
  points(0, 3) = 1e39;
  CHECK_THROWS_WITH(inference.losses(points),
                    "VariationalInference::losses: base points has a number of absolute value "
                    "1e+39, beyond those of the flow's scalar");
}

TEST_CASE(
    "Variational inference has the same bits by one thread and by two, and allocates in the first iteration alone",
    "[train][variational]") {
  Problem problem(4), by_two(4, 0.3, 2);
  const Path inference(problem.flow, by_id, PathDerivative{});
  Path::Memory memory;
  TrainingLoss<double> result;
  inference.value_and_gradient(problem.points, problem.ids, Draw{5, 1}, memory, result);
  const Vector<double> first = result.gradient;
  const AllocationCounter counter;
  inference.value_and_gradient(problem.points, problem.ids, Draw{5, 1}, memory, result);
  if (AllocationCounter::available) CHECK(counter.count() == 0);
  CHECK(result.gradient == first);
  by_two.weights.setOnes();
  CHECK(by_two.loss(Path(by_two.flow, by_id, PathDerivative{}), by_two.points).gradient == first);
}

TEST_CASE("Variational inference refuses what it cannot serve, and leaves the result as it was",
          "[train][variational][errors]") {
  Problem problem(2);
  const Total inference(problem.flow, by_id);
  Total::Memory memory;
  TrainingLoss<double> result;
  result.loss = 7;
  const auto run = [&](const Batch<double>& X) {
    inference.value_and_gradient(X, problem.ids, Draw{}, memory, result);
  };
  CHECK_THROWS_AS(run(problem.points.topRows(2)), ShapeError);
  CHECK_THROWS_AS(run(problem.points.leftCols(5)), ShapeError);
  Batch<double> X = problem.points;
  X(1, 3) = std::nan("");
  CHECK_THROWS_WITH(run(X),
                    "VariationalInference::value_and_gradient: base points is nan at component 1 of sample 3, "
                    "expected a finite number");
  CHECK(result.loss == 7);

  struct Unconditional {
    void log_density(ConstBatchRef<double>, RowRef<double>) const {}
    void score(ConstBatchRef<double>, BatchRef<double>) const {}
  };
  CHECK_THROWS_WITH(
      VariationalInference(problem.flow, Unconditional{}),
      ContainsSubstring("VariationalInference: rows that the target of a conditional flow reads is none"));

  auto flow = small_flow({3}, 0, 2, 0, 0);
  const AnyTarget half{
      [](ConstBatchRef<double> Y, RowRef<double> log_p, BatchRef<double> Y_bar, const TargetRows<double>&) {
        Y_bar.setZero();
        for (Index j = 0; j < Y.cols(); ++j) log_p(j) = Y(0, j) > 0 ? 0 : -std::numeric_limits<double>::infinity();
      }};
  Total on_half(flow, half);
  Rng rng(1);
  const Vector<double> before = flow.parameters();
  CHECK_THROWS_WITH(
      fit(on_half, {.iterations = 2, .batch = 8}, rng),
      ContainsSubstring("VariationalInference: the target's log-density is no finite number at the flow's "
                        "sample (") &&
          ContainsSubstring("a data transform onto the support (Log, Logit)"));
  CHECK(flow.parameters() == before);
  CHECK_THROWS_WITH(fit(on_half, {.iterations = 250}, rng),
                    "fit: iterations is 250, expected a multiple of report_every, 100");
  CHECK_THROWS_AS(fit(on_half, {.iterations = 0}, rng), ArgumentError);
  Total conditional(problem.flow, by_id);
  CHECK_THROWS_WITH(fit(conditional, {.iterations = 2}, rng),
                    ContainsSubstring("fit: context of a conditional flow is missing"));
}
