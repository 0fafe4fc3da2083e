#include <pathline/flow/transform/transform.hpp>

#include <pathline/core/random.hpp>
#include <pathline/flow/transform/periodic_transform.hpp>

#include <support/catch.hpp>
#include <support/transform_laws.hpp>

#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

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

static_assert(DataTransform<PeriodicTransform<double>> && DataTransform<PeriodicTransform<float>, float>);
static_assert(!DataTransform<PeriodicTransform<float>, double>);

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

TEST_CASE("Standardize is of any unit and offset, or says why not", "[flow][transform][scan]") {
  Batch<double> N(1, 200);
  fill<Gaussian>(Draw{1, 2}, 0, N);
  const Batch<double> expected = transformed(Standardize(N), N);
  int served = 0, refused = 0;
  for (const double offset : {0., 1., 1e3, 1e6, 1.7e9, 1e12, 1e15})
    for (const double unit : {1e-300, 1e-200, 1e-30, 1e-3, 1., 1e3, 1e4, 1e200, 1e300}) {
      INFO("offset " << offset << ", unit " << unit);
      const Batch<double> X = (unit * N.array() + offset).matrix();
      const double lost = std::abs(offset) * 1e-16 / unit;  // rounding of the data in deviations
      if (lost > 0.02) {
        CHECK_THROWS_AS(Standardize(X), DataError);
        ++refused;
      } else {
        const Standardize transform(X);
        CHECK((transformed(transform, X) - expected).cwiseAbs().maxCoeff() < 1e-13 + 4 * lost);
        Row<double> log_det(200);
        Batch<double> Z(1, 200);
        transform.apply(X, Z, log_det);
        // In ln 1e300 = 690 deviations are known to their last digits.
        CHECK(log_det(3) == Approx(-std::log(unit) - std::log(Standardize(N).deviation()(0))).margin(1e-11 + lost));
        transform.invert(Z, Z);
        CHECK((Z - X).cwiseAbs().maxCoeff() <= 1e-13 * unit + 4e-16 * std::abs(offset));
        ++served;
      }
      if (unit < 1e-30 || unit > 1e30) continue;
      const Batch<float> single = X.cast<float>();
      const double lost_in_float = std::abs(offset) * 6e-8 / unit;
      if (lost_in_float > 0.02)
        CHECK_THROWS_AS(Standardize(single), DataError);
      else
        CHECK((transformed(Standardize(single), single).cast<double>() - expected).cwiseAbs().maxCoeff() <
              1e-6 + 2 * lost_in_float);
    }
  CHECK(served == 42);
  CHECK(refused == 21);
  CHECK_THROWS_WITH(Standardize((5e307 * N.cwiseSign().array()).matrix()),
                    "Standardize: component 0 of the data reaches 5e+307, too large to subtract a mean; give it in a "
                    "larger unit");
  const Batch<float> days = (1000 * N.array() + 1.7e9).matrix().cast<float>();
  CHECK_THROWS_WITH(Standardize(days), ContainsSubstring("where float numbers are 128 apart: keep the data in double"));
}

TEST_CASE("Standardize keeps its statistics in double in float, too", "[flow][transform]") {
  const Batch<float> X = (Batch<float>(1, 4) << 16770000, 16777001, 16777006, 16777100).finished();
  const Standardize transform(X);
  CHECK(transform.mean()(0) == 16775276.75);
  Batch<float> Z = transformed(transform, X), back = Z;
  CHECK(double(Z(0, 0)) == Approx(-5276.75 / transform.deviation()(0)).epsilon(1e-7));
  transform.invert(Z, back);
  CHECK(back == X);
}

TEST_CASE("Standardize names the sample beside which the others are all the same", "[flow][transform][errors]") {
  Batch<double> X(1, 200);
  fill<Uniform>(Draw{1, 3}, 0, X);
  X *= 10;
  X(0, 17) = 1e12;
  CHECK_NOTHROW(Standardize(X));  // 1e-10 apart, which double tells
  CHECK_THROWS_WITH(
      Standardize(X.cast<float>()),
      ContainsSubstring("component 0 of sample 17 of the data is 9.99999996e+11, so far from the others") &&
          ContainsSubstring("198 of 199 neighbouring numbers are equal in float"));
  X(0, 17) = -1e200;
  CHECK_THROWS_WITH(Standardize(X), ContainsSubstring("component 0 of sample 17 of the data is -1e+200"));
  // A density with heavy tails is none of this.
  Batch<float> cauchy(1, 20000);
  fill<Uniform>(Draw{1, 4}, 0, cauchy);
  cauchy = (float(M_PI) * (cauchy.array() - 0.5F)).tan().matrix().eval();
  CHECK_NOTHROW(Standardize(cauchy));
}

TEST_CASE("Standardize from stored numbers is the one that they are of", "[flow][transform]") {
  const Batch<double> X = Batch<double>::Random(3, 9);
  const Standardize original(X);
  const auto expected = test::AnyTransform<double>(original).applied(X);
  const auto stored = test::AnyTransform<double>(Standardize(original.mean(), original.deviation())).applied(X);
  CHECK(stored.Z == expected.Z);
  CHECK(stored.log_det == expected.log_det);
  CHECK(transformed(Standardize<float>(original.mean(), original.deviation()), X.cast<float>()).rows() == 3);
  using Eigen::Vector2d;
  CHECK_THROWS_WITH(Standardize(Vector2d(1, 2), Eigen::Vector3d(1, 1, 3)),
                    "Standardize: deviation has 3 rows, expected 2");
  CHECK_THROWS_WITH(Standardize(Vector2d(1, 2), Vector2d(1, 0)),
                    "Standardize: deviation(1) is 0, expected a positive finite number");
  CHECK_THROWS_AS(Standardize(Vector2d(1, 2), Vector2d(1, INFINITY)), ArgumentError);
  CHECK_THROWS_WITH(Standardize(Vector2d(NAN, 2), Vector2d(1, 1)),
                    "Standardize: mean(0) is nan, expected a finite number");
  CHECK(Standardize(Eigen::RowVector2d(1, 2), Eigen::RowVector2d(3, 4)).deviation() == Vector2d(3, 4));
  CHECK_THROWS_WITH(Standardize(X, original.deviation()),  // a batch where its mean is meant
                    "Standardize: mean has 9 columns, expected 1; it is a vector, with a number for each component");
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

TEST_CASE("PeriodicTransform obeys the law of data transforms", "[flow][transform]") {
  const std::vector<Circle> circles{{.component = 1, .lower = 0, .upper = 24}, {.component = 2}};
  Batch<double> X(3, 5);
  X << 1, 2, 4, 8, 3, 0.5, 23, 12, 7, 18, -3, -1, 0.2, 1, 3;
  test::check_transform_laws(PeriodicTransform(circles, X), PeriodicTransform(circles, X.cast<float>()), X);
  test::check_far_points<float>(PeriodicTransform(circles, X.cast<float>()), 3);
  const auto [Z, log_det] = test::AnyTransform<double>(PeriodicTransform<double>(circles, 3)).applied(X);
  CHECK(Z.row(0) == X.row(0));  // without data lines stay as they are
  CHECK(Z(1, 2) == 0);
  CHECK(Z(1, 3) == Approx(-5 * 2 * std::numbers::pi / 24).epsilon(1e-14));
  CHECK(log_det(0) == Approx(std::log(2 * std::numbers::pi / 24)).epsilon(1e-14));
}

TEST_CASE("PeriodicTransform: one turn more is the same angle, and samples are in the interval", "[flow][transform]") {
  const test::AnyTransform<double> hours = PeriodicTransform<double>({{.component = 0, .lower = 0, .upper = 24}}, 1);
  const auto angle = [&](double x) { return hours.applied(Vector<double>::Constant(1, x)).Z(0); };
  CHECK(angle(24) == angle(0));
  CHECK(angle(24) == -std::numbers::pi);
  CHECK(angle(6 - 48) == Approx(angle(6)).epsilon(1e-14));
  CHECK(std::isnan(hours.inverted(Vector<double>::Constant(1, NAN))(0)));
  const test::AnyTransform<float> turn = PeriodicTransform<float>({{.component = 0}}, 1);
  for (Index i = -40; i <= 40; ++i) {
    const Batch<float> back = turn.inverted(Vector<float>::Constant(1, float(std::numbers::pi) * float(i) / 4));
    CHECK(double(back(0)) >= -std::numbers::pi);
    CHECK(double(back(0)) < std::numbers::pi);
    const double hour = hours.inverted(Vector<double>::Constant(1, std::numbers::pi * double(i) / 4))(0);
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
