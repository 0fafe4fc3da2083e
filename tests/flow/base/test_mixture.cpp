#include <pathline/flow/base/mixture.hpp>

#include <pathline/flow/base/gaussian_bases.hpp>

#include <support/base_laws.hpp>
#include <support/catch.hpp>

#include <cmath>
#include <limits>

using namespace pathline;

namespace {

static_assert(BaseDensity<GaussianMixture<double>> && BaseDensity<GaussianMixture<float>, float>);
static_assert(!BaseDensity<GaussianMixture<float>> && !BaseDensity<GaussianMixture<double>, float>);

struct Parameters {
  Vector<double> weights;
  Batch<double> means, deviations;

  /// Four components, the third of weight 0 and far away. Weights sum to 2.
  explicit Parameters(Index d) : weights(Eigen::Vector4d(0.4, 1.2, 0, 0.4)) {
    Batch<double> m(3, 4), s(3, 4);
    m << -2, 0.5, 900, 2, 1, 0, 900, -1, 0, 0.5, 900, 1;
    s << 0.5, 1, 1, 0.7, 0.8, 0.4, 1, 0.7, 1, 0.6, 1, 0.7;
    means = m.topRows(d);
    deviations = s.topRows(d);
  }

  template <class Scalar>
  [[nodiscard]] GaussianMixture<Scalar> make() const {
    return GaussianMixture(weights.cast<Scalar>(), means.cast<Scalar>(), deviations.cast<Scalar>());
  }

  /// Mean of the means; covariance within the components and between them.
  [[nodiscard]] test::BaseMoments moments() const {
    const Vector<double> w = weights / weights.sum();
    test::BaseMoments result;
    result.mean = means * w;
    const Batch<double> centred = means.colwise() - result.mean;
    result.covariance = centred * w.asDiagonal() * centred.transpose();
    result.covariance.diagonal() += deviations.cwiseAbs2() * w;
    return result;
  }
};

}  // namespace

TEST_CASE("GaussianMixture obeys the law of base densities", "[flow][base]") {
  const Parameters parameters(GENERATE(1, 2, 3));
  test::check_base_laws(parameters.make<double>(), parameters.make<float>(), parameters.moments());
}

TEST_CASE("GaussianMixture: the density is the weighted sum of its components' densities", "[flow][base]") {
  const Parameters p(3);
  const GaussianMixture base = p.make<double>();
  const Batch<double> Z = 3 * Batch<double>::Random(3, 9);
  Row<double> expected = Row<double>::Zero(9), log_p(9);
  for (Index k = 0; k < 4; ++k) {
    DiagonalGaussian(p.means.col(k), p.deviations.col(k)).log_density(Z, log_p);
    expected += p.weights(k) / 2 * log_p.array().exp().matrix();
  }
  base.log_density(Z, log_p);
  CHECK((log_p.array() - expected.array().log()).abs().maxCoeff() < 1e-13);
  CHECK(base.weights().isApprox(p.weights / 2, 1e-15));
}

TEST_CASE("GaussianMixture is finite where every component's density underflows", "[flow][base]") {
  const Parameters p(2);
  const test::AnyBase<double> base = p.make<double>();
  const test::AnyBase<float> single = p.make<float>();
  // Of the components the second is widest along the first axis: so far out it alone counts.
  const test::AnyBase<double> widest = DiagonalGaussian(p.means.col(1), p.deviations.col(1));
  for (const double x : {-300.0, -1e6, 1e9}) {
    const Vector<double> z = Eigen::Vector2d(x, 0);
    CHECK(base.log_density_of(z)(0) == Approx(widest.log_density_of(z)(0) + std::log(0.6)).epsilon(1e-14));
    CHECK(base.score_of(z).isApprox(widest.score_of(z), 1e-12));
    CHECK(single.log_density_of(z.cast<float>())(0) == Approx(base.log_density_of(z)(0)).epsilon(1e-6));
  }
  CHECK(single.log_density_of(Eigen::Vector2f(1e30F, 0))(0) == -std::numeric_limits<float>::infinity());
  CHECK(std::isnan(single.log_density_of(Eigen::Vector2f(NAN, 0))(0)));
}

TEST_CASE("GaussianMixture: far clumps get their shares of the samples and none of weight 0", "[flow][base]") {
  const Index n = 20'000;
  Batch<double> means(1, 4);
  means << 0, 1000, 2000, 3000;
  const Vector<double> weights = Eigen::Vector4d(0, 3, 7, 0);
  const GaussianMixture base(weights, means, Batch<double>::Ones(1, 4));
  Batch<double> Z(1, n);
  base.sample(Draw{4, 4}, 0, Z);
  const double share = double((Z.array() < 1500).count()) / double(n);
  // 4.9 standard errors of a binomial share: 1e-6 for a false alarm.
  CHECK(std::abs(share - 0.3) < 4.9 * std::sqrt(0.3 * 0.7 / double(n)));
  CHECK((Z.array() > 900).all());
  CHECK((Z.array() < 2100).all());
  // The choice of the component says nothing of the place within it.
  Row<double> inner = Z.row(0);
  for (Index j = 0; j < n; ++j) inner(j) -= inner(j) < 1500 ? 1000 : 2000;
  const Row<double> chosen = (Z.array() < 1500).cast<double>() - 0.3;
  CHECK(std::abs(inner.dot(chosen)) / double(n) < 4.9 * std::sqrt(0.21 / double(n)));
}

TEST_CASE("GaussianMixture refuses parameters that are no distribution's", "[flow][base][errors]") {
  const Parameters p(2);
  const auto with_weights = [&](const Vector<double>& w) { return GaussianMixture(w, p.means, p.deviations); };
  CHECK_THROWS_WITH(with_weights(Vector<double>::Ones(3)), "GaussianMixture: means has 4 columns, expected 3");
  CHECK_THROWS_WITH(with_weights(Eigen::Vector4d(1, 1, -0.5, 1)),
                    "GaussianMixture: weights(2) is -0.5, expected a number that is not negative");
  CHECK_THROWS_WITH(with_weights(Vector<double>::Zero(4)),
                    "GaussianMixture: sum of the weights is 0, expected a positive number");
  CHECK_THROWS_WITH(with_weights(Eigen::Vector4d(1, NAN, 1, 1)),
                    "GaussianMixture: weights(1) is nan, expected a finite number");
  CHECK_THROWS_WITH(GaussianMixture(p.weights, p.means, Batch<double>::Ones(3, 4)),
                    "GaussianMixture: deviations has 3 rows, expected 2");
  CHECK_THROWS_WITH(GaussianMixture(p.weights, p.means, Batch<double>::Ones(2, 3)),
                    "GaussianMixture: deviations has 3 columns, expected 4");
  Batch<double> deviations = p.deviations;
  deviations(1, 2) = 0;
  CHECK_THROWS_WITH(GaussianMixture(p.weights, p.means, deviations),
                    "GaussianMixture: deviations(1, 2) is 0, expected a positive finite number");
}
