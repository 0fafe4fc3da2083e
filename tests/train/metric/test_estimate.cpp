#include <pathline/train/metric/estimate.hpp>

#include <pathline/core/random.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <limits>

using namespace pathline;

TEST_CASE("mean_estimate gives mean and standard error of a row or a column, of any scalar", "[train][estimate]") {
  // Mean 4, squared deviations 9 + 1 + 0 + 16 = 26; 26 / (4 · 3).
  const Row<double> row = (Row<double>(4) << 1, 3, 4, 8).finished();
  const Estimate estimate = mean_estimate(row);
  CHECK(estimate.value == 4);
  CHECK(estimate.standard_error == Approx(std::sqrt(26.0 / 12)).epsilon(1e-15));
  const Estimate column = mean_estimate(row.cast<float>().transpose());
  CHECK(column.value == 4);
  CHECK(column.standard_error == estimate.standard_error);
}

TEST_CASE("mean_estimate sums floats in double", "[train][estimate]") {
  // In float 2²⁴ + 1 is 2²⁴ again: the ones would be lost.
  Row<float> row = Row<float>::Ones(1001);
  row(0) = 0x1p24F;
  CHECK(mean_estimate(row).value == (0x1p24 + 1000) / 1001);
}

TEST_CASE("mean_estimate: the truth lies within 1.96 standard errors in 95 of 100 cases", "[train][estimate]") {
  // Uniform numbers, mean ½. 1000 repeats: binomial with deviation √(1000 · 0.95 · 0.05) = 6.9; four of them.
  int inside = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    Row<double> row(100);
    fill<Uniform>(Draw{3, i}, 0, row);
    const Estimate estimate = mean_estimate(row);
    inside += std::abs(estimate.value - 0.5) < 1.96 * estimate.standard_error ? 1 : 0;
  }
  CHECK(std::abs(inside - 950) < 28);
}

TEST_CASE("mean_estimate says when it knows nothing", "[train][estimate][errors]") {
  CHECK(mean_estimate(Row<double>::Ones(1)).value == 1);
  CHECK(std::isinf(mean_estimate(Row<double>::Ones(1)).standard_error));
  CHECK_THROWS_AS(mean_estimate(Row<double>(0)), DataError);
}

TEST_CASE("kl_estimate finds the divergence of two Gaussians within four standard errors", "[train][estimate]") {
  // p = N(0, 1), q = N(1, 2²): KL = log 2 + (1 + 1) / (2 · 4) - ½.
  const double divergence = std::log(2.0) + 0.25 - 0.5;
  Row<double> x(10'000);
  fill<Gaussian>(Draw{5, 0}, 0, x);
  const Row<double> log_p = -0.5 * x.array().square(), log_q = -0.125 * (x.array() - 1).square() - std::log(2.0);
  const Estimate kl = kl_estimate(log_p, log_q);
  CHECK(std::abs(kl.value - divergence) < 4 * kl.standard_error);
  CHECK(kl.standard_error < 0.01);
  // Differences, not two means: of the truth with itself nothing is left.
  CHECK(kl_estimate(log_p, log_p).value == 0);
  CHECK(kl_estimate(log_p, log_p).standard_error == 0);
  CHECK(kl_estimate(log_p, log_q.cast<float>()).value == Approx(kl.value).epsilon(1e-6));
}

TEST_CASE("kl_estimate is infinite for a model that excludes a sample, and refuses a sample outside of the truth",
          "[train][estimate][errors]") {
  const double infinity = std::numeric_limits<double>::infinity();
  const Row<double> finite = Row<double>::Zero(3), excluded = (Row<double>(3) << 0, -infinity, 0).finished();
  CHECK(kl_estimate(finite, excluded).value == infinity);
  CHECK(kl_estimate(finite, excluded).standard_error == infinity);
  CHECK_THROWS_WITH(kl_estimate(excluded, finite),
                    "kl_estimate: log_p_true is -inf at component 0 of sample 1, expected a finite number");
  CHECK_THROWS_WITH(kl_estimate(finite, Row<double>::Zero(2)), "kl_estimate: log_p_model has 2 columns, expected 3");
  CHECK_THROWS_AS(kl_estimate(Batch<double>::Zero(2, 3), finite), ShapeError);
  CHECK_THROWS_AS(kl_estimate(Row<double>(0), Row<double>(0)), DataError);
}
