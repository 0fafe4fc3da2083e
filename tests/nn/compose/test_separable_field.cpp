#include <pathline/nn/compose/separable_field.hpp>

#include <pathline/nn/layer/dense.hpp>
#include <pathline/nn/mlp.hpp>

#include <support/catch.hpp>
#include <support/layer_laws.hpp>

using namespace pathline;
using namespace pathline::test;

TEST_CASE("SeparableLayer meets the laws of layers", "[nn][layers]") {
  check_layer_laws(SeparableLayer(Elementwise<double, Tanh>(2), Dense<double, Tanh>(2, 2, 2)));
}

TEST_CASE("SeparableField: the velocity reads the lower half, the force the upper", "[nn][fields]") {
  Rng rng(7);
  const Mlp<double, Tanh> velocity(2, {3}, rng), force(2, {2}, rng);
  SeparableField field{velocity, force};
  CHECK(field.dim() == 4);
  const Batch<double> Z{{0.3, -1}, {1, 0.2}, {-0.7, 2}, {0.1, 0.4}}, S = Batch<double>::Constant(1, 1, 0.4);
  Workspace<double> workspace;
  const auto value = [&](const auto& any, const Batch<double>& X) {
    Batch<double> F(X.rows(), 2);
    std::vector<double> tape(std::size_t(any.tape_size(2, 0)));
    any.linearize(S, X, 2, F, tape, workspace);
    return F;
  };
  CHECK(value(field, Z).topRows(2) == value(velocity, Z.bottomRows(2)));
  CHECK(value(field, Z).bottomRows(2) == value(force, Z.topRows(2)));
  field.parameters() *= 0.5;
  CHECK(value(field.velocity(), Z.bottomRows(2)) == value(field, Z).topRows(2));
  CHECK(value(field.force(), Z.topRows(2)) == value(field, Z).bottomRows(2));
  CHECK_THROWS_WITH((SeparableField{velocity, Mlp<double, Tanh>(3, {2}, rng)}),
                    "SeparableField: input of the force has 3 rows, expected 2");
}
