#include <pathline/nn/compose/split_field.hpp>

#include <pathline/nn/check_gradient.hpp>
#include <pathline/nn/compose/scaled.hpp>
#include <pathline/nn/mlp.hpp>

#include <support/catch.hpp>

using namespace pathline;

TEST_CASE("SplitField is the sum of its parts, which read their own parameters", "[nn][fields]") {
  Rng rng(7);
  const Mlp<double, Tanh> first(2, {3}, rng), second(2, {2}, rng);
  SplitField field{first, Scaled{second, -2}};
  CHECK(field.parameters().head(first.parameters().size()) == first.parameters());
  const Batch<double> Z{{0.3, -1}, {1, 0.2}}, S = Batch<double>::Constant(1, 1, 0.4);
  Workspace<double> workspace;
  const auto value = [&](const auto& any) {
    Batch<double> F(2, 2);
    std::vector<double> tape(std::size_t(any.tape_size(2, 0)));
    any.linearize(S, Z, 2, F, tape, workspace);
    return F;
  };
  CHECK(value(field.explicit_part()) == value(first));
  CHECK(value(field.implicit_part()) == -2 * value(second));
  CHECK(value(field) == value(first) - 2 * value(second));
  field.parameters() *= 0.5;
  CHECK(value(field) == value(field.explicit_part()) + value(field.implicit_part()));
  CHECK(check_gradient(field).agrees());
  // As a term it is what it was made of.
  CHECK(Sum{field, first}.parameters().size() == 2 * first.parameters().size() + second.parameters().size());
}
