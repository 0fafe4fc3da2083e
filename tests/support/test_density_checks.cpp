#include <support/density_checks.hpp>

#include <pathline/core/random.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <numbers>

using namespace pathline;
using test::ChiSquare;
using test::Grid;

namespace {

constexpr Grid grid{.half_width = 4, .cells = 10, .fine = 8};

Row<double> log_normal(const Batch<double>& X, double deviation = 1) {
  return -0.5 / (deviation * deviation) * X.colwise().squaredNorm().array() -
         std::log(2 * std::numbers::pi * deviation * deviation);
}

Batch<double> normal(Index n, std::uint64_t seed) {
  Batch<double> X(2, n);
  fill<Gaussian>(Draw{seed, 0}, 0, X);
  return X;
}

}  // namespace

TEST_CASE("A grid knows its cells: first component first, the upper edge outside", "[support]") {
  CHECK(grid.cell_of({-4, -4}) == 0);
  CHECK(grid.cell_of({-4, -3.1}) == 1);
  CHECK(grid.cell_of({-3.1, -4}) == 10);
  CHECK(grid.cell_of({3.99, 3.99}) == 99);
  CHECK(grid.cell_of({4, 0}) == 100);
  CHECK(grid.cell_of({0, -4.01}) == 100);
  CHECK(grid.spacing() == 0.1);
}

TEST_CASE("Integrals over a grid are those of a Gaussian", "[support]") {
  const test::GridIntegrals integral = test::integrate_density(grid, log_normal(grid.points(), 0.5));
  // Eight deviations to the edge, and five points a deviation: nothing is lost.
  CHECK(integral.total == Approx(1).margin(1e-13));
  CHECK(integral.entropy == Approx(std::log(2 * std::numbers::pi * 0.25) + 1).margin(1e-13));
  // Cell 55 is [0, 0.8)²; the midpoint rule's error in a part is (0.1 / 0.5)² / 24 of the density's change in it.
  const double half = std::erf(0.8 / (0.5 * std::numbers::sqrt2)) / 2;
  CHECK(integral.cell_probabilities(55) == Approx(half * half).epsilon(5e-3));
  CHECK(integral.cell_probabilities.sum() == Approx(1).margin(1e-13));
}

TEST_CASE("Quantiles of chi-square are those of the tables", "[support]") {
  CHECK(ChiSquare{0, 10}.quantile(3.0902) == Approx(29.588).epsilon(0.01));
  CHECK(ChiSquare{0, 50}.quantile(3.0902) == Approx(86.661).epsilon(0.01));
  CHECK(ChiSquare{0, 100}.quantile(0) == Approx(99.334).epsilon(0.001));
}

TEST_CASE("The chi-square test accepts a true hypothesis at its level, and rejects a false one", "[support]") {
  const Vector<double> truth = test::integrate_density(grid, log_normal(grid.points())).cell_probabilities;
  const Vector<double> wider = test::integrate_density(grid, log_normal(grid.points(), 1.03)).cell_probabilities;
  int accepted = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const ChiSquare fit = test::chi_square(grid, truth, normal(2000, seed));
    accepted += fit.statistic < fit.quantile(1.645) ? 1 : 0;
  }
  // 95 %: binomial, deviation √(200 · 0.95 · 0.05) = 3.1; four of them.
  CHECK(std::abs(accepted - 190) < 13);
  const ChiSquare fit = test::chi_square(grid, truth, normal(20'000, 0)),
                  wrong = test::chi_square(grid, wider, normal(20'000, 0));
  CHECK(fit.statistic < fit.quantile(3.09));
  CHECK(wrong.statistic > wrong.quantile(3.09));
}

TEST_CASE("The chi-square test rejects samples where there is no probability", "[support]") {
  Vector<double> probabilities = Vector<double>::Zero(101);
  probabilities.head(50).setConstant(0.02);
  Batch<double> X(2, 1000);  // 20 in each of the 50 cells that have a probability
  for (Index j = 0; j < 1000; ++j) X.col(j) << -3.6 + 0.8 * double(j % 50 / 10), -3.6 + 0.8 * double(j % 10);
  CHECK(test::chi_square(grid, probabilities, X).statistic == 0);
  X.leftCols(20).row(0).setConstant(3);
  const ChiSquare fit = test::chi_square(grid, probabilities, X);
  CHECK(fit.statistic > fit.quantile(3.09));
}
