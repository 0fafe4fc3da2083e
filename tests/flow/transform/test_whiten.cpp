#include <pathline/flow/transform/whiten.hpp>

#include <pathline/core/random.hpp>

#include <support/catch.hpp>
#include <support/transform_laws.hpp>

#include <cmath>

using namespace pathline;

static_assert(DataTransform<Whiten<double>> && DataTransform<Whiten<float>, float>);
static_assert(!DataTransform<Whiten<float>> && !DataTransform<Whiten<double>, float>);

namespace {

// Correlated, off the origin.
Batch<double> data(Index d) {
  Batch<double> X(3, 70);
  fill<Gaussian>(Draw{6, 1}, 0, X);
  X.row(1) += 0.8 * X.row(0);
  X.row(2) = 0.5 * X.row(2) - 0.7 * X.row(1);
  X.colwise() += Eigen::Vector3d(1, -2, 0.5);
  return X.topRows(d);
}

}  // namespace

TEST_CASE("Whiten obeys the law of data transforms", "[flow][transform]") {
  const Batch<double> X = data(GENERATE(1, 2, 3));
  test::check_transform_laws(Whiten(X), Whiten(X.cast<float>()), X);
}

TEST_CASE("Whiten: mean 0, covariance I", "[flow][transform]") {
  const Batch<double> X = data(3), Z = transformed(Whiten(X), X);
  CHECK(Z.rowwise().mean().cwiseAbs().maxCoeff() < 1e-14);
  CHECK((Z * Z.transpose() / 70).isApprox(Batch<double>::Identity(3, 3), 1e-13));
}

TEST_CASE("Whiten of one component is Standardize", "[flow][transform]") {
  const Batch<double> X = data(1);
  const Standardize standardize(X);
  const auto expected = test::AnyTransform<double>(standardize).applied(X);
  const auto got = test::AnyTransform<double>(Whiten(X)).applied(X);
  CHECK(got.Z.isApprox(expected.Z, 1e-14));
  CHECK(got.log_det.isApprox(expected.log_det, 1e-14));
}

TEST_CASE("Whiten refuses data without a covariance and says which", "[flow][transform][errors]") {
  Batch<double> X = data(3);
  X.row(2) = X.row(1) - X.row(0);
  CHECK_THROWS_WITH(Whiten(X),
                    "Whiten: component 2 of the data is a linear combination of the components before it: they have no "
                    "density together; leave the column out");
  X.row(1).setConstant(0.1);
  CHECK_THROWS_WITH(Whiten(X),
                    "Whiten: component 1 of the data is constant (0.1): it has no density; leave the column out");
  CHECK_THROWS_WITH(Whiten(X.leftCols(3)),
                    "Whiten: data has 3 samples, expected at least 4 to tell the covariance of 3 components");
  X(0, 5) = NAN;
  CHECK_THROWS_WITH(Whiten(X), ContainsSubstring("nan at component 0 of sample 5"));
}

TEST_CASE("Whiten from stored numbers is the one that they are of", "[flow][transform]") {
  const Batch<double> X = data(3);
  const Whiten original(X);
  const auto expected = test::AnyTransform<double>(original).applied(X);
  const auto stored = test::AnyTransform<double>(Whiten(original.mean(), original.factor())).applied(X);
  CHECK(stored.Z == expected.Z);
  CHECK(stored.log_det == expected.log_det);
  const Batch<double> C = original.factor() * original.factor().transpose();
  const auto known = test::AnyTransform<double>(Whiten<double>::from_covariance(original.mean(), C)).applied(X);
  CHECK(known.Z.isApprox(expected.Z, 1e-13));

  Batch<double> L = original.factor();
  CHECK_THROWS_WITH(Whiten(Eigen::Vector2d(0, 0), L), "Whiten: factor has 3 rows, expected 2");
  CHECK_THROWS_WITH(Whiten(original.mean(), C), ContainsSubstring("Whiten: factor(0, 1) is") &&
                                                    ContainsSubstring("for a covariance there is from_covariance"));
  L(1, 1) = 0;
  CHECK_THROWS_WITH(Whiten(original.mean(), L), "Whiten: factor(1, 1) is 0, expected a positive number");
  L(2, 0) = NAN;
  CHECK_THROWS_WITH(Whiten(original.mean(), L), "Whiten: factor(2, 0) is nan, expected a finite number");
  CHECK_THROWS_WITH(Whiten<double>::from_covariance(original.mean(), -C),
                    ContainsSubstring("Whiten: covariance is not positive definite: component 0"));
}

TEST_CASE("Whiten in float keeps x - mean before it rounds", "[flow][transform]") {
  Batch<float> X = data(3).cast<float>();
  X.row(0) = (1e3F * X.row(0).array()).round() + 1e6F;  // exact in float
  const Batch<float> Z = transformed(Whiten(X), X);
  const Batch<double> D = X.cast<double>(), expected = transformed(Whiten(D), D);
  CHECK((Z.cast<double>() - expected).cwiseAbs().maxCoeff() < 1e-6);  // a mean rounded to float would cost 1e-5
}
