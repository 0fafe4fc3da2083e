#include <pathline/flow/transform.hpp>

#include <support/catch.hpp>
#include <support/transform_laws.hpp>

#include <cmath>
#include <limits>

using namespace pathline;

namespace {

struct NoCheck {
  template <class... A>
  void apply(const A&...) const {}
  template <class... A>
  void invert(const A&...) const {}
};
struct NoApply {
  void check(Index) const {}
  template <class... A>
  void invert(const A&...) const {}
};
struct NoInvert {
  void check(Index) const {}
  template <class... A>
  void apply(const A&...) const {}
};
// A flow hands over blocks of its state.
struct WholeBatchesOnly : NoTransform {
  void apply(const Batch<double>& X, Batch<double>& Z, RowRef<double> log_det) const {
    Z = X;
    log_det.setZero();
  }
};
static_assert(!DataTransform<WholeBatchesOnly>);
static_assert(DataTransform<NoTransform> && DataTransform<NoTransform, float> &&
              DataTransform<Standardize<float>, float>);
static_assert(!DataTransform<Standardize<float>> && !DataTransform<Standardize<double>, float>);
static_assert(!DataTransform<NoCheck> && !DataTransform<NoApply> && !DataTransform<NoInvert>);

}  // namespace

TEST_CASE("NoTransform and Standardize obey the law of data transforms", "[flow][transform]") {
  const Batch<double> X = Batch<double>::Random(3, 70) * 2 + Batch<double>::Constant(3, 70, 0.7);
  test::check_transform_laws(NoTransform{}, NoTransform{}, X, true);
  test::check_transform_laws(Standardize(X), Standardize(X.cast<float>()), X);
  CHECK(test::AnyTransform<double>(NoTransform{}).applied(X).Z == X);
}

TEST_CASE("Standardize: mean 0, deviation 1, inverse and log-determinant", "[flow][transform]") {
  Batch<double> X(2, 5), Z(2, 5), back(2, 5);
  X << 1, 2, 3, 4, 7, 100, 300, 200, 500, 400;
  const Standardize transform(X);
  Row<double> log_det(5);
  transform.apply(X, Z, log_det);
  CHECK(Z.rowwise().mean().cwiseAbs().maxCoeff() < 1e-15);
  CHECK((Z.cwiseAbs2().rowwise().mean().array() - 1).abs().maxCoeff() < 1e-14);
  transform.invert(Z, back);
  CHECK(back.isApprox(X, 1e-15));
  // log |det dZ/dX| of a diagonal map, by its differences.
  const double slopes = (Z(0, 1) - Z(0, 0)) / (X(0, 1) - X(0, 0)) * (Z(1, 1) - Z(1, 0)) / (X(1, 1) - X(1, 0));
  CHECK(log_det(3) == Approx(std::log(slopes)).epsilon(1e-13));
}

TEST_CASE("Standardize refuses data without spread and says which", "[flow][transform][errors]") {
  CHECK_THROWS_WITH(Standardize(Batch<float>(2, 0)),
                    "Standardize: data is empty, expected at least one sample and one component");
  CHECK_THROWS_WITH(Standardize(Batch<float>::Ones(2, 1)),
                    "Standardize: data has 1 sample, expected at least 2 to tell its spread");
  Batch<float> X = Batch<float>::Random(2, 7);
  X.row(1).setConstant(0.1F);
  CHECK_THROWS_WITH(Standardize(X), ContainsSubstring("component 1 of the data is constant"));
  X(0, 3) = std::numeric_limits<float>::infinity();
  CHECK_THROWS_WITH(Standardize(X), ContainsSubstring("inf at component 0 of sample 3"));
  CHECK_THROWS_WITH(Standardize(Batch<double>::Random(3, 9)).check(2), "Standardize: field has 2 rows, expected 3");
}

TEST_CASE("transformed gives the coordinates of a transform", "[flow][transform]") {
  const Batch<double> X = Batch<double>::Random(2, 5);
  const Standardize transform(X);
  CHECK(transformed(transform, X) == test::AnyTransform<double>(transform).applied(X).Z);
  CHECK(transformed(transform, X.leftCols(2)).cols() == 2);
  CHECK_THROWS_WITH(transformed(transform, Batch<double>::Random(3, 5)), "Standardize: field has 3 rows, expected 2");
}

TEST_CASE("DomainError counts samples from where it is told to", "[flow][transform][errors]") {
  const DomainError error("Log", -1, 2, 3, "above 0");
  CHECK(error.what() == std::string("Log: data is -1 at component 2 of sample 3, expected above 0"));
  CHECK(error.counted_from(100).what() ==
        std::string("Log: data is -1 at component 2 of sample 103, expected above 0"));
  CHECK(error.counted_from(100).sample == 103);
}
