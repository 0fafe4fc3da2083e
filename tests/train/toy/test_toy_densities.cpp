#include <pathline/train/toy/toy_densities.hpp>

#include <pathline/train/metric/estimate.hpp>

#include <support/catch.hpp>
#include <support/density_checks.hpp>

#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

using namespace pathline;
using test::ChiSquare;
using test::Grid;
using test::GridIntegrals;

namespace {

std::vector<ToyDensity> all_kinds() {
  std::vector<ToyDensity> kinds;
  for (const std::string_view name : toy_density_names()) kinds.push_back(toy_density_from_name(name));
  return kinds;
}

}  // namespace

TEST_CASE("Toy densities integrate to 1, have the entropy that they report, and their samples agree with them",
          "[train][toy][many-draws]") {
  // Spacing 1/14: below the finest deviation, 0.08 of `rings`, and a part of the checkerboard's squares.
  const Grid grid{.half_width = 6, .cells = 14, .fine = 12};
  for (const ToyDensity kind : all_kinds()) {
    if (!has_density(kind)) continue;
    INFO(toy_density_name(kind));
    const GridIntegrals integral = test::integrate_density(grid, toy_log_density(kind, grid.points()));
    // The rule's error is 1e-9 and less; 4e-7 of `mixture` lies outside of the grid, with 6e-6 of its entropy.
    CHECK(integral.total == Approx(1).margin(1e-6));
    CHECK(integral.entropy == Approx(toy_entropy(kind)).epsilon(0).margin(7e-6));
    const Batch<double> X = sample_toy(kind, 20'000, Draw{7, 0});
    // Nine sets, each with a confidence of 99.9 %.
    const ChiSquare fit = test::chi_square(grid, integral.cell_probabilities, X);
    CHECK(fit.degrees > 30);
    CHECK(fit.statistic < fit.quantile(3.09));
    // What the cells do not see: where in a cell the samples lie.
    const Estimate entropy = mean_estimate(-toy_log_density(kind, X));
    CHECK(std::abs(entropy.value - toy_entropy(kind)) <= 3.5 * entropy.standard_error + 1e-12);
  }
}

TEST_CASE("The entropies known from elsewhere: log 32 of the checkerboard, 2.831 of 8gaussians", "[train][toy]") {
  CHECK(toy_entropy(ToyDensity::checkerboard) == Approx(std::log(32.0)).epsilon(1e-15));
  CHECK(toy_entropy(ToyDensity::eight_gaussians) == Approx(2.831).margin(1e-3));
}

TEST_CASE("A sample of a toy density is a function of draw and id: not of the number of samples or the first",
          "[train][toy]") {
  for (const ToyDensity kind : all_kinds()) {
    INFO(toy_density_name(kind));
    const Batch<double> X = sample_toy(kind, 50, Draw{7, 3});
    CHECK(sample_toy(kind, 20, Draw{7, 3}) == X.leftCols(20));
    CHECK(sample_toy(kind, 20, Draw{7, 3}, 30) == X.rightCols(20));
    CHECK(sample_toy<float>(kind, 50, Draw{7, 3}) == X.cast<float>());
    CHECK(sample_toy(kind, 50, Draw{7, 4}) != X);
    CHECK(sample_toy(kind, 50, Draw{8, 3}) != X);
  }
}

TEST_CASE("Toy samples fill the square of the literature's pictures", "[train][toy]") {
  for (const ToyDensity kind : all_kinds()) {
    INFO(toy_density_name(kind));
    const Batch<double> X = sample_toy(kind, 1000, Draw{7, 0});
    CHECK(X.cwiseAbs().maxCoeff() < 6);
    CHECK(X.rowwise().maxCoeff().minCoeff() > 1);
    CHECK(X.rowwise().minCoeff().maxCoeff() < -1);
  }
}

TEST_CASE("Toy densities are found by the literature's names", "[train][toy]") {
  CHECK(toy_density_from_name("8gaussians") == ToyDensity::eight_gaussians);
  CHECK(toy_density_from_name("2spirals") == ToyDensity::two_spirals);
  CHECK(toy_density_from_name("cos") == ToyDensity::cosine);
  const std::set<std::string_view> names = [] {
    const auto all = toy_density_names();
    return std::set<std::string_view>(all.begin(), all.end());
  }();
  CHECK(names.size() == 11);
  for (const ToyDensity kind : all_kinds()) CHECK(toy_density_from_name(toy_density_name(kind)) == kind);
  CHECK_THROWS_WITH(toy_density_from_name("moon"),
                    "toy density is \"moon\", expected one of 8gaussians, pinwheel, 2spirals, checkerboard, moons, "
                    "circles, swissroll, rings, line, cos, mixture");
  CHECK_THROWS_AS(toy_density_name(ToyDensity(11)), ArgumentError);  // the last enumerator is 10: none is forgotten
}

TEST_CASE("Line and cos have no density, and say so", "[train][toy][errors]") {
  for (const ToyDensity kind : all_kinds())
    CHECK(has_density(kind) == (kind != ToyDensity::line && kind != ToyDensity::cosine));
  CHECK_THROWS_WITH(toy_log_density(ToyDensity::line, Batch<double>::Zero(2, 1)),
                    "toy_log_density: kind is line, expected a set with a density; this one is a curve without noise");
  CHECK_THROWS_AS(toy_entropy(ToyDensity::cosine), ArgumentError);
}

TEST_CASE("Toy densities refuse bad input", "[train][toy][errors]") {
  CHECK_THROWS_WITH(sample_toy(ToyDensity::moons, 0, Draw{}), "sample_toy: n is 0, expected at least 1");
  CHECK_THROWS_WITH(sample_toy(ToyDensity::moons, 1, Draw{}, -1), "sample_toy: first is -1, expected at least 0");
  CHECK_THROWS_WITH(toy_log_density(ToyDensity::moons, Batch<double>::Zero(3, 1)),
                    "toy_log_density: X has 3 rows, expected 2");
  Batch<float> X = Batch<float>::Zero(2, 2);
  CHECK(toy_log_density(ToyDensity::moons, X).cols() == 2);
  X(1, 1) = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(toy_log_density(ToyDensity::moons, X), DataError);
}
