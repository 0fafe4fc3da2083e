#include <pathline/flow/base/uniform_box.hpp>

#include <support/base_laws.hpp>
#include <support/catch.hpp>

#include <cmath>
#include <limits>

using namespace pathline;

static_assert(BaseDensity<UniformBox<double>> && BaseDensity<UniformBox<float>, float>);
static_assert(!BaseDensity<UniformBox<float>> && !BaseDensity<UniformBox<double>, float>);

TEST_CASE("UniformBox obeys the law of base densities", "[flow][base]") {
  const Index d = GENERATE(2, 3);
  const Vector<double> lower = Eigen::Vector3d(-1, 0, 2).head(d), upper = Eigen::Vector3d(3, 0.5, 10).head(d);
  const Vector<double> width = upper - lower;
  // A uniform variable of width w has the variance w² / 12. With a reach of √12 deviations the grid is twice as wide as
  // the box, and the box's faces are faces of cells.
  test::check_base_laws(UniformBox(lower, upper), UniformBox(lower.cast<float>(), upper.cast<float>()),
                        {(lower + upper) / 2, (width.cwiseAbs2() / 12).asDiagonal(), std::sqrt(12.0)});
}

TEST_CASE("UniformBox: the faces belong to the box, and beyond them log-density is minus infinity", "[flow][base]") {
  const test::AnyBase<double> base = UniformBox(Eigen::Vector2d(-1, 0), Eigen::Vector2d(3, 0.5));
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(base.log_density_of(Eigen::Vector2d(-1, 0.5))(0) == Approx(-std::log(2.0)).epsilon(1e-15));
  CHECK(base.log_density_of(Eigen::Vector2d(std::nextafter(-1, -2), 0.5))(0) == -infinity);
  CHECK(base.log_density_of(Eigen::Vector2d(-1, std::nextafter(0.5, 1)))(0) == -infinity);
  CHECK(base.log_density_of(Eigen::Vector2d(NAN, 0.2))(0) == -infinity);
  CHECK(base.score_of(Eigen::Vector2d(7, 0.2)) == Batch<double>::Zero(2, 1));
}

TEST_CASE("UniformBox: samples stay inside however narrow the box", "[flow][base]") {
  const Vector<float> lower = Vector<float>::Constant(1, 1000), upper = Vector<float>::Constant(1, 1000.0002F);
  const UniformBox base(lower, upper);
  Batch<float> Z(1, 1000);
  base.sample(Draw{1, 1}, 0, Z);
  CHECK(Z.minCoeff() == lower(0));
  CHECK(Z.maxCoeff() == upper(0));
}

TEST_CASE("UniformBox refuses a box without volume", "[flow][base][errors]") {
  CHECK_THROWS_WITH(UniformBox(Eigen::Vector2d(0, 1), Eigen::Vector2d(1, 1)),
                    "UniformBox: upper(1) is 1, expected above lower, 1");
  CHECK_THROWS_WITH(UniformBox(Eigen::Vector2d(0, 1), Vector<double>::Ones(3)),
                    "UniformBox: upper has 3 rows, expected 2");
  CHECK_THROWS_AS(UniformBox(Eigen::Vector2d(NAN, 1), Eigen::Vector2d(1, 2)), ArgumentError);
  CHECK_THROWS_AS(UniformBox(Eigen::Vector2d(0, 1), Eigen::Vector2d(INFINITY, 2)), ArgumentError);
}
