#include <pathline/flow/cnf.hpp>

#include <pathline/flow/end_time/steer.hpp>
#include <pathline/flow/flow_score.hpp>
#include <pathline/flow/flow_solves.hpp>
#include <pathline/flow/flow_training.hpp>
#include <pathline/flow/path/with_field_on_path.hpp>
#include <pathline/flow/regularizer/kinetic_energy.hpp>
#include <pathline/nn/mlp.hpp>

#include <support/any_field.hpp>
#include <support/any_trace.hpp>
#include <support/catch.hpp>
#include <support/differences.hpp>
#include <support/sizes.hpp>

#include <limits>
#include <memory>
#include <numeric>
#include <string>
#include <thread>

using namespace pathline;
using namespace pathline::test;

namespace {

Batch<double> data(Index n) {
  Batch<double> X(2, n);
  fill<Gaussian>(Draw{3, 1}, 0, X);
  X.row(0).array() = 3 * X.row(0).array() + 10;
  return X;
}

std::vector<Index> ids(Index n) {
  std::vector<Index> result(static_cast<std::size_t>(n));
  std::iota(result.begin(), result.end(), Index(0));
  return result;
}

const AnyField field = [] {
  AnyField result = fields_of<Tanh>(2, {8, 8}, 5).front();
  result.parameters() *= 2;  // far enough from the identity for the tests to see it
  return result;
}();

template <class... Policies>
auto loss_of(const Cnf<AnyField, Policies...>& flow, Index n) {
  typename Cnf<AnyField, Policies...>::Memory memory;
  TrainingLoss<double> result;
  flow.value_and_gradient(data(n), ids(n), Draw{1, 2}, memory, result);
  return result;
}

}  // namespace

TEST_CASE("Cnf: the density integrates to one", "[flow][cnf][many-draws]") {
  const Cnf flow(field, PiController{.rtol = 1e-6, .atol = 1e-6}, Standardize(data(200)));
  const Index side = 80;
  const double reach = 7, cell = 2 * reach / side;
  Batch<double> grid(2, side * side);
  for (Index i = 0; i < grid.cols(); ++i)
    grid.col(i) << 10 + 3 * cell * (double(i % side) + 0.5) - 3 * reach, cell * (double(i / side) + 0.5) - reach;
  CHECK(flow.log_prob(grid).array().exp().sum() * 3 * cell * cell == Approx(1).margin(1e-3));
}

TEST_CASE("Cnf: log_prob is deterministic and exact unless an estimator is given", "[flow][cnf]") {
  const Cnf flow(field, Hutchinson<Gaussian>{}, Standardize(data(50)));
  const Cnf exact(field, ExactTrace{}, Standardize(data(50)));
  const Batch<double> X = data(5);
  CHECK(flow.log_prob(X) == exact.log_prob(X));  // trained by an estimate, judged by the truth
  CHECK(flow.log_prob(X, Hutchinson<>{}, 1) == flow.log_prob(X, Hutchinson<>{}, 1));
  CHECK(flow.log_prob(X, Hutchinson<>{}, 1) != flow.log_prob(X, Hutchinson<>{}, 2));
  // Many probes come near: the spread of one is about 1 here, of 2000 about 0.02.
  CHECK((flow.log_prob(X, Hutchinson<>{.probes = 2000}, 1) - flow.log_prob(X)).cwiseAbs().maxCoeff() < 0.1);
}

TEST_CASE("Cnf: rows known to the compiler, blocks and expressions give the same bits as dynamic batches",
          "[flow][cnf]") {
  const Cnf flow(field, Standardize(data(50)));
  const Batch<double> X = data(6);
  const Row<double> expected = flow.log_prob(X);
  const Batch<double, 2> rows_known = X;
  const Eigen::Matrix<double, 2, 6> both_known = X;
  Batch<double> larger = Batch<double>::Zero(4, 9);
  larger.block(1, 2, 2, 6) = X;
  CHECK(flow.log_prob(rows_known) == expected);
  CHECK(flow.log_prob(both_known) == expected);
  CHECK(flow.log_prob(larger.block(1, 2, 2, 6)) == expected);
  CHECK(flow.log_prob(0.5 * (X + X)) == expected);
}

TEST_CASE("Cnf: a regularizer does not change the forward steps", "[flow][cnf]") {
  const PiController control{.rtol = 1e-5, .atol = 1e-5};
  const auto without = loss_of(Cnf(field, control, Standardize(data(50))), 20);
  const auto with = loss_of(Cnf(field, control, Standardize(data(50)), KineticEnergy{.weight = 100}), 20);
  CHECK(with.forward == without.forward);
  CHECK(with.negative_log_likelihood == without.negative_log_likelihood);
  REQUIRE(with.costs.size() == 1);
  CHECK(with.costs[0] > 0);
  CHECK(with.loss == Approx(with.negative_log_likelihood + 100 * with.costs[0]).epsilon(1e-14));
  CHECK(without.costs.empty());
}

TEST_CASE("Cnf: the training loss by the exact trace is the likelihood", "[flow][cnf]") {
  const Cnf flow(field, Standardize(data(50)), ChunkWidth{7});
  const auto result = loss_of(flow, 20);
  // Training and evaluation take the same steps: equal but for the order of the sum.
  CHECK(result.negative_log_likelihood == Approx(-flow.log_prob(data(20)).mean()).epsilon(1e-14));
  CHECK(result.solves == 3);
}

TEST_CASE("Cnf: every number of threads gives the same bits", "[flow][cnf]") {
  const auto run = [](int threads) {
    return loss_of(Cnf(field, Hutchinson<>{}, Standardize(data(50)), Threads{threads}, ChunkWidth{8},
                       KineticEnergy{.weight = 0.1}),
                   50);
  };
  const auto one = run(1);
  for (const int threads : {2, 3}) {
    const auto several = run(threads);
    CHECK(several.loss == one.loss);
    CHECK(several.gradient == one.gradient);
  }
  const Batch<double> X = data(50);
  CHECK(Cnf(field, Threads{2}, ChunkWidth{8}).log_prob(X) == Cnf(field, Threads{1}, ChunkWidth{8}).log_prob(X));
}

TEST_CASE("Cnf: const functions may be called from several threads at once", "[flow][cnf]") {
  const Cnf flow(field, Standardize(data(50)), ChunkWidth{8});
  const Batch<double> X = data(30);
  const Row<double> expected = flow.log_prob(X);
  std::vector<Row<double>> got(4);
  std::vector<std::thread> threads;
  for (auto& result : got) threads.emplace_back([&] { result = flow.log_prob(X); });
  for (auto& thread : threads) thread.join();
  for (const auto& result : got) CHECK(result == expected);
}

TEST_CASE("Cnf: inverse undoes transform, and a trajectory ends where transform does", "[flow][cnf]") {
  const Cnf flow(field, PiController{.rtol = 1e-9, .atol = 1e-9}, Standardize(data(50)));
  const Batch<double> X = data(20), Z = flow.transform(X);
  CHECK(flow.inverse(Z).isApprox(X, 1e-7));
  const auto path = flow.trajectory(X, {0, 0.5, 1});
  REQUIRE(path.size() == 3);
  CHECK(path.back().isApprox(Z, 1e-7));
  CHECK(path.front().rowwise().mean().cwiseAbs().maxCoeff() < 1);  // standardised coordinates
}

TEST_CASE("Cnf: samples follow the density", "[flow][cnf][many-draws]") {
  const Cnf flow(field, Standardize(data(50)));
  Rng rng(9);
  const Index n = 4000;
  const Batch<double> X = flow.sample(n, rng);
  // E_p[q(x)/p(x)] = 1 for any density q: here the normal law of the data. Its own spread gives the error bar.
  const Batch<double> Z =
      Standardize(X).deviation().cwiseInverse().asDiagonal() * (X.colwise() - Standardize(X).mean());
  Row<double> log_q(n);
  StandardNormal{}.log_density(Z, log_q);
  log_q.array() -= Standardize(X).deviation().array().log().sum();
  const Eigen::ArrayXd ratio = (log_q - flow.log_prob(X)).array().exp().transpose();
  const double error = std::sqrt((ratio - ratio.mean()).square().mean() / double(n));
  CHECK(error < 0.05);
  CHECK(std::abs(ratio.mean() - 1) < 4.9 * error);    // 1e-6 for a false alarm
  CHECK(flow.sample(3, rng) != flow.sample(3, rng));  // each call is a draw of its own
}

TEST_CASE("Cnf: a failed solve names the sample of the batch, not of its chunk", "[flow][cnf][errors]") {
  Rng rng(0);
  Mlp<double, Tanh> affine(2, {}, rng, 0);
  affine.parameters() << 200, 0, 0, 200, 0, 0;  // z' = 200 z: e^200 times a large number overflows
  const Cnf flow(AnyField(affine), Rk4{}, FixedSteps(100), ChunkWidth{2});
  Batch<double> X = data(6);
  X(1, 5) = 1e300;
  try {
    (void)flow.log_prob(X);
    FAIL("the solve should overflow");
  } catch (const NonFiniteError& error) {
    CHECK(error.sample == 5);
    CHECK_THAT(error.what(), ContainsSubstring("of sample 5,"));
  }
}

TEST_CASE("Cnf: a cost is positive when data stand at the later time, too", "[flow][cnf]") {
  const auto run = [](TimeSpan span) {
    return loss_of(Cnf(field, Rk4{}, FixedSteps(8), span, KineticEnergy{.weight = 0.5}), 10);
  };
  CHECK(run({.data = 1, .base = 0}).costs[0] > 0);
  CHECK(run({.data = 0, .base = 1}).costs[0] > 0);
}

TEST_CASE("Cnf: chunks change neither the loss nor its gradient, noise included", "[flow][cnf]") {
  const PiController tight{.rtol = 1e-11, .atol = 1e-11};
  const auto run = [&](Index width) {
    return loss_of(Cnf(field, Hutchinson<Gaussian>{.probes = 2}, tight, Standardize(data(50)), ChunkWidth{width},
                       KineticEnergy{.weight = 0.5}),
                   7);
  };
  const auto whole = run(7), parts = run(2);
  CHECK(parts.solves == 4);
  CHECK(parts.loss == Approx(whole.loss).epsilon(1e-10));
  CHECK(parts.costs[0] == Approx(whole.costs[0]).epsilon(1e-10));
  CHECK((parts.gradient - whole.gradient).cwiseAbs().maxCoeff() < 1e-8 * whole.gradient.cwiseAbs().maxCoeff());
}

TEST_CASE("Cnf::trajectory starts at the data's time", "[flow][cnf][errors]") {
  const Cnf flow(field, Standardize(data(50)));
  CHECK_THROWS_WITH(flow.trajectory(data(3), {0.3, 1.0}),
                    "Cnf::trajectory: first time is 0.3, expected the data's time, 0");
}

TEST_CASE("Cnf names bad input and is left as it was", "[flow][cnf][errors]") {
  const Cnf flow(field, Standardize(data(50)));
  CHECK_THROWS_WITH(flow.log_prob(Batch<double>::Zero(3, 4)), "Cnf::log_prob: data has 3 rows, expected 2");
  CHECK_THROWS_WITH(flow.log_prob(Batch<double>(2, 0)),
                    "Cnf::log_prob: data is empty, expected at least one sample and one component");
  Batch<double> bad = data(4);
  bad(1, 3) = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH(flow.transform(bad),
                    "Cnf::transform: data is nan at component 1 of sample 3, expected a finite number");
  CHECK_THROWS_AS(flow.inverse(Batch<double>::Zero(1, 4)), ShapeError);
  Rng rng(1);
  CHECK_THROWS_WITH(flow.sample(0, rng), "Cnf::sample: count is 0, expected at least 1");
  CHECK(rng == Rng(1));  // a refused call takes no draw
  typename std::remove_const_t<decltype(flow)>::Memory memory;
  TrainingLoss<double> result;
  CHECK_THROWS_AS(flow.value_and_gradient(data(4), ids(3), Draw{}, memory, result), ShapeError);
  CHECK_THROWS_AS(Cnf(fields_of<Tanh>(3, {4}, 1)[0], Standardize(data(50))), ShapeError);
  const Cnf conditional(AnyField(Mlp<double, Tanh>(2, {4}, rng, 3)));
  CHECK_THROWS_WITH(conditional.log_prob(data(4)), "Cnf::log_prob: data has 2 rows, expected 4");
  CHECK_THROWS_WITH(conditional.sample(3, rng),
                    "Cnf::sample: context of a conditional flow is missing, expected 2 rows: sample(context, rng)");
  CHECK_THROWS_WITH(conditional.sample(Batch<double>::Ones(1, 3), rng), "Cnf::sample: context has 1 rows, expected 2");
  CHECK_THROWS_AS(Cnf(fields_of<Tanh>(2, {4}, 1)[0], Steer{.half_width = 1}), ArgumentError);
}

TEST_CASE("Cnf: the score is in units of the raw data, whatever the chunks and threads", "[flow][cnf][gradient]") {
  const Cnf flow(field, Standardize(data(50)), ChunkWidth{7});
  const Batch<double> X = data(20);
  const auto [log_prob, score] = flow.log_prob_with_score(X);
  CHECK(log_prob == flow.log_prob(X));
  CHECK(flow.score(X.col(13)).isApprox(score.col(13), 1e-3));  // a solve of its own: to the tolerance
  const PiController tight{.rtol = 1e-11, .atol = 1e-11};
  const Cnf exact(field, tight, Standardize(data(50)));
  const Vector<double> x = X.col(13);
  const Vector<double> differences =
      central_differences([&](const Vector<double>& at) { return exact.log_prob(at)(0); }, x);
  CHECK(max_difference(Vector<double>(exact.score(x)), differences) < 1e-6);
  CHECK(Cnf(field, Threads{2}, ChunkWidth{8}).score(X) == Cnf(field, Threads{1}, ChunkWidth{8}).score(X));
}

TEST_CASE("Cnf: every front refuses matrices of another shape, and works as before", "[flow][cnf][sizes][errors]") {
  constexpr Index d = 2, c = 3, n = 7;
  constexpr auto any = Door::Columns::any, these = Door::Columns::these;
  Rng seed(4);
  Cnf flow(field);
  const Cnf conditional(AnyField(Mlp<double, Tanh>(d, {4}, seed, 1 + c)));
  const Vector<double> theta = flow.parameters();
  using M = const Batch<double>&;
  check_sizes({
      {"log_prob", d, n, any, [&](M X) { return flow.log_prob(X).sum(); }},
      {"transform", d, n, any, [&](M X) { return flow.transform(X).sum(); }},
      {"inverse", d, n, any, [&](M Z) { return flow.inverse(Z).sum(); }},
      {"trajectory", d, n, any,
       [&](M X) {
         return flow.trajectory(X, {0, 1}).back().sum();
       }},
      {"score", d, n, any, [&](M X) { return flow.score(X).sum(); }},
      {"log_prob with context", d + c, n, any, [&](M X) { return conditional.log_prob(X).sum(); }},
      {"inverse with context", d + c, n, any, [&](M Z) { return conditional.inverse(Z).sum(); }},
      {"score with context", d + c, n, any, [&](M X) { return conditional.score(X).sum(); }},
      {"sample", c, n, any, [&](M C) { return conditional.sample(C, *std::make_unique<Rng>(1)).sum(); }},
      {"sample_with_log_prob", c, n, any,
       [&](M C) { return conditional.sample_with_log_prob(C, *std::make_unique<Rng>(1)).log_prob.sum(); }},
      {"with_context", c, n, these, [&](M C) { return conditional.log_prob(with_context(data(n), C)).sum(); }},
      {"value_and_gradient", d, n, these,
       [&](M X) {
         decltype(flow)::Memory memory;
         TrainingLoss<double> result;
         flow.value_and_gradient(X, ids(n), Draw{}, memory, result);
         return result.loss;
       }},
      {"parameters, a plain vector", theta.size(), 1, these,
       [&](M other) {
         const auto mend = [&](const void*) { flow.parameters() = theta; };
         const std::unique_ptr<const void, decltype(mend)> at_exit(&flow, mend);
         flow.parameters() = other.reshaped();
         if (other.rows() == 1) flow.parameters().resize(1);  // reshaped it is right
         return flow.log_prob(data(n)).sum();
       }},
      {"data of a transform", d, n, any, [&](M X) { return Cnf(field, Standardize(X)).data_transform().mean().sum(); }},
  });
}

TEST_CASE("Cnf: a sum of fields is a field, with the parameters of all and their gradient", "[flow][cnf][gradient]") {
  Rng rng(2);
  const Mlp<double, Tanh> one(2, {4}, rng), other(2, {3}, rng);
  Cnf flow(AnyField(Sum{one, Scaled{other, -0.5}}), Standardize(data(50)));
  REQUIRE(flow.parameters().size() == one.parameters().size() + other.parameters().size());
  const Vector<double> gradient = loss_of(flow, 5).gradient, theta = flow.parameters();
  const Vector<double> differences = central_differences(
      [&](const Vector<double>& at) {
        flow.parameters() = at;
        return loss_of(flow, 5).loss;
      },
      theta);
  // The steps adapt to a tolerance of 1e-6, and their sizes move with the parameters.
  CHECK(max_difference(gradient, differences) < 1e-4);
  CHECK(gradient.tail(other.parameters().size()).norm() > 1e-2);
}

TEST_CASE("Cnf: data that a transform took with a row per sample are blamed, not the field", "[flow][cnf][errors]") {
  CHECK_THROWS_WITH(Cnf(field, Standardize(Batch<double>(data(50).transpose()))),
                    "Standardize: the data that it was made from has 50 rows, expected 2; a batch has a column per "
                    "sample: data with a row per sample need transpose()");
}

TEST_CASE("Cnf: a batch with a row per sample is told to be transposed", "[flow][cnf][errors]") {
  const Cnf flow(field);
  const std::string advice = "; a batch has a column per sample: data with a row per sample need transpose()";
  CHECK_THROWS_WITH(flow.log_prob(Batch<double>::Ones(500, 2)),
                    "Cnf::log_prob: data has 500 rows, expected 2" + advice);
  CHECK_THROWS_WITH(flow.inverse(Batch<double>::Ones(500, 3)),
                    "Cnf::inverse: points has 500 rows, expected 2" + advice);
  CHECK_THROWS_WITH(with_context(Batch<double>::Ones(2, 9), Batch<double>::Ones(9, 1)),
                    "with_context: context has 1 columns, expected 9; it has a column per sample, as the data: give "
                    "transpose()");
}

TEST_CASE("Cnf: parameters of another length or not finite are refused", "[flow][cnf][errors]") {
  Cnf flow(field);  // a field whose parameters are a plain vector
  const auto refused = [&]<class E>(E*) {
    const Batch<double> X = data(3);
    Rng rng(1);
    CHECK_THROWS_AS(flow.log_prob(X), E);
    CHECK_THROWS_AS(flow.transform(X), E);
    CHECK_THROWS_AS(flow.inverse(X), E);
    CHECK_THROWS_AS(flow.trajectory(X, {0, 1}), E);
    CHECK_THROWS_AS(flow.sample(3, rng), E);
    CHECK_THROWS_AS(flow.sample_with_log_prob(3, rng), E);
    CHECK(rng == Rng(1));
  };
  const Vector<double> theta = flow.parameters();
  flow.parameters().resize(theta.size() + 1);
  refused(static_cast<ShapeError*>(nullptr));
  CHECK_THROWS_AS(loss_of(flow, 3), ShapeError);
  flow.parameters() = theta;
  flow.parameters()(7) = std::numeric_limits<double>::infinity();
  refused(static_cast<ArgumentError*>(nullptr));
  flow.parameters() = theta;
  CHECK_NOTHROW(flow.log_prob(data(3)));

  Vector<double> other = theta;
  other(7) = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH(flow.set_parameters(other), "Cnf::set_parameters: parameter 7 is nan, expected a finite number");
  CHECK_THROWS_AS(flow.set_parameters(theta.head(theta.size() - 1)), ShapeError);
  CHECK(flow.parameters() == theta);
  flow.set_parameters(2 * theta);
  CHECK(flow.parameters() == 2 * theta);
}
