#include <pathline/flow/statistics/require_parameter.hpp>

#include <support/catch.hpp>

#include <cmath>

using namespace pathline;

TEST_CASE("require_parameter names the first number that cannot be", "[flow][errors]") {
  Batch<float> A = Batch<float>::Ones(2, 3);
  A(1, 1) = 0;
  CHECK_NOTHROW(detail::require_parameter("test", A));
  CHECK_NOTHROW(detail::require_parameter("test", Batch<float>(0, 0), true));
  CHECK_THROWS_WITH(detail::require_parameter("test", A, true), "test(1, 1) is 0, expected a positive finite number");
  A(0, 1) = -INFINITY;
  CHECK_THROWS_WITH(detail::require_parameter("test", A), "test(0, 1) is -inf, expected a finite number");
  A(0, 1) = NAN;
  CHECK_THROWS_WITH(detail::require_parameter("test", A, true), "test(0, 1) is nan, expected a positive finite number");
  CHECK_THROWS_WITH(detail::require_parameter("test", A.col(1)), "test(0) is nan, expected a finite number");
}

TEST_CASE("require_box refuses a box without volume", "[flow][errors]") {
  const Vector<double> lower = Eigen::Vector2d(0, 1);
  CHECK_NOTHROW(detail::require_box<double>("test", lower, Eigen::Vector2d(1, std::nextafter(1.0, 2.0))));
  CHECK_THROWS_WITH(detail::require_box<double>("test", lower, Vector<double>::Ones(3)),
                    "test: upper has 3 rows, expected 2");
  CHECK_THROWS_WITH(detail::require_box<double>("test", lower, lower), "test: upper(0) is 0, expected above lower, 0");
  CHECK_THROWS_WITH(detail::require_box<double>("test", Eigen::Vector2d(0, NAN), lower),
                    "test: lower(1) is nan, expected a finite number");
  CHECK_THROWS_WITH(detail::require_box<double>("test", lower, Eigen::Vector2d(INFINITY, 2)),
                    "test: upper(0) is inf, expected a finite number");
}
