// The average of the parameters against its definition, and through a run that is interrupted.
#include <pathline/train/exponential_moving_average.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/train/fit.hpp>

#include <support/catch.hpp>
#include <support/memory_keeper.hpp>

#include <cmath>
#include <limits>
#include <span>
#include <vector>

using namespace pathline;
using test::MemoryKeeper;
using test::NoisyMean;

namespace {

struct Interrupted {};

/// What a run of 5 epochs with 3 steps each leaves; the callback throws in epoch `until`.
struct Outcome {
  NoisyMean model{};
  ExponentialMovingAverage<double> average{.decay = 0.8};
  std::vector<Vector<double>> seen{};  // θ after each step
};

static_assert(detail::FitPolicies<double, ExponentialMovingAverage<double>&>::steps &&
              !detail::FitPolicies<double, ExponentialMovingAverage<double>>::steps &&
              !detail::FitPolicies<double, const ExponentialMovingAverage<double>&>::steps &&
              !detail::FitPolicies<float, ExponentialMovingAverage<double>&>::steps);

/// Keeps θ of every step.
struct Watch {
  std::vector<Vector<double>>& seen;
  const NoisyMean& model;
  static constexpr bool watches_steps = true;
  void after_step(ConstVectorRef<double> theta) const { seen.push_back(theta); }
  void operator()(const EpochReport&) const { CHECK(seen.back() == model.theta); }
};

void train(Outcome& out, const MemoryKeeper& keeper, Index until) {
  Batch<double> X(2, 24);
  fill<Gaussian>(Draw{3, 0}, 0, X);
  Rng rng(7);
  const Watch watch{out.seen, out.model};
  const auto stop = [until](const EpochReport& epoch) {
    if (epoch.epoch == until) throw Interrupted{};
  };
  fit(out.model, X, {.epochs = 5, .batch = 8, .validation_fraction = 0}, rng, keeper, Adam{.learning_rate = 0.05},
      out.average, watch, stop);
}

}  // namespace

TEST_CASE("ExponentialMovingAverage is the weighted mean of the parameters after each step", "[train][average]") {
  Outcome out;
  train(out, {}, 0);
  REQUIRE(out.seen.size() == 15);
  CHECK(out.average.steps == 15);
  Vector<double> sum = Vector<double>::Zero(4);
  double weights = 0;
  for (std::size_t i = 0; i < 15; ++i) {
    const double weight = std::pow(0.8, 14 - double(i));
    sum += weight * out.seen[i];
    weights += weight;
  }
  CHECK((out.average.parameters() - sum / weights).norm() < 1e-15 * 15);

  CHECK(out.seen.back().tail(2).norm() > 0);  // statistics, which the model itself moves

  // Parameters that stay are their own average from the first step on; with decay 0 the last are.
  ExponentialMovingAverage<float> still{.decay = 0.999}, last{.decay = 0};
  const Vector<float> theta = Vector<float>::LinSpaced(3, -1, 5);
  for (int i = 0; i < 5; ++i) {
    still.after_step(theta);
    last.after_step(Vector<float>(theta * float(i)));
  }
  CHECK(still.parameters() == theta);
  CHECK(last.parameters() == theta * 4);
}

TEST_CASE("ExponentialMovingAverage goes on from a checkpoint with the same bits", "[train][average][checkpoint]") {
  Outcome whole;
  train(whole, {}, 0);
  const MemoryKeeper keeper{.every = 2};
  for (const Index until : {2, 4}) {  // after epochs 0 and 2 were kept
    Outcome part;
    CHECK_THROWS_AS(train(part, keeper, until), Interrupted);
  }
  Outcome resumed;
  train(resumed, keeper, 0);
  CHECK(resumed.seen.size() == 9);  // epochs 3 to 5
  CHECK(resumed.average.steps == 15);
  CHECK(resumed.average.average == whole.average.average);
  CHECK(resumed.model.theta == whole.model.theta);
  Outcome other;
  other.average.decay = 0.9;
  CHECK_THROWS_AS(train(other, keeper, 0), CheckpointError);
}

TEST_CASE("ExponentialMovingAverage changes places with the model's parameters", "[train][average]") {
  Outcome out;
  CHECK_THROWS_WITH(out.average.parameters(),
                    "ExponentialMovingAverage: steps is 0, expected at least 1: train with it first");
  train(out, {}, 0);
  const Vector<double> mean = out.average.parameters(), kept = out.model.theta;
  CHECK(mean != kept);
  out.average.swap(out.model);
  CHECK(out.model.theta == mean);
  CHECK(out.average.average == kept);
  out.average.swap(out.model);
  CHECK(out.model.theta == kept);

  out.average.average(1) = std::numeric_limits<double>::infinity();
  CHECK_THROWS_WITH(out.average.swap(out.model),
                    "ExponentialMovingAverage::swap: average(1) is inf, expected a finite number");
  CHECK_THROWS_AS(out.average.after_step(Vector<double>::Zero(3)), ShapeError);
  out.model.theta.resize(3);
  CHECK_THROWS_WITH(out.average.swap(out.model),
                    "ExponentialMovingAverage::swap: the model's vector of parameters has 3 rows, expected 4");
  Outcome wrong;
  wrong.average.decay = 1;
  CHECK_THROWS_WITH(train(wrong, {}, 0), "ExponentialMovingAverage: decay is 1, expected at least 0 and below 1");
  CHECK(wrong.seen.empty());
}
