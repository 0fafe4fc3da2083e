// The checks of a fully implicit tableau name what is wrong with it, its upper entries included.
#include <pathline/ode/implicit/fully_implicit/fully_implicit_tableau.hpp>

#include <pathline/ode/implicit/fully_implicit/fully_implicit_methods.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <cstddef>

namespace pathline {
namespace {

constexpr FullyImplicitTableau<2> radau3{
    .a = {5. / 12, -1. / 12, 3. / 4, 1. / 4}, .b = {3. / 4, 1. / 4}, .c = {1. / 3, 1}, .order = 3};

constexpr auto with(auto tableau, auto change) {
  change(tableau);
  return tableau;
}

static_assert(radau3.A(0, 1) == -1. / 12 && radau3.A(1, 0) == 3. / 4 && radau3.matrix()[0][1] == -1. / 12);
static_assert(tableau_defect(radau3) == TableauDefect::none);
static_assert(tableau_defect(with(radau3, [](auto& T) { T.c[0] = 0.3; })) == TableauDefect::row_sum);
static_assert(tableau_defect(with(radau3, [](auto& T) { T.order = 4; })) == TableauDefect::order);
static_assert(tableau_defect(with(radau3, [](auto& T) { T.order = 2; })) == TableauDefect::order, "understated");
static_assert(tableau_defect(with(radau3, [](auto& T) { T.a[2] = T.a[3] = 0; })) == TableauDefect::empty_row);
static_assert(tableau_defect(FullyImplicitTableau<2>{
                  .a = {0, 0, 1. / 2, 1. / 2}, .b = {1. / 2, 1. / 2}, .c = {0, 1}, .order = 2}) ==
                  TableauDefect::stages,
              "the trapezoidal rule: A has no inverse");
static_assert(tableau_defect(FullyImplicitTableau<2>{
                  .a = {1. / 4, 0, 1. / 2, 1. / 4}, .b = {1. / 2, 1. / 2}, .c = {1. / 4, 3. / 4}, .order = 2}) ==
                  TableauDefect::stages,
              "one eigenvalue twice");
static_assert(tableau_defect(FullyImplicitTableau<2>{
                  .a = {1. / 4, 1. / 4, 1. / 3, 1. / 6}, .b = {1. / 2, 1. / 2}, .c = {1. / 2, 1. / 2}, .order = 2}) ==
                  TableauDefect::stages,
              "one node twice");
static_assert(tableau_defect(with(RadauIia5::tableau, [](auto& T) { T.embedded_order = 2; })) ==
              TableauDefect::embedded_order);
static_assert(tableau_defect(with(RadauIia5::tableau, [](auto& T) { T.start_embedded = 0; })) ==
              TableauDefect::embedded_order);
static_assert(stiffly_accurate(radau3) && !stiffly_accurate(GaussLegendre4::tableau));
static_assert(!first_same_as_last(radau3));

}  // namespace

TEST_CASE("order_reached sees a change of 1e-9 in any coefficient of a fully implicit method", "[ode][tableau]") {
  for (std::size_t i = 0; i < 9; ++i) {
    auto wrong = RadauIia5::tableau;
    wrong.a[i] += 1e-9;
    INFO("a[" << i << "]");
    CHECK((order_reached(wrong, wrong.b) < 5 || row_sum_defect(wrong) > 1e-10));
  }
  for (std::size_t i = 0; i < 3; ++i) {
    auto wrong = RadauIia5::tableau;
    wrong.b[i] += 1e-9;
    wrong.b_embedded[i] += 1e-9;
    INFO("b[" << i << "]");
    CHECK(order_reached(wrong, wrong.b) == 0);
    CHECK(embedded_order_reached(wrong) == 0);
  }
}

// R(ζ) - R(∞) falls like 1/ζ. Of Radau IIA R(ζ) itself does.
TEST_CASE("R at infinity of fully implicit methods", "[ode][tableau]") {
  CHECK(stability_at_infinity(radau3, radau3.b) == Approx(0).margin(1e-14));
  CHECK(stability_at_infinity(RadauIia5::tableau, RadauIia5::tableau.b) == Approx(0).margin(1e-14));
  CHECK(stability_at_infinity(GaussLegendre4::tableau, GaussLegendre4::tableau.b) == Approx(1));
  CHECK(stability_at_infinity(radau3, {1, 0}) == Approx(-1));  // 1 - wᵀA⁻¹1, A⁻¹ = (3/2, 1/2; -9/2, 5/2)
}

}  // namespace pathline
