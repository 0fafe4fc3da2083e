#include <pathline/flow/transform/log_transform.hpp>

#include <support/catch.hpp>
#include <support/transform_laws.hpp>

#include <cmath>

using namespace pathline;

static_assert(DataTransform<Log<double>> && DataTransform<Log<float>, float>);
static_assert(!DataTransform<Log<float>> && !DataTransform<Log<double>, float>);

namespace {

const Vector<double> shift = Eigen::Vector3d(0, 1, -0.25);

Batch<double> positive() { return (1.3 * Batch<double>::Random(3, 70)).array().exp() - shift.replicate(1, 70).array(); }

}  // namespace

TEST_CASE("Log obeys the law of data transforms", "[flow][transform]") {
  test::check_transform_laws(Log(shift), Log(shift.cast<float>()), positive());
}

TEST_CASE("Log of some components obeys the law and leaves the others as they are", "[flow][transform]") {
  const Vector<double> shifts = Eigen::Vector2d(-0.25, 0);
  const Log transform(3, {2, 0}, shifts);
  Batch<double> X = positive();
  X.row(1).array() -= 100;
  test::check_transform_laws(transform, Log(3, {2, 0}, shifts.cast<float>()), X);
  const Batch<double> Z = transformed(transform, X);
  CHECK(Z.row(1) == X.row(1));
  CHECK(Z.row(0).isApprox(X.row(0).array().log().matrix(), 1e-15));
  CHECK(Z.row(2).isApprox((X.row(2).array() - 0.25).log().matrix(), 1e-15));
}

TEMPLATE_TEST_CASE("Log: what a flow carries far out comes back into the domain", "[flow][transform]", float, double) {
  test::check_far_points<TestType>(Log(shift.cast<TestType>()), 3);
}

TEST_CASE("Log names data that have no logarithm, and rows that are none", "[flow][transform][errors]") {
  Batch<double> X = positive();
  X(1, 4) = -1;
  CHECK_THROWS_WITH(transformed(Log(shift), X),
                    "Log: data is -1 at component 1 of sample 4, expected above -1; dequantize counts first, or give "
                    "Log a larger shift");
  X(1, 4) = 0;
  X(0, 69) = -0.5;
  CHECK_THROWS_WITH(transformed(Log(shift), X), "Log: data is -0.5 at component 0 of sample 69, expected above 0");
  X(0, 69) = NAN;
  CHECK_THROWS_AS(transformed(Log(shift), X), DomainError);

  CHECK_THROWS_WITH(Log(Eigen::Vector2d(0, NAN)), "Log: shift(1) is nan, expected a finite number");
  CHECK_THROWS_WITH(Log(3, {0, 3}, Vector<double>::Zero(2)), "Log: rows[1] is 3, expected from 0 to 2");
  CHECK_THROWS_WITH(Log(3, {-1}, Vector<double>::Zero(1)), "Log: rows[0] is -1, expected from 0 to 2");
  CHECK_THROWS_WITH(Log(3, {1, 1}, Vector<double>::Zero(2)), "Log: rows[1] is 1, expected each row once");
  CHECK_THROWS_WITH(Log(3, {1}, Vector<double>::Zero(2)), "Log: shift has 2 rows, expected 1");
}
