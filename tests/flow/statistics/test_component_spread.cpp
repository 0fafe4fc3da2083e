#include <pathline/flow/statistics/component_spread.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <limits>
#include <string>

using namespace pathline;
using namespace pathline::detail;

TEST_CASE("Precision: neighbouring numbers are as far apart as the scalar has them", "[flow][statistics]") {
  for (const double x : {1.0, -3.5, 1e-30, 7e20}) {
    INFO("x = " << x);
    CHECK(precision_of<double>.spacing(x) == std::nextafter(std::abs(x), 1e300) - std::abs(x));
    const float y = std::abs(float(x));
    CHECK(precision_of<float>.spacing(y) == double(std::nextafter(y, 1e30F)) - double(y));
  }
  CHECK(precision_of<double>.spacing(0) == std::numeric_limits<double>::denorm_min());
  CHECK(precision_of<float>.rounded(0.1) == double(0.1F));
  CHECK(precision_of<double>.rounded(0.1) == 0.1);
  CHECK(std::string(precision_of<float>.name()) == "float");
}

TEST_CASE("moments_of: means, deviations and scores, in any unit and with any offset", "[flow][statistics]") {
  // 0, 1, 2, 3: mean 1.5, deviation √1.25 by n.
  for (const double unit : {1e-300, 1e-3, 1.0, 1e300})
    for (const double offset : {0.0, 1e6}) {
      INFO("unit " << unit << ", offset " << offset);
      Batch<double> X(2, 4);
      for (Index j = 0; j < 4; ++j) {
        X(0, j) = unit * (offset + double(j));
        X(1, j) = double(j % 2);
      }
      const ComponentSpread spread = moments_of(X);
      CHECK(spread.mean(0) == Approx(unit * (offset + 1.5)).epsilon(1e-15));
      CHECK(spread.deviation(0) == Approx(unit * std::sqrt(1.25)).epsilon(1e-9));  // offset · ε of one unit
      for (Index j = 0; j < 4; ++j)
        CHECK(spread.scores(0, j) == Approx((double(j) - 1.5) / std::sqrt(1.25)).margin(1e-9));
      CHECK(spread.mean(1) == 0.5);
      CHECK(spread.deviation(1) == 0.5);
      CHECK(spread.scores(1, 1) == 1);
    }
}

TEST_CASE("spread_of refuses components that have no density, by name", "[flow][statistics][errors]") {
  Batch<double> X{{1, 2, 3}, {5, 5, 5}};
  CHECK_THROWS_WITH(spread_of("here", X, precision_of<double>),
                    "here: component 1 of the data is constant (5): it has no density; leave the column out");
  CHECK_THROWS_WITH(spread_of("here", X.leftCols(1), precision_of<double>),
                    "here: data has 1 sample, expected at least 2 to tell its spread");
  X(1, 2) = std::numeric_limits<double>::max() / 3;
  CHECK_THROWS_WITH(spread_of("here", X, precision_of<double>), ContainsSubstring("too large to subtract"));
  // 2^26 + {0, 1, 2}: doubles tell them apart, floats are 8 apart there.
  X.row(1) << 67108864, 67108865, 67108866;
  CHECK(spread_of("here", X, precision_of<double>).mean(1) == 67108865);
  CHECK_THROWS_WITH(spread_of("here", X, precision_of<float>),
                    ContainsSubstring("component 1 of the data varies by") &&
                        ContainsSubstring("where float numbers are 8 apart: keep the data in double"));
}

TEST_CASE("standard_spread names the sample beside which all others become equal", "[flow][statistics][errors]") {
  Batch<double> X(1, 100);
  for (Index j = 0; j < 100; ++j) X(0, j) = double(j);
  CHECK_NOTHROW(standard_spread("here", X, precision_of<float>));
  X(0, 42) = 1e12;
  CHECK_NOTHROW(standard_spread("here", X, precision_of<double>));
  CHECK_THROWS_WITH(standard_spread("here", X, precision_of<float>),
                    Catch::Matchers::StartsWith("here: component 0 of sample 42 of the data is 1e+12, so far from the "
                                                "others that "));
}
