#include <pathline/train/metric/mmd.hpp>

#include <pathline/core/random.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <cmath>

using namespace pathline;

namespace {

template <class Scalar = double>
Batch<Scalar> gaussians(Index d, Index n, std::uint64_t seed, double deviation = 1, double shift = 0) {
  Batch<double> X(d, n);
  fill<Gaussian>(Draw{seed, 0}, 0, X);
  return ((deviation * X).array() + shift).template cast<Scalar>();
}

/// The definition, pair by pair.
double naive(const Batch<double>& X, const Batch<double>& Y, MmdForm form) {
  const auto mean = [&](const Batch<double>& A, const Batch<double>& B, bool within) {
    double sum = 0;
    Index pairs = 0;
    for (Index i = 0; i < A.cols(); ++i)
      for (Index j = 0; j < B.cols(); ++j) {
        if (within && i == j && form == MmdForm::unbiased) continue;
        sum += std::exp(-(A.col(i) - B.col(j)).squaredNorm());
        ++pairs;
      }
    return sum / double(pairs);
  };
  return mean(X, X, true) + mean(Y, Y, true) - 2 * mean(X, Y, false);
}

/// E k(x, y) of x - y ~ N(shift, v I): (1 + 2v)^{-d/2} exp(-|shift|² / (1 + 2v)).
double expected_kernel(double d, double v, double squared_shift) {
  return std::pow(1 + 2 * v, -d / 2) * std::exp(-squared_shift / (1 + 2 * v));
}

}  // namespace

TEST_CASE("mmd_squared is the double sum of its definition, whatever the block that a pair falls into",
          "[train][mmd]") {
  const MmdForm form = GENERATE(MmdForm::biased, MmdForm::unbiased);
  const auto [n, m] = GENERATE(table<Index, Index>({{2, 3}, {512, 513}, {1100, 40}}));
  INFO(n << " and " << m << " samples");
  const Batch<double> X = gaussians(3, n, 1), Y = gaussians(3, m, 2, 0.7, 0.5);
  // 1e6 terms of at most 1, sums of them to 1e-13 of the mean.
  CHECK(mmd_squared(X, Y, {.form = form}) == Approx(naive(X, Y, form)).epsilon(0).margin(1e-13));
}

TEST_CASE("mmd_squared of floats is that of the same numbers as doubles", "[train][mmd]") {
  const Batch<float> X = gaussians<float>(2, 600, 1), Y = gaussians<float>(2, 300, 2);
  CHECK(mmd_squared(X, Y) == mmd_squared(X.cast<double>(), Y.cast<double>()));
}

TEST_CASE("mmd_squared is the same bits for every number of threads", "[train][mmd]") {
  const Batch<double> X = gaussians(2, 1100, 1), Y = gaussians(2, 600, 2);
  const double one = mmd_squared(X, Y, {.threads = 1});
  CHECK(mmd_squared(X, Y, {.threads = 2}) == one);
  CHECK(mmd_squared(X, Y, {.threads = 3}) == one);
}

TEST_CASE("The unbiased form estimates the closed form for two Gaussians", "[train][mmd][many-draws]") {
  // N(0, I) and N(½, 0.7² I) in two dimensions.
  const double truth =
      expected_kernel(2, 2, 0) + expected_kernel(2, 2 * 0.49, 0) - 2 * expected_kernel(2, 1.49, 2 * 0.25);
  const int repeats = 100;
  Vector<double> unbiased(repeats), biased(repeats);
  for (int i = 0; i < repeats; ++i) {
    const auto seed = std::uint64_t(2 * i);
    const Batch<double> X = gaussians(2, 100, seed), Y = gaussians(2, 80, seed + 1, 0.7, 0.5);
    unbiased(i) = mmd_squared(X, Y, {.form = MmdForm::unbiased});
    biased(i) = mmd_squared(X, Y);
  }
  const double error = std::sqrt((unbiased.array() - unbiased.mean()).square().mean() / repeats);
  CHECK(std::abs(unbiased.mean() - truth) < 4 * error);
  CHECK(error < 0.1 * truth);
  // The bias of the other is what its docstring says, and too large for an accident.
  const double bias = (1 - expected_kernel(2, 2, 0)) / 100 + (1 - expected_kernel(2, 2 * 0.49, 0)) / 80;
  CHECK(std::abs(biased.mean() - truth - bias) < 4 * error);
  CHECK(bias > 5 * error);
}

TEST_CASE("Of one distribution the unbiased form is often below 0, the biased never", "[train][mmd]") {
  int below = 0;
  for (std::uint64_t seed = 0; seed < 200; seed += 2) {
    const Batch<double> X = gaussians(2, 50, seed), Y = gaussians(2, 50, seed + 1);
    below += mmd_squared(X, Y, {.form = MmdForm::unbiased}) < 0 ? 1 : 0;
    CHECK(mmd_squared(X, Y) > 0);
  }
  // Of 100. The mean is 0 and large values are rare, so that the half or more are below; three deviations of a coin.
  CHECK(below > 35);
  CHECK(below < 90);
}

TEST_CASE("The biased form of a sample with itself is 0, and does not depend on which comes first", "[train][mmd]") {
  const Batch<double> X = gaussians(2, 700, 1), Y = gaussians(2, 300, 2, 2);
  CHECK(mmd_squared(X, X) == Approx(0).margin(1e-14));
  CHECK(mmd_squared(X, Y) == Approx(mmd_squared(Y, X)).epsilon(1e-12));
  // A shift of both changes nothing: no norms are subtracted.
  CHECK(mmd_squared((X.array() + 1024).matrix(), (Y.array() + 1024).matrix()) ==
        Approx(mmd_squared(X, Y)).epsilon(1e-9));
}

TEST_CASE("mmd_squared refuses bad samples", "[train][mmd][errors]") {
  const Batch<double> X = gaussians(2, 5, 1);
  CHECK_THROWS_WITH(mmd_squared(X, gaussians(3, 5, 1)), "mmd_squared: Y has 3 rows, expected 2");
  CHECK_THROWS_AS(mmd_squared(X, Batch<double>(2, 0)), DataError);
  CHECK_THROWS_AS(mmd_squared(Batch<double>::Constant(2, 2, NAN), X), DataError);
  CHECK_THROWS_WITH(mmd_squared(X, X.leftCols(1), {.form = MmdForm::unbiased}),
                    "mmd_squared: number of samples is 1, expected at least 2 for the unbiased form");
  CHECK(mmd_squared(X, X.leftCols(1)) > 0);
}
