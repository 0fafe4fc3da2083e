// Base density and data transform of flows on circles and lines.
#include <pathline/flow/periodic_base.hpp>
#include <pathline/flow/periodic_transform.hpp>

#include <support/base_laws.hpp>
#include <support/catch.hpp>
#include <support/transform_laws.hpp>

#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

using namespace pathline;

namespace {

constexpr double pi = std::numbers::pi;
static_assert(BaseDensity<PeriodicBase> && BaseDensity<PeriodicBase, float>);
static_assert(DataTransform<PeriodicTransform<double>> && DataTransform<PeriodicTransform<float>, float>);
static_assert(!DataTransform<PeriodicTransform<float>, double>);

}  // namespace

TEST_CASE("PeriodicBase obeys the law of base densities", "[flow][base]") {
  // A reach of √3 deviations ends a circle's grid at ±π.
  const PeriodicBase circles(2, {{.component = 0}, {.component = 1}});
  test::check_base_laws(circles, circles,
                        {Vector<double>::Zero(2), pi * pi / 3 * Batch<double>::Identity(2, 2), std::sqrt(3.0)});
  const PeriodicBase mixed(3, {{.component = 1}});
  test::check_base_laws(mixed, mixed, {Vector<double>::Zero(3), Eigen::Vector3d(1, pi * pi / 3, 1).asDiagonal()});
}

TEST_CASE("PeriodicBase: the density of an angle is that of the point on the circle", "[flow][base]") {
  const test::AnyBase<double> base = PeriodicBase(2, {{.component = 0}});
  const double expected = -std::log(2 * pi) - 0.5 * 0.09 - 0.5 * std::log(2 * pi);
  for (const double angle : {-pi, 0.0, pi, 7 * pi, -100.0})
    CHECK(base.log_density_of(Eigen::Vector2d(angle, 0.3))(0) == Approx(expected).epsilon(1e-14));
  const Batch<float> samples = test::AnyBase<float>(PeriodicBase(1, {{.component = 0}})).samples(1, 4000);
  CHECK(double(samples.maxCoeff()) < pi);
  CHECK(double(samples.minCoeff()) >= -pi);
}

TEST_CASE("PeriodicTransform obeys the law of data transforms", "[flow][transform]") {
  const std::vector<Circle> circles{{.component = 1, .lower = 0, .upper = 24}, {.component = 2}};
  Batch<double> X(3, 5);
  X << 1, 2, 4, 8, 3, 0.5, 23, 12, 7, 18, -3, -1, 0.2, 1, 3;
  test::check_transform_laws(PeriodicTransform(circles, X), PeriodicTransform(circles, X.cast<float>()), X);
  test::check_far_points<float>(PeriodicTransform(circles, X.cast<float>()), 3);
  const auto [Z, log_det] = test::AnyTransform<double>(PeriodicTransform<double>(circles, 3)).applied(X);
  CHECK(Z.row(0) == X.row(0));  // without data lines stay as they are
  CHECK(Z(1, 2) == 0);
  CHECK(Z(1, 3) == Approx(-5 * 2 * pi / 24).epsilon(1e-14));
  CHECK(log_det(0) == Approx(std::log(2 * pi / 24)).epsilon(1e-14));
}

TEST_CASE("PeriodicTransform: one turn more is the same angle, and samples are in the interval", "[flow][transform]") {
  const test::AnyTransform<double> hours = PeriodicTransform<double>({{.component = 0, .lower = 0, .upper = 24}}, 1);
  const auto angle = [&](double x) { return hours.applied(Vector<double>::Constant(1, x)).Z(0); };
  CHECK(angle(24) == angle(0));
  CHECK(angle(24) == -pi);
  CHECK(angle(6 - 48) == Approx(angle(6)).epsilon(1e-14));
  const test::AnyTransform<float> turn = PeriodicTransform<float>({{.component = 0}}, 1);
  for (Index i = -40; i <= 40; ++i) {
    const Batch<float> back = turn.inverted(Vector<float>::Constant(1, float(pi) * float(i) / 4));
    CHECK(double(back(0)) >= -pi);
    CHECK(double(back(0)) < pi);
    const double hour = hours.inverted(Vector<double>::Constant(1, pi * double(i) / 4))(0);
    CHECK(hour >= 0);
    CHECK(hour < 24);
    CHECK(std::remainder(hour - 12 - 3 * double(i), 24) == Approx(0).margin(1e-12));
  }
}

TEST_CASE("PeriodicTransform refuses what it cannot map", "[flow][transform][errors]") {
  CHECK_THROWS_WITH(PeriodicTransform<double>({{.component = 0, .lower = 2, .upper = 2}}, 1),
                    "PeriodicTransform: upper of the circle of component 0 is 2, expected above lower, 2, and finite");
  CHECK_THROWS_AS(PeriodicTransform<double>({{.component = 1}}, 1), ArgumentError);
  Batch<double> X(2, 3);
  X << 1, 1, 1, 5, 5, 5;
  CHECK_THROWS_AS(PeriodicTransform(std::vector<Circle>{{.component = 0}}, X), DataError);  // component 1 is constant
  CHECK_NOTHROW(PeriodicTransform(std::vector<Circle>{{.component = 0}, {.component = 1}}, X));
  X << 20, 90, 180, 1, 2, 3;
  CHECK_THROWS_WITH(PeriodicTransform(std::vector<Circle>{{.component = 0}}, X),
                    "PeriodicTransform: component 0 of the data is more than a turn outside of [-3.14159265, "
                    "3.14159265) in 3 of 3 samples; give the circle lower and upper in the unit of the data, such as "
                    "-180 and 180");
  const test::AnyTransform<float> turn = PeriodicTransform<float>({{.component = 0}}, 1);
  CHECK_NOTHROW(turn.applied(Vector<float>::Constant(1, 1e4F)));
  CHECK_THROWS_AS(turn.applied(Vector<float>::Constant(1, 1e6F)), DomainError);
}
