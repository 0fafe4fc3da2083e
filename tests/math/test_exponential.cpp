#include <pathline/math/exponential.hpp>

#include <math/ulp.hpp>
#include <support/catch.hpp>

#include <cmath>
#include <limits>
#include <type_traits>

using namespace pathline;
using pathline::test::arguments;
using pathline::test::worst_ulps;

// All functions under test are called as pathline::…: for a plain scalar, that of <math.h> would be found first.

namespace {

/// Where e^x is a normal number: |x| ≤ 87 and 708.
template <class Scalar>
constexpr double normal_range = std::is_same_v<Scalar, float> ? 87 : 708;

}  // namespace

// The bounds are those of the header. Measured over 10⁶ arguments, with and without fused multiply-add:
// exp 1.04, expm1 2.07, log1p_unit 2.32, tanh 2.53 ulp. Eigen's log: 1.5 (version 3.4), 3.0 (version 5).
TEMPLATE_TEST_CASE("exponential functions agree with long double to a few ulp", "[math]", float, double) {
  using S = TestType;
  const double range = normal_range<S>;
  CHECK(worst_ulps(
            arguments<S>(-range, range), [](S x) { return pathline::exp(x); },
            [](long double x) { return std::exp(x); }) < 1.5);
  CHECK(worst_ulps(
            arguments<S>(-range, range), [](S x) { return pathline::expm1(x); },
            [](long double x) { return std::expm1(x); }) < 2);
  CHECK(worst_ulps(
            arguments<S>(-2, 2), [](S x) { return pathline::expm1(x); }, [](long double x) { return std::expm1(x); }) <
        2);
  CHECK(worst_ulps(
            arguments<S>(1e-30, 4), [](S x) { return pathline::log(x); }, [](long double x) { return std::log(x); }) <
        4);
  CHECK(worst_ulps(
            arguments<S>(0, 1), [](S x) { return log1p_unit(x); }, [](long double x) { return std::log1p(x); }) < 3);
  CHECK(worst_ulps(
            arguments<S>(-20, 20), [](S x) { return pathline::tanh(x); }, [](long double x) { return std::tanh(x); }) <
        3);
}

TEMPLATE_TEST_CASE("exponential functions have their limits at the ends of the range", "[math]", float, double) {
  using S = TestType;
  const S infinity = std::numeric_limits<S>::infinity(), huge = S(1e30);
  CHECK(pathline::exp(infinity) == infinity);
  CHECK(pathline::exp(huge) == infinity);
  CHECK(pathline::exp(-infinity) == 0);
  CHECK(pathline::exp(-huge) == 0);
  CHECK(pathline::exp(S(0)) == 1);
  CHECK(pathline::expm1(infinity) == infinity);
  CHECK(pathline::expm1(-infinity) == -1);
  CHECK(pathline::expm1(S(0)) == 0);
  CHECK(pathline::log(S(1)) == 0);
  CHECK(pathline::log(S(0)) == -infinity);
  CHECK(log1p_unit(S(0)) == 0);
  CHECK(pathline::tanh(infinity) == 1);
  CHECK(pathline::tanh(-huge) == -1);
  CHECK(std::signbit(pathline::tanh(S(-0.0))));
  const S nan = std::numeric_limits<S>::quiet_NaN();
  CHECK(std::isnan(pathline::exp(nan)));
  CHECK(std::isnan(pathline::expm1(nan)));
  CHECK(std::isnan(pathline::log(nan)));
  CHECK(std::isnan(log1p_unit(nan)));
  CHECK(std::isnan(pathline::tanh(nan)));
}

TEMPLATE_TEST_CASE("exp reaches the largest and the subnormal numbers", "[math]", float, double) {
  using S = TestType;
  const S largest = std::log(std::numeric_limits<S>::max());  // rounded, so that e^largest may be just beyond
  CHECK(std::isfinite(pathline::exp(std::nextafter(largest, S(0)))));
  CHECK(pathline::exp(largest + 1) == std::numeric_limits<S>::infinity());
  const S small = std::log(std::numeric_limits<S>::denorm_min()) + 3;  // about 20 times the least number
  CHECK(pathline::exp(small) > 0);
  CHECK(test::ulps<S>(pathline::exp(small), std::exp(static_cast<long double>(small))) <= 1);
}

TEMPLATE_TEST_CASE("exp_pair: both members are accurate for z <= 0, and e^z becomes zero", "[math]", float, double) {
  using S = TestType;
  const auto zs = arguments<S>(-normal_range<S>, 0);
  CHECK(worst_ulps(
            zs, [](S z) { return detail::exp_pair(z).exp; }, [](long double z) { return std::exp(z); }) < 1.5);
  CHECK(worst_ulps(
            zs, [](S z) { return detail::exp_pair(z).expm1; }, [](long double z) { return std::expm1(z); }) < 2);
  for (const S z : {detail::ExpConstants<S>::flush, S(-1e30), -std::numeric_limits<S>::infinity()}) {
    CHECK(detail::exp_pair(z).exp == 0);
    CHECK(detail::exp_pair(z).expm1 == -1);
  }
}
