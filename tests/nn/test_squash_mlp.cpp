#include <pathline/nn/squash_mlp.hpp>

#include <support/catch.hpp>
#include <support/layer_laws.hpp>

using namespace pathline;
using namespace pathline::test;

using Field3 = SquashMlp<double, Tanh>;
static_assert(Field<Field3>);

TEST_CASE("SquashMlp keeps the law of layers", "[nn][gradient]") {
  Rng rng(1);
  check_layer_laws(FieldAsLayer<Field3>{Field3(2, {5, 4}, rng)});
  check_layer_laws(FieldAsLayer<Field3>{Field3(3, {}, rng, 2)});
}

TEST_CASE("SquashMlp is concat-squash layers with activations between them", "[nn]") {
  Rng rng(1), same_seed(1);
  const Field3 field(2, {5, 4}, rng, 3);
  CHECK(rng.next() == 9);  // three draws a layer
  CHECK(field.dim() == 2);
  CHECK(field.side_rows() == 3);
  CHECK(field.widest() == 5);
  using C = ConcatSquash<double>;
  using E = Elementwise<double, Tanh>;
  const Network by_hand(Sequential(C(2, 5, 3), E(5), C(5, 4, 3), E(4), C(4, 2, 3)), same_seed);
  CHECK(field.parameters() == by_hand.parameters());
  LayerProblem one(FieldAsLayer<Field3>{field}, 4, 1, 1, 0), other(by_hand.layer(), 4, 1, 1, 0);
  CHECK(one.linearize() == other.linearize());
}

TEST_CASE("SquashMlp refuses widths that make no layer", "[nn][errors]") {
  Rng rng(1);
  CHECK_THROWS_WITH(Field3(2, {4, 0}, rng), "Affine: number of outputs is 0, expected at least 1");
  CHECK_THROWS_WITH(Field3(2, {4}, rng, 0), "ConcatSquash: number of side inputs is 0, expected at least 1");
  CHECK(rng == Rng(1));
}
