/// \file
/// The fitted mixture: one component is the fitted Gaussian, every iteration gains, and lumps are found.
#include <examples/common/mixture.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <vector>

namespace {

using examples::FittedGaussian;
using examples::GaussianComponents;
using examples::Index;
using examples::Table;
using examples::Values;
using pathline::Rng;

/// Two lumps of the plane, at (-3, 0) with weight 0.3 and at (3, 1): the first round, the second long.
struct Lumps {
  Table X;
  std::vector<Index> labels;

  explicit Lumps(Index n) : X(2, n), labels(std::size_t(n)) {
    Rng rng(7);
    pathline::fill<pathline::Gaussian>(rng.draw(), 0, X);
    const pathline::Draw choice = rng.draw();
    for (Index i = 0; i < n; ++i) {
      const Index k = choice.number_at<pathline::Uniform>(i, 0) < 0.3 ? 0 : 1;
      const double g = X(0, i), h = X(1, i);
      labels[std::size_t(i)] = k;
      if (k == 0)
        X.col(i) << 0.5 * g - 3, 0.5 * h;
      else
        X.col(i) << 0.4 * g + 3, g + 0.3 * h + 1;
    }
  }
  /// The true density of these rows.
  [[nodiscard]] Values log_prob() const {
    Values result(X.cols());
    for (Index i = 0; i < X.cols(); ++i) {
      const double x = X(0, i), y = X(1, i), a = (x - 3) / 0.4, b = (y - 1 - a) / 0.3;
      const double first = 0.3 / 0.25 * std::exp(-0.5 * ((x + 3) * (x + 3) + y * y) / 0.25);
      result(i) = std::log((first + 0.7 / 0.12 * std::exp(-0.5 * (a * a + b * b))) / 6.283185307179586);
    }
    return result;
  }
};

}  // namespace

TEST_CASE("One component is the fitted Gaussian", "[examples][mixture]") {
  const Lumps lumps(300);
  const GaussianComponents mixture(lumps.X, 1, Rng(1).draw());
  // Both go through the same whitening; the covariance of whitened rows is I to rounding.
  CHECK((mixture.log_prob(lumps.X) - FittedGaussian(lumps.X).log_prob(lumps.X)).cwiseAbs().maxCoeff() < 1e-10);
}

TEST_CASE("The density of a mixture integrates to one", "[examples][mixture]") {
  const Lumps lumps(200);
  const GaussianComponents mixture(lumps.X, 3, Rng(1).draw());
  // Cells of 0.05, below a seventh of the least deviation, 0.3 · 0.4 / √(1 + 0.3²) > 0.1: the error is below 1e-4.
  Table cells(2, 320 * 320);
  for (Index k = 0; k < cells.cols(); ++k) cells.col(k) << 0.05 * double(k / 320) - 8, 0.05 * double(k % 320) - 8;
  CHECK(std::abs(mixture.log_prob(cells).array().exp().sum() * 0.0025 - 1) < 1e-3);
}

TEST_CASE("No iteration of expectation maximisation loses penalised likelihood", "[examples][mixture]") {
  const Lumps lumps(200);
  double last = -1e300;
  for (int iterations = 1; iterations <= 30; ++iterations) {
    const GaussianComponents mixture(lumps.X, 4, Rng(1).draw(), {.max_iterations = iterations, .tolerance = 0});
    CHECK(mixture.objective() >= last - 1e-12);
    last = mixture.objective();
  }
}

TEST_CASE("Two lumps are found, and their density is the true one", "[examples][mixture]") {
  const Lumps lumps(4000);
  const GaussianComponents mixture(lumps.X, 2, Rng(1).draw(), {.prior = 0.01});
  const double light = mixture.weights().minCoeff();
  // Standard error of the weight √(0.3 · 0.7 / 4000) = 0.0073; 11 parameters cost 11 / 2 / 4000 = 0.0014 nats.
  CHECK(std::abs(light - 0.3) < 4 * 0.0073);
  const examples::Estimate loss = examples::paired_difference(lumps.log_prob(), mixture.log_prob(lumps.X));
  CHECK(std::abs(loss.mean) < 0.0014 * 5);
  CHECK(std::abs((lumps.log_prob() - FittedGaussian(lumps.X).log_prob(lumps.X)).mean()) > 0.5);  // one is not enough
}

TEST_CASE("Labelled components classify the lumps that they were made of", "[examples][mixture]") {
  const Lumps lumps(500);
  const auto mixture = GaussianComponents::labelled(lumps.X, lumps.labels, 2, 1);
  const Table log_p = mixture.component_log_prob(lumps.X);
  Index wrong = 0;
  for (Index i = 0; i < lumps.X.cols(); ++i)
    wrong += (log_p(1, i) > log_p(0, i)) != (lumps.labels[std::size_t(i)] == 1);
  CHECK(wrong == 0);  // 6 apart, with deviations of 0.5 and 0.4
  const Values weighted =
      (log_p.colwise() + mixture.weights().array().log().matrix()).array().exp().colwise().sum().log();
  CHECK((weighted - mixture.log_prob(lumps.X)).cwiseAbs().maxCoeff() < 1e-10);
}

TEST_CASE("A mixture refuses what it cannot be made of", "[examples][mixture][errors]") {
  const Lumps lumps(20);
  CHECK_THROWS_AS(GaussianComponents(lumps.X, 0, Rng(1).draw()), pathline::ArgumentError);
  CHECK_THROWS_AS(GaussianComponents(lumps.X, 21, Rng(1).draw()), pathline::ArgumentError);
  CHECK_THROWS_AS(GaussianComponents(lumps.X, 2, Rng(1).draw(), {.prior = 0}), pathline::ArgumentError);
  std::vector<Index> labels(20, 2);
  CHECK_THROWS_AS(GaussianComponents::labelled(lumps.X, labels, 2, 1), pathline::ArgumentError);
  labels.pop_back();
  CHECK_THROWS_AS(GaussianComponents::labelled(lumps.X, labels, 2, 1), pathline::ShapeError);
}
