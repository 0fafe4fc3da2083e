// Minibatch optimal transport: permutations, cheaper than chance.
#include <pathline/train/matching/optimal_transport.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

using namespace pathline;

namespace {

static_assert(Coupling<OptimalTransport, float> && Coupling<OptimalTransport, double>);

template <class Scalar>
struct Points {
  explicit Points(Index n, Index d = 2) : Z(d, n), E(d, n), partner(std::size_t(n), -1) {
    fill<Uniform>(Draw{5, 0}, 0, Z);
    Z *= Scalar(4);
    fill<Gaussian>(Draw{5, 1}, 0, E);
  }
  double cost() const {
    double sum = 0;
    for (std::size_t j = 0; j < partner.size(); ++j) sum += double((Z.col(Index(j)) - E.col(partner[j])).squaredNorm());
    return sum;
  }
  Batch<Scalar> Z, E;
  std::vector<Index> partner;
};

}  // namespace

TEMPLATE_TEST_CASE("Optimal transport uses every base point once, and costs less than chance", "[train][matching]",
                   float, double) {
  Points<TestType> points(64);
  OptimalTransport::Memory memory;
  IndependentCoupling::Memory none;
  IndependentCoupling{}.pair<TestType>(points.Z, points.E, {}, Draw{}, points.partner, none);
  const double chance = points.cost();
  OptimalTransport{}.pair<TestType>(points.Z, points.E, {}, Draw{}, points.partner, memory);
  const double best = points.cost();
  std::vector<Index> sorted = points.partner;
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < sorted.size(); ++i) CHECK(sorted[i] == Index(i));
  CHECK(best < 0.8 * chance);
  // With the whole costs, terms of one point included, the same.
  Batch<double> costs(64, 64);
  for (Index j = 0; j < 64; ++j)
    for (Index i = 0; i < 64; ++i)
      costs(i, j) = (points.Z.col(j).template cast<double>() - points.E.col(i).template cast<double>()).squaredNorm();
  CHECK(optimal_assignment(costs) == points.partner);

  const AllocationCounter counter;
  OptimalTransport{}.pair<TestType>(points.Z, points.E, {}, Draw{}, points.partner, memory);
  if (AllocationCounter::available) CHECK(counter.count() == 0);
}

TEST_CASE("In blocks, samples and base points of a block stay together", "[train][matching]") {
  Points<double> points(50);
  OptimalTransport::Memory memory;
  OptimalTransport{}.pair<double>(points.Z, points.E, {}, Draw{}, points.partner, memory);
  const double whole = points.cost();
  OptimalTransport{.block = 20}.pair<double>(points.Z, points.E, {}, Draw{}, points.partner, memory);
  for (Index j = 0; j < 50; ++j) {  // 50 = 17 + 17 + 16
    const Index partner = points.partner[std::size_t(j)];
    CHECK((partner < 17) == (j < 17));
    CHECK((partner < 34) == (j < 34));
  }
  CHECK(points.cost() > whole);
  CHECK_THROWS_AS(OptimalTransport{.block = -1}.check(), ArgumentError);
}
