#include <pathline/nn/compose/sequential.hpp>

#include <pathline/math/activations.hpp>
#include <pathline/nn/layer/dense.hpp>
#include <pathline/nn/layer/elementwise.hpp>
#include <pathline/nn/layer/linear.hpp>

#include <support/catch.hpp>
#include <support/layer_laws.hpp>

#include <span>
#include <tuple>

using namespace pathline;
using namespace pathline::test;

static_assert(Layer<Sequential<Linear<float>>>);
static_assert(Layer<Sequential<Elementwise<double, Cube>, Dense<double, Tanh>, Linear<double>>>);
static_assert(Layer<Sequential<Sequential<Linear<double>>, Linear<double>>>);
static_assert(tape_optional<Sequential<Dense<double, Tanh>, Linear<double>>>);
static_assert(!tape_optional<Sequential<Elementwise<double, Cube>, Linear<double>>>, "every layer must say so");

TEST_CASE("Sequential keeps the law of layers", "[nn][gradient]") {
  check_layer_laws(Sequential(Linear<double>(3, 2)));
  // Side inputs: one layer reads none, others one and three.
  check_layer_laws(Sequential(Elementwise<double, Cube>(2), Dense<double, Tanh>(2, 5, 3), Dense<double, Softplus>(5, 4),
                              Linear<double>(4, 3, 0)));
  // Nested, and a layer without parameters at the end.
  check_layer_laws(Sequential(Sequential(Dense<double, Sine>(2, 3), Linear<double>(3, 4)), Dense<double, Swish>(4, 2),
                              Elementwise<double, LogTwoCosh>(2)));
}

TEST_CASE("Sequential is one layer after another", "[nn]") {
  const Dense<double, Tanh> first(2, 5, 2);
  const Linear<double> second(5, 3);
  const Sequential both(first, second);
  CHECK(both.in_rows() == 2);
  CHECK(both.out_rows() == 3);
  CHECK(both.side_rows() == 2);
  CHECK(both.widest() == 5);
  CHECK(both.parameter_count() == first.parameter_count() + second.parameter_count());

  LayerProblem problem(both, 4, 2, 1, 0);
  const Batch<double> Y = problem.linearize();
  Vector<double> tape(first.tape_size(4, 2));
  Batch<double> middle(5, 12), expected(3, 12);
  Workspace<double> workspace;
  first.linearize(problem.theta.head(first.parameter_count()), problem.S, problem.X, 4, middle,
                  std::span<double>(tape.data(), std::size_t(tape.size())), workspace);
  second.linearize(problem.theta.tail(second.parameter_count()), problem.S, middle, 4, expected, {}, workspace);
  CHECK((Y - expected).lpNorm<Eigen::Infinity>() < 1e-14);  // sums may start at another alignment
}

TEST_CASE("Sequential starts its layers in their order, one draw each", "[nn]") {
  const Linear<double> first(2, 5), second(5, 3);
  Vector<double> theta(first.parameter_count() + second.parameter_count()), expected = theta;
  Rng rng(9), same_seed(9);
  const Sequential both(first, second);
  CHECK(std::get<1>(both.layers()).in_rows() == 5);
  both.initialize(theta, rng);
  first.initialize(expected.head(first.parameter_count()), same_seed);
  second.initialize(expected.tail(second.parameter_count()), same_seed);
  CHECK(theta == expected);
  CHECK(rng.next() == 2);
}

TEST_CASE("Sequential refuses layers that do not fit", "[nn][errors]") {
  const auto misfit = [] { return Sequential(Linear<double>(2, 3), Linear<double>(3, 4), Linear<double>(5, 2)); };
  CHECK_THROWS_AS(misfit(), ShapeError);
  CHECK_THROWS_WITH(misfit(), "Sequential: input of layer 3 has 5 rows, expected 4");
}
