// Transport with an entropy: marginals, its two limits, and what it refuses.
#include <pathline/train/matching/sinkhorn.hpp>

#include <pathline/train/matching/assignment.hpp>
#include <support/catch.hpp>

#include <cmath>
#include <cstddef>
#include <numeric>
#include <vector>

using namespace pathline;

namespace {

static_assert(Coupling<Sinkhorn, float> && Coupling<Sinkhorn, double>);

Batch<double> distances(Index n, const Draw& draw) {
  Batch<double> points(2, 2 * n), costs(n, n);
  fill<Gaussian>(draw, 0, points);
  for (Index j = 0; j < n; ++j)
    for (Index i = 0; i < n; ++i) costs(i, j) = (points.col(j) - points.col(n + i)).squaredNorm();
  return costs;
}
double best_cost(const Batch<double>& costs) {
  const std::vector<Index> rows = optimal_assignment(costs);
  double sum = 0;
  for (Index j = 0; j < costs.cols(); ++j) sum += costs(rows[std::size_t(j)], j);
  return sum;
}

}  // namespace

TEST_CASE("A plan has the marginals that were asked, and is the minimum: of the form of Gibbs", "[train][matching]") {
  const Batch<double> costs = distances(20, Draw{4, 0});
  for (const double epsilon : {5.0, 0.3, 0.1}) {
    INFO("epsilon " << epsilon);
    const Batch<double> plan = sinkhorn_plan(costs, epsilon, {.tolerance = 1e-8, .max_iterations = 100'000});
    CHECK((plan.colwise().sum().array() - 1).abs().maxCoeff() < 1e-13);
    CHECK((plan.rowwise().sum().array() - 1).abs().maxCoeff() < 1e-8);
    CHECK(plan.minCoeff() >= 0);
    // log P = (f_j + g_i - c_ij) / epsilon: differences of differences are those of the costs.
    for (Index i = 1; i < 20; ++i)
      for (Index j = 1; j < 20; ++j) {
        const double product = plan(i, j) * plan(0, 0), other = plan(i, 0) * plan(0, j);
        if (product < 1e-200 || other < 1e-200) continue;
        const double gibbs = -(costs(i, j) + costs(0, 0) - costs(i, 0) - costs(0, j)) / epsilon;
        CHECK(std::log(product / other) == Approx(gibbs).margin(1e-8).epsilon(1e-8));
      }
  }
}

TEST_CASE("With less and less entropy a plan becomes the best assignment", "[train][matching]") {
  const Index n = 16;
  const Batch<double> costs = distances(n, Draw{4, 1});
  const double best = best_cost(costs);
  double before = 1e300;
  for (const double epsilon : {1.0, 0.1, 0.02}) {
    const SinkhornOptions options{.tolerance = 1e-4};
    const double excess = sinkhorn_plan(costs, epsilon, options).cwiseProduct(costs).sum() - best;
    INFO("epsilon " << epsilon << ", excess " << excess);
    CHECK(excess > -0.01);  // rows that are 1e-4 off can save as much of costs of up to 30
    CHECK(excess < epsilon * double(n) * std::log(double(n)) + 0.01);
    CHECK(excess < before);
    before = excess;
  }
  CHECK(before < 0.06);  // far below the bound of 0.9
}

TEST_CASE("With much entropy a plan is uniform", "[train][matching]") {
  const Batch<double> plan = sinkhorn_plan(distances(10, Draw{4, 2}), 1e6);
  CHECK((plan.array() - 0.1).abs().maxCoeff() < 1e-4);
}

TEST_CASE("Partners are drawn from the plan, each base point as often as any other", "[train][matching][many-draws]") {
  constexpr Index n = 8, draws = 1000;
  Batch<double> Z(1, n), E(1, n);
  fill<Gaussian>(Draw{6, 0}, 0, Z);
  fill<Gaussian>(Draw{6, 1}, 0, E);
  std::vector<Index> samples(n), partner(n);
  std::iota(samples.begin(), samples.end(), Index(100));
  Sinkhorn::Memory memory;
  const Sinkhorn sinkhorn{.epsilon = 0.2};
  Vector<double> uses = Vector<double>::Zero(n);
  Batch<double> joint = Batch<double>::Zero(n, n);
  for (Index k = 0; k < draws; ++k) {
    sinkhorn.pair<double>(Z, E, samples, Draw{7, std::uint64_t(k)}, partner, memory);
    for (Index j = 0; j < n; ++j) {
      uses(partner[std::size_t(j)]) += 1 / double(draws);
      joint(partner[std::size_t(j)], j) += 1 / double(draws);
    }
  }
  // Means of 1000 draws of numbers of 0 and 1: standard errors below 0.5 / sqrt(1000) = 0.016 of each entry and
  // sqrt(8) of that of a sum; five of them.
  CHECK((uses.array() - 1).abs().maxCoeff() < 0.23);
  Batch<double> costs(n, n);
  for (Index j = 0; j < n; ++j)
    for (Index i = 0; i < n; ++i) costs(i, j) = std::pow(Z(0, j) - E(0, i), 2);
  detail::TransportCosts scale;
  (void)scale.set<double>(Z, E);
  const Batch<double> plan = sinkhorn_plan(costs, 0.2 * scale.mean_distance());
  CHECK((joint - plan).cwiseAbs().maxCoeff() < 0.08);
}

TEST_CASE("One number is named by one sample, whatever the mini-batch", "[train][matching]") {
  Batch<double> Z = Batch<double>::Zero(1, 6), E(1, 6);  // one point: every partner is as likely
  fill<Gaussian>(Draw{6, 1}, 0, E);
  std::vector<Index> samples{5, 3, 9, 1, 0, 2}, reversed(samples.rbegin(), samples.rend()), a(6), b(6);
  Sinkhorn::Memory memory;
  Sinkhorn{}.pair<double>(Z, E, samples, Draw{1, 0}, a, memory);
  Sinkhorn{}.pair<double>(Z, E, reversed, Draw{1, 0}, b, memory);
  CHECK(a == std::vector<Index>(b.rbegin(), b.rend()));
  E.setZero();
  Sinkhorn{}.pair<double>(Z, E, samples, Draw{1, 0}, a, memory);  // no distances at all
  CHECK(a == std::vector<Index>{0, 1, 2, 3, 4, 5});
}

TEST_CASE("A plan that has not converged is used with exact marginals, and told", "[train][matching]") {
  // Samples in two heaps of 3 and 5, far from the base points: few turns leave row sums that are not 1.
  const Batch<double> Z{{0, 0.1, 0.2, 30, 31, 32, 33, 34}};
  Batch<double> E(1, 8);
  fill<Gaussian>(Draw{6, 2}, 0, E);
  std::vector<Index> samples(8), partner(8);
  std::iota(samples.begin(), samples.end(), Index(0));
  const Sinkhorn few{.epsilon = 1e-3, .options = {.max_iterations = 3}};
  Sinkhorn::Memory memory;
  few.pair<double>(Z, E, samples, Draw{1, 0}, partner, memory);
  few.pair<double>(Z, E, samples, Draw{1, 1}, partner, memory);
  const Batch<double> plan = memory.solver.plan().map();
  CHECK(memory.solver.error() > 0.01);
  CHECK((plan.colwise().sum().array() - 1).abs().maxCoeff() < 1e-14);
  CHECK((plan.rowwise().sum().array() - 1).abs().maxCoeff() < 1e-14);
  CHECK(plan.minCoeff() >= 0);
  REQUIRE(few.warnings(memory).size() == 1);
  CHECK_THAT(few.warnings(memory)[0], ContainsSubstring("Sinkhorn: 2 of 2 plans had not converged after 3 iterations"));
  // Before the last stage the rows may be right for a larger epsilon: that is no plan for this one.
  CHECK_THROWS_AS(sinkhorn_plan(distances(12, Draw{4, 3}), 1e-6, {.tolerance = 0.9, .max_iterations = 9}),
                  ArgumentError);

  Sinkhorn::Memory whole;
  Sinkhorn{}.pair<double>(Z, E, samples, Draw{1, 0}, partner, whole);
  CHECK(whole.plans == 1);
  CHECK(Sinkhorn{}.warnings(whole).empty());
}

TEST_CASE("At the default entropy 256 points converge, and cost little more than the best assignment",
          "[train][matching]") {
  constexpr Index n = 256;
  Batch<double> Z(2, n), E(2, n);
  fill<Gaussian>(Draw{6, 3}, 0, Z);
  fill<Gaussian>(Draw{6, 4}, 0, E);
  Z.row(0) = 2 * Z.row(0).array() + 1;
  std::vector<Index> samples(n), partner(n);
  std::iota(samples.begin(), samples.end(), Index(0));
  Sinkhorn::Memory memory;
  const Sinkhorn sinkhorn;
  sinkhorn.pair<double>(Z, E, samples, Draw{1, 0}, partner, memory);
  CHECK(memory.unfinished == 0);
  const Batch<double> as_drawn = memory.solver.plan().map();
  CHECK((as_drawn.rowwise().sum().array() - 1).abs().maxCoeff() < 1.001 * sinkhorn.options.tolerance);
  memory.solver.round_plan();  // marginals that are exact: no such plan costs less than the best assignment
  const Batch<double> plan = memory.solver.plan().map();
  CHECK((plan - as_drawn).cwiseAbs().maxCoeff() < 2 * sinkhorn.options.tolerance);
  detail::TransportCosts transport;
  const Batch<double> costs = transport.set<double>(Z, E).map();
  const double epsilon = sinkhorn.epsilon * transport.mean_distance(), best = best_cost(costs);
  const double excess = plan.cwiseProduct(costs).sum() - best;
  INFO("excess " << excess << " of at most " << epsilon * double(n) * std::log(double(n)));
  CHECK(excess > 0);
  CHECK(excess < epsilon * double(n) * std::log(double(n)));
}

TEST_CASE("Sinkhorn says when it has not converged, and refuses what it cannot do", "[train][matching][errors]") {
  const Batch<double> costs = distances(12, Draw{4, 3});
  CHECK_THROWS_WITH(sinkhorn_plan(costs, 0.01, {.tolerance = 1e-9, .max_iterations = 50}),
                    ContainsSubstring("sinkhorn_plan: error of the marginals after 50 iterations is ") &&
                        ContainsSubstring("take a larger one or more iterations"));
  CHECK_THROWS_WITH(sinkhorn_plan(costs, 0), "sinkhorn_plan: epsilon is 0, expected a positive number");
  CHECK_THROWS_AS(sinkhorn_plan(Batch<double>::Zero(3, 2), 1), ShapeError);
  CHECK_THROWS_AS(sinkhorn_plan(costs, 1, {.tolerance = 0}), ArgumentError);
  CHECK_THROWS_AS(Sinkhorn{.epsilon = -1}.check(), ArgumentError);
  CHECK_THROWS_AS((Sinkhorn{.options = {.max_iterations = 0}}.check()), ArgumentError);
}
