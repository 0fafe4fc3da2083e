#include <pathline/nn/network.hpp>

#include <pathline/math/activations.hpp>
#include <pathline/nn/compose/sequential.hpp>
#include <pathline/nn/layer/dense.hpp>
#include <pathline/nn/layer/elementwise.hpp>
#include <pathline/nn/layer/linear.hpp>

#include <support/catch.hpp>
#include <support/layer_laws.hpp>

using namespace pathline;
using namespace pathline::test;

namespace {

using Layers = Sequential<Dense<double, Tanh>, Linear<double>>;
static_assert(Field<Network<Layers>> && Field<Network<Elementwise<float, Cube>>>);

Layers layers() { return Layers(Dense<double, Tanh>(2, 4, 2), Linear<double>(4, 2)); }

}  // namespace

TEST_CASE("A network keeps the law of layers", "[nn][gradient]") {
  Rng rng(1);
  check_layer_laws(FieldAsLayer<Network<Layers>>{Network(layers(), rng)});
}

TEST_CASE("A network is its layer with parameters of its own", "[nn]") {
  Rng rng(1);
  Network network(layers(), rng);
  CHECK(network.dim() == 2);
  CHECK(network.side_rows() == 2);
  CHECK(network.widest() == 4);
  CHECK(network.parameters().size() == layers().parameter_count());
  CHECK(network.tape_size(3, 1) == layers().tape_size(3, 1));
  LayerProblem by_layer(network.layer(), 3, 1, 1, 0), by_field(FieldAsLayer<Network<Layers>>{network}, 3, 1, 1, 0);
  CHECK(by_layer.linearize() == by_field.linearize());
}

TEST_CASE("A network is a value, and the same seed starts the same one", "[nn]") {
  Rng rng(1), same_seed(1), other_seed(2);
  const Network network(layers(), rng);
  Network copy = network;
  CHECK(Network(layers(), same_seed).parameters() == network.parameters());
  CHECK(Network(layers(), other_seed).parameters() != network.parameters());
  copy.parameters().setZero();
  CHECK(network.parameters() != copy.parameters());
  // The next network of the same generator is another one.
  CHECK(Network(layers(), rng).parameters() != network.parameters());
}

TEST_CASE("A network refuses a layer that is no vector field", "[nn][errors]") {
  Rng rng(1);
  CHECK_THROWS_AS(Network(Linear<double>(2, 3), rng), ShapeError);
  CHECK_THROWS_WITH(Network(Linear<double>(2, 3), rng), "Network: output of the last layer has 3 rows, expected 2");
  CHECK(rng == Rng(1));
}
