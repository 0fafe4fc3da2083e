#include <pathline/flow/base/base_density.hpp>

#include <pathline/flow/base/periodic_base.hpp>
#include <pathline/flow/base/student_t.hpp>

#include <support/base_laws.hpp>
#include <support/catch.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

using namespace pathline;

namespace {

struct NoLogDensity {
  template <class... A>
  void score(const A&...) const {}
  template <class... A>
  void sample(const A&...) const {}
};
struct NoScore {
  template <class... A>
  void log_density(const A&...) const {}
  template <class... A>
  void sample(const A&...) const {}
};
struct NoSample {
  template <class... A>
  void log_density(const A&...) const {}
  template <class... A>
  void score(const A&...) const {}
};
// A flow hands over blocks of its state: what takes whole batches only would copy them, or not compile.
struct WholeBatchesOnly : StandardNormal {
  void score(const Batch<double>& Z, Batch<double>& Z_bar) const { Z_bar = -Z; }
};
static_assert(!BaseDensity<WholeBatchesOnly>);
static_assert(BaseDensity<StandardNormal> && BaseDensity<StandardNormal, float>);
static_assert(!BaseDensity<NoLogDensity> && !BaseDensity<NoScore> && !BaseDensity<NoSample>);

static_assert(BaseDensity<StudentT<double>> && BaseDensity<StudentT<float>, float>);
static_assert(!BaseDensity<StudentT<float>> && !BaseDensity<StudentT<double>, float>);
static_assert(BaseDensity<PeriodicBase> && BaseDensity<PeriodicBase, float>);

}  // namespace

TEST_CASE("StandardNormal obeys the law of base densities", "[flow][base]") {
  const Index d = GENERATE(1, 2, 3);
  test::check_base_laws(StandardNormal{}, StandardNormal{}, {Vector<double>::Zero(d), Batch<double>::Identity(d, d)});
}

TEST_CASE("StandardNormal: log-density and score are the closed forms", "[flow][base]") {
  const StandardNormal base;
  Batch<double> Z(2, 3), score(2, 3);
  Z << 0, 1, -2, 0, 0.5, 3;
  Row<double> log_p(3);
  base.log_density(Z, log_p);
  for (Index j = 0; j < 3; ++j)
    CHECK(log_p(j) == Approx(-std::log(2 * std::numbers::pi) - 0.5 * Z.col(j).squaredNorm()).epsilon(1e-15));
  base.score(Z, score);
  CHECK(score == -Z);
}

TEST_CASE("StudentT obeys the law of base densities", "[flow][base]") {
  // Squares of samples need moments up to the eighth for the law's standard errors. Beyond 60 deviations there is less
  // than 1e-15, and the midpoint rule's error is e^(-2π√ν / h) with cells of h = 0.3.
  const Index d = GENERATE(2, 3);
  const Vector<double> degrees = Eigen::Vector3d(16, 30, 200).head(d), location = Eigen::Vector3d(1, -2, 0).head(d),
                       scale = Eigen::Vector3d(0.5, 2, 1).head(d);
  const Vector<double> variance = scale.array().square() * degrees.array() / (degrees.array() - 2);
  test::check_base_laws(StudentT(degrees, location, scale),
                        StudentT(degrees.cast<float>(), location.cast<float>(), scale.cast<float>()),
                        {location, variance.asDiagonal(), 60});
}

TEST_CASE("StudentT: log-density and score are the closed forms", "[flow][base]") {
  const test::AnyBase<double> base = StudentT(Eigen::Vector3d(1, 2, 3));
  const double pi = std::numbers::pi;
  for (const double z : {-7.0, -0.5, 0.0, 2.0, 40.0}) {
    const double cauchy = 1 / (pi * (1 + z * z)), two = std::pow(2 + z * z, -1.5),
                 three = 6 * std::sqrt(3.0) / (pi * std::pow(3 + z * z, 2));
    const Batch<double> at = Vector<double>::Constant(3, z);
    CHECK(base.log_density_of(at)(0) == Approx(std::log(cauchy * two * three)).epsilon(1e-14));
    const Batch<double> score = base.score_of(at);
    for (Index i = 0; i < 3; ++i) CHECK(score(i) == Approx(-(2.0 + double(i)) * z / (1.0 + double(i) + z * z)));
  }
  // Many degrees are a normal distribution but for z⁴ / 4ν.
  const test::AnyBase<double> nearly_normal = StudentT(Vector<double>::Constant(1, 1e12));
  CHECK(nearly_normal.log_density_of(Vector<double>::Constant(1, 2))(0) ==
        Approx(-2 - 0.5 * std::log(2 * pi)).epsilon(1e-11));
}

TEST_CASE("StudentT: the normalising constant is continuous where its series begins", "[flow][base]") {
  const auto at_zero = [](double degrees) {
    return test::AnyBase<double>(StudentT(Vector<double>::Constant(1, degrees)))
        .log_density_of(Vector<double>::Zero(1))(0);
  };
  // d log c / dν is 1 / 4ν² = 2.5e-5 there.
  CHECK(std::abs(at_zero(std::nextafter(100, 0)) - at_zero(100)) < 1e-13);
}

TEST_CASE("StudentT: far out nothing overflows", "[flow][base]") {
  const test::AnyBase<float> base = StudentT(Vector<float>::Constant(1, 2));
  const float z = 1e30F;  // its square is beyond float
  CHECK(base.log_density_of(Vector<float>::Constant(1, z))(0) == Approx(-3 * std::log(1e30)).epsilon(1e-6));
  CHECK(base.score_of(Vector<float>::Constant(1, z))(0) == Approx(-3 / 1e30).epsilon(1e-6));
}

TEST_CASE("StudentT: samples have the distribution function of Cauchy's law and of t with two degrees",
          "[flow][base]") {
  // Kolmogorov–Smirnov at a level of 1e-6: sup |F_n - F| exceeds √(log(2e6) / 2n) with at most that probability.
  constexpr Index n = 20'000;
  const Batch<double> Z = test::AnyBase<double>(StudentT(Eigen::Vector2d(1, 2))).samples(2, n);
  for (Index i = 0; i < 2; ++i) {
    std::vector<double> sorted(Z.row(i).begin(), Z.row(i).end());
    std::sort(sorted.begin(), sorted.end());
    double largest = 0;
    for (Index j = 0; j < n; ++j) {
      const double z = sorted[std::size_t(j)];
      const double below = i == 0 ? 0.5 + std::atan(z) / std::numbers::pi : 0.5 + 0.5 * z / std::sqrt(2 + z * z);
      largest = std::max({largest, double(j + 1) / double(n) - below, below - double(j) / double(n)});
    }
    INFO("component " << i << ", distance " << largest);
    CHECK(largest < std::sqrt(std::log(2e6) / double(2 * n)));
  }
  // Components do not depend on each other: signs and sizes agree as often as not, to 4.9 deviations.
  const auto agree = [&](const auto& a, const auto& b) { return std::abs(double((a == b).count()) - n / 2.0); };
  CHECK(agree(Z.row(0).array() > 0, Z.row(1).array() > 0) < 4.9 * std::sqrt(n / 4.0));
  CHECK(agree(Z.row(0).array().abs() > 1, Z.row(1).array().abs() > std::sqrt(2.0 / 3)) < 4.9 * std::sqrt(n / 4.0));
}

TEST_CASE("StudentT refuses numbers that make no density", "[flow][base][errors]") {
  CHECK_THROWS_WITH(StudentT(Eigen::Vector2d(3, 0)), "StudentT: degrees(1) is 0, expected a positive finite number");
  CHECK_THROWS_AS(StudentT(Vector<double>::Constant(1, std::numeric_limits<double>::infinity())), ArgumentError);
  CHECK_THROWS_AS(StudentT(Eigen::Vector2d(3, 4), Eigen::Vector2d(0, NAN), Eigen::Vector2d(1, 1)), ArgumentError);
  CHECK_THROWS_AS(StudentT(Eigen::Vector2d(3, 4), Eigen::Vector2d(0, 0), Eigen::Vector2d(1, -1)), ArgumentError);
  CHECK_THROWS_AS(StudentT(Eigen::Vector2d(3, 4), Eigen::Vector3d(0, 0, 0), Eigen::Vector2d(1, 1)), ShapeError);
}

TEST_CASE("PeriodicBase obeys the law of base densities", "[flow][base]") {
  // A reach of √3 deviations ends a circle's grid at ±π.
  const PeriodicBase circles(2, {{.component = 0}, {.component = 1}});
  test::check_base_laws(circles, circles,
                        {Vector<double>::Zero(2),
                         std::numbers::pi * std::numbers::pi / 3 * Batch<double>::Identity(2, 2), std::sqrt(3.0)});
  const PeriodicBase mixed(3, {{.component = 1}});
  test::check_base_laws(
      mixed, mixed,
      {Vector<double>::Zero(3), Eigen::Vector3d(1, std::numbers::pi * std::numbers::pi / 3, 1).asDiagonal()});
}

TEST_CASE("PeriodicBase: the density of an angle is that of the point on the circle", "[flow][base]") {
  const test::AnyBase<double> base = PeriodicBase(2, {{.component = 0}});
  const double expected = -std::log(2 * std::numbers::pi) - 0.5 * 0.09 - 0.5 * std::log(2 * std::numbers::pi);
  for (const double angle : {-std::numbers::pi, 0.0, std::numbers::pi, 7 * std::numbers::pi, -100.0})
    CHECK(base.log_density_of(Eigen::Vector2d(angle, 0.3))(0) == Approx(expected).epsilon(1e-14));
  const Batch<float> samples = test::AnyBase<float>(PeriodicBase(1, {{.component = 0}})).samples(1, 4000);
  CHECK(double(samples.maxCoeff()) < std::numbers::pi);
  CHECK(double(samples.minCoeff()) >= -std::numbers::pi);
}
