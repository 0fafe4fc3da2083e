#include <pathline/flow/transform/logit.hpp>

#include <support/catch.hpp>
#include <support/transform_laws.hpp>

#include <cmath>

using namespace pathline;

static_assert(DataTransform<Logit<double>> && DataTransform<Logit<float>, float>);
static_assert(!DataTransform<Logit<float>> && !DataTransform<Logit<double>, float>);

namespace {

const Vector<double> lower = Eigen::Vector2d(-1, 0), upper = Eigen::Vector2d(3, 0.5);

Batch<double> inside(double part) {
  Batch<double> X = part * Batch<double>::Random(2, 70);
  for (Index j = 0; j < X.cols(); ++j) X.col(j) = (lower + upper) / 2 + (upper - lower).cwiseProduct(X.col(j)) / 2;
  return X;
}

}  // namespace

TEST_CASE("Logit obeys the law of data transforms", "[flow][transform]") {
  const double squeeze = GENERATE(0.0, 1e-6, 0.05, 0.3);
  test::check_transform_laws(Logit(lower, upper, squeeze), Logit(lower.cast<float>(), upper.cast<float>(), squeeze),
                             inside(0.9));
}

TEST_CASE("Logit is the logit of the squeezed unit interval", "[flow][transform]") {
  const Logit transform(lower, upper, 0.05);
  const Batch<double> Z = transformed(transform, (Batch<double>(2, 3) << -1, 1, 3, 0, 0.125, 0.5).finished());
  const auto logit = [](double s) { return std::log(s / (1 - s)); };
  CHECK(Z(0, 0) == Approx(logit(0.05)).epsilon(1e-14));
  CHECK(std::abs(Z(0, 1)) < 1e-15);
  CHECK(Z(0, 2) == Approx(logit(0.95)).epsilon(1e-14));
  CHECK(Z(1, 1) == Approx(logit(0.275)).epsilon(1e-14));
  CHECK(transformed(Logit(lower, upper), lower)(0) == Approx(logit(1e-6)).epsilon(1e-12));
}

TEST_CASE("Logit is as exact at the upper end as at the lower one", "[flow][transform]") {
  // In float 1 - s for s = 1 - 1e-6 would be wrong by 5 %.
  const Logit transform(Vector<float>::Zero(1), Vector<float>::Ones(1));
  const Batch<float> Z = transformed(transform, (Batch<float>(1, 2) << 0, 1).finished());
  CHECK(Z(0, 0) == -Z(0, 1));
}

TEMPLATE_TEST_CASE("Logit: what a flow carries far out comes back into the domain", "[flow][transform]", float,
                   double) {
  const double squeeze = GENERATE(0.0, 1e-6, 0.05);
  const Vector<TestType> low = Vector<TestType>::Constant(2, TestType(-1.7)), high = low.array() + TestType(0.3);
  test::check_far_points<TestType>(Logit<TestType>(low, high, squeeze), 2);
}

TEST_CASE("Logit refuses boxes without volume and names data outside", "[flow][transform][errors]") {
  CHECK_THROWS_WITH(Logit(lower, Vector<double>::Ones(3)), "Logit: upper has 3 rows, expected 2");
  CHECK_THROWS_WITH(Logit(lower, lower), "Logit: upper(0) is -1, expected above lower, -1");
  CHECK_THROWS_AS(Logit(lower, Eigen::Vector2d(3, INFINITY)), ArgumentError);
  CHECK_THROWS_WITH(Logit(lower, upper, 0.5), "Logit: squeeze is 0.5, expected at least 0 and below 0.5");
  CHECK_THROWS_AS(Logit(lower, upper, NAN), ArgumentError);
  Batch<double> X = inside(0.9);
  X(1, 4) = 0.6;
  CHECK_THROWS_WITH(transformed(Logit(lower, upper), X),
                    "Logit: data is 0.6 at component 1 of sample 4, expected a number from 0 to 0.5");
  CHECK_THROWS_WITH(transformed(Logit(lower, upper, 0.0), lower),
                    "Logit: data is -1 at component 0 of sample 0, expected a number between -1 and 3, ends excluded: "
                    "dequantize data in integer levels first, or give Logit a squeeze above 0");
  X(1, 4) = NAN;
  CHECK_THROWS_AS(transformed(Logit(lower, upper), X), DomainError);
}
