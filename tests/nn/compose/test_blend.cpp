#include <pathline/nn/compose/blend.hpp>

#include <pathline/math/activations.hpp>
#include <pathline/nn/layer/dense.hpp>
#include <pathline/nn/layer/linear.hpp>

#include <support/catch.hpp>
#include <support/layer_laws.hpp>

using namespace pathline;
using namespace pathline::test;

static_assert(Layer<Blend<Linear<float>>> && Layer<Blend<Linear<double>>>);

TEST_CASE("Blend keeps the law of layers", "[nn][gradient]") {
  using L = Linear<double>;
  check_layer_laws(Blend(L(3, 4, 0), L(3, 4, 0)));
  check_layer_laws(Blend(Dense<double, Tanh>(3, 2, 1), Dense<double, Tanh>(3, 2, 3)));
}

TEST_CASE("Blend allocates nothing after its first call", "[nn][allocations]") {
  check_no_allocations(Blend(Linear<double>(8, 16, 0), Linear<double>(8, 16, 2)));
}

TEST_CASE("Blend is its first layer at time 0 and its second at time 1", "[nn]") {
  using L = Linear<double>;
  const L linear(3, 4, 0);
  LayerProblem blend(Blend(linear, linear), 5, 2, 1, 0), first(linear, 5, 2, 1, 0), second(linear, 5, 2, 1, 0);
  CHECK(blend.layer.side == 1);
  first.theta = blend.theta.head(16);
  second.theta = blend.theta.tail(16);
  blend.S.setZero();
  CHECK(blend.linearize() == first.linearize());
  blend.S.setOnes();
  CHECK((blend.linearize() - second.linearize()).lpNorm<Eigen::Infinity>() < 1e-14);  // y + (z - y), of order one

  Vector<double> theta(32), expected(32);
  Rng rng(7), same_seed(7);
  Blend(linear, linear).initialize(theta, rng);
  linear.initialize(expected.head(16), same_seed);
  linear.initialize(expected.tail(16), same_seed);
  CHECK(theta == expected);
}

TEST_CASE("Blend refuses layers of different shapes", "[nn][errors]") {
  using L = Linear<double>;
  CHECK_THROWS_WITH(Blend(L(3, 4), L(2, 4)), "Blend: input of layer 2 has 2 rows, expected 3");
  CHECK_THROWS_WITH(Blend(L(3, 4), L(3, 5)), "Blend: output of layer 2 has 5 rows, expected 4");
}
