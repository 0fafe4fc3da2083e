#include <pathline/train/rate/find_learning_rate.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/ode/errors.hpp>
#include <pathline/train/batch_source.hpp>
#include <pathline/train/fit.hpp>
#include <pathline/train/sgd.hpp>
#include <pathline/train/weighted_data.hpp>

#include <support/catch.hpp>
#include <support/memory_keeper.hpp>

#include <cmath>
#include <limits>
#include <span>

using namespace pathline;

namespace {

/// Without running statistics, which would move the loss.
struct Plain : test::NoisyMean {
  void after_step(const Memory& memory) = delete;
};

/// A model that fails where its first parameter is above a bound: by a solve, or by a loss or gradient of no number.
struct Failing : Plain {
  enum class How { solve, loss, gradient } how = How::solve;
  double bound = 2;

  void value_and_gradient(const Batch<double>& X, std::span<const Index> samples, const Vector<double>& weights,
                          const Draw& draw, Memory& memory, Loss& loss) const {
    NoisyMean::value_and_gradient(X, samples, weights, draw, memory, loss);
    if (theta(0) <= bound) return;
    if (how == How::solve) throw NonFiniteError("solve", SolveFailure{});
    (how == How::loss ? loss.loss : loss.gradient(1)) = std::numeric_limits<double>::quiet_NaN();
  }
  void value_and_gradient(const Batch<double>& X, std::span<const Index> samples, const Draw& draw, Memory& memory,
                          Loss& loss) const {
    value_and_gradient(X, samples, Vector<double>::Ones(X.cols()), draw, memory, loss);
  }
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

TEST_CASE("The rate finder says so where no step can be taken, and leaves all as it was", "[train][rate][errors]") {
  const Batch<double> X = samples();
  const Rng rng(4);
  for (const auto how : {Failing::How::solve, Failing::How::loss, Failing::How::gradient}) {
    Failing model;
    model.how = how;
    model.theta << 2.5, 0, 0, 0;  // fails before the first step
    const Vector<double> before = model.theta;
    if (how == Failing::How::solve)
      CHECK_THROWS_AS(find_learning_rate(model, X, search, rng, descent), SolveError);
    else
      CHECK_THROWS_WITH(find_learning_rate(model, X, search, rng, descent),
                        ContainsSubstring("the loss or its gradient is not finite before the first step"));
    CHECK(model.theta == before);

    // The first step goes too far: a curve of one rate, which suggests nothing.
    model.theta << 1, 0, 0, 0;
    const RateCurve at_once = find_learning_rate(model, X, {.lowest = 0.9, .highest = 9, .steps = 20}, rng, descent);
    CHECK(at_once.rates.size() == 1);
    CHECK(at_once.best == 0.9);
    CHECK(std::isnan(at_once.suggested));
    CHECK_THROWS_AS(Sgd{.learning_rate = at_once.suggested}.check(), ArgumentError);
    CHECK(model.theta == Vector<double>{{1, 0, 0, 0}});

    // A later one does: the curve ends there, and what it saw until then counts.
    model.theta.setZero();
    const RateCurve later = find_learning_rate(model, X, search, rng, descent);
    CHECK(later.rates.size() > 20);
    CHECK(later.rates.back() < 1);
    CHECK(later.suggested == later.best / 10);
    CHECK(model.theta.isZero());
  }
  // A loss that explodes by the first step, without a failure.
  Plain model;
  const RateCurve exploded = find_learning_rate(model, X, {.lowest = 50, .highest = 100, .steps = 20}, rng, descent);
  CHECK(exploded.rates.size() == 1);
  CHECK(std::isnan(exploded.suggested));
}

TEST_CASE("The rate finder goes on with rows in a new order where there are fewer mini-batches than steps",
          "[train][rate][errors]") {
  Plain model;
  const Batch<double> X = samples();
  // Seven rows in mini-batches of five and two; and in one that is asked for more rows than there are.
  for (const Index batch : {5, 1000}) {
    const RateCurve curve =
        find_learning_rate(model, Batch<double>(X.leftCols(7)),
                           {.lowest = 1e-4, .highest = 0.5, .steps = 30, .batch = batch}, Rng(4), descent);
    CHECK(curve.rates.size() == 30);
    CHECK(curve.suggested > 0);
  }
  const RateCurve one = find_learning_rate(model, Batch<double>(X.leftCols(1)), search, Rng(4), descent);
  CHECK(one.suggested > 0);
  const FreshSamples none([&](Index n, const Draw&) { return Batch<double>(X.leftCols(n)); }, 0);
  CHECK_THROWS_WITH(find_learning_rate(model, none, search, Rng(4)),
                    "find_learning_rate: samples of the source is 0, expected at least 1");
  CHECK_THROWS_AS(find_learning_rate(model, Batch<double>(2, 0), search, Rng(4)), DataError);
  CHECK(model.theta.isZero());
}
