#include <pathline/nn/time/interpolants.hpp>

#include <pathline/nn/layer/linear.hpp>
#include <pathline/nn/time/controlled.hpp>

#include <support/catch.hpp>
#include <support/layer_laws.hpp>

#include <cmath>
#include <limits>
#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

static_assert(Signal<LinearInterpolant<double>, double> && Signal<LinearInterpolant<float>, float>);
static_assert(Signal<CubicInterpolant<double>, double> && Signal<CubicInterpolant<float>, float>);

const std::vector<double> times{-1, 0.25, 0.5, 2, 3.5};

/// Rows p(t) and -2 p(t) at the times.
template <class Curve>
Batch<double> rows_of(Curve&& p) {
  Batch<double> result(2, 5);
  for (Index i = 0; i < 5; ++i) result.col(i) << p(times[std::size_t(i)]), -2 * p(times[std::size_t(i)]);
  return result;
}
double line(double t) { return 3 * t - 1; }
double parabola(double t) { return 2 * t * t - 3 * t + 1; }
double cubic(double t) { return t * t * t - 2 * t * t + t - 4; }
double cubic_slope(double t) { return 3 * t * t - 4 * t + 1; }

/// Times inside the interval, no knot among them.
const std::vector<double> inside{-0.9, -0.2, 0.3, 0.49, 0.7, 1.9, 2.2, 3.4};

template <class Interpolant>
Vector<double> second_derivative(const Interpolant& u, double t) {
  Vector<double> result(u.rows());
  u.second_derivative(t, result);
  return result;
}

/// Values of order 50 and weights of order 10 at most, hence some 100 ε.
constexpr double rounding = 1e-12;

}  // namespace

TEST_CASE("Interpolants pass through their values, and keep the last ones outside", "[nn]") {
  const Batch<double> values = gaussian(0, 2, 5);
  const LinearInterpolant<double> linear(times, values);
  const CubicInterpolant<double> smooth(times, values);
  CHECK(linear.rows() == 2);
  CHECK(smooth.rows() == 2);
  for (Index i = 0; i < 5; ++i) {
    CHECK(linear.value(times[std::size_t(i)]) == values.col(i));
    CHECK(smooth.value(times[std::size_t(i)]) == values.col(i));
  }
  for (const double t : {-7.0, 9.0}) {
    const Vector<double> end = values.col(t < 0 ? 0 : 4);
    CHECK(linear.value(t) == end);
    CHECK(smooth.value(t) == end);
    CHECK(linear.derivative(t).isZero(0));
    CHECK(smooth.derivative(t).isZero(0));
    CHECK(second_derivative(smooth, t).isZero(0));
  }
  CHECK(std::isnan(linear.value(not_a_number)(0)));
  CHECK(std::isnan(smooth.value(not_a_number)(0)));
}

TEST_CASE("LinearInterpolant reproduces lines, and takes the slope of the piece that begins at a knot", "[nn]") {
  const LinearInterpolant<double> u(times, rows_of(line));
  for (const double t : inside) {
    CHECK(u.value(t)(0) == Approx(line(t)).margin(rounding));
    CHECK(u.value(t)(1) == Approx(-2 * line(t)).margin(rounding));
    CHECK(u.derivative(t)(0) == Approx(3).margin(rounding));
    CHECK(second_derivative(u, t).isZero(0));
  }
  Batch<double> roof(1, 3);
  roof << 0, 1, -1;
  const LinearInterpolant<double> corner({0, 1, 2}, roof);
  CHECK(corner.derivative(0)(0) == 1);
  CHECK(corner.derivative(1)(0) == -2);
  CHECK(corner.derivative(2)(0) == -2);
}

TEST_CASE("CubicInterpolant reproduces parabolas, and cubics where slopes are given", "[nn]") {
  const CubicInterpolant<double> by_values(times, rows_of(parabola));
  const CubicInterpolant<double> by_slopes(times, rows_of(cubic), rows_of(cubic_slope));
  for (const double t : inside) {
    CHECK(by_values.value(t)(0) == Approx(parabola(t)).margin(rounding));
    CHECK(by_values.derivative(t)(0) == Approx(4 * t - 3).margin(rounding));
    CHECK(second_derivative(by_values, t)(0) == Approx(4).margin(100 * rounding));  // weights 1/h² are 100
    CHECK(by_slopes.value(t)(1) == Approx(-2 * cubic(t)).margin(rounding));
    CHECK(by_slopes.derivative(t)(1) == Approx(-2 * cubic_slope(t)).margin(rounding));
    CHECK(second_derivative(by_slopes, t)(1) == Approx(-2 * (6 * t - 4)).margin(100 * rounding));
  }
  Batch<double> two(1, 2);
  two << 1, 4;
  CHECK(CubicInterpolant<double>({0, 2}, two).value(1)(0) == 2.5);  // through two values a line
}

TEST_CASE("CubicInterpolant: derivatives are those of the values, and the first is continuous", "[nn][gradient]") {
  const CubicInterpolant<double> u(times, gaussian(0, 2, 5));
  // h = 1e-5: truncation h² times third derivatives below 1000 (6/h³ of the narrow piece), rounding ε/h.
  const double h = 1e-5;
  for (const double t : inside) {
    CHECK((u.derivative(t) - (u.value(t + h) - u.value(t - h)) / (2 * h)).lpNorm<Eigen::Infinity>() < 1e-6);
    CHECK((second_derivative(u, t) - (u.derivative(t + h) - u.derivative(t - h)) / (2 * h)).lpNorm<Eigen::Infinity>() <
          1e-6);
  }
  for (const double knot : {0.25, 0.5, 2.0})  // second derivatives are below 100
    CHECK((u.derivative(knot) - u.derivative(knot - 1e-12)).lpNorm<Eigen::Infinity>() < 1e-9);
}

TEST_CASE("Interpolants drive a layer", "[nn][gradient]") {
  const CubicInterpolant<double> u({-8, -1, 0.1, 2, 8}, gaussian(0, 2, 5));
  const AnyLayer layer = Controlled(Linear<double>(3, 2, 3), u);
  for (const Index side_columns : {1, 3, 9}) check_layer_laws(layer, 3, 2, side_columns);
  check_no_allocations(layer);
}

TEST_CASE("Interpolants refuse what makes no curve", "[nn][errors]") {
  using L = LinearInterpolant<double>;
  using C = CubicInterpolant<double>;
  const Batch<double> two = Batch<double>::Zero(1, 2), three = Batch<double>::Zero(1, 3);
  CHECK_THROWS_WITH(L({1}, two), "LinearInterpolant: number of times is 1, expected at least 2");
  CHECK_THROWS_WITH(C({0, 1, 1}, three), "CubicInterpolant: time 2 is 1, expected a time after the one before it, 1");
  CHECK_THROWS_WITH(L({0, std::numeric_limits<double>::infinity()}, two),
                    "LinearInterpolant: time 1 is inf, expected a finite number");
  CHECK_THROWS_WITH(L({0, 1, 2}, two), "LinearInterpolant: values has 2 columns, expected 3");
  CHECK_THROWS_AS(C({0, 1}, three), ShapeError);
  CHECK_THROWS_WITH(C({0, 1}, two, three), "CubicInterpolant: slopes has 3 columns, expected 2");
  CHECK_THROWS_WITH(C({0, 1}, two, Batch<double>::Zero(2, 2)), "CubicInterpolant: slopes has 2 rows, expected 1");
  CHECK_THROWS_AS(L({0, 1}, Batch<double>::Constant(1, 2, not_a_number)), DataError);
  CHECK_THROWS_AS(C({0, 1}, two, Batch<double>::Constant(1, 2, not_a_number)), DataError);
}
