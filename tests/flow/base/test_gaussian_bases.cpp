#include <pathline/flow/base/gaussian_bases.hpp>

#include <support/base_laws.hpp>
#include <support/catch.hpp>

#include <cmath>
#include <limits>

using namespace pathline;

namespace {

static_assert(BaseDensity<DiagonalGaussian<double>> && BaseDensity<DiagonalGaussian<float>, float>);
static_assert(!BaseDensity<DiagonalGaussian<float>> && !BaseDensity<DiagonalGaussian<double>, float>);
static_assert(BaseDensity<FullGaussian<double>> && BaseDensity<FullGaussian<float>, float>);
static_assert(!BaseDensity<FullGaussian<float>> && !BaseDensity<FullGaussian<double>, float>);

// Correlations up to 0.8.
Batch<double> covariance(Index d) {
  Batch<double> C(3, 3);
  C << 4, -1.2, 0.5, -1.2, 1, -0.4, 0.5, -0.4, 0.25;
  return C.topLeftCorner(d, d);
}
Vector<double> mean(Index d) { return Eigen::Vector3d(1, -2, 0.5).head(d); }

}  // namespace

TEST_CASE("DiagonalGaussian obeys the law of base densities", "[flow][base]") {
  const Index d = GENERATE(2, 3);
  const Vector<double> deviation = Eigen::Vector3d(0.5, 3, 1.25).head(d);
  test::check_base_laws(DiagonalGaussian(mean(d), deviation),
                        DiagonalGaussian(mean(d).cast<float>(), deviation.cast<float>()),
                        {mean(d), deviation.cwiseAbs2().asDiagonal()});
}

TEST_CASE("FullGaussian obeys the law of base densities", "[flow][base]") {
  const Index d = GENERATE(1, 2, 3);
  test::check_base_laws(FullGaussian(mean(d), covariance(d)),
                        FullGaussian(mean(d).cast<float>(), covariance(d).cast<float>()), {mean(d), covariance(d)});
}

TEST_CASE("FullGaussian of a diagonal covariance is DiagonalGaussian", "[flow][base]") {
  const Vector<double> deviation = Eigen::Vector3d(0.5, 3, 1.25);
  const DiagonalGaussian diagonal(mean(3), deviation);
  const FullGaussian full(mean(3), Batch<double>(deviation.cwiseAbs2().asDiagonal()));
  const Batch<double> Z = Batch<double>::Random(3, 7) * 4;
  Row<double> a(7), b(7);
  diagonal.log_density(Z, a);
  full.log_density(Z, b);
  CHECK((a - b).cwiseAbs().maxCoeff() < 1e-13);
  CHECK(full.factor().isApprox(Batch<double>(deviation.asDiagonal()), 1e-15));
}

TEST_CASE("FullGaussian::fit is the normal distribution under which the data are likeliest", "[flow][base]") {
  Batch<double> X(3, 50);
  FullGaussian(mean(3), covariance(3)).sample(Draw{3, 1}, 0, X);
  const auto likelihood = [&](const FullGaussian<double>& base) {
    Row<double> log_p(X.cols());
    base.log_density(X, log_p);
    return log_p.sum();
  };
  const FullGaussian fitted = FullGaussian<double>::fit(X);
  const double best = likelihood(fitted);
  const Batch<double> C = fitted.factor() * fitted.factor().transpose();
  // At a maximum every step of 1e-3 leads down, by a second-order term of n/2 · 1e-6 > 1e-5 relative to the variances.
  for (Index i = 0; i < 3; ++i)
    for (const double sign : {-1.0, 1.0}) {
      Vector<double> shifted = fitted.mean();
      shifted(i) += sign * 1e-3;
      CHECK(likelihood(FullGaussian(shifted, C)) < best - 1e-6);
      for (Index k = 0; k <= i; ++k) {
        Batch<double> changed = C;
        changed(i, k) += sign * 1e-3;
        if (i != k) changed(k, i) += sign * 1e-3;
        CHECK(likelihood(FullGaussian(fitted.mean(), changed)) < best - 1e-6);
      }
    }
}

TEST_CASE("Normal bases refuse parameters that are no distribution's", "[flow][base][errors]") {
  const Vector<double> two = Vector<double>::Ones(2);
  CHECK_THROWS_WITH(DiagonalGaussian(two, Vector<double>::Ones(3)),
                    "DiagonalGaussian: deviation has 3 rows, expected 2");
  CHECK_THROWS_WITH(DiagonalGaussian(two, Eigen::Vector2d(1, 0)),
                    "DiagonalGaussian: deviation(1) is 0, expected a positive finite number");
  CHECK_THROWS_AS(DiagonalGaussian(two, Eigen::Vector2d(1, std::numeric_limits<double>::infinity())), ArgumentError);
  CHECK_THROWS_WITH(DiagonalGaussian(Eigen::Vector2d(NAN, 0), two),
                    "DiagonalGaussian: mean(0) is nan, expected a finite number");

  CHECK_THROWS_WITH(FullGaussian(two, covariance(3)), "FullGaussian: covariance has 3 rows, expected 2");
  CHECK_THROWS_WITH(FullGaussian(two, Batch<double>::Identity(2, 1)),
                    "FullGaussian: covariance has 1 columns, expected 2");
  Batch<double> C = covariance(2);
  C(0, 1) = NAN;
  CHECK_THROWS_WITH(FullGaussian(two, C), "FullGaussian: covariance(0, 1) is nan, expected a finite number");
  C(0, 1) = 1.2;
  CHECK_THROWS_WITH(FullGaussian(two, C), "FullGaussian: covariance is not symmetric: -1.2 at (1, 0), 1.2 across");
  C << 1, 2, 2, 1;
  CHECK_THROWS_AS(FullGaussian(two, C), DataError);
  C << 1, 1, 1, 1;
  CHECK_THROWS_WITH(FullGaussian(two, C),
                    "FullGaussian: covariance is not positive definite: component 1 has no variance of its own, given "
                    "the components before it");
  CHECK_THROWS_AS(FullGaussian(two, Batch<double>::Zero(2, 2)), DataError);
  CHECK_THROWS_WITH(FullGaussian<double>::fit(Batch<double>::Random(2, 2)),
                    ContainsSubstring("FullGaussian::fit: data has 2 samples, expected at least 3"));
}
