// The coupled order conditions: every coloured tree once, and checks that name what is wrong with a tableau.
#include <pathline/ode/implicit/additive/additive_tableau.hpp>

#include <pathline/ode/implicit/additive/additive_methods.hpp>

#include <support/catch.hpp>

#include <Eigen/LU>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

namespace pathline {
namespace {

constexpr auto carpenter = KennedyCarpenter4::tableau;

constexpr auto with(auto tableau, auto change) {
  change(tableau);
  return tableau;
}

static_assert(carpenter.explicit_part().A(1, 0) == 0.5 && carpenter.implicit_part().A(1, 1) == 0.25);
static_assert(tableau_defect(carpenter.explicit_part()) == TableauDefect::none, "each part has the order as well");
static_assert(tableau_defect(carpenter.implicit_part()) == TableauDefect::none);

static_assert(tableau_defect(carpenter) == TableauDefect::none);
static_assert(tableau_defect(with(carpenter, [](auto& T) { T.order = 5; })) == TableauDefect::order);
static_assert(tableau_defect(with(carpenter, [](auto& T) { T.order = 3; })) == TableauDefect::order, "understated");
static_assert(tableau_defect(with(carpenter, [](auto& T) { T.embedded_order = 4; })) == TableauDefect::embedded_order);
static_assert(tableau_defect(with(carpenter, [](auto& T) { T.c[1] = 0.3; })) == TableauDefect::row_sum);
static_assert(tableau_defect(with(carpenter, [](auto& T) { T.explicit_a[1] = 0.3; })) == TableauDefect::row_sum);
static_assert(tableau_defect(with(carpenter, [](auto& T) { T.implicit_a[2] = 0.3; })) == TableauDefect::diagonal);

// The methods of Heun and of the trapezoidal rule: of order 2 together, whatever the split.
constexpr AdditiveTableau<2> second_order{
    .explicit_a = {1}, .implicit_a = {0, 0.5, 0.5}, .b = {0.5, 0.5}, .c = {0, 1}, .order = 2};
static_assert(tableau_defect(second_order) == TableauDefect::none);

std::string text(int index) {
  std::vector<std::string> branches;
  for (int k = index; k > 0; k = detail::coloured_trees<>[std::size_t(k)].trunk) {
    const int branch = detail::coloured_trees<>[std::size_t(k)].branch;
    branches.push_back((branch % 2 == 0 ? "e" : "i") + text(branch / 2));
  }
  std::sort(branches.begin(), branches.end());
  std::string all = "[";
  for (const std::string& branch : branches) all += branch;
  return all + "]";
}

}  // namespace

// Sloane's A000151: 1, 2, 7, 26, 107; as many different texts are all trees.
TEST_CASE("Every tree of explicit and implicit branches is listed once", "[ode][tableau]") {
  const std::vector<int> counts{1, 2, 7, 26, 107};
  std::array<int, detail::largest_coloured_tree> found{};
  std::set<std::string> seen;
  for (std::size_t k = 0; k < detail::coloured_trees<>.size(); ++k) {
    ++found[std::size_t(detail::coloured_trees<>[k].order - 1)];
    const std::string tree = text(int(k));
    seen.insert(tree);
    CHECK(std::count(tree.begin(), tree.end(), '[') == detail::coloured_trees<>[k].order);
  }
  CHECK(std::equal(found.begin(), found.end(), counts.begin(), counts.end()));
  CHECK(seen.size() == detail::coloured_trees<>.size());
}

TEST_CASE("order_reached sees a change of 1e-9 in any coefficient of an additive method", "[ode][tableau]") {
  const auto seen = [](const auto& T) {
    const double row_sums = std::max(row_sum_defect(T.explicit_part()), row_sum_defect(T.implicit_part()));
    return order_reached(T, T.b) < 4 || row_sums > 1e-10;
  };
  for (std::size_t i = 0; i < carpenter.explicit_a.size(); ++i)
    CHECK(seen(with(carpenter, [i](auto& T) { T.explicit_a[i] += 1e-9; })));
  for (std::size_t i = 1; i < carpenter.implicit_a.size(); ++i)
    CHECK(seen(with(carpenter, [i](auto& T) { T.implicit_a[i] += 1e-9; })));
  for (std::size_t i = 0; i < 6; ++i)
    CHECK(order_reached(carpenter, with(carpenter.b, [i](auto& b) { b[i] += 1e-9; })) == 0);
}

// Of order 4 the conditions b A Â c = b Â A c = 1/24 alone read both tableaux. A change of the implicit method's last
// row at right angles to 1, c and c², which is 2 A c, keeps all that it owes alone.
TEST_CASE("order_reached sees a coupling that neither part shows", "[ode][tableau]") {
  Eigen::Matrix<double, 3, 5> owed;
  for (int j = 0; j < 5; ++j) {
    const double c = carpenter.c[std::size_t(j)];
    owed.col(j) << 1, c, c * c;
  }
  const Eigen::VectorXd change = owed.fullPivLu().kernel().col(0).normalized();
  auto uncoupled = carpenter;
  for (std::size_t j = 0; j < 5; ++j) uncoupled.implicit_a[15 + j] += 0.1 * change(int(j));
  CHECK(order_reached(uncoupled.explicit_part(), uncoupled.b) == 4);
  CHECK(order_reached(uncoupled.implicit_part(), uncoupled.b) == 4);
  CHECK(order_reached(uncoupled, uncoupled.b) == 3);
}

}  // namespace pathline
