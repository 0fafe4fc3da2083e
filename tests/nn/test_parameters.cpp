#include <pathline/nn/parameters.hpp>

#include <pathline/nn/mlp.hpp>

#include <support/catch.hpp>
#include <support/differences.hpp>

#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

using Net = Mlp<double, Tanh>;
static_assert(Field<Net>);
static_assert(std::is_nothrow_move_constructible_v<Net> && std::is_nothrow_move_assignable_v<Net>);

Net net(Index width, Index side = 1) {
  Rng rng(3);
  return Net(2, {width}, rng, side);
}
Batch<double> value(const Net& field) {
  Workspace<double> workspace;
  Batch<double> F(2, 3);
  std::vector<double> tape(std::size_t(field.tape_size(3, 0)));
  field.linearize(Batch<double>::Ones(1, 1), Batch<double>::Ones(2, 3), 3, F, tape, workspace);
  return F;
}

}  // namespace

// 4 wide: 2-4-2 with time has 28 parameters; 5 wide 34.
TEST_CASE("Parameters: a vector of another length is refused and nothing changes", "[nn][errors]") {
  Net field = net(4);
  Net other = net(5);
  const Vector<double> before = field.parameters();
  const auto refuses = [&](const char* what, auto&& change) {
    INFO(what);
    CHECK_THROWS_AS(change(field.parameters()), ShapeError);
    CHECK(field.parameters() == before);
  };
  refuses("=", [&](auto& theta) { theta = other.parameters(); });
  refuses("= const", [&](auto& theta) { theta = std::as_const(other).parameters(); });
  refuses("= moved", [&](auto& theta) { theta = std::move(other.parameters()); });
  refuses("= shorter", [&](auto& theta) { theta = before.head(27); });
  refuses("= none", [&](auto& theta) { theta = Vector<double>(); });
  refuses("= matrix", [&](auto& theta) { theta = Eigen::MatrixXd::Ones(14, 2); });
  refuses("= row of a matrix type", [&](auto& theta) { theta = Eigen::MatrixXd::Ones(1, 28); });
  refuses("= expression", [&](auto& theta) { theta = 2 * other.parameters(); });
  refuses("= product", [&](auto& theta) { theta.noalias() = Eigen::MatrixXd::Ones(27, 3) * Eigen::VectorXd::Ones(3); });
  refuses("+=", [&](auto& theta) { theta += other.parameters(); });
  refuses("-=", [&](auto& theta) { theta -= other.parameters(); });
  refuses("swap", [&](auto& theta) { theta.swap(other.parameters()); });
  refuses("resize", [&](auto& theta) { theta.resize(27); });
  refuses("resizeLike", [&](auto& theta) { theta.resizeLike(other.parameters()); });
  refuses("conservativeResize", [&](auto& theta) { theta.conservativeResize(0); });
  CHECK_THROWS_WITH(field.parameters() = other.parameters(),
                    "parameters: the other vector has 34 rows, expected 28; it belongs to a field of other widths or "
                    "side inputs");
  CHECK(other.parameters().size() == 34);
}

TEST_CASE("Parameters: of the same length they are what a vector is", "[nn]") {
  Net field = net(4);
  auto saved = field.parameters();  // a vector of its own, as with a plain one
  const Vector<double> before = saved;
  field.parameters() *= 2;
  field.parameters().array() -= 1;
  CHECK(saved == before);
  CHECK(max_difference(field.parameters(), 2 * before - Vector<double>::Ones(28)) < 1e-15);
  std::swap(field.parameters(), saved);
  CHECK(field.parameters() == before);
  field.parameters() = 3 * before;
  field.parameters() -= before;
  field.parameters() += before;
  CHECK(max_difference(field.parameters(), 3 * before) < 1e-15);
  field.parameters() = before.transpose();  // Eigen takes a row for a column
  CHECK(field.parameters() == before);
  field.parameters().head(14) = before.tail(14);
  const Vector<double>& seen = field.parameters();
  CHECK(seen.data() == field.parameters().data());
  Eigen::Ref<Vector<double>> written = field.parameters();
  written.setZero();
  CHECK(field.parameters().isZero(0));
}

TEST_CASE("Parameters: a field that was resized or moved from says so when it is asked", "[nn][errors]") {
  Net field = net(4);
  const Batch<double> expected = value(field);
  Vector<double>& vector = field.parameters();
  vector.conservativeResize(30);
  CHECK_THROWS_WITH(value(field),
                    "parameters: the field's vector of parameters has 30 rows, expected 28; its length "
                    "must not change");
  field.parameters() = net(4).parameters();  // a vector of the right length mends it
  CHECK(value(field) == expected);

  Net other(std::move(field));
  CHECK(value(other) == expected);
  CHECK_THROWS_WITH(value(field),
                    "parameters: the field's vector of parameters has 0 rows, expected 28; the field has "
                    "been moved from");
  CHECK_THROWS_AS(field.parameters() = other.parameters(), ShapeError);
  field = net(5);  // a whole field takes the place of another, whatever its widths
  CHECK(value(field) == value(net(5)));
  field = std::move(other);
  CHECK(value(field) == expected);
  CHECK_THROWS_AS(value(other), ShapeError);
}

TEST_CASE("Parameters that are not finite are named", "[nn][errors]") {
  Vector<double> theta = Vector<double>::LinSpaced(9, -1, 1);
  CHECK_NOTHROW(detail::require_finite_parameters("Cnf", theta));
  CHECK_NOTHROW(detail::require_finite_parameters("Cnf", Vector<double>()));
  theta(7) = -std::numeric_limits<double>::infinity();
  CHECK_THROWS_WITH(detail::require_finite_parameters("Cnf", theta),
                    "Cnf: parameters(7) is -inf, expected a finite "
                    "number");
  theta(3) = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH(detail::require_finite_parameters("Cnf", theta),
                    "Cnf: parameters(3) is nan, expected a finite "
                    "number");
}
