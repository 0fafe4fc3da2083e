#include <pathline/train/metric/quadrature.hpp>

#include <support/catch.hpp>

#include <cmath>

using namespace pathline;

namespace {

template <class Function>
double integral(double from, double to, Index panels, Function&& f) {
  double sum = 0;
  detail::for_each_node(from, to, panels, [&](double t, double weight) { sum += weight * f(t); });
  return sum;
}

}  // namespace

TEST_CASE("The five-point rule integrates polynomials of degree 9 exactly and not those of degree 10",
          "[train][quadrature]") {
  for (int degree = 0; degree <= 10; ++degree) {
    INFO("degree " << degree);
    const double exact = (std::pow(2.0, degree + 1) - std::pow(-1.0, degree + 1)) / (degree + 1);
    const double error = std::abs(integral(-1, 2, 1, [&](double t) { return std::pow(t, degree); }) / exact - 1);
    if (degree <= 9)
      CHECK(error < 1e-14);  // rounding of a sum of five
    else
      CHECK(error > 1e-6);  // 4e-13 · 3¹¹ · 10! = 0.26 of 186
  }
}

TEST_CASE("The composite rule is of order 10", "[train][quadrature]") {
  const auto error = [](Index panels) {
    return std::abs(integral(0, 3, panels, [](double t) { return std::exp(t); }) - std::expm1(3.0));
  };
  // As far as one can go before rounding; a wrong node or weight leaves order 2 at most.
  CHECK(std::log2(error(1) / error(2)) == Approx(10).margin(0.5));
}
