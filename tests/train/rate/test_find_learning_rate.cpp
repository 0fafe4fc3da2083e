#include <pathline/train/rate/find_learning_rate.hpp>

#include <pathline/train/batch_source.hpp>
#include <pathline/train/fit.hpp>
#include <pathline/train/sgd.hpp>
#include <pathline/train/weighted_data.hpp>

#include <support/catch.hpp>
#include <support/memory_keeper.hpp>

#include <cmath>
#include <limits>

using namespace pathline;

namespace {

/// Without running statistics, which would move the loss.
struct Plain : test::NoisyMean {
  void after_step(const Memory& memory) = delete;
};

/// Loss ½ ‖θ - mean‖² but for a constant: plain descent diverges from a rate of 2 on.
Batch<double> samples() {
  Batch<double> X(2, 100);
  fill<Gaussian>(Draw{3, 0}, 0, X);
  return 0.1 * X.array() + 3;
}
constexpr Sgd descent{.learning_rate = 1, .momentum = 0};
constexpr RateSearch search{.lowest = 1e-4, .highest = 1e2, .steps = 120, .batch = 20};

}  // namespace

TEST_CASE("The rate finder sees where the loss falls and where it grows, and leaves all as it was", "[train][rate]") {
  Plain model;
  model.theta << 1, -1, 0.5, 0;
  const Vector<double> before = model.theta;
  const Rng rng(4);
  const RateCurve curve = find_learning_rate(model, samples(), search, rng, descent);
  CHECK(model.theta == before);
  CHECK(rng == Rng(4));
  REQUIRE(curve.rates.size() > 60);
  CHECK(curve.rates.size() < 120);  // it stopped when the loss grew
  CHECK(curve.losses.size() == curve.rates.size());
  CHECK(curve.smoothed.size() == curve.rates.size());
  CHECK(curve.rates.front() == 1e-4);
  CHECK(curve.rates[20] == Approx(1e-4 * std::pow(1e6, 20. / 119)));
  CHECK(curve.smoothed.front() == Approx(curve.losses.front()));
  CHECK(curve.best > 0.1);
  CHECK(curve.best < 4);  // 2, and the smoothed loss lags behind
  CHECK(curve.suggested == curve.best / 10);
  CHECK(find_learning_rate(model, samples(), search, rng, descent).losses == curve.losses);

  // A start from which no rate gets lower.
  model.theta << 3, 3, 0, 0;
  CHECK(std::isnan(find_learning_rate(model, Batch<double>(samples().array() * 0 + 3),
                                      {.lowest = 3, .highest = 100, .steps = 20}, rng, descent)
                       .suggested));
}

TEST_CASE("The rate finder takes weights, sources and other optimizers, and checks what it is given",
          "[train][rate][errors]") {
  Plain model;
  const Rng rng(4);
  const Batch<double> X = samples();
  const RateCurve plain = find_learning_rate(model, X, search, rng);
  CHECK(plain.losses !=
        find_learning_rate(model, with_weights(X, Row<double>::LinSpaced(100, 0, 1)), search, rng).losses);
  const FreshSamples fresh([&](Index n, const Draw&) { return Batch<double>(X.leftCols(n)); }, 40);
  CHECK(find_learning_rate(model, fresh, search, rng).suggested > 0);

  CHECK_THROWS_WITH(find_learning_rate(model, X, {.lowest = 0}, rng),
                    "find_learning_rate: lowest is 0, expected a positive number");
  CHECK_THROWS_WITH(find_learning_rate(model, X, {.lowest = 1, .highest = 1}, rng),
                    "find_learning_rate: highest is 1, expected above lowest");
  CHECK_THROWS_WITH(find_learning_rate(model, X, {.steps = 9}, rng),
                    "find_learning_rate: steps is 9, expected at least 10");
  CHECK_THROWS_WITH(find_learning_rate(model, X, {.batch = 0}, rng),
                    "find_learning_rate: batch is 0, expected at least 1");
  CHECK_THROWS_AS(find_learning_rate(model, Batch<double>(X.topRows(1)), {}, rng), ShapeError);
  CHECK(model.theta.isZero());
  model.parameters()(1) = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH(find_learning_rate(model, X, {}, rng),
                    "find_learning_rate: parameters(1) is nan, expected a finite number");
}
