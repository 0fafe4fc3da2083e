#include <pathline/nn/compose/shallow_trace.hpp>

#include <pathline/nn/jacobian.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/nn/traced.hpp>

#include <support/catch.hpp>
#include <support/layer_laws.hpp>

#include <cstddef>
#include <span>
#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

using FieldType = Mlp<double, Tanh>;
using Trace = detail::ExactTraceOf<FieldType>;
struct Derived : FieldType {};  // its linearize may be another
static_assert(detail::MayKnowExactTrace<FieldType> && !detail::MayKnowExactTrace<Derived>);

FieldType field_of(Index d, const std::vector<Index>& hidden, Index side) {
  Rng rng(5);
  return FieldType(d, hidden, rng, side);
}

}  // namespace

TEST_CASE("A perceptron with hidden layers knows its exact trace, with many or wide ones by tangents", "[nn]") {
  CHECK_FALSE(Trace::possible(field_of(2, {}, 1)));
  CHECK(Trace::possible(field_of(2, {5}, 1)));
  CHECK(Trace::possible(field_of(2, {5, 4}, 1)));
  CHECK(Trace::tangents(field_of(2, {5, 4}, 1)) == 0);
  CHECK(Trace::possible(field_of(2, {5, 4, 3}, 1)));
  CHECK(Trace::tangents(field_of(2, {5, 4, 3}, 1)) == 0);
  CHECK(Trace::possible(field_of(2, {5, 4, 3, 4}, 1)));
  CHECK(Trace::tangents(field_of(2, {5, 4, 3, 4}, 1)) == 2);
  // 2 · 64 · 256 numbers are 256 KiB in double.
  CHECK(Trace::tangents(field_of(2, {128, 64, 128}, 1)) == 0);
  CHECK(Trace::tangents(field_of(2, {128, 64, 129}, 1)) == 2);
  // The middle layer is the wide one.
  CHECK(Trace::tangents(field_of(2, {8, 20, 12}, 1)) == 0);
  CHECK(Trace::tangents(field_of(2, {8, 21, 12}, 1)) == 2);
}

TEST_CASE("Its values and trace are those of d tangents, also when the weights are known not to change", "[nn]") {
  // Layers of fewer rows than a pack, of more, and with more inputs than outputs; the last are too wide for (8.7) where
  // d = 6.
  const auto hidden = GENERATE(std::vector<Index>{5}, std::vector<Index>{20}, std::vector<Index>{3, 4},
                               std::vector<Index>{20, 35}, std::vector<Index>{35, 20}, std::vector<Index>{5, 20, 18},
                               std::vector<Index>{18, 3, 20, 7}, std::vector<Index>{90, 40, 100});
  const Index d = GENERATE(1, 3, 6), n = GENERATE(1, 2, 7), side = GENERATE(0, 2);
  const FieldType field = field_of(d, hidden, side);
  for (const Index side_columns : {Index(1), n}) {
    INFO(hidden.size() << " layers, d = " << d << ", n = " << n << ", S is " << side << " x " << side_columns);
    const Batch<double> S = gaussian(1, side, side_columns), Z = gaussian(2, d, n);
    Workspace<double> workspace;
    Batch<double> Y = Batch<double>::Constant(d + 2, n, 7.0), J(d, d * n), F(d, n);
    Vector<double> tape(field.tape_size(n, 0));
    field.linearize(S, Z, n, F, std::span<double>(tape.data(), std::size_t(tape.size())), workspace);
    field_jacobian(field, S, Z, J, workspace);
    const auto check = [&] {
      Trace::evaluate(field, S, Z, View<double>(Y).topRows(d + 1), workspace);
      // Sums of at most 7600 products below one, in another order.
      CHECK((Y.topRows(d) - F).lpNorm<Eigen::Infinity>() < 1e-13);
      for (Index i = 0; i < n; ++i) CHECK(Y(d, i) == Approx(J.middleCols(i * d, d).trace()).margin(1e-13));
      CHECK((Y.row(d + 1).array() == 7).all());
    };
    check();
    const Workspace<double>::Unchanged unchanged(workspace, field.parameters());
    check();
    check();
  }
}
