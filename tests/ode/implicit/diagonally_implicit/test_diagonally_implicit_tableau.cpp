// The checks of a diagonally implicit tableau name what is wrong with it, and R(∞) is the limit of R.
#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_tableau.hpp>

#include <support/catch.hpp>

#include <Eigen/LU>

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

namespace pathline {
namespace {

constexpr double gamma = 0.29289321881345247560;  // 1 - √2/2
constexpr DiagonallyImplicitTableau<2> alexander{
    .a = {gamma, 1 - gamma, gamma}, .b = {1 - gamma, gamma}, .c = {gamma, 1}, .order = 2};
constexpr DiagonallyImplicitTableau<2> trapezoidal{
    .a = {0, 0.5, 0.5}, .b = {0.5, 0.5}, .b_embedded = {1, 0}, .c = {0, 1}, .order = 2, .embedded_order = 1};

constexpr auto with(auto tableau, auto change) {
  change(tableau);
  return tableau;
}

static_assert(alexander.A(0, 0) == gamma && alexander.A(1, 0) == 1 - gamma && alexander.A(0, 1) == 0);
static_assert(alexander.gamma() == gamma && !alexander.has_explicit_first_stage());
static_assert(trapezoidal.gamma() == 0.5 && trapezoidal.has_explicit_first_stage());

static_assert(tableau_defect(alexander) == TableauDefect::none);
static_assert(tableau_defect(trapezoidal) == TableauDefect::none);
static_assert(tableau_defect(with(alexander, [](auto& T) { T.c[0] = 0.3; })) == TableauDefect::row_sum);
static_assert(tableau_defect(with(alexander, [](auto& T) { T.order = 3; })) == TableauDefect::order);
static_assert(tableau_defect(with(alexander, [](auto& T) { T.order = 1; })) == TableauDefect::order, "understated");
static_assert(tableau_defect(with(alexander, [](auto& T) { T.b = {0.6, 0.5}; })) == TableauDefect::order);
static_assert(tableau_defect(with(alexander, [](auto& T) { T.a[2] = 0.3; })) == TableauDefect::diagonal);
static_assert(tableau_defect(with(alexander, [](auto& T) { T.a = {-1, 2, -1}; })) == TableauDefect::diagonal);
static_assert(tableau_defect(with(trapezoidal, [](auto& T) { T.a[2] = 0; })) == TableauDefect::diagonal);
static_assert(tableau_defect(with(trapezoidal, [](auto& T) { T.a = {0, 0, 0}; })) == TableauDefect::empty_row);
static_assert(tableau_defect(with(trapezoidal, [](auto& T) { T.embedded_order = 2; })) ==
              TableauDefect::embedded_order);

static_assert(stiffly_accurate(alexander) && stiffly_accurate(trapezoidal));
static_assert(!stiffly_accurate(with(trapezoidal, [](auto& T) { T.b = {0.4, 0.6}; })));
static_assert(first_same_as_last(trapezoidal));
static_assert(!first_same_as_last(alexander), "its first stage is not at the start of the step");
// Implicit Euler: the last stage is the solution, and there is no first one to hand it to.
static_assert(!first_same_as_last(DiagonallyImplicitTableau<1>{.a = {1}, .b = {1}, .c = {1}, .order = 1}));

/// R(ζ) = 1 + ζ wᵀ(I - ζA)⁻¹1.
template <int S>
double stability(const DiagonallyImplicitTableau<S>& tableau, const std::array<double, std::size_t(S)>& weights,
                 double zeta) {
  Eigen::Matrix<double, S, S> A;
  Eigen::Matrix<double, S, 1> w;
  for (int i = 0; i < S; ++i) {
    w(i) = weights[std::size_t(i)];
    for (int j = 0; j < S; ++j) A(i, j) = tableau.A(i, j);
  }
  const Eigen::Matrix<double, S, S> matrix = Eigen::Matrix<double, S, S>::Identity() - zeta * A;
  return 1 + zeta * w.dot(matrix.inverse() * Eigen::Matrix<double, S, 1>::Ones());
}

}  // namespace

// R(ζ) - R(∞) falls like 1/ζ: at ζ = -1e6 it is of the size of 1e-6 times coefficients of the size of 10. The order
// does not matter here: the numbers are arbitrary.
TEST_CASE("R at infinity is the limit of the stability function", "[ode][tableau]") {
  const DiagonallyImplicitTableau<3> singly{.a = {0.4, 0.3, 0.4, -0.2, 0.7, 0.4}, .b = {0.5, -0.3, 0.8}, .c = {}};
  CHECK(stability_at_infinity(singly, singly.b) == Approx(stability(singly, singly.b, -1e6)).margin(1e-4));
  CHECK(stability_at_infinity(alexander, alexander.b) == Approx(0).margin(1e-14));
  CHECK(stability_at_infinity(trapezoidal, trapezoidal.b) == Approx(-1));

  // With an explicit first stage: w_1 = w̃ᵀÃ⁻¹α keeps R bounded, here w_1 = (0.5 · 0.1 + 0.2 · 0.25) / 0.4.
  const DiagonallyImplicitTableau<3> bounded{.a = {0, 0.1, 0.4, 0.25, 0, 0.4}, .b = {0.25, 0.5, 0.2}, .c = {}};
  CHECK(stability_at_infinity(bounded, bounded.b) == Approx(stability(bounded, bounded.b, -1e6)).margin(1e-4));
}

TEST_CASE("R is infinite at infinity where it grows", "[ode][tableau]") {
  CHECK(stability_at_infinity(trapezoidal, trapezoidal.b_embedded) == std::numeric_limits<double>::infinity());
  CHECK(std::abs(stability(trapezoidal, trapezoidal.b_embedded, -1e6)) > 1e5);
}

TEST_CASE("order_reached sees a change of 1e-9 in any coefficient of an implicit method", "[ode][tableau]") {
  for (std::size_t i = 0; i < alexander.a.size(); ++i) {
    auto wrong = alexander;
    wrong.a[i] += 1e-9;
    INFO("a[" << i << "]");
    CHECK((order_reached(wrong, wrong.b) < 2 || row_sum_defect(wrong) > 1e-10));
  }
  for (std::size_t i = 0; i < 2; ++i) {
    auto wrong = alexander;
    wrong.b[i] += 1e-9;
    INFO("b[" << i << "]");
    CHECK(order_reached(wrong, wrong.b) == 0);
  }
}

}  // namespace pathline
