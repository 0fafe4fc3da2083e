#include <pathline/nn/layer/elementwise.hpp>

#include <pathline/math/activations.hpp>

#include <support/catch.hpp>
#include <support/layer_laws.hpp>

using namespace pathline;
using namespace pathline::test;

static_assert(Layer<Elementwise<float, Tanh>> && Layer<Elementwise<double, Cube>>);

TEMPLATE_TEST_CASE("Elementwise keeps the law of layers", "[nn][gradient]", Tanh, Softplus, Sigmoid, Swish, Sine,
                   LogTwoCosh, Identity, Cube, Arctangent) {
  check_layer_laws(Elementwise<double, TestType>(3));
  check_layer_laws(Elementwise<double, TestType>(1));
}

TEST_CASE("Elementwise has no parameters, reads no side inputs and draws nothing", "[nn]") {
  const Elementwise<double, Tanh> layer(3);
  CHECK(layer.in_rows() == 3);
  CHECK(layer.out_rows() == 3);
  CHECK(layer.widest() == 3);
  CHECK(layer.side_rows() == 0);
  CHECK(layer.parameter_count() == 0);
  Vector<double> theta(0);
  Rng rng(1);
  layer.initialize(theta, rng);
  CHECK(rng == Rng(1));
}

TEST_CASE("Elementwise with Cube is the cube, and its tangents are 3 x² v", "[nn]") {
  LayerProblem problem(Elementwise<double, Cube>(2), 1, 2, 1, 0);
  problem.X << 2, 1, 0, -3, 0, 1;
  Batch<double> expected(2, 3);
  expected << 8, 12, 0, -27, 0, 27;
  CHECK(problem.linearize() == expected);
}

TEST_CASE("Elementwise refuses to have no rows", "[nn][errors]") {
  using E = Elementwise<double, Tanh>;
  CHECK_THROWS_AS(E(0), ArgumentError);
  CHECK_THROWS_WITH(E(0), "Elementwise: number of rows is 0, expected at least 1");
}
