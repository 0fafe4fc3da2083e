#include <pathline/ode/output/search_polynomial.hpp>

#include <support/catch.hpp>

#include <array>
#include <cmath>
#include <cstddef>

namespace pathline::detail {

TEST_CASE("The polynomial through the samples and its extrema are found", "[ode][events]") {
  const auto polynomial = [](double x) { return 3 - x * (1 - x * (2 + x * x * (1 - 4 * x))); };
  PlaceValues values;
  for (std::size_t k = 0; k < values.size(); ++k) values[k] = polynomial(search_places[k]);
  const PlaceValues c = polynomial_through(values), expected{3, -1, 2, 0, 1, -4, 0};
  for (std::size_t k = 0; k < c.size(); ++k) CHECK(c[k] == Approx(expected[k]).margin(1e-9));
  // Chebyshev's polynomial of degree 6 on [0, 1] has its five extrema at (1 + cos(k π / 6)) / 2.
  for (std::size_t k = 0; k < values.size(); ++k) values[k] = std::cos(6 * std::acos(2 * search_places[k] - 1));
  std::array<double, 5> extrema;
  REQUIRE(extrema_of_polynomial(polynomial_through(values), extrema) == 5);
  for (std::size_t k = 0; k < 5; ++k)
    CHECK(extrema[k] == Approx((1 - std::cos(double(k + 1) * std::acos(-1.) / 6)) / 2).epsilon(1e-8));
  // (x - 1/2)⁴: the derivatives are 0 together, and at a bound of the search.
  REQUIRE(extrema_of_polynomial({0.0625, -0.5, 1.5, -2, 1, 0, 0}, extrema) == 1);
  CHECK(extrema[0] == Approx(0.5));
  // A monotone function has none, and one of a quadratic is found near either end.
  CHECK(extrema_of_polynomial({1, -2, 0, 0, 0, 0, 0}, extrema) == 0);
  for (const double at : {1e-6, 1 - 1e-6}) {
    REQUIRE(extrema_of_polynomial({0, -2 * at, 1, 0, 0, 0, 0}, extrema) == 1);
    CHECK(extrema[0] == Approx(at).margin(1e-14).epsilon(0));
  }
  // Of a constant, of what is not finite: none, and an end to the search.
  CHECK(extrema_of_polynomial({1, 0, 0, 0, 0, 0, 0}, extrema) == 0);
  (void)extrema_of_polynomial(polynomial_through({1e308, -1e308, 1e308, 0, -1e308, 1, 1e308}), extrema);
}

}  // namespace pathline::detail
