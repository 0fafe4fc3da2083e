// Training of a flow of several blocks from raw data, with the default solver in single precision.
#include <pathline/flow/cnf.hpp>
#include <pathline/flow/stack/field_stack.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/train/fit.hpp>

#include <support/catch.hpp>
#include <support/differences.hpp>

#include <Eigen/LU>

#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

constexpr Index d = 2;

Batch<float> numbers() {
  Batch<float> X(d, 256);
  fill<Gaussian>(Draw{8, 1}, 0, X);
  return X;
}

auto normalizing_flow(Rng& rng) {
  return Cnf(FieldStack(Mlp<float, Tanh>::layers(d, {16}), 2, rng, MovingNormalization{}),
             PiController{.rtol = 1e-3, .atol = 1e-3});
}

}  // namespace

TEST_CASE("fit of a stack brings parameters and statistics of the best epoch back", "[flow][stack][train]") {
  // It begins with the statistics of the rows that it is judged by; each epoch moves them away, to rows about 50.
  const Batch<float> judged = numbers().leftCols(96), X = (10 * judged.array() + 50).matrix();
  Rng rng(2);
  auto flow = normalizing_flow(rng);
  std::vector<Vector<float>> seen;
  const auto watch = [&](const EpochReport&) { seen.push_back(flow.parameters()); };
  const auto report = fit(flow, X, judged, {.epochs = 2, .batch = 48}, rng, watch, Adam{.learning_rate = 1e-2},
                          EarlyStopping{.patience = 5});
  REQUIRE(seen.size() == 2);
  REQUIRE(report.best_epoch == 1);
  CHECK(flow.parameters() == seen[0]);
  CHECK((seen[1] - seen[0]).segment(2 * d, d).minCoeff() > 1);  // means of the first normalisation
  CHECK(-flow.log_prob(judged).cast<double>().mean() == report.best_criterion);
}

TEST_CASE("fit trains a stack, and keeps the statistics of the best parameters", "[flow][stack][train][many-draws]") {
  // Two clusters, far off and wide: FFJORD's use of normalisation in front of the first block.
  Batch<float> X = numbers();
  X.row(0) = (0.5F * X.row(0).array() + 4 * X.row(1).array().sign()).matrix().eval();
  X = (10 * X.array() + 50).matrix().eval();
  Rng rng(2);
  auto flow = normalizing_flow(rng);
  Vector<float> at_best = flow.parameters();
  const auto watch = [&](const EpochReport& epoch) {
    if (epoch.best) at_best = flow.parameters();
  };
  const auto report = fit(flow, X, X, {.epochs = 60, .batch = 64}, rng, watch, Adam{.learning_rate = 1e-2},
                          EarlyStopping{.patience = 5});
  CHECK(report.best_epoch > 1);
  CHECK(flow.parameters() == at_best);
  const double nll = -flow.log_prob(X).cast<double>().mean();
  CHECK(nll == report.best_criterion);
  // The normal law of the same mean and covariance is what an affine map reaches.
  const Batch<double> data = X.cast<double>();
  const Vector<double> mean = data.rowwise().mean();
  const Batch<double> centred = data.colwise() - mean, covariance = centred * centred.transpose() / 256.0;
  const double normal = 1 + std::log(2 * M_PI) + 0.5 * std::log(covariance.determinant());
  INFO(nll << " nats after " << report.epochs.size() << " epochs; normal law " << normal);
  CHECK(nll < normal - 0.3);
  // Many steps with decay 0.1 have brought the first normalisation to the data.
  CHECK(max_difference(flow.parameters().segment(2 * d, d).cast<double>(), mean) < 0.3);
}
