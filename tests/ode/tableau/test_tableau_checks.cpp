// The compile-time checks accept right tableaux and name what is wrong with others.
#include <pathline/ode/tableau/tableau_checks.hpp>

#include <pathline/ode/explicit/explicit_tableau.hpp>

#include <support/catch.hpp>

namespace pathline {
namespace {

constexpr ExplicitTableau<2> heun{
    .a = {1}, .b = {0.5, 0.5}, .b_embedded = {1, 0}, .c = {0, 1}, .order = 2, .embedded_order = 1};

constexpr ExplicitTableau<2> with(ExplicitTableau<2> tableau, void (*change)(ExplicitTableau<2>&)) {
  change(tableau);
  return tableau;
}

static_assert(tableau_defect(heun) == TableauDefect::none);
static_assert(tableau_defect(with(heun, [](auto& T) { T.c[1] = 0.9; })) == TableauDefect::row_sum);
static_assert(tableau_defect(with(heun, [](auto& T) { T.order = 3; })) == TableauDefect::order);
static_assert(tableau_defect(with(heun, [](auto& T) { T.order = 1; })) == TableauDefect::order, "understated");
static_assert(tableau_defect(with(heun, [](auto& T) { T.order = 0; })) == TableauDefect::order, "forgotten");
static_assert(tableau_defect(with(heun, [](auto& T) { T.b = {0.6, 0.5}; })) == TableauDefect::order);
static_assert(tableau_defect(with(heun, [](auto& T) { T.embedded_order = 2; })) == TableauDefect::embedded_order);
static_assert(tableau_defect(with(heun, [](auto& T) { T.a = {0}; })) == TableauDefect::empty_row);

// The last row of A against b in every column, the last one, where A is 0, included; and the last node must be 1.
constexpr ExplicitTableau<2> euler_twice{.a = {1}, .b = {1, 0}, .c = {0, 1}, .order = 1};
static_assert(stiffly_accurate(euler_twice) && first_same_as_last(euler_twice));
static_assert(!stiffly_accurate(with(euler_twice, [](auto& T) { T.b[0] = 0.5; })));
static_assert(!stiffly_accurate(with(euler_twice, [](auto& T) { T.b[1] = 0.5; })));
static_assert(!stiffly_accurate(with(euler_twice, [](auto& T) { T.c[1] = 0.5; })));
static_assert(!first_same_as_last(heun));
static_assert(!first_same_as_last(ExplicitTableau<1>{.a = {}, .b = {1}, .c = {0}, .order = 1}));

static_assert(nodes_in_step(heun));
static_assert(!nodes_in_step(with(heun, [](auto& T) { T.c[0] = -0.1; })));
static_assert(!nodes_in_step(with(heun, [](auto& T) { T.c[1] = 1.1; })));

static_assert(detail::capped(7) == 7 && detail::capped(8) == 8 && detail::capped(10) == 8 && detail::capped(4, 3) == 3);
static_assert(row_sum_defect(heun) == 0);
static_assert(row_sum_defect(with(heun, [](auto& T) { T.c[1] = 0.75; })) == 0.25);
static_assert(row_sum_defect(with(heun, [](auto& T) { T.c = {0.5, 1.25}; })) == 0.5);

}  // namespace

// Kutta's third-order method and the 3/8 rule (docs/maths.md, (3.1)); both are known to miss the next order.
TEST_CASE("order_reached finds the order of tableaux that the library does not ship", "[ode][tableau]") {
  constexpr ExplicitTableau<3> kutta3{
      .a = {1. / 2, -1, 2}, .b = {1. / 6, 2. / 3, 1. / 6}, .c = {0, 1. / 2, 1}, .order = 3};
  CHECK(order_reached(kutta3, kutta3.b) == 3);
  constexpr ExplicitTableau<4> three_eighths{.a = {1. / 3, -1. / 3, 1, 1, -1, 1},
                                             .b = {1. / 8, 3. / 8, 3. / 8, 1. / 8},
                                             .c = {0, 1. / 3, 2. / 3, 1},
                                             .order = 4};
  CHECK(order_reached(three_eighths, three_eighths.b) == 4);
}

TEST_CASE("order_reached sees a change of 1e-9 in any coefficient of a fourth-order method", "[ode][tableau]") {
  constexpr ExplicitTableau<4> rk4{.a = {1. / 2, 0, 1. / 2, 0, 0, 1},
                                   .b = {1. / 6, 1. / 3, 1. / 3, 1. / 6},
                                   .c = {0, 1. / 2, 1. / 2, 1},
                                   .order = 4};
  for (std::size_t i = 0; i < rk4.a.size(); ++i) {
    auto wrong = rk4;
    wrong.a[i] += 1e-9;
    INFO("a[" << i << "]");
    CHECK((order_reached(wrong, wrong.b) < 4 || row_sum_defect(wrong) > 1e-10));
  }
  for (std::size_t i = 0; i < 4; ++i) {
    auto wrong = rk4;
    wrong.b[i] += 1e-9;
    INFO("b[" << i << "]");
    CHECK(order_reached(wrong, wrong.b) == 0);
  }
}

}  // namespace pathline
