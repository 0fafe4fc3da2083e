// Float flows of data in double: the transform takes x - mean before anything is rounded to float.
#include <pathline/flow/cnf.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/train/fit.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>

#include <cmath>
#include <concepts>
#include <numeric>
#include <set>
#include <vector>

using namespace pathline;

namespace {

constexpr double offset = 1.7e9, deviation = 1000;  // times of a day in seconds; float tells every 128th second

/// d rows at a large offset above one row of context.
Batch<double> rows(Index d, Index n) {
  Batch<double> X(d + 1, n);
  fill<Gaussian>(Draw{5, 2}, 0, X);
  X.topRows(d) = (offset + deviation * X.topRows(d).array()).matrix().eval();
  return X;
}

auto flow_of(const Batch<double>& X) {
  Rng rng(4);
  const Index d = X.rows() - 1;
  return Cnf(Mlp<float, Tanh>(d, {8}, rng, 2), Standardize(X.topRows(d)), PiController{.rtol = 1e-5, .atol = 1e-5});
}

using Flow = decltype(flow_of(Batch<double>()));
static_assert(std::same_as<Flow::Scalar, float> && std::same_as<Flow::DataScalar, double>);
static_assert(std::same_as<Cnf<Mlp<float, Tanh>, Standardize<float>>::DataScalar, float>);
static_assert(std::same_as<Cnf<Mlp<double, Tanh>, Standardize<double>>::DataScalar, double>);

}  // namespace

TEST_CASE("A float flow tells samples apart that float does not", "[flow][double-data]") {
  const Batch<double> X = rows(1, 200);
  Flow flow = flow_of(X);
  flow.parameters().setZero();  // the identity: log p is that of the fitted normal distribution
  const Row<float> log_p = flow.log_prob(X);
  const double mean = X.row(0).mean(), variance = (X.row(0).array() - mean).square().mean();
  for (Index j = 0; j < X.cols(); ++j) {
    const double x = X(0, j) - mean;
    // Of order 10, rounded to float a few times.
    CHECK(double(log_p(j)) == Approx(-0.5 * x * x / variance - 0.5 * std::log(2 * M_PI * variance)).epsilon(1e-6));
  }
  const Batch<float> Z = flow.transform(X);
  CHECK(std::set<float>(Z.data(), Z.data() + Z.size()).size() == 200);
  CHECK(std::set<float>(X.row(0).begin(), X.row(0).end()).size() < 100);  // what float keeps of them
  CHECK((flow.trajectory(X, {0.0, 1.0}).back() - Z).cwiseAbs().maxCoeff() < 1e-6F);
}

TEST_CASE("A float flow of double data gives double samples, and their log p", "[flow][double-data]") {
  const Batch<double> X = rows(1, 50);
  const Flow flow = flow_of(X);
  Rng rng(3), same(3);
  const Batch<double> samples = flow.sample(X.bottomRows(1), rng);
  Batch<float> Z(2, 50);
  Batch<float> noise(1, 50);
  StandardNormal{}.sample(same.draw(), 0, noise);
  Z << noise, X.bottomRows(1).cast<float>();
  CHECK(samples == flow.inverse(Z));
  Batch<double> both(2, 50);
  both << samples, X.bottomRows(1);
  // To the tolerance of the solves. Rounded to float in between, samples would be off by up to 64 / 1000.
  CHECK((flow.transform(both) - noise).cwiseAbs().maxCoeff() < 1e-3F);
}

TEST_CASE("A float flow trains on double data by the gradient of its likelihood", "[flow][double-data][gradient]") {
  const Batch<double> X = rows(2, 9);
  Flow flow = flow_of(X);
  std::vector<Index> ids(9);
  std::iota(ids.begin(), ids.end(), Index(0));
  Flow::Memory memory;
  TrainingLoss<float> loss = flow.make_training_loss();
  flow.value_and_gradient(X, ids, Draw{1, 1}, memory, loss);
  {
    AllocationCounter counter;
    flow.value_and_gradient(X, ids, Draw{1, 1}, memory, loss);
    CHECK(counter.count() == 0);
  }
  CHECK(loss.negative_log_likelihood == Approx(-double(flow.log_prob(X).mean())).epsilon(1e-5));
  const Vector<float> gradient = loss.gradient;
  // Along the gradient itself: truncation h² and the rounding of the loss, 1e-6 / h, stay below 1e-3 of 1.
  const float h = 1e-2F / gradient.norm();
  const Vector<float> theta = flow.parameters();
  flow.parameters() = theta + h * gradient;
  flow.value_and_gradient(X, ids, Draw{1, 1}, memory, loss);
  const double above = loss.loss;
  flow.parameters() = theta - h * gradient;
  flow.value_and_gradient(X, ids, Draw{1, 1}, memory, loss);
  CHECK((above - loss.loss) / (2 * double(h)) == Approx(double(gradient.squaredNorm())).epsilon(5e-3));
}

TEST_CASE("fit learns a double table by a float flow", "[flow][double-data]") {
  const Batch<double> X = rows(1, 200);
  Flow flow = flow_of(X);
  Rng rng(6);
  const FitReport report = fit(flow, X, {.epochs = 20, .batch = 50}, rng, Adam{.learning_rate = 1e-2});
  // The entropy of the data's distribution is log 1000 + ½ log 2πe = 8.327; 20 held-out rows tell it to 0.16.
  CHECK(report.best_criterion == Approx(8.327).margin(0.5));
  CHECK(report.warnings.empty());

  // In double Standardize tells 0 ... 10 apart beside 1e12; in float the field does not.
  Batch<double> far = rows(1, 200);
  far.row(0) = (far.row(0).array() - offset) / 300;
  far(0, 17) = 1e12;
  Flow blind = flow_of(far);
  const std::vector<std::string> warnings = fit(blind, far, {.epochs = 1}, rng).warnings;
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings[0], ContainsSubstring("component 0 of the data is 1e+12 in sample 17") &&
                              ContainsSubstring("where float tells"));
}

TEST_CASE("A sample whose coordinate overflows in float is named", "[flow][double-data][errors]") {
  Batch<double> X = rows(1, 50);
  const Flow flow = flow_of(X);
  X(0, 33) = 1e300;
  CHECK_THROWS_WITH(flow.log_prob(X), ContainsSubstring("data is 1e+300 at component 0 of sample 33, expected a number "
                                                        "that the data transform takes to a finite float"));
}

TEST_CASE("A float flow of double data has its score", "[flow][double-data][gradient]") {
  const Batch<double> X = rows(2, 30);
  const auto flow = flow_of(X);
  const auto [log_prob, score] = flow.log_prob_with_score(X);
  CHECK(log_prob.isApprox(flow.log_prob(X), 1e-6F));  // whose exact trace is in closed form
  // Per unit of the raw data, by differences of 100 units: rounding of log p, 1e-6 / 200, beside scores of 1e-3.
  const double h = 100;
  for (Index i = 0; i < 2; ++i) {
    Batch<double> above = X, below = X;
    above.row(i).array() += h;
    below.row(i).array() -= h;
    const Row<double> slope = (flow.log_prob(above) - flow.log_prob(below)).cast<double>() / (2 * h);
    CHECK((slope - score.row(i)).cwiseAbs().maxCoeff() < 5e-5);
  }
  CHECK(score.cwiseAbs().maxCoeff() > 5e-4);
}
