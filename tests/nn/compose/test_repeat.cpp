#include <pathline/nn/compose/repeat.hpp>

#include <pathline/math/activations.hpp>
#include <pathline/nn/compose/sequential.hpp>
#include <pathline/nn/layer/dense.hpp>

#include <support/catch.hpp>
#include <support/layer_laws.hpp>

#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

using Hidden = Dense<double, Tanh>;
static_assert(Layer<Repeat<Hidden>> && Layer<Repeat<Dense<float, Tanh>>>);

}  // namespace

TEST_CASE("Repeat keeps the law of layers", "[nn][gradient]") {
  check_layer_laws(Repeat<Hidden>(3, {Hidden(3, 5, 2), Hidden(5, 4, 0), Hidden(4, 2, 1)}));
  check_layer_laws(Repeat<Hidden>(2, {Hidden(2, 4)}));
  check_layer_laws(Repeat<Hidden>(3, {}));
}

TEST_CASE("Repeat of no layer is the identity", "[nn]") {
  const Repeat<Hidden> none(3, {});
  CHECK(none.in_rows() == 3);
  CHECK(none.out_rows() == 3);
  CHECK(none.widest() == 3);
  CHECK(none.side_rows() == 0);
  CHECK(none.parameter_count() == 0);
  CHECK(none.tape_size(7, 2) == 0);
  LayerProblem problem(none, 4, 2, 1, 0);
  CHECK(problem.linearize() == problem.X);
  CHECK(problem.pullback(problem.zero()).X == problem.Y_bar);
}

TEST_CASE("Repeat is Sequential of the same layers, bit for bit", "[nn]") {
  const Hidden a(2, 5, 2), b(5, 4), c(4, 3, 0);
  const Repeat<Hidden> repeat(2, {a, b, c});
  const Sequential sequential(a, b, c);
  CHECK(repeat.in_rows() == 2);
  CHECK(repeat.out_rows() == 3);
  REQUIRE(repeat.layers().size() == 3);
  CHECK(repeat.layers()[1].in_rows() == 5);
  CHECK(repeat.side_rows() == 2);
  CHECK(repeat.widest() == 5);
  CHECK(repeat.parameter_count() == sequential.parameter_count());
  CHECK(repeat.tape_size(4, 2) == sequential.tape_size(4, 2));
  LayerProblem one(repeat, 4, 2, 1, 0), other(sequential, 4, 2, 1, 0);
  CHECK(one.linearize() == other.linearize());
  const LayerGradients one_bar = one.pullback(one.zero()), other_bar = other.pullback(other.zero());
  CHECK(one_bar.X == other_bar.X);
  CHECK(one_bar.S == other_bar.S);
  CHECK(one_bar.theta == other_bar.theta);

  Vector<double> theta(repeat.parameter_count()), expected(repeat.parameter_count());
  Rng rng(9), same_seed(9);
  repeat.initialize(theta, rng);
  sequential.initialize(expected, same_seed);
  CHECK(theta == expected);
  CHECK(rng.next() == 3);
}

TEST_CASE("Repeat refuses layers that do not fit", "[nn][errors]") {
  CHECK_THROWS_AS(Repeat<Hidden>(3, {Hidden(2, 5)}), ShapeError);
  CHECK_THROWS_WITH(Repeat<Hidden>(3, {Hidden(2, 5)}), "Repeat: input of layer 1 has 2 rows, expected 3");
  CHECK_THROWS_WITH(Repeat<Hidden>(2, {Hidden(2, 5), Hidden(4, 2)}), "Repeat: input of layer 2 has 4 rows, expected 5");
}
