// A flow trained on real data: what the example promises, in a form short enough for every run of the tests.
#include <examples/common/baselines.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/io/csv.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/train/fit.hpp>

#include <support/catch.hpp>

#include <string>

using namespace pathline;

namespace {

Batch<float> faithful() { return io::read_csv<float>(std::string(PATHLINE_EXAMPLE_DATA) + "/faithful.csv"); }

auto trained_flow(const Batch<float>& rows, Index epochs, std::uint64_t seed) {
  Rng rng(seed);
  const Mlp<float, Tanh> field(2, {32, 32}, rng);
  Cnf flow(field, PiController{.rtol = 1e-3, .atol = 1e-3}, Standardize(rows));
  fit(flow, rows,
      {.epochs = epochs, .batch = 64, .learning_rate = 2e-2, .final_learning_rate = 1e-3, .validate_every = 5}, rng);
  return flow;
}

}  // namespace

TEST_CASE("By 5-fold cross-validation over all rows the flow beats the fitted Gaussian", "[examples][faithful]") {
  const Batch<float> rows = faithful();
  REQUIRE(rows.cols() == 272);
  examples::Values flow(rows.cols()), gaussian(rows.cols());
  Index first = 0;
  for (Index fold = 0; fold < 5; ++fold) {
    const auto parts = fold_of(rows, fold, 5, Draw{1, 0});
    const Index count = parts.held_out.cols();
    flow.segment(first, count) = trained_flow(parts.rest, 60, 1).log_prob(parts.held_out).cast<double>();
    gaussian.segment(first, count) =
        examples::FittedGaussian(parts.rest.cast<double>()).log_prob(parts.held_out.cast<double>());
    first += count;
  }
  const examples::Estimate gain = examples::paired_difference(flow, gaussian);
  INFO("flow " << -flow.mean() << " nats, Gaussian " << -gaussian.mean() << ", gain " << gain.mean << " ± "
               << gain.standard_error);
  // Both known from many runs: the Gaussian is at 4.7 to 4.85 nats here, a well trained flow at 4.1 to 4.4.
  CHECK(-gaussian.mean() > 4.6);
  CHECK(-gaussian.mean() < 4.95);
  CHECK(gain.mean - 3 * gain.standard_error > 0.1);  // a margin of a tenth of a nat, at three standard errors
}

TEST_CASE("A trained density integrates to one, and inverse undoes transform", "[examples][faithful]") {
  const Batch<float> rows = faithful();
  const auto flow = trained_flow(rows, 40, 2);
  const Index side = 120;
  const Eigen::Array2f low(-1, 10), high(7.5F, 135), cell = (high - low) / float(side);
  Batch<float> grid(2, side * side);
  for (Index i = 0; i < grid.cols(); ++i)
    grid.col(i) = low + cell * Eigen::Array2f(float(i % side) + 0.5F, float(i / side) + 0.5F);
  const double mass = flow.log_prob(grid).cast<double>().array().exp().sum() * double(cell.prod());
  CHECK(mass == Approx(1).margin(1e-3));
  // The solver's tolerance, there and back, in units of each column's deviation.
  const Batch<float> there_and_back = flow.inverse(flow.transform(rows));
  for (Index i = 0; i < 2; ++i)
    CHECK((there_and_back - rows).row(i).cwiseAbs().maxCoeff() < 0.02F * Standardize(rows).deviation()(i));
}
