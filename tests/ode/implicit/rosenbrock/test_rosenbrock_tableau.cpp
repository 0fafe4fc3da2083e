// The checks of a Rosenbrock tableau name what is wrong with it, and its coefficients are those that RODAS publishes.
#include <pathline/ode/implicit/rosenbrock/rosenbrock_tableau.hpp>

#include <pathline/ode/implicit/rosenbrock/rosenbrock_methods.hpp>

#include <support/catch.hpp>

#include <Eigen/LU>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace pathline {
namespace {

constexpr auto rodas = Rodas4::tableau;

constexpr auto with(auto tableau, auto change) {
  change(tableau);
  return tableau;
}

static_assert(rodas.alpha(1, 0) == .386 && rodas.alpha(1, 1) == 0 && rodas.alpha(0, 1) == 0);
static_assert(rodas.Gamma(1, 0) == -.3543 && rodas.Gamma(2, 2) == .25 && rodas.Gamma(0, 1) == 0);
static_assert(rodas.beta(1, 0) == .386 - .3543 && rodas.beta(3, 3) == .25);

// Nodes and weights of the time derivative as the code RODAS has them.
constexpr std::array<double, 6> rodas_alpha{0, .386, .21, .63, 1, 1};
constexpr std::array<double, 6> rodas_gamma{.25, -.1043, .1035, -.03620000000000023, 0, 0};
static_assert([] {
  for (int i = 0; i < 6; ++i)
    if (!detail::nearly(detail::row_sum_of_alpha(rodas, i), rodas_alpha[std::size_t(i)]) ||
        !detail::nearly(detail::row_sum_of_gamma(rodas, i), rodas_gamma[std::size_t(i)]))
      return false;
  return true;
}());

static_assert(tableau_defect(rodas) == TableauDefect::none);
static_assert(tableau_defect(with(rodas, [](auto& T) { T.order = 5; })) == TableauDefect::order);
static_assert(tableau_defect(with(rodas, [](auto& T) { T.order = 3; })) == TableauDefect::order, "understated");
static_assert(tableau_defect(with(rodas, [](auto& T) { T.embedded_order = 4; })) == TableauDefect::embedded_order);
static_assert(tableau_defect(with(rodas, [](auto& T) { T.embedded_order = 2; })) == TableauDefect::embedded_order);
static_assert(tableau_defect(with(rodas, [](auto& T) { T.gamma = 0; })) == TableauDefect::diagonal);

static_assert(first_same_as_last(Rosenbrock23::tableau) && !first_same_as_last(rodas));

// One stage with γ = 1/2 is of order 2, any other of order 1: Hairer & Wanner II, equation IV.7.1 on.
constexpr RosenbrockTableau<1> one_stage{.gamma = 0.5, .b = {1}, .order = 2};
static_assert(tableau_defect(one_stage) == TableauDefect::none);
static_assert(tableau_defect(with(one_stage, [](auto& T) { T.gamma = 0.4; })) == TableauDefect::order);
static_assert(stability_at_infinity(one_stage, one_stage.b) == -1);
static_assert(detail::row_sum_of_gamma(one_stage, 0) == 0.5 && detail::row_sum_of_alpha(one_stage, 0) == 0);

constexpr std::array<double, 6> row_of_alpha(int i) {
  std::array<double, 6> row{};
  for (int j = 0; j < 6; ++j) row[std::size_t(j)] = rodas.alpha(i, j);
  return row;
}

double largest_difference(const std::array<double, 6>& x, const std::array<double, 6>& y) {
  double worst = 0;
  for (std::size_t i = 0; i < 6; ++i) worst = std::max(worst, std::abs(x[i] - y[i]));
  return worst;
}

}  // namespace

// Of the code's coefficients A, C and M those that all others enter. They have 16 digits.
TEST_CASE("In increments the coefficients of Rodas4 are those of the code RODAS", "[ode][tableau]") {
  CHECK(largest_difference(in_increments(rodas, row_of_alpha(3)),
                           {3.314825187068521, 2.896124015972201, .9986419139977817, 0, 0, 0}) < 1e-14);
  CHECK(largest_difference(in_increments(rodas, rodas.b), {1.221224509226641, 6.019134481288629, 12.53708332932087,
                                                           -.6878860361058950, 1, 1}) < 3e-14);
  // -Γ⁻¹ to the left of its diagonal.
  CHECK(largest_difference(in_increments(rodas, {0, 0, 0, 0, 0, -1}),
                           {8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136,
                            -6.058818238834054, -4}) < 3e-14);
  std::array<double, 6> error = rodas.b;
  for (std::size_t i = 0; i < 6; ++i) error[i] -= rodas.b_embedded[i];
  CHECK(in_increments(rodas, error) == std::array<double, 6>{0, 0, 0, 0, 0, 1});
}

TEST_CASE("order_reached sees a change of 1e-9 in any coefficient of a Rosenbrock method", "[ode][tableau]") {
  for (std::size_t i = 0; i < rodas.alphas.size(); ++i) {
    INFO("alphas[" << i << "], gammas[" << i << "]");
    CHECK(order_reached(with(rodas, [i](auto& T) { T.alphas[i] += 1e-9; }), rodas.b) < 4);
    CHECK(order_reached(with(rodas, [i](auto& T) { T.gammas[i] += 1e-9; }), rodas.b) < 4);
  }
  CHECK(order_reached(with(rodas, [](auto& T) { T.gamma += 1e-9; }), rodas.b) < 4);
  for (std::size_t i = 0; i < 6; ++i) CHECK(order_reached(rodas, with(rodas.b, [i](auto& b) { b[i] += 1e-9; })) == 0);
}

// R(ζ) - R(∞) falls like 1/ζ, here with coefficients of the size of 10. The order does not matter.
TEST_CASE("R at infinity is the limit of a Rosenbrock method's stability function", "[ode][tableau]") {
  const RosenbrockTableau<3> T{
      .gamma = 0.4, .alphas = {0.3, 0.1, 0.5}, .gammas = {-0.2, 0.3, -0.6}, .b = {0.5, -0.3, 0.8}};
  Eigen::Matrix3d matrix = Eigen::Matrix3d::Identity();
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) matrix(i, j) += 1e6 * T.beta(i, j);
  const Eigen::Vector3d stages = matrix.inverse() * Eigen::Vector3d::Ones();
  CHECK(stability_at_infinity(T, T.b) == Approx(1 - 1e6 * Eigen::Vector3d(0.5, -0.3, 0.8).dot(stages)).margin(1e-4));
  CHECK(stability_at_infinity(rodas, rodas.b) == Approx(0).margin(1e-14));
  CHECK(stability_at_infinity(rodas, rodas.b_embedded) == Approx(0).margin(1e-14));
}

}  // namespace pathline
