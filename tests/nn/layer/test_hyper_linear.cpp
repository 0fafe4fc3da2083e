#include <pathline/nn/layer/hyper_linear.hpp>

#include <support/catch.hpp>
#include <support/layer_laws.hpp>

using namespace pathline;
using namespace pathline::test;

static_assert(Layer<HyperLinear<float>> && Layer<HyperLinear<double>>);

TEST_CASE("HyperLinear keeps the law of layers", "[nn][gradient]") {
  check_layer_laws(HyperLinear<double>(3, 4));
  check_layer_laws(HyperLinear<double>(4, 2, 3));
}

TEST_CASE("HyperLinear allocates nothing after its first call", "[nn][allocations]") {
  check_no_allocations(HyperLinear<double>(8, 16, 2));
}

TEST_CASE("HyperLinear: weights and bias are affine in the side inputs", "[nn]") {
  const HyperLinear<double> layer(2, 1, 2);
  CHECK(layer.parameter_count() == 3 * (2 + 1));
  CHECK(HyperLinear<double>(5, 3).side_rows() == 1);
  CHECK(HyperLinear<double>(5, 3).widest() == 5);
  const Index columns = GENERATE(1, 4, 8);
  LayerProblem problem(layer, 4, 1, columns, 0);
  const Batch<double> Y = problem.linearize();
  for (Index j = 0; j < 4; ++j) {
    const Batch<double> s = problem.S.col(columns == 1 ? 0 : j);
    const Vector<double> at = problem.theta.head(3) + s(0) * problem.theta.segment(3, 3) + s(1) * problem.theta.tail(3);
    // Some ten terms of order one.
    CHECK(Y(0, j) == Approx(at.head(2).dot(problem.X.col(j)) + at(2)).margin(1e-14));
  }
}

TEST_CASE("HyperLinear: side inputs that are shared are side inputs that are the same for each sample", "[nn]") {
  LayerProblem shared(HyperLinear<double>(3, 4, 2), 5, 2, 1, 0), each(HyperLinear<double>(3, 4, 2), 5, 2, 5, 0);
  each.S = shared.S.replicate(1, 5);
  CHECK((shared.linearize() - each.linearize()).lpNorm<Eigen::Infinity>() < 1e-13);
  const LayerGradients one = shared.pullback(shared.zero()), other = each.pullback(each.zero());
  // Sums of at most 60 terms of order ten.
  CHECK((one.X - other.X).lpNorm<Eigen::Infinity>() < 1e-12);
  CHECK((one.S - other.S.rowwise().sum()).lpNorm<Eigen::Infinity>() < 1e-12);
  CHECK((one.theta - other.theta).lpNorm<Eigen::Infinity>() < 1e-12);
}

TEST_CASE("HyperLinear: weights that it mixes are not kept for parameters that do not change", "[nn]") {
  LayerProblem problem(HyperLinear<double>(6, 5), 4, 1, 1, 0);
  const Workspace<double>::Unchanged unchanged(problem.workspace, problem.theta);
  const Batch<double> before = problem.linearize();
  const LayerGradients back = problem.pullback(problem.zero());
  problem.S *= 3;
  LayerProblem fresh(HyperLinear<double>(6, 5), 4, 1, 1, 0);
  fresh.S *= 3;
  CHECK(problem.linearize() == fresh.linearize());
  CHECK(problem.linearize() != before);
  const LayerGradients other = fresh.pullback(fresh.zero());
  CHECK(problem.pullback(problem.zero()).X == other.X);
  CHECK(back.X != other.X);
}

TEST_CASE("HyperLinear starts each of its maps by a draw of its own", "[nn]") {
  const HyperLinear<double> layer(4, 3, 2);
  Vector<double> theta(layer.parameter_count()), expected(15);
  Rng rng(7), same_seed(7);
  layer.initialize(theta, rng);
  CHECK(rng.next() == 3);
  for (Index r = 0; r < 3; ++r) {
    Affine<double>(4, 3, 0).initialize(expected, same_seed);
    CHECK(theta.segment(15 * r, 15) == expected);
  }
}

TEST_CASE("HyperLinear refuses sizes that make no layer", "[nn][errors]") {
  CHECK_THROWS_WITH(HyperLinear<double>(3, 4, 0), "HyperLinear: number of side inputs is 0, expected at least 1");
  CHECK_THROWS_WITH(HyperLinear<double>(3, 0), "Affine: number of outputs is 0, expected at least 1");
}
