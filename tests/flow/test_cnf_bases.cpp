/// \file
/// Bases and transforms at their place in a flow: a mixture behind a chain of transforms.
#include <pathline/flow/cnf.hpp>

#include <pathline/flow/base/mixture.hpp>
#include <pathline/flow/transform/chain_transform.hpp>
#include <pathline/flow/transform/log_transform.hpp>
#include <pathline/flow/transform/whiten.hpp>
#include <pathline/nn/mlp.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/differences.hpp>

#include <numeric>
#include <vector>

using namespace pathline;

namespace {

constexpr Index n = 9;

struct Problem {
  Batch<double> X = Batch<double>::Random(2, n).array().exp();
  Log<double> log{Vector<double>::Constant(2, 0.1)};
  Chain<Log<double>, Whiten<double>> transform{log, Whiten(transformed(log, X))};
  GaussianMixture<double> base{Eigen::Vector2d(1, 2), (Batch<double>(2, 2) << -1, 1, 0, 0.5).finished(),
                               (Batch<double>(2, 2) << 0.5, 1, 0.7, 0.8).finished()};

  /// One thread, because the first use of a thread allocates; chunks of four columns, so that the last one is short.
  [[nodiscard]] auto flow(double scale) const {
    Rng rng(5);
    Mlp<double, Tanh> field(2, {6}, rng);
    field.parameters() *= scale;
    return Cnf(field, Rk4{}, FixedSteps(6), base, transform, Threads{1}, ChunkWidth{.columns = 4});
  }
};

}  // namespace

TEST_CASE("A flow that stands still has the density of its base behind its transform", "[flow][cnf][base]") {
  const Problem problem;
  Batch<double> Z(2, n);
  Row<double> log_det(n), log_p(n);
  problem.transform.apply(problem.X, Z, log_det);
  problem.base.log_density(Z, log_p);
  CHECK(problem.flow(0).log_prob(problem.X).isApprox(log_p + log_det, 1e-14));
}

TEST_CASE("Samples of a mixture through a flow carry their density", "[flow][cnf][base]") {
  const auto flow = Problem().flow(1);
  Rng rng(3);
  const auto [samples, log_prob] = flow.sample_with_log_prob(20, rng);
  CHECK((samples.array() > -0.1).all());
  // Both ways are six steps of order 4, each with an error of its own; together they are off by 2e-9 here.
  CHECK((flow.log_prob(samples) - log_prob).cwiseAbs().maxCoeff() < 1e-7);
}

TEST_CASE("The training gradient of a mixture behind a chain agrees with differences and allocates once",
          "[flow][cnf][base][gradient]") {
  const Problem problem;
  auto flow = problem.flow(1);
  std::vector<Index> samples(n);
  std::iota(samples.begin(), samples.end(), Index{0});
  auto memory = decltype(flow)::Memory();
  auto result = flow.make_training_loss();
  flow.value_and_gradient(problem.X, samples, Draw{}, memory, result);
  CHECK(result.loss == Approx(-flow.log_prob(problem.X).mean()).epsilon(1e-13));

  AllocationCounter counter;
  flow.value_and_gradient(problem.X, samples, Draw{}, memory, result);
  CHECK(counter.count() == 0);

  const Vector<double> expected = test::central_differences(
      [&](const Vector<double>& theta) {
        flow.parameters() = theta;
        return -flow.log_prob(problem.X).mean();
      },
      flow.parameters());
  CHECK(test::max_difference(result.gradient, expected) < 1e-8);
}
