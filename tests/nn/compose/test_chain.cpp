#include <pathline/nn/compose/chain.hpp>

#include <pathline/math/activations.hpp>
#include <pathline/nn/layer/dense.hpp>
#include <pathline/nn/layer/linear.hpp>

#include <support/catch.hpp>
#include <support/layer_laws.hpp>

#include <span>

using namespace pathline;
using namespace pathline::test;

TEST_CASE("A link takes its layer's tape and its output from the tape of the chain", "[nn]") {
  const Dense<double, Tanh> layer(2, 5);
  CHECK(detail::link_tape_size(layer, 3, 2) ==
        Slices<double>::size(layer.tape_size(3, 2)) + Slices<double>::size(5 * 3 * (1 + 2)));
  CHECK(detail::link_tape_size(Linear<double>(2, 5), 3, 0) == Slices<double>::size(15));
}

TEST_CASE("A link hands on its output, the parameters behind its own, and the rest of the tape", "[nn]") {
  const Linear<double> layer(2, 3);
  const Index own = layer.parameter_count(), n = 4;
  const Vector<double> theta = gaussian(0, own + 5, 1);
  const Batch<double> S = gaussian(1, 1, 1), X = gaussian(2, 2, 2 * n);
  Batch<double> expected(3, 2 * n), Y = Batch<double>::Constant(1, 2 * n, 7.0);
  Workspace<double> workspace;
  layer.linearize(theta.head(own), S, X, n, expected, {}, workspace);

  Vector<double> tape(detail::link_tape_size(layer, n, 1) + 8);
  const std::span<double> slab(tape.data(), std::size_t(tape.size()));
  int calls = 0;
  detail::linearize_link(layer, false, theta, S, X, n, Y, Slices<double>(slab), workspace,
                         [&](ConstVectorRef<double> theta_rest, ConstBatchRef<double> middle, Slices<double> rest) {
                           ++calls;
                           CHECK(theta_rest == theta.tail(5));
                           CHECK(middle == expected);
                           CHECK(rest.scalars(1).data() == tape.data() + detail::link_tape_size(layer, n, 1));
                         });
  CHECK(calls == 1);
  CHECK((Y.array() == 7).all());  // the output of the chain belongs to the links behind

  // Backwards: those behind come first, and what they give is pulled back through this one.
  const Batch<double> middle_bar = gaussian(3, 3, 2 * n);
  Batch<double> scratch = middle_bar, X_bar(2, 2 * n), S_bar = Batch<double>::Zero(1, 1), expected_X_bar(2, 2 * n),
                expected_S_bar = S_bar;
  Vector<double> theta_bar = Vector<double>::Zero(own + 5), expected_theta_bar = Vector<double>::Zero(own);
  layer.pullback(theta.head(own), S, X, n, {}, scratch, expected_X_bar, expected_S_bar, expected_theta_bar, workspace);
  detail::pullback_link(layer, false, theta, S, X, n, Slices<double>(slab), Y, X_bar, S_bar, theta_bar, workspace,
                        [&](ConstVectorRef<double> theta_rest, ConstBatchRef<double> middle, Slices<double> /*rest*/,
                            BatchRef<double> bar, VectorRef<double> theta_bar_rest) {
                          ++calls;
                          CHECK(theta_rest == theta.tail(5));
                          CHECK(middle == expected);
                          bar = middle_bar;
                          theta_bar_rest.setConstant(3);
                        });
  CHECK(calls == 2);
  CHECK(X_bar == expected_X_bar);
  CHECK(S_bar == expected_S_bar);
  CHECK(theta_bar.head(own) == expected_theta_bar);
  CHECK((theta_bar.tail(5).array() == 3).all());
}

TEST_CASE("The last link writes to the caller and calls nobody", "[nn]") {
  const Linear<double> layer(2, 3, 0);
  const Vector<double> theta = gaussian(0, layer.parameter_count(), 1);
  const Batch<double> S(0, 1), X = gaussian(1, 2, 4);
  Batch<double> Y(3, 4), expected(3, 4);
  Workspace<double> workspace;
  Vector<double> tape(detail::link_tape_size(layer, 4, 0));
  layer.linearize(theta, S, X, 4, expected, {}, workspace);
  detail::linearize_link(layer, true, theta, S, X, 4, Y,
                         Slices<double>(std::span<double>(tape.data(), std::size_t(tape.size()))), workspace,
                         [](const auto&...) { FAIL("there is nothing behind the last link"); });
  CHECK(Y == expected);
}
