// Adams' weights on paper: the fractions of the books, and what they integrate.
#include <pathline/ode/multistep/adams_methods.hpp>

#include <support/catch.hpp>

#include <array>
#include <cstddef>

namespace pathline {

// A stepper checks its method where it is used; here all are checked.
static_assert(quadrature_order(AdamsBashforth<1>::predictor, 0) == 1, "AdamsBashforth<1>: see quadrature_order");
static_assert(quadrature_order(AdamsBashforth<2>::predictor, 0) == 2, "AdamsBashforth<2>: see quadrature_order");
static_assert(quadrature_order(AdamsBashforth<3>::predictor, 0) == 3, "AdamsBashforth<3>: see quadrature_order");
static_assert(quadrature_order(AdamsBashforth<4>::predictor, 0) == 4, "AdamsBashforth<4>: see quadrature_order");
static_assert(quadrature_order(AdamsBashforth<5>::predictor, 0) == 5, "AdamsBashforth<5>: see quadrature_order");
static_assert(multistep_order<AdamsBashforthMoulton<1>>() == 1, "AdamsBashforthMoulton<1>: see quadrature_order");
static_assert(multistep_order<AdamsBashforthMoulton<2>>() == 2, "AdamsBashforthMoulton<2>: see quadrature_order");
static_assert(multistep_order<AdamsBashforthMoulton<3>>() == 3, "AdamsBashforthMoulton<3>: see quadrature_order");
static_assert(multistep_order<AdamsBashforthMoulton<4>>() == 4, "AdamsBashforthMoulton<4>: see quadrature_order");
static_assert(multistep_order<AdamsBashforthMoulton<5>>() == 5, "AdamsBashforthMoulton<5>: see quadrature_order");

namespace {

template <std::size_t K>
void check_weights(const std::array<double, K>& ours, double denominator, const std::array<int, K>& numerators) {
  for (std::size_t j = 0; j < K; ++j) CHECK(ours[j] == Approx(numerators[j] / denominator).epsilon(1e-14));
}

}  // namespace

// Hairer, Nørsett & Wanner I, section III.1; Abramowitz & Stegun 25.5.4 and 25.5.5 for the last of each.
TEST_CASE("Adams' weights are the fractions of the books", "[ode][multistep]") {
  check_weights<1>(AdamsBashforth<1>::predictor, 1, {1});
  check_weights<2>(AdamsBashforth<2>::predictor, 2, {3, -1});
  check_weights<3>(AdamsBashforth<3>::predictor, 12, {23, -16, 5});
  check_weights<4>(AdamsBashforth<4>::predictor, 24, {55, -59, 37, -9});
  check_weights<5>(AdamsBashforth<5>::predictor, 720, {1901, -2774, 2616, -1274, 251});
  check_weights<1>(AdamsBashforthMoulton<1>::corrector, 1, {1});
  check_weights<2>(AdamsBashforthMoulton<2>::corrector, 2, {1, 1});
  check_weights<3>(AdamsBashforthMoulton<3>::corrector, 12, {5, 8, -1});
  check_weights<4>(AdamsBashforthMoulton<4>::corrector, 24, {9, 19, -5, 1});
  check_weights<5>(AdamsBashforthMoulton<5>::corrector, 720, {251, 646, -264, 106, -19});
}

}  // namespace pathline
