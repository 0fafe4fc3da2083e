#include <pathline/nn/layer/linear.hpp>

#include <support/catch.hpp>
#include <support/layer_laws.hpp>

using namespace pathline;
using namespace pathline::test;

static_assert(Layer<Linear<float>> && Layer<Linear<double>>);

TEST_CASE("Linear keeps the law of layers", "[nn][gradient]") {
  check_layer_laws(Linear<double>(3, 4));
  check_layer_laws(Linear<double>(4, 2, 3));
  check_layer_laws(Linear<double>(1, 1, 0));
}

TEST_CASE("Linear: tangents see W alone, and nothing is left on the tape", "[nn]") {
  const Linear<double> layer(2, 3, 1);
  CHECK(layer.tape_size(7, 3) == 0);
  CHECK(layer.parameter_count() == 3 * (1 + 2 + 1));
  CHECK(layer.widest() == 3);
  CHECK(Linear<double>(5, 3).widest() == 5);
  CHECK(Linear<double>(5, 3).side_rows() == 1);
  LayerProblem problem(layer, 1, 2, 1, 0);
  problem.X.rightCols(2).setIdentity();
  const Batch<double> Y = problem.linearize();
  CHECK(Y.rightCols(2).reshaped() == problem.theta.segment(3, 6));
}

TEST_CASE("Linear refuses sizes that make no layer", "[nn][errors]") {
  CHECK_THROWS_WITH(Linear<double>(3, 0), "Affine: number of outputs is 0, expected at least 1");
}
