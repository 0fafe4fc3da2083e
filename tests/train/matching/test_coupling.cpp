// The independent coupling, and the costs that the others share.
#include <pathline/train/matching/coupling.hpp>

#include <support/catch.hpp>

#include <span>
#include <vector>

using namespace pathline;

namespace {

struct NoMemory {
  template <class Scalar>
  void pair(View<const Scalar>, View<const Scalar>, std::span<const Index>, const Draw&, std::span<Index>, int&) const {
  }
};
static_assert(Coupling<IndependentCoupling, float> && Coupling<IndependentCoupling, double>);
static_assert(!Coupling<NoMemory>);

}  // namespace

TEST_CASE("An independent coupling leaves each sample its own base point", "[train][matching]") {
  const Batch<float> points = Batch<float>::Zero(2, 3);
  std::vector<Index> partner(3, 7);
  IndependentCoupling::Memory memory;
  IndependentCoupling{}.pair<float>(points, points, partner, Draw{}, partner, memory);
  CHECK(partner == std::vector<Index>{0, 1, 2});
}

TEST_CASE("Costs of transport are squared distances but for terms of one point", "[train][matching]") {
  Batch<double> Z(3, 5), E(3, 5);
  fill<Gaussian>(Draw{3, 0}, 0, Z);
  fill<Gaussian>(Draw{3, 1}, 0, E);
  Z.array() += 1e6;  // far from the base: the means are taken off before the product
  detail::TransportCosts costs;
  const View<const double> C = costs.set<double>(Z, E);
  // All that is left of a term of a row and one of a column is lost in differences of differences.
  for (Index i = 1; i < 5; ++i)
    for (Index j = 1; j < 5; ++j) {
      const auto distance = [&](Index a, Index b) { return (Z.col(b) - E.col(a)).squaredNorm(); };
      const double expected = distance(i, j) - distance(0, j) - distance(i, 0) + distance(0, 0);
      // The expected value has lost 2e-16 of 1e12; C has not.
      CHECK(C(i, j) - C(0, j) - C(i, 0) + C(0, 0) == Approx(expected).margin(2e-2));
    }
  const Batch<double> near = Z.array() - 1e6;
  detail::TransportCosts others;
  const Batch<double> D = others.set<double>(near, E).map();
  CHECK((D - C.map()).cwiseAbs().maxCoeff() < 1e-8);  // Z has 1e-10 left of its digits

  double sum = 0;
  const Batch<double> z = near.colwise() - near.rowwise().mean(), e = E.colwise() - E.rowwise().mean();
  for (Index j = 0; j < 5; ++j)
    for (Index i = 0; i < 5; ++i) sum += (z.col(j) - e.col(i)).squaredNorm();
  CHECK(others.mean_distance() == Approx(sum / 25).epsilon(1e-12));

  Z(1, 2) = 1e160;  // whose square overflows
  CHECK_THROWS_WITH(others.set<double>(Z, E), ContainsSubstring("too far out for costs of transport"));
}
