// Weighted samples of a flow that is not the target: known moments, a known tail, and what is said of it.
#include <pathline/train/variational/importance_sample.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/nn/mlp.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <numbers>

using namespace pathline;

namespace {

/// exp(-‖x‖² / 2s²), of integral 2πs².
struct Isotropic {
  float s;
  void log_density_and_score(ConstBatchRef<float> X, RowRef<float> log_p, BatchRef<float> X_bar) const {
    log_p = -X.colwise().squaredNorm() / (2 * s * s);
    X_bar = -X / (s * s);
  }
};

}  // namespace

TEST_CASE("Samples of N(0, I) stand for narrow targets, and it is said that they do not for wide ones",
          "[train][variational]") {
  Rng rng(3);
  Cnf flow(Mlp<float, Tanh>(2, {4}, rng), Rk4{}, FixedSteps(1));
  flow.parameters().setZero();
  const auto narrow = importance_sample(flow, Isotropic{0.8F}, 4000, rng);
  const double log_integral = std::log(2 * std::numbers::pi * 0.64);
  CHECK(std::abs(narrow.log_evidence.value - log_integral) < 4 * narrow.log_evidence.standard_error);
  // E log p̃ - log q = log 2π + 1 - 1/s².
  CHECK(std::abs(narrow.elbo.value - (std::log(2 * std::numbers::pi) + 1 - 1 / 0.64)) < 4 * narrow.elbo.standard_error);
  CHECK(narrow.k < 0.5);  // bounded weights
  CHECK(narrow.warnings.empty());
  const Estimate square = weighted_mean(narrow.samples.row(0).cwiseAbs2(), narrow.log_weights);
  CHECK(std::abs(square.value - 0.64) < 4 * square.standard_error);

  // log w = (1 - 1/s²) ‖x‖² / 2, and ‖x‖² / 2 is exponential: k = 1 - 1/s² = 0.96. One sample's has a deviation of
  // (1 + k) / √190 = 0.14.
  const auto wide = importance_sample(flow, Isotropic{5}, 4000, rng);
  CHECK(std::abs(wide.k - 0.96) < 4 * 0.14);
  CHECK(wide.k > largest_reliable_k(4000));
  REQUIRE(wide.warnings.size() == 1);
  CHECK_THAT(wide.warnings[0], ContainsSubstring("importance_sample: the weights' tail has a k-hat of ") &&
                                   ContainsSubstring("more than 0.7"));
  CHECK_THROWS_AS(importance_sample(flow, Isotropic{1}, 20, rng), ArgumentError);

  const Cnf estimates(flow.field(), Rk4{}, FixedSteps(1), EvaluationTrace{Hutchinson<Rademacher>{}});
  const auto noisy = importance_sample(estimates, Isotropic{1}, 100, rng);
  REQUIRE(noisy.warnings.size() == 1);
  CHECK_THAT(noisy.warnings[0], ContainsSubstring("importance_sample: the flow's EvaluationTrace is an estimate"));
}
