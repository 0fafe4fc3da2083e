#include <pathline/nn/compose/repeat.hpp>

#include <pathline/math/activations.hpp>
#include <pathline/nn/compose/sequential.hpp>
#include <pathline/nn/layer/dense.hpp>
#include <pathline/nn/layer/elementwise.hpp>
#include <pathline/nn/layer/linear.hpp>

#include <support/catch.hpp>
#include <support/layer_laws.hpp>
#include <support/logistic.hpp>

#include <span>
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

namespace {

/// The same, which does not say so.
struct Opaque {
  template <class P>
  [[nodiscard]] static Jet<P> jet(P x) {
    return Logistic::jet(x);
  }
};

template <class Sigma>
Repeat<Dense<double, Sigma>> three_layers() {
  using L = Dense<double, Sigma>;
  return Repeat<L>(3, {L(3, 5, 2), L(5, 4, 0), L(4, 3, 1)});
}
template <class Sigma>
auto three_layers_and_a_linear_one() {
  return Sequential(Sequential(Elementwise<double, Cube>(3), three_layers<Sigma>()), Linear<double>(3, 3));
}

}  // namespace

TEST_CASE("Layers whose slopes follow from their outputs keep the law of layers, with less of a tape",
          "[nn][gradient]") {
  check_layer_laws(three_layers<Logistic>());
  check_layer_laws(three_layers_and_a_linear_one<Logistic>());
  using L = Dense<double, Logistic>;  // one, without tangents, leaves nothing on the tape
  check_layer_laws(Sequential(Repeat<L>(3, {L(3, 5)}), Linear<double>(5, 3)));
  CHECK(Repeat<L>(3, {L(3, 5)}).tape_size_beside_output(4, 0) == 0);
  const Index n = 8, k = GENERATE(0, 2);
  const auto size = [](Index count) { return Slices<double>::size(count); };
  // No slopes and, with tangents, no pre-activations of values; of the last layer of a chain only where that is kept.
  const Index spared =
      size(5 * n) + size(4 * n) + (k > 0 ? size(5 * n * 3) + size(4 * n * 3) - size(5 * n * 2) - size(4 * n * 2) : 0);
  const Index last = size(3 * n) + (k > 0 ? size(3 * n * 3) - size(3 * n * 2) : 0);
  CHECK(three_layers<Opaque>().tape_size(n, k) - three_layers<Logistic>().tape_size(n, k) == spared);
  CHECK(three_layers_and_a_linear_one<Opaque>().tape_size(n, k) -
            three_layers_and_a_linear_one<Logistic>().tape_size(n, k) ==
        spared + last);
}

TEST_CASE("Layers that read their outputs give the gradients of those that do not", "[nn][gradient]") {
  const Index k = GENERATE(0, 1, 3);
  LayerProblem one(three_layers_and_a_linear_one<Logistic>(), 4, k, 1, 0),
      other(three_layers_and_a_linear_one<Opaque>(), 4, k, 1, 0);
  const Batch<double> Y = one.linearize(), expected = other.linearize();
  const double scale = expected.cwiseAbs().maxCoeff();
  CHECK((Y - expected).cwiseAbs().maxCoeff() < 1e-14 * scale);
  const LayerGradients bar = one.pullback(one.zero()), expected_bar = other.pullback(other.zero());
  CHECK((bar.X - expected_bar.X).cwiseAbs().maxCoeff() < 1e-13 * expected_bar.X.cwiseAbs().maxCoeff());
  CHECK((bar.S - expected_bar.S).cwiseAbs().maxCoeff() < 1e-13 * expected_bar.S.cwiseAbs().maxCoeff());
  CHECK((bar.theta - expected_bar.theta).cwiseAbs().maxCoeff() < 1e-13 * expected_bar.theta.cwiseAbs().maxCoeff());
}

TEST_CASE("A chain of floats has the gradients of its layers one by one, bit for bit", "[nn][gradient]") {
  // Where tanh comes from a table, the chain keeps no slopes, and a layer by itself keeps them.
  using L = Dense<float, Tanh>;
  const Index n = 5, k = GENERATE(0, 2), columns = n * (1 + k);
  const Repeat<L> chain(3, {L(3, 37), L(37, 3)});
  const L &first = chain.layers()[0], &second = chain.layers()[1];
  const Vector<float> theta = gaussian(0, chain.parameter_count(), 1).cast<float>();
  const Batch<float> S = Batch<float>::Constant(1, 1, 0.3F), X = gaussian(1, 3, columns).cast<float>();
  const Batch<float> Y_bar = gaussian(2, 3, columns).cast<float>();
  const auto span = [](Vector<float>& v) { return std::span<float>(v.data(), std::size_t(v.size())); };
  const Index count = first.parameter_count(), rest = second.parameter_count();
  Workspace<float> workspace;
  Vector<float> tape(chain.tape_size(n, k)), tape_1(first.tape_size(n, k)), tape_2(second.tape_size(n, k));
  Batch<float> Y(3, columns), middle(37, columns), expected(3, columns);
  chain.linearize(theta, S, X, n, Y, span(tape), workspace);
  first.linearize(theta.head(count), S, X, n, middle, span(tape_1), workspace);
  second.linearize(theta.tail(rest), S, middle, n, expected, span(tape_2), workspace);
  CHECK(Y == expected);

  Batch<float> bar = Y_bar, X_bar(3, columns), expected_X_bar(3, columns), middle_bar(37, columns);
  Batch<float> S_bar = Batch<float>::Zero(1, 1), expected_S_bar = S_bar;
  Vector<float> theta_bar = Vector<float>::Zero(theta.size()), expected_theta_bar = theta_bar;
  chain.pullback(theta, S, X, n, span(tape), bar, X_bar, S_bar, theta_bar, workspace);
  bar = Y_bar;
  second.pullback(theta.tail(rest), S, middle, n, span(tape_2), bar, middle_bar, expected_S_bar,
                  expected_theta_bar.tail(rest), workspace);
  first.pullback(theta.head(count), S, X, n, span(tape_1), middle_bar, expected_X_bar, expected_S_bar,
                 expected_theta_bar.head(count), workspace);
  CHECK(X_bar == expected_X_bar);
  CHECK(S_bar == expected_S_bar);
  CHECK(theta_bar == expected_theta_bar);
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
