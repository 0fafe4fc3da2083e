// Importance weights of known laws: the evidence and its error, effective samples, and the shape of a tail.
#include <pathline/train/variational/importance_weights.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <cstdint>
#include <limits>

using namespace pathline;

namespace {

/// n standard normal numbers, the same for each draw.
Row<double> normal(std::uint64_t draw, Index n) {
  Batch<double> X(1, n);
  fill<Gaussian>(Draw{12, draw}, 0, X);
  return X;
}

}  // namespace

TEST_CASE("Equal weights are worth all samples, one that has all is worth one", "[train][variational]") {
  CHECK(effective_sample_size(Row<double>::Constant(100, -1234.5)) == Approx(100).epsilon(1e-13));
  Row<double> one = Row<double>::Constant(50, -std::numeric_limits<double>::infinity());
  one(7) = 3;
  CHECK(effective_sample_size(one) == 1);
  // w = (1, 3): (1 + 3)² / (1 + 9).
  CHECK(effective_sample_size(Row<float>{{0.F, std::log(3.F)}}) == Approx(1.6).epsilon(1e-6));
  const Estimate none = log_evidence(Row<double>::Constant(100, -1234.5));
  CHECK(none.value == Approx(-1234.5).epsilon(1e-14));
  CHECK(none.standard_error < 1e-15);
  CHECK(pareto_k(Row<double>::Constant(100, 1.)) == -std::numeric_limits<double>::infinity());
  CHECK(pareto_k(1e-6 * normal(1, 100)) == -std::numeric_limits<double>::infinity());  // rounding
}

TEST_CASE("The evidence of a Gaussian target, with its error", "[train][variational]") {
  // q = N(0, 1), p̃ = 5 N(m, s²): with s < √2 the weights have a variance, `relative` times the square of their mean.
  const double m = 0.3, s = 0.8;
  const Index n = 20'000;
  const Row<double> x = normal(0, n);
  const Row<double> log_weights =
      (std::log(5 / s) - ((x.array() - m) / s).square() / 2 + x.array().square() / 2).matrix();
  const Estimate evidence = log_evidence(log_weights);
  const double relative = std::exp(m * m / (2 - s * s)) / (s * s * std::sqrt(2 / (s * s) - 1)) - 1;
  CHECK(std::abs(evidence.value - std::log(5)) < 4 * evidence.standard_error);  // 1 of 16,000 draws is further away
  CHECK(evidence.standard_error == Approx(std::sqrt(relative / n)).epsilon(0.05));
  CHECK(effective_sample_size(log_weights) == Approx(n / (1 + relative)).epsilon(0.02));
  // Means over the target: m, and s² + m².
  const Estimate mean = weighted_mean(x, log_weights), square = weighted_mean(x.cwiseAbs2(), log_weights);
  CHECK(std::abs(mean.value - m) < 4 * mean.standard_error);
  CHECK(std::abs(square.value - (s * s + m * m)) < 4 * square.standard_error);
  CHECK(mean.standard_error == Approx(s / std::sqrt(double(n))).epsilon(0.3));
  // Of 200 estimates by 100 samples each some 95 of 100 lie within two standard errors: 200 * 0.045 = 9 do not, with a
  // deviation of 3. The logarithm of a mean of so few is biased by relative / 200, a twentieth of its error.
  Index outside = 0;
  for (Index i = 0; i < 200; ++i) {
    const Estimate part = log_evidence(log_weights.segment(100 * i, 100));
    outside += std::abs(part.value - std::log(5)) > 2 * part.standard_error ? 1 : 0;
  }
  CHECK(outside <= 9 + 4 * 3);
  CHECK(outside > 0);
}

TEST_CASE("k-hat of weights with a Pareto tail is its shape", "[train][variational][many-draws]") {
  // P(w > t) = t^(-1/k). The fit to M = 3√n = 190 weights has a deviation of (1 + k) / √M, and draws k towards 1/2 as
  // by ten more; the mean over 16 samples has a fourth of it.
  for (const double k : {0.2, 0.5, 0.9}) {
    const Index n = 4000, M = 190;
    double mean = 0;
    for (std::uint64_t draw = 0; draw < 16; ++draw) {
      Row<double> u(n);
      fill<Uniform>(Draw{13, draw}, 0, u);
      mean += pareto_k((-k * u.array().log()).matrix()) / 16;
    }
    INFO("k = " << k << ", got " << mean);
    const double drawn = (double(M) * k + 5) / (double(M) + 10), deviation = (1 + k) / std::sqrt(double(M)) / 4;
    CHECK(std::abs(mean - drawn) < 4 * deviation);
  }
  CHECK(largest_reliable_k(100) == Approx(0.5));
  CHECK(largest_reliable_k(1'000'000) == 0.7);
}

TEST_CASE("Smoothed weights agree with a second statement of the algorithm", "[train][variational]") {
  // By NumPy, written from the paper: (k, largest, sum of the smoothed log-weights).
  Row<double> log_weights(200);
  for (int j = 0; j < 200; ++j) log_weights(j) = 0.8 * std::log(1 / ((j * 37 % 200 + 0.5) / 200)) + 0.1 * std::sin(j);
  const ParetoSmoothed got = pareto_smoothed(log_weights);
  CHECK(got.k == Approx(0.7116961050367374).epsilon(1e-12));
  CHECK(got.log_weights.maxCoeff() == Approx(4.552536647949788).epsilon(1e-12));
  CHECK(got.log_weights.sum() == Approx(158.63681061899322).epsilon(1e-12));
  CHECK(got.log_weights.maxCoeff() <= log_weights.maxCoeff());
  CHECK((got.log_weights.array() != log_weights.array()).count() <= 40);  // n / 5
  // A common factor changes nothing, were it e^2000.
  const ParetoSmoothed far = pareto_smoothed((log_weights.array() - 2000).matrix());
  CHECK(far.k == Approx(got.k).epsilon(1e-9));
  CHECK((far.log_weights.array() + 2000 - got.log_weights.array()).abs().maxCoeff() < 1e-9);
}

TEST_CASE("Importance weights that are none are refused", "[train][variational][errors]") {
  const double infinity = std::numeric_limits<double>::infinity();
  Row<double> w = Row<double>::Zero(30);
  CHECK_THROWS_WITH(effective_sample_size(Row<double>(0)),
                    "effective_sample_size: log-weights are missing, expected at least one");
  CHECK_THROWS_WITH(log_evidence(Row<double>::Constant(3, -infinity)), "log_evidence: all weights are 0");
  CHECK_THROWS_WITH(pareto_k(w.head(24)), "pareto_smoothed: 24 weights, expected at least 25 to fit a tail");
  CHECK_THROWS_AS(weighted_mean(w.head(5), w), ShapeError);
  w(4) = infinity;
  CHECK_THROWS_WITH(log_evidence(w), "log_evidence: log-weight is inf at sample 4, expected a number below infinity");
  w(4) = std::nan("");
  CHECK_THROWS_AS(weighted_mean(w, w), DataError);
  CHECK(log_evidence(Row<double>::Zero(1)).standard_error == infinity);
}
