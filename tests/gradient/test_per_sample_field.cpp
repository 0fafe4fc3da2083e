#include <pathline/gradient/per_sample_field.hpp>

#include <pathline/gradient/neural_ode.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/ode/try_solve.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <set>
#include <vector>

namespace pathline {
namespace {

const PiController control{.rtol = 1e-7, .atol = 1e-7};

/// f(t, z) or f(t, c, z), its weights enlarged so that samples want different steps.
Mlp<double, Tanh> network(Index context_rows) {
  Rng rng(3);
  Mlp<double, Tanh> field(2, {16, 16}, rng, 1 + context_rows);
  field.parameters() *= 3;
  return field;
}

Batch<double> samples(Index n) {
  return Batch<double>::NullaryExpr(2, n, [](Index i, Index j) { return std::sin(double(3 * i + 5 * j + j * j)); });
}

}  // namespace

TEST_CASE("A network solved sample by sample: its bits in any batch, steps of its own", "[gradient][per_sample]") {
  const Mlp<double, Tanh> field = network(0);
  const Batch<double> Y = samples(37);
  const auto together = try_solve(PerSampleField(field), Y, 0, 1, Dopri5{}, PerSample(control));
  REQUIRE(together.ok());
  std::set<Index> steps;
  for (const Index j : {0, 5, 36}) {
    const auto alone = try_solve(PerSampleField(field), Y.col(j), 0, 1, Dopri5{}, PerSample(control));
    CHECK(alone.states.col(0) == together.states.col(j));
    steps.insert(alone.samples[0].statistics.accepted);
    const Batch<double> shared = NeuralOde(field, Dopri5{}, control).solve(Y.col(j), {0., 1.}).back();
    CHECK((alone.states - shared).norm() < 1e-11);  // the same steps, products of other sizes
  }
  CHECK(steps.size() > 1);
}

TEST_CASE("A network's context follows its sample", "[gradient][per_sample]") {
  const Mlp<double, Tanh> field = network(1);
  const Batch<double> Y = samples(9),
                      context = Batch<double>::NullaryExpr(1, 9, [](Index, Index j) { return 0.1 * double(j); });
  std::vector<std::vector<double>> times(9, {0., 1.});
  times[2] = {0., 0.2};  // ends early: the last sample takes its column
  const auto results = try_solve(PerSampleField(field, context), Y, times, Dopri5{}, PerSample(control));
  for (Index j = 0; j < 9; ++j) {
    const auto& result = results[std::size_t(j)];
    const Batch<double> alone =
        NeuralOde(field, Dopri5{}, control).solve(Y.col(j), times[std::size_t(j)], context.col(j)).back();
    CHECK((result.states.rightCols(1) - alone).norm() < 1e-11);
  }
}

TEST_CASE("A context of the wrong shape is refused", "[gradient][per_sample][errors]") {
  const Mlp<double, Tanh> field = network(1);
  CHECK_THROWS_WITH(PerSampleField(field), "PerSampleField: context has 0 rows, expected 1");
  CHECK_THROWS_WITH(PerSampleField(field, Batch<double>::Zero(2, 9)), ContainsSubstring("2 rows, expected 1"));
  const PerSample policy(control);
  CHECK_THROWS_WITH(solve(PerSampleField(field, Batch<double>::Zero(1, 7)), samples(9), 0, 1, Dopri5{}, policy),
                    "PerSampleField: context has 7 columns, expected 9");
}

}  // namespace pathline
