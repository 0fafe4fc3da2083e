#include <pathline/nn/mlp.hpp>

#include <pathline/math/activations.hpp>
#include <pathline/nn/layer_field.hpp>

#include <pathline/core/chunks.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/layer_laws.hpp>

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

static_assert(Field<Mlp<float, Tanh>> && Field<Mlp<double, Cube>>);
static_assert(tape_optional<Mlp<float, Tanh>> && tape_optional<LayerField<Mlp<float, Tanh>::Layers>>);

template <class Sigma = Tanh>
Mlp<double, Sigma> mlp(const std::vector<Index>& hidden, Index side = 1, std::uint64_t seed = 5) {
  Rng rng(seed);
  return Mlp<double, Sigma>(2, hidden, rng, side);
}

}  // namespace

TEMPLATE_TEST_CASE("Mlp keeps the law of layers", "[nn][gradient]", Tanh, Softplus, Sine) {
  using M = Mlp<double, TestType>;
  check_layer_laws(FieldAsLayer<M>{mlp<TestType>({5, 4})});
}

TEST_CASE("Mlp keeps the law of layers without time, with context, and without hidden layers", "[nn][gradient]") {
  using M = Mlp<double, Tanh>;
  check_layer_laws(FieldAsLayer<M>{mlp({4}, 0)});
  check_layer_laws(FieldAsLayer<M>{mlp({4}, 3)});
  check_layer_laws(FieldAsLayer<M>{mlp({})});
}

TEST_CASE("Mlp without hidden layers is affine: W z + u t + b", "[nn]") {
  auto field = mlp({});
  REQUIRE(field.parameters().size() == 2 * (1 + 2 + 1));
  field.parameters() << 1, 2, /* u */ 3, 4, 5, 6, /* W */ 7, 8 /* b */;
  const Batch<double> t = Batch<double>::Constant(1, 1, 0.5), z = Eigen::Vector2d(1, -2);
  Batch<double> f(2, 1);
  Vector<double> tape(field.tape_size(1, 0));
  Workspace<double> workspace;
  field.linearize(t, z, 1, f, std::span<double>(tape.data(), std::size_t(tape.size())), workspace);
  CHECK(f == Eigen::Vector2d(1 * 0.5 + 3 - 10 + 7, 2 * 0.5 + 4 - 12 + 8));
}

TEST_CASE("Mlp is Sequential of the same layers: θ is [U | W | b] of each in turn", "[nn]") {
  const auto field = mlp({5, 4}, 2);
  const Dense<double, Tanh> first(2, 5, 2), second(5, 4, 2);
  const Linear<double> third(4, 2, 2);
  const Sequential layers(first, second, third);
  CHECK(field.dim() == 2);
  CHECK(field.side_rows() == 2);
  CHECK(field.widest() == 5);
  CHECK(field.parameters().size() == 5 * (2 + 2 + 1) + 4 * (2 + 5 + 1) + 2 * (2 + 4 + 1));
  CHECK(field.parameters().size() == layers.parameter_count());

  Rng rng(5);
  Vector<double> theta(layers.parameter_count());
  layers.initialize(theta, rng);
  CHECK(field.parameters() == theta);
  CHECK(rng.next() == 3);  // one draw a layer

  LayerProblem one(FieldAsLayer<Mlp<double, Tanh>>{field}, 4, 2, 4, 0), other(layers, 4, 2, 4, 0);
  // The same products; their sums may start at another alignment.
  CHECK((one.linearize() - other.linearize()).lpNorm<Eigen::Infinity>() < 1e-13);
  CHECK((one.pullback(one.zero()).theta - other.pullback(other.zero()).theta).lpNorm<Eigen::Infinity>() < 1e-12);
}

TEST_CASE("Mlp starts each layer within ±1/√(fan-in), and the same seed starts the same field", "[nn]") {
  const auto field = mlp({64, 16});
  const Index first = 64 * (1 + 2 + 1), second = 16 * (1 + 64 + 1), third = 2 * (1 + 16 + 1);
  REQUIRE(field.parameters().size() == first + second + third);
  const auto largest = [](const auto& slice) { return slice.cwiseAbs().maxCoeff(); };
  // Of uniform numbers the largest of 36 stays below 0.6 of the bound by chance of 1e-8.
  CHECK(largest(field.parameters().head(first)) < 1 / std::sqrt(3.0));
  CHECK(largest(field.parameters().head(first)) > 0.6 / std::sqrt(3.0));
  CHECK(largest(field.parameters().segment(first, second)) < 1 / std::sqrt(65.0));
  CHECK(largest(field.parameters().segment(first, second)) > 0.6 / std::sqrt(65.0));
  CHECK(largest(field.parameters().tail(third)) < 1 / std::sqrt(17.0));
  CHECK(largest(field.parameters().tail(third)) > 0.6 / std::sqrt(17.0));
  CHECK(mlp({64, 16}).parameters() == field.parameters());
  CHECK(mlp({64, 16}, 1, 6).parameters() != field.parameters());
}

TEST_CASE("Mlp in float agrees with double to float's precision", "[nn]") {
  Rng rng(5), same_seed(5);
  const Mlp<double, Tanh> wide(2, {16, 16}, rng);
  const Mlp<float, Tanh> narrow(2, {16, 16}, same_seed);
  const Batch<double> X = gaussian(0, 2, 20), t = Batch<double>::Constant(1, 1, 0.25);
  Batch<double> Y(2, 20);
  Batch<float> y(2, 20);
  Vector<double> tape(wide.tape_size(10, 1));
  Vector<float> narrow_tape(narrow.tape_size(10, 1));
  Workspace<double> workspace;
  Workspace<float> narrow_workspace;
  wide.linearize(t, X, 10, Y, std::span<double>(tape.data(), std::size_t(tape.size())), workspace);
  narrow.linearize(t.cast<float>(), X.cast<float>(), 10, y,
                   std::span<float>(narrow_tape.data(), std::size_t(narrow_tape.size())), narrow_workspace);
  // Three layers of sums of 16 terms below one: some 50 ε of float.
  CHECK((y.cast<double>() - Y).lpNorm<Eigen::Infinity>() < 3e-6);
}

TEST_CASE("Mlp at width 64 allocates nothing after its first call", "[nn][allocations]") {
  Rng rng(1);
  const Mlp<float, Tanh> field(2, {64, 64, 64}, rng);
  const Index n = 100, k = 1;
  const Batch<float> S = Batch<float>::Constant(1, 1, 0.5F), X = Batch<float>::Constant(2, (1 + k) * n, 0.25F);
  Batch<float> Y(2, (1 + k) * n), X_bar(2, (1 + k) * n), S_bar = Batch<float>::Zero(1, 1);
  Vector<float> theta_bar = Vector<float>::Zero(field.parameters().size()), tape(field.tape_size(n, k));
  Workspace<float> workspace;
  const std::span<float> slab(tape.data(), std::size_t(tape.size()));
  const auto both = [&] {
    field.linearize(S, X, n, Y, slab, workspace);
    field.pullback(S, X, n, slab, Y, X_bar, S_bar, theta_bar, workspace);
  };
  const detail::OneThreadProducts one_thread;  // as inside of a chunk: Eigen's threads would allocate
  both();
  const AllocationCounter counter;
  both();
  CHECK(counter.count() == 0);
}

TEST_CASE("Mlp refuses widths that make no layer", "[nn][errors]") {
  Rng rng(1);
  using M = Mlp<double, Tanh>;
  CHECK_THROWS_AS(M(2, {4, 0}, rng), ArgumentError);
  CHECK_THROWS_WITH(M(2, {4, 0}, rng), "Affine: number of outputs is 0, expected at least 1");
  CHECK_THROWS_WITH(M(0, {4}, rng), "Affine: number of inputs is 0, expected at least 1");
  CHECK_THROWS_WITH(M(0, {}, rng), "Affine: number of inputs is 0, expected at least 1");
  CHECK_THROWS_WITH(M(2, {4}, rng, -1), "Affine: number of side inputs is -1, expected at least 0");
  CHECK(rng == Rng(1));
}
