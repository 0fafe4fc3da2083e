#include <pathline/flow/statistics/row_moments.hpp>

#include <pathline/core/random.hpp>

#include <support/catch.hpp>

#include <cstdint>

using namespace pathline;

namespace {

Batch<double> numbers(Index n, double mean) {
  Batch<double> Z(3, n);
  fill<Gaussian>(Draw{6, std::uint64_t(n)}, 0, Z);
  Z.row(1).array() = 5 * Z.row(1).array() + mean;
  return Z;
}

}  // namespace

TEST_CASE("RowMoments: parts merge to the moments of the whole", "[flow]") {
  const Batch<double> Z = numbers(23, 1e6);  // Σx² - n·mean² would lose twelve digits in the second row
  RowMoments merged, part;
  merged.clear(3);
  for (const auto& [first, count] : {std::pair<Index, Index>{0, 1}, {1, 10}, {11, 12}}) {
    part.set(Z.middleCols(first, count));
    merged.merge(part);
  }
  const Vector<double> mean = Z.rowwise().mean();
  const Vector<double> variance = (Z.colwise() - mean).rowwise().squaredNorm() / 23;
  REQUIRE(merged.count() == 23);
  for (Index i = 0; i < 3; ++i) {
    CHECK(merged.mean()(i) == Approx(mean(i)).epsilon(1e-14));
    CHECK(merged.variance(i) == Approx(variance(i)).epsilon(1e-9));  // the mean's rounding, 1e-10, beside 5
  }
}

TEST_CASE("RowMoments: columns that do not count are left out", "[flow]") {
  const Batch<double> Z = numbers(5, 2);
  Batch<double> some(3, 2);
  some << Z.col(1), Z.col(4);
  RowMoments chosen, expected;
  chosen.set(Z, [](Index j) { return j == 1 || j == 4; });
  expected.set(some);
  CHECK(chosen.count() == 2);
  CHECK(chosen.mean() == expected.mean());
  for (Index i = 0; i < 3; ++i) CHECK(chosen.variance(i) == expected.variance(i));
  chosen.set(Z, [](Index) { return false; });
  CHECK(chosen.count() == 0);
  expected.merge(chosen);
  CHECK(expected.count() == 2);
}

TEST_CASE("RowMoments: one column has variance 0 and an empty part changes nothing", "[flow]") {
  const Batch<float> z = numbers(1, 2).cast<float>();
  RowMoments one, empty;
  one.set(z);
  empty.clear(3);
  CHECK(empty.count() == 0);
  one.merge(empty);
  CHECK(one.count() == 1);
  CHECK(one.mean() == z.col(0).cast<double>());
  CHECK(one.variance(1) == 0);
}
