#include <pathline/nn/compose/residual.hpp>

#include <pathline/math/activations.hpp>
#include <pathline/nn/layer/dense.hpp>

#include <support/catch.hpp>
#include <support/layer_laws.hpp>

#include <limits>

using namespace pathline;
using namespace pathline::test;

using Hidden = Dense<double, Tanh>;
static_assert(Layer<Residual<Hidden>> && Layer<Residual<Dense<float, Tanh>>>);

TEST_CASE("Residual keeps the law of layers", "[nn][gradient]") {
  check_layer_laws(Residual(Hidden(3, 3, 2)));
  check_layer_laws(Residual(Hidden(3, 3, 2), 0.25));
}

TEST_CASE("Residual allocates nothing after its first call", "[nn][allocations]") {
  check_no_allocations(Residual(Hidden(8, 8, 2)));
}

TEST_CASE("Residual is its input plus h times its layer", "[nn]") {
  LayerProblem residual(Residual(Hidden(3, 3), 0.25), 4, 2, 1, 0), layer(Hidden(3, 3), 4, 2, 1, 0);
  CHECK((residual.linearize() - residual.X - 0.25 * layer.linearize()).lpNorm<Eigen::Infinity>() < 1e-14);

  Vector<double> theta(15), expected(15);
  Rng rng(7), same_seed(7);
  Residual(Hidden(3, 3)).initialize(theta, rng);
  Hidden(3, 3).initialize(expected, same_seed);
  CHECK(theta == expected);
}

TEST_CASE("Residual refuses a layer that changes the number of rows", "[nn][errors]") {
  CHECK_THROWS_WITH(Residual(Hidden(3, 4)), "Residual: output of the layer has 4 rows, expected 3");
  CHECK_THROWS_WITH(Residual(Hidden(3, 3), std::numeric_limits<double>::infinity()),
                    "Residual: h is inf, expected a finite number");
}
