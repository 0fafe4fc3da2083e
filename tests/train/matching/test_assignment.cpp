// Assignments against all permutations, and against the proof of optimality on larger problems.
#include <pathline/train/matching/assignment.hpp>

#include <pathline/core/random.hpp>
#include <support/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <vector>

using namespace pathline;

namespace {

double cost_of(const Batch<double>& costs, const std::vector<Index>& rows) {
  double sum = 0;
  for (Index j = 0; j < costs.cols(); ++j) sum += costs(rows[std::size_t(j)], j);
  return sum;
}
bool is_permutation_of_rows(std::vector<Index> rows) {
  std::sort(rows.begin(), rows.end());
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (rows[i] != Index(i)) return false;
  return true;
}
double least_of_all_permutations(const Batch<double>& costs) {
  std::vector<Index> rows(std::size_t(costs.cols()));
  std::iota(rows.begin(), rows.end(), Index(0));
  double least = std::numeric_limits<double>::infinity();
  do least = std::min(least, cost_of(costs, rows));
  while (std::next_permutation(rows.begin(), rows.end()));
  return least;
}

/// Costs of four kinds: uniform, few different integers (many ties), distances of points, one cost for all.
Batch<double> some_costs(int kind, Index n, const Draw& draw) {
  Batch<double> costs(n, n);
  if (kind == 2) {
    Batch<double> points(2, 2 * n);
    fill<Gaussian>(draw, 0, points);
    for (Index j = 0; j < n; ++j)
      for (Index i = 0; i < n; ++i) costs(i, j) = (points.col(j) - points.col(n + i)).squaredNorm();
    return costs;
  }
  fill<Uniform>(draw, 0, costs);
  if (kind == 1) costs = (4 * costs).array().floor();
  if (kind == 3) costs.setConstant(0.3);
  return costs;
}

/// That no permutation is cheaper: no cycle of columns that exchange their rows gains anything (Bellman & Ford).
bool no_cycle_gains(const Batch<double>& costs, const std::vector<Index>& rows) {
  const Index n = costs.cols();
  Vector<double> potential = Vector<double>::Zero(n);
  for (Index round = 0; round <= n; ++round) {
    bool changed = false;
    for (Index a = 0; a < n; ++a)
      for (Index b = 0; b < n; ++b) {
        const double gain = costs(rows[std::size_t(b)], a) - costs(rows[std::size_t(a)], a);
        if (potential(a) + gain < potential(b) - 1e-9) {
          potential(b) = potential(a) + gain;
          changed = true;
        }
      }
    if (!changed) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("An assignment is as cheap as the best of all permutations", "[train][matching]") {
  for (const int kind : {0, 1, 2, 3})
    for (Index n = 1; n <= 7; ++n)
      for (std::uint64_t draw = 0; draw < (n < 7 ? 20 : 3); ++draw) {
        const Batch<double> costs = some_costs(kind, n, Draw{7, draw});
        const std::vector<Index> rows = optimal_assignment(costs);
        INFO("kind " << kind << ", n = " << n << ", draw " << draw);
        REQUIRE(is_permutation_of_rows(rows));
        CHECK(cost_of(costs, rows) <= least_of_all_permutations(costs) + 1e-12);
      }
}

TEST_CASE("No exchange of rows makes a large assignment cheaper", "[train][matching]") {
  for (const int kind : {0, 1, 2}) {
    const Batch<double> costs = some_costs(kind, 40, Draw{8, 0});
    const std::vector<Index> rows = optimal_assignment(costs);
    REQUIRE(is_permutation_of_rows(rows));
    CHECK(no_cycle_gains(costs, rows));
    std::vector<Index> worse = rows;  // the check is one: two rows exchanged are found
    std::swap(worse[3], worse[17]);
    if (cost_of(costs, worse) > cost_of(costs, rows) + 1e-9) CHECK_FALSE(no_cycle_gains(costs, worse));
  }
}

TEST_CASE("An assignment does not depend on what rows and columns cost in all", "[train][matching]") {
  Batch<double> costs = some_costs(2, 12, Draw{9, 0});
  const std::vector<Index> rows = optimal_assignment(costs);
  for (Index i = 0; i < 12; ++i) costs.row(i).array() += 5. * double(i);
  for (Index j = 0; j < 12; ++j) costs.col(j).array() -= 3. * double(j % 5);
  CHECK(optimal_assignment(costs) == rows);
}

TEST_CASE("An assignment does not depend on the size of the costs", "[train][matching]") {
  const Batch<double> costs = some_costs(2, 30, Draw{9, 1});
  const std::vector<Index> rows = optimal_assignment(costs);
  for (const double factor : {1e-300, 1e-30, 1e30, 1e300})  // beyond the range of a float
    CHECK(optimal_assignment(factor * costs) == rows);
}

TEST_CASE("On a line the best assignment keeps the order", "[train][matching]") {
  Batch<double> points(1, 60);
  fill<Gaussian>(Draw{10, 0}, 0, points);
  Batch<double> costs(30, 30);
  for (Index j = 0; j < 30; ++j)
    for (Index i = 0; i < 30; ++i) costs(i, j) = std::pow(points(0, j) - points(0, 30 + i), 2);
  const std::vector<Index> rows = optimal_assignment(costs);
  for (Index a = 0; a < 30; ++a)
    for (Index b = 0; b < 30; ++b)
      if (points(0, a) < points(0, b))
        CHECK(points(0, 30 + rows[std::size_t(a)]) < points(0, 30 + rows[std::size_t(b)]));
}

TEST_CASE("Costs that are no assignment problem are refused", "[train][matching][errors]") {
  CHECK_THROWS_WITH(optimal_assignment(Batch<double>::Zero(3, 2)), "optimal_assignment: costs has 3 rows, expected 2");
  Batch<double> costs = Batch<double>::Zero(2, 2);
  costs(1, 0) = std::numeric_limits<double>::infinity();
  CHECK_THROWS_AS(optimal_assignment(costs), DataError);
  costs(1, 0) = 1e308;
  CHECK_THROWS_WITH(optimal_assignment(costs),
                    "optimal_assignment: costs are up to 1e+308, expected numbers whose sums a double holds");
  CHECK(optimal_assignment(Batch<double>(0, 0)).empty());
}
