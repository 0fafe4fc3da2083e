#include <pathline/nn/layer/concat_squash.hpp>

#include <support/catch.hpp>
#include <support/layer_laws.hpp>

#include <cmath>
#include <tuple>

using namespace pathline;
using namespace pathline::test;

static_assert(Layer<ConcatSquash<float>> && Layer<ConcatSquash<double>>);

TEST_CASE("ConcatSquash keeps the law of layers", "[nn][gradient]") {
  check_layer_laws(ConcatSquash<double>(3, 4));
  check_layer_laws(ConcatSquash<double>(4, 2, 3));
  check_layer_laws(ConcatSquash<double>(1, 1));
}

TEST_CASE("ConcatSquash: θ = [W | b | G | g | H] of a gated and shifted affine map", "[nn]") {
  const ConcatSquash<double> layer(2, 1);
  CHECK(layer.parameter_count() == 2 + 1 + 1 + 1 + 1);
  CHECK(layer.side_rows() == 1);
  CHECK(ConcatSquash<double>(5, 3).widest() == 5);
  LayerProblem problem(layer, 1, 1, 1, 0);
  const auto& theta = problem.theta;
  const double gate = 1 / (1 + std::exp(-(theta(3) * problem.S(0) + theta(4))));
  const double affine = theta(0) * problem.X(0, 0) + theta(1) * problem.X(1, 0) + theta(2);
  const Batch<double> Y = problem.linearize();
  CHECK(Y(0, 0) == Approx(affine * gate + theta(5) * problem.S(0)).epsilon(1e-14));  // a few ulp
  CHECK(Y(0, 1) == Approx((theta(0) * problem.X(0, 1) + theta(1) * problem.X(1, 1)) * gate).epsilon(1e-14));
}

TEST_CASE("ConcatSquash allocates nothing after its first call", "[nn][allocations]") {
  check_no_allocations(ConcatSquash<double>(8, 16, 2));
}

TEST_CASE("ConcatSquash starts uniform on ±1/√(fan-in), every part by a draw of its own", "[nn]") {
  const ConcatSquash<double> layer(16, 50, 4);
  Vector<double> theta(layer.parameter_count());
  Rng rng(3);
  layer.initialize(theta, rng);
  CHECK(rng.next() == 3);
  // Of 200 numbers or more none is above the bound, and the largest is above 0.9 of it but with probability 0.9^200.
  const Index map = 50 * 17, gate = 50 * 5;
  for (const auto& [at, size, bound] :
       {std::tuple(Index(0), map, 0.25), {map, gate, 0.5}, {map + gate, Index(200), 0.5}}) {
    CHECK(theta.segment(at, size).cwiseAbs().maxCoeff() < bound);
    CHECK(theta.segment(at, size).cwiseAbs().maxCoeff() > 0.9 * bound);
  }
}

TEST_CASE("ConcatSquash refuses sizes that make no layer", "[nn][errors]") {
  CHECK_THROWS_WITH(ConcatSquash<double>(3, 4, 0), "ConcatSquash: number of side inputs is 0, expected at least 1");
  CHECK_THROWS_WITH(ConcatSquash<double>(0, 4), "Affine: number of inputs is 0, expected at least 1");
}
