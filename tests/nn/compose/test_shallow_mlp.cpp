#include <pathline/nn/compose/shallow_mlp.hpp>

#include <pathline/core/chunks.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/nn/network.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/layer_laws.hpp>
#include <support/traced_laws.hpp>

#include <span>
#include <vector>

using namespace pathline;
using namespace pathline::test;

static_assert(TracedLayer<ShallowMlp<float, Tanh>> && TracedLayer<ShallowMlp<double, Cube>>);
static_assert(TracedField<Network<ShallowMlp<double, Tanh>>> && !PotentialField<Network<ShallowMlp<double, Tanh>>>);

TEMPLATE_TEST_CASE("ShallowMlp keeps the law of traced layers", "[nn][gradient]", Tanh, Arctangent) {
  using M = ShallowMlp<double, TestType>;
  for (const Index d : {1, 2, 8}) {
    INFO("d = " << d);
    check_traced_laws(M(d, {5}));
    check_traced_laws(M(d, {5, 4}));
  }
}

TEST_CASE("ShallowMlp keeps the law of traced layers without time and with context", "[nn][gradient]") {
  using M = ShallowMlp<double, Tanh>;
  for (const Index side : {0, 3}) {
    check_traced_laws(M(2, {4}, side));
    check_traced_laws(M(2, {3, 4}, side));
  }
}

TEST_CASE("ShallowMlp keeps the law of layers", "[nn][gradient]") {
  check_layer_laws(ShallowMlp<double, Tanh>(2, {4}));
  check_layer_laws(ShallowMlp<double, Tanh>(3, {4, 5}, 2));
}

TEST_CASE("ShallowMlp has the parameters of Mlp and its values", "[nn]") {
  const std::vector<Index> hidden = GENERATE(std::vector<Index>{6}, std::vector<Index>{6, 5});
  Rng rng(5), same_seed(5);
  const Mlp<double, Tanh> mlp(3, hidden, rng, 2);
  const Network field(ShallowMlp<double, Tanh>(3, hidden, 2), same_seed);
  CHECK(field.parameters() == mlp.parameters());
  CHECK(field.offered_rows() == 0);
  CHECK(field.widest() == mlp.widest());
  CHECK(field.side_rows() == 2);

  const Index n = 4;
  const Batch<double> S = gaussian(0, 2, 1), Z = gaussian(1, 3, n);
  Batch<double> Y(4, n), expected(3, n);
  Vector<double> tape(field.trace_tape_size(n)), mlp_tape(mlp.tape_size(n, 0));
  Workspace<double> workspace;
  field.evaluate_with_trace(S, Z, Y, std::span<double>(tape.data(), std::size_t(tape.size())), workspace);
  mlp.linearize(S, Z, n, expected, std::span<double>(mlp_tape.data(), std::size_t(mlp_tape.size())), workspace);
  CHECK((Y.topRows(3) - expected).lpNorm<Eigen::Infinity>() < 1e-14);
}

TEST_CASE("ShallowMlp allocates nothing after its first call", "[nn][allocations]") {
  const std::vector<Index> hidden =
      GENERATE(std::vector<Index>{64}, std::vector<Index>{64, 64}, std::vector<Index>{256, 256});
  Rng rng(1);
  const Network field(ShallowMlp<float, Tanh>(2, hidden), rng);
  const Index n = 100;
  const Batch<float> S = Batch<float>::Constant(1, 1, 0.5F), Z = Batch<float>::Constant(2, n, 0.25F);
  Batch<float> Y(3, n), Z_bar(2, n), S_bar = Batch<float>::Zero(1, 1);
  Vector<float> theta_bar = Vector<float>::Zero(field.parameters().size()), tape(field.trace_tape_size(n));
  Workspace<float> workspace;
  const std::span<float> slab(tape.data(), std::size_t(tape.size()));
  const auto both = [&] {
    field.evaluate_with_trace(S, Z, Y, slab, workspace);
    field.pullback_with_trace(S, Z, slab, Y, Z_bar, S_bar, theta_bar, workspace);
  };
  const detail::OneThreadProducts one_thread;  // as inside of a chunk: Eigen's threads would allocate
  both();
  const AllocationCounter counter;
  both();
  CHECK(counter.count() == 0);
}

TEST_CASE("ShallowMlp refuses other than one or two hidden layers", "[nn][errors]") {
  using M = ShallowMlp<double, Tanh>;
  CHECK_THROWS_AS(M(2, {}), ArgumentError);
  CHECK_THROWS_WITH(M(2, {}), "ShallowMlp: number of hidden layers is 0, expected 1 or 2");
  CHECK_THROWS_WITH(M(2, {4, 4, 4}), "ShallowMlp: number of hidden layers is 3, expected 1 or 2");
  CHECK_THROWS_WITH(M(2, {4, 0}), "Affine: number of outputs is 0, expected at least 1");
}
