#include <pathline/flow/transform/dequantize.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <type_traits>

using namespace pathline;

namespace {

template <class Scalar>
Batch<Scalar> all_levels(Index levels, Index n) {
  Batch<Scalar> X(levels, n);
  for (Index i = 0; i < levels; ++i) X.row(i).setConstant(Scalar(i));
  return X;
}

}  // namespace

TEMPLATE_TEST_CASE("dequantize keeps every number within its level, inside (0, 1)", "[flow][dequantize]", float,
                   double) {
  const Index levels = GENERATE(2, 3, 10, 256, 1000), n = 2000;
  const Batch<TestType> X = all_levels<TestType>(levels, n);
  const Dequantized<TestType> result = dequantize(X, levels, Draw{1, 2});
  CHECK(result.data.minCoeff() > 0);
  CHECK(result.data.maxCoeff() < 1);
  CHECK(quantize(result.data, levels) == X);
  CHECK(result.log_det == Approx(-double(levels) * std::log(double(levels))).epsilon(1e-15));
  // Uniform within each level: 4.9 standard errors 1/√(12 n) of the mean, 1e-6 each for a false alarm.
  const Vector<double> inner =
      (double(levels) * result.data.template cast<double>() - X.template cast<double>()).rowwise().mean();
  CHECK((inner.array() - 0.5).abs().maxCoeff() < 4.9 / std::sqrt(12.0 * double(n)) + 1e-4);
}

TEST_CASE("dequantize does not round up to the next level where the noise is next to 1", "[flow][dequantize]") {
  // The float next to 1 and level 255 of 256: (255 + u) / 256 rounds to 1.
  const Draw draw{3, 3};
  Index id = 0;
  while (draw.number_at<Uniform>(id, 0) < 1 - 1e-5) ++id;
  const Batch<float> X = Batch<float>::Constant(1, 1, 255);
  REQUIRE(float((255 + draw.number_at<Uniform>(id, 0)) / 256) == 1.0F);
  CHECK(dequantize(X, 256, draw, id).data(0, 0) == std::nextafter(1.0F, 0.0F));
}

TEST_CASE("dequantize: the noise is named by the sample, not by the batch", "[flow][dequantize]") {
  const Batch<double> X = all_levels<double>(3, 40);
  const Batch<double> whole = dequantize(X, 3, Draw{1, 2}).data;
  CHECK(dequantize(X.leftCols(5), 3, Draw{1, 2}, 17).data == whole.middleCols(17, 5));
  CHECK(dequantize(X, 3, Draw{1, 3}).data != whole);
}

TEST_CASE("dequantize: the mean likelihood is at most that of the integers", "[flow][dequantize]") {
  // p(v) = 2 v on (0, 1) gives the levels 0 and 1 of two the probabilities 1/4 and 3/4 exactly.
  const Index n = 20'000;
  const Dequantized<double> zero = dequantize(Batch<double>::Zero(1, n), 2, Draw{5, 0});
  const Dequantized<double> one = dequantize(Batch<double>::Ones(1, n), 2, Draw{5, 1});
  const auto bound = [](const Dequantized<double>& d) { return (2 * d.data.array()).log().mean() + d.log_det; };
  // ∫_0^1 log(u / 1) du - log 2 = -1 - log 2 <= log 1/4; ∫_1^2 log u du - log 2 = log 2 - 1 <= log 3/4. Standard errors
  // of log u are 1/√n and less.
  CHECK(std::abs(bound(zero) - (-1 - std::log(2.0))) < 4.9 / std::sqrt(double(n)));
  CHECK(std::abs(bound(one) - (std::log(2.0) - 1)) < 4.9 / std::sqrt(double(n)));
  CHECK(bound(zero) < std::log(0.25));
  CHECK(bound(one) < std::log(0.75));
}

TEST_CASE("nats_to_bits_per_dim: a uniform density of 256 levels costs 8 bits", "[flow][dequantize]") {
  const Dequantized<double> result = dequantize(Batch<double>::Zero(12, 1), 256, Draw{1, 1});
  CHECK(nats_to_bits_per_dim(-(0 + result.log_det), 12) == Approx(8).epsilon(1e-15));
  CHECK_THROWS_WITH(nats_to_bits_per_dim(1, 0), "nats_to_bits_per_dim: d is 0, expected at least 1");
}

TEST_CASE("quantize sends numbers outside to the nearest level", "[flow][dequantize]") {
  const Batch<double> V = (Batch<double>(1, 4) << -0.3, 0.3, 1, 1.7).finished();
  CHECK(quantize(V, 4) == (Batch<double>(1, 4) << 0, 1, 3, 3).finished());
  CHECK_THROWS_AS(quantize(V, 1), ArgumentError);
}

TEST_CASE("dequantize refuses what is no level and says which", "[flow][dequantize][errors]") {
  Batch<float> X = Batch<float>::Zero(2, 5);
  CHECK_THROWS_WITH(dequantize(X, 1, Draw{}), "dequantize: levels is 1, expected at least 2");
  for (const float wrong : {-1.0F, 0.5F, 8.0F, NAN, INFINITY}) {
    X(1, 3) = wrong;
    CHECK_THROWS_WITH(dequantize(X, 8, Draw{}), ContainsSubstring("at component 1 of sample 3, expected an integer "
                                                                  "from 0 to 7"));
  }
}

TEST_CASE("dequantize refuses more levels than the scalar can tell apart", "[flow][dequantize][errors]") {
  CHECK_THROWS_WITH(dequantize(Batch<float>::Zero(1, 1).eval(), Index(1) << 24, Draw{}),
                    "dequantize: levels is 16777216, expected at most 8388608, 1/ε");
  CHECK_NOTHROW(dequantize(Batch<double>::Zero(1, 1).eval(), Index(1) << 24, Draw{}));
}
