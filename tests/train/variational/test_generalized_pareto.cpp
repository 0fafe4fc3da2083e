// A generalised Pareto distribution from its quantiles: what a fit finds again, and what it refuses.
#include <pathline/train/variational/generalized_pareto.hpp>

#include <pathline/core/errors.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

using namespace pathline;

TEST_CASE("A generalised Pareto distribution's quantiles invert its tail", "[train][variational]") {
  for (const double k : {-0.4, 0., 1e-9, 0.5, 1.2}) {
    const GeneralizedPareto tail{k, 2};
    const double x = tail.quantile(0.9);
    INFO("k = " << k);
    CHECK((k == 0 ? std::exp(-x / 2) : std::pow(1 + k * x / 2, -1 / k)) == Approx(0.1).epsilon(1e-6));
  }
}

TEST_CASE("A fit finds the distribution of which it is given evenly spaced quantiles", "[train][variational]") {
  for (const double k : {-0.3, 0.2, 0.7, 1.1}) {
    const GeneralizedPareto tail{k, 3};
    std::vector<double> excess;
    for (int i = 0; i < 2000; ++i) excess.push_back(tail.quantile((i + 0.5) / 2000));
    const GeneralizedPareto got = fit_generalized_pareto(excess);
    INFO("k = " << k << ", got " << got.k << ", " << got.sigma);
    // Random numbers would have a standard deviation of (1 + k) / sqrt(2000), 0.05 at most.
    CHECK(std::abs(got.k - k) < 0.02);
    CHECK(std::abs(got.sigma - 3) < 0.1);
  }
}

TEST_CASE("A fit is a number where its grid meets the exponential distribution, and far below the greatest excess",
          "[train][variational]") {
  // With 16 excesses of which the greatest is 3 times the quartile, θ is 0 at the ninth point.
  std::vector<double> excess{0.25, 0.5, 0.75, 1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 2, 2.1, 3};
  const GeneralizedPareto got = fit_generalized_pareto(excess);
  excess.back() = 3 * (1 + 1e-9);
  const GeneralizedPareto beside = fit_generalized_pareto(excess);
  CHECK(got.k == Approx(beside.k).epsilon(1e-6));
  CHECK(got.sigma == Approx(beside.sigma).epsilon(1e-6));
  excess.back() = 3;
  for (double& x : excess) x *= 1e-310;
  CHECK(fit_generalized_pareto(excess).k == Approx(got.k).epsilon(1e-6));  // whatever the unit
  CHECK(fit_generalized_pareto({1e-310, 1e-310, 1e-310, 1e-310, 0.1, 0.2, 0.3, 1}).k ==
        std::numeric_limits<double>::infinity());
}

TEST_CASE("A fit of excesses refuses what is no tail", "[train][variational][errors]") {
  CHECK_THROWS_WITH(fit_generalized_pareto({1, 2, 3, 4}), "fit_generalized_pareto: fewer than 5 excesses");
  const double infinity = std::numeric_limits<double>::infinity();
  for (const std::vector<double>& bad : {std::vector<double>{-1, 0, 1, 2, 3},
                                         {0, 2, 1, 3, 4},
                                         {0, 0, 0, 0, 0},
                                         {0, 1, 2, 3, infinity},
                                         {std::nan(""), 1, 2, 3, 4}})
    CHECK_THROWS_AS(fit_generalized_pareto(bad), DataError);
  CHECK(fit_generalized_pareto({0, 0, 1, 2, 3, 4, 5, 6}).k == infinity);  // a quarter of ties
  CHECK(std::isfinite(fit_generalized_pareto({0, 0.1, 1, 2, 3, 4, 5, 6}).k));
}
