/// \file
/// The baselines of the examples: each number against the plainest statement of what it should be.
#include <examples/common/baselines.hpp>
#include <pathline/core/errors.hpp>

#include <support/catch.hpp>

#include <Eigen/Cholesky>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>

namespace {

using examples::FittedGaussian;
using examples::Index;
using examples::KernelDensity;
using examples::Table;
using examples::Values;

/// Two lumps of different spread on skewed axes of different scale, so that no direction and no unit is special.
Table two_lumps(Index dimensions, Index samples, unsigned seed) {
  std::mt19937 bits(seed);
  // Sum of 12 uniforms, made here: the standard's normal_distribution differs between standard libraries.
  const auto normal = [&bits] {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += double(bits()) / 4294967296.0;
    return sum;
  };
  Table X(dimensions, samples);
  for (Index j = 0; j < samples; ++j)
    for (Index i = 0; i < dimensions; ++i) {
      const double lump = j % 3 == 0 ? 4 : 0;
      X(i, j) = (1 + double(i)) * (lump + normal() * (j % 3 == 0 ? 0.4 : 1)) + (i > 0 ? 0.5 * X(i - 1, j) : 0) + 10;
    }
  return X;
}

/// ∫ exp(log_prob) by the midpoint rule, which for a smooth function that vanishes at the ends beats every power of
/// the spacing: what is left is the mass outside of the box.
template <class Density>
double integral(const Density& density, const Eigen::VectorXd& low, const Eigen::VectorXd& high, Index points) {
  const Index dimensions = low.size();
  const Index count = dimensions == 1 ? points : points * points;
  Table grid(dimensions, count);
  for (Index j = 0; j < count; ++j)
    for (Index i = 0; i < dimensions; ++i) {
      const Index k = i == 0 ? j % points : j / points;
      grid(i, j) = low(i) + (double(k) + 0.5) / double(points) * (high(i) - low(i));
    }
  const double cell = ((high - low) / double(points)).prod();
  return density.log_prob(grid).array().exp().sum() * cell;
}

/// log of the mean of N(x; c, H) over the kernels named by `use`, with determinant and inverse written out for d = 2.
template <class Use>
double naive_log_density(const Table& X, const Eigen::Vector2d& x, const Eigen::Matrix2d& H, const Use& use) {
  const double determinant = H(0, 0) * H(1, 1) - H(0, 1) * H(1, 0);
  double sum = 0;
  int count = 0;
  for (Index j = 0; j < X.cols(); ++j) {
    if (!use(j)) continue;
    const Eigen::Vector2d r = x - X.col(j);
    const double square = (H(1, 1) * r(0) * r(0) - 2 * H(0, 1) * r(0) * r(1) + H(0, 0) * r(1) * r(1)) / determinant;
    sum += std::exp(-0.5 * square) / (2 * std::numbers::pi * std::sqrt(determinant));
    ++count;
  }
  return std::log(sum / count);
}

constexpr KernelDensity::Shape shapes[] = {KernelDensity::Shape::covariance, KernelDensity::Shape::axes};

}  // namespace

TEST_CASE("Gaussian: the mean NLL of its own data is its closed-form entropy", "[examples][baselines]") {
  const Index d = GENERATE(1, 2, 5);
  const Table X = two_lumps(d, 200, 1);
  // At the maximum of the likelihood the mean squared Mahalanobis distance is d: NLL = ½ log det(2πe S).
  const Table centred = X.colwise() - X.rowwise().mean();
  const Table S = centred * centred.transpose() / double(X.cols());
  const double log_det = 2 * Eigen::LLT<Table>(S).matrixL().toDenseMatrix().diagonal().array().log().sum();
  const double expected = 0.5 * log_det + 0.5 * double(d) * std::log(2 * std::numbers::pi * std::numbers::e);
  CHECK(examples::mean_nll(FittedGaussian(X).log_prob(X)) == Approx(expected).epsilon(1e-12));
}

TEST_CASE("Gaussian: log_prob in one dimension is the textbook formula", "[examples][baselines]") {
  Table X(1, 4);
  X << 1, 2, 3, 6;  // mean 3, variance (4 + 1 + 0 + 9) / 4 = 3.5
  Table at(1, 1);
  at << 5;
  const double expected = -0.5 * std::log(2 * std::numbers::pi * 3.5) - 4 / (2 * 3.5);
  CHECK(FittedGaussian(X).log_prob(at)(0) == Approx(expected).epsilon(1e-14));
}

TEST_CASE("Gaussian refuses columns that depend on each other", "[examples][baselines]") {
  Table X = two_lumps(3, 50, 2);
  X.row(2) = X.row(0) - 2 * X.row(1);
  CHECK_THROWS_AS(FittedGaussian(X), pathline::DataError);
  CHECK_THROWS_AS(FittedGaussian(X.leftCols(2)), pathline::DataError);  // two rows of data, three columns
}

TEST_CASE("A column that follows from another is no column of its own, whatever the draw", "[examples][baselines]") {
  // Pivots of the covariance above 1e-8 let 44 of 200 copies pass: what is left of one is √ε of its spread.
  int passed = 0, lost = 0;
  for (unsigned draw = 0; draw < 200; ++draw) {
    Table X = two_lumps(3, 30, draw);
    CHECK_NOTHROW(FittedGaussian(X));
    X.row(0).array() += std::pow(10., draw % 7);
    const Table original = X;
    switch (draw % 4) {
      case 0:
        X.row(2) = X.row(0);
        break;
      case 1:
        X.row(2) = (1.8 * X.row(0).array() + 32).matrix();
        break;
      case 2:
        X.row(2) = X.row(0).cast<float>().cast<double>();
        break;
      default:
        X.row(2) = X.row(1) - 3 * X.row(0);
    }
    try {
      const FittedGaussian gaussian(X);
      ++passed;
    } catch (const pathline::DataError&) {
    }
    X = original;  // a part of 1e-5 of its own, on the other hand, is a density
    X.row(2) = X.row(0) + 1e-5 * (X.row(2).array() - X.row(2).mean()).matrix();
    try {
      const FittedGaussian gaussian(X);
    } catch (const pathline::DataError&) {
      ++lost;
    }
  }
  CHECK(passed == 0);
  CHECK(lost == 0);
}

TEST_CASE("KernelDensity: log_prob and leave-one-out agree with their sums written out", "[examples][baselines]") {
  const Table X = two_lumps(2, 300, 3);  // more than one block of queries
  const Table other = two_lumps(2, 20, 4);
  for (const KernelDensity::Shape shape : shapes) {
    const KernelDensity density(X, shape, {});
    const Eigen::Matrix2d H = density.bandwidth_matrix();
    const Values at = density.log_prob(other), left_out = density.leave_one_out();
    // Rounding of sums of 300 terms: 1e-12 leaves two digits of slack.
    for (Index i = 0; i < other.cols(); ++i)
      CHECK(at(i) == Approx(naive_log_density(X, other.col(i), H, [](Index) { return true; })).epsilon(1e-12));
    for (Index i = 0; i < X.cols(); i += 7)
      CHECK(left_out(i) == Approx(naive_log_density(X, X.col(i), H, [i](Index j) { return j != i; })).epsilon(1e-12));
  }
}

TEST_CASE("KernelDensity: no bandwidth nearby has a better leave-one-out likelihood", "[examples][baselines]") {
  const Table X = two_lumps(2, 120, 5);
  const auto nll = [&X](const Eigen::Matrix2d& H) {
    double sum = 0;
    for (Index i = 0; i < X.cols(); ++i) sum -= naive_log_density(X, X.col(i), H, [i](Index j) { return j != i; });
    return sum / double(X.cols());
  };
  for (const KernelDensity::Shape shape : shapes) {
    const KernelDensity density(X, shape, {.max_iterations = 3'000, .tolerance = 1e-8});
    const Eigen::Matrix2d H = density.bandwidth_matrix();
    CHECK(density.leave_one_out_nll() == Approx(nll(H)).epsilon(1e-12));
    for (const double factor : {0.98, 1.02})
      if (shape == KernelDensity::Shape::covariance) {
        CHECK(nll(factor * H) > nll(H));
      } else {
        const Eigen::Matrix2d first = Eigen::Vector2d(factor, 1).asDiagonal() * H;
        const Eigen::Matrix2d second = Eigen::Vector2d(1, factor).asDiagonal() * H;
        CHECK(nll(first) > nll(H));
        CHECK(nll(second) > nll(H));
      }
  }
}

TEST_CASE("KernelDensity takes the family with the better leave-one-out likelihood", "[examples][baselines]") {
  const Table X = two_lumps(2, 120, 6);
  const KernelDensity best(X), covariance(X, KernelDensity::Shape::covariance, {}),
      axes(X, KernelDensity::Shape::axes, {});
  CHECK(best.leave_one_out_nll() == std::min(covariance.leave_one_out_nll(), axes.leave_one_out_nll()));
}

TEST_CASE("KernelDensity integrates to one", "[examples][baselines]") {
  for (const Index d : {Index(1), Index(2)})
    for (const KernelDensity::Shape shape : shapes) {
      const Table X = two_lumps(d, 60, 7);
      const KernelDensity density(X, shape, {});
      const Eigen::VectorXd margin = 7 * density.bandwidths();  // outside of it lies less than 1e-11
      const Eigen::VectorXd low = X.rowwise().minCoeff() - margin, high = X.rowwise().maxCoeff() + margin;
      CHECK(integral(density, low, high, d == 1 ? 2'000 : 300) == Approx(1).margin(1e-9));
    }
}

TEST_CASE("KernelDensity: repeated and rounded values do not drive the bandwidth to zero", "[examples][baselines]") {
  Table X = two_lumps(2, 100, 8);
  X.row(1) = X.row(1).array().round();
  X.rightCols(50) = X.leftCols(50).eval();  // each row twice: leave-one-out alone would choose zero
  for (const KernelDensity::Shape shape : shapes) {
    const KernelDensity density(X, shape, {});
    // The values of the second column are one apart: no narrower than 1 / √12.
    CHECK(density.bandwidths()(1) >= 1 / std::sqrt(12.0) - 1e-12);
    CHECK(std::isfinite(density.leave_one_out_nll()));
  }
}

TEST_CASE("KernelDensity refuses a single row and wrong shapes", "[examples][baselines]") {
  CHECK_THROWS_AS(KernelDensity(two_lumps(2, 1, 1)), pathline::DataError);
  CHECK_THROWS_AS(KernelDensity(two_lumps(2, 30, 1)).log_prob(two_lumps(3, 5, 1)), pathline::ShapeError);
}

TEST_CASE("A paired difference has the standard error of the mean of differences", "[examples][baselines]") {
  Values a(4), b(4);
  a << 1, 2, 3, 6;
  b << 0, 2, 1, 1;  // differences 1 0 2 5: mean 2, variance (1 + 4 + 0 + 9) / 3
  const examples::Estimate difference = examples::paired_difference(a, b);
  CHECK(difference.mean == Approx(2));
  CHECK(difference.standard_error == Approx(std::sqrt(14.0 / 3 / 4)));
}
