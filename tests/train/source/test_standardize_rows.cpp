#include <pathline/train/source/standardize_rows.hpp>

#include <pathline/core/random.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <type_traits>

using namespace pathline;

namespace {

Batch<double> gaussian(Index d, Index n) {
  Batch<double> X(d, n);
  fill<Gaussian>(Draw{8, 0}, 0, X);
  return X;
}

/// What `make` throws.
template <class Make>
std::string error_of(const Make& make) {
  try {
    (void)make();
  } catch (const DataError& error) {
    return error.what();
  }
  return "nothing";
}

}  // namespace

TEST_CASE("Rows are standardised in one pass to the numbers of memory", "[train][source]") {
  // 13 blocks of 4096 rows and a rest; in sizes from 1e-300 to 1e300, and with a mean of 1e6 and of 1e12 deviations.
  Batch<double> X = gaussian(5, 54'321);
  X.row(0) *= 1e-300;
  X.row(1) *= 1e300;
  X.row(2).array() += 1e6;
  X.row(3).array() += 1e12;
  X(4, 0) = 1e5;  // the first row is an outlier
  const Standardize known(X);
  const auto streamed = standardize(RowsInMemory(X));
  for (Index i = 0; i < 5; ++i) {
    INFO("component " << i);
    // The mean to rounding of its own size or of the deviation, whichever is larger; about 100 roundings of 1.1e-16.
    const double size = std::max(std::abs(known.mean()(i)), known.deviation()(i));
    CHECK(std::abs(streamed.mean()(i) - known.mean()(i)) < 1e-14 * size);
    CHECK(std::abs(streamed.deviation()(i) / known.deviation()(i) - 1) < 1e-14);
  }
  const auto first = standardize(RowsInMemory(X), 2);
  CHECK(first.mean() == streamed.mean().head(2));
  CHECK(first.deviation() == streamed.deviation().head(2));
  CHECK_THROWS_WITH(standardize(RowsInMemory(X), 6),
                    "standardize: dim is 6, expected from 1 to 5, the numbers of a row");
}

TEST_CASE("A block of rows is standardised where it lies", "[train][source][allocation]") {
  detail::SpreadOfBlocks moments;
  Batch<double> block = gaussian(2, 1000);
  moments.add(block);
  block = gaussian(2, 900);
  const AllocationCounter counter;
  moments.add(block);
  // Its means and deviations, and the list of the blocks, which grows.
  if (AllocationCounter::available) CHECK(counter.peak_bytes() < 1000);
}

TEST_CASE("Rows that Standardize refuses are refused in one pass too, in the same words", "[train][source][errors]") {
  const auto both_refuse = [](const auto& X) {
    using Scalar = typename std::remove_cvref_t<decltype(X)>::Scalar;
    std::string expected = error_of([&] { return Standardize<Scalar>(X); });
    REQUIRE(expected != "nothing");
    expected.replace(0, std::string("Standardize").size(), "standardize");
    CHECK(error_of([&] { return standardize(RowsInMemory(X)); }) == expected);
  };
  const Batch<double> good = gaussian(2, 5000);
  Batch<double> X = good;
  X.row(1).setConstant(3);
  both_refuse(X);  // constant
  X = good;
  X.row(0) = X.row(0).array() * 1e-14 + 1e2;
  both_refuse(X);  // varies by few numbers
  X = good;
  X(1, 4321) = 1e308;
  both_refuse(X);  // too large
  X = good;
  X(1, 4321) = 1e20;
  both_refuse(X);  // an outlier beside which the others are equal
  Batch<float> single = good.cast<float>().array() * 0.1F + 1e6F;
  both_refuse(single);  // digits that float has rounded away
  X = good;
  X(0, 4999) = std::nan("");
  CHECK(error_of([&] { return standardize(RowsInMemory(X)); }) ==
        "standardize: component 0 of row 4999 is nan, expected a finite number; leave the row out of the data");
  X = good.leftCols(1);
  CHECK(error_of([&] { return standardize(RowsInMemory(X)); }) ==
        "standardize: data has 1 row, expected at least 2 to tell their spread");
}
