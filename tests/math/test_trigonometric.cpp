#include <pathline/math/trigonometric.hpp>

#include <math/ulp.hpp>
#include <support/catch.hpp>

#include <cmath>
#include <limits>
#include <vector>

using namespace pathline;
using pathline::test::arguments;
using pathline::test::worst_ulps;

// All functions under test are called as pathline::…: for a plain scalar, that of <math.h> would be found first.

namespace {

template <class Scalar>
double worst_sine(const std::vector<Scalar>& xs) {
  return worst_ulps(
      xs, [](Scalar x) { return pathline::sin(x); }, [](long double x) { return std::sin(x); });
}
template <class Scalar>
double worst_cosine(const std::vector<Scalar>& xs) {
  return worst_ulps(
      xs, [](Scalar x) { return pathline::cos(x); }, [](long double x) { return std::cos(x); });
}

}  // namespace

// The bound is the header's; measured over 10⁶ arguments: 1.6 ulp up to 1000, 2.4 up to the end of the reduction.
TEMPLATE_TEST_CASE("sin and cos agree with long double to 2.5 ulp, whatever the magnitude", "[math]", float, double) {
  for (const double range : {1.0, 10.0, 1000.0, double(detail::reducible<TestType>), 1e9}) {
    INFO("range " << range);
    CHECK(worst_sine(arguments<TestType>(-range, range)) < 2.5);
    CHECK(worst_cosine(arguments<TestType>(-range, range)) < 2.5);
  }
}

TEMPLATE_TEST_CASE("sin and cos are accurate relative to themselves near their zeros", "[math]", float, double) {
  std::vector<TestType> near_zeros;
  for (int n = 1; n < 5000; ++n) near_zeros.push_back(TestType(n * 1.57079632679489661923L));
  CHECK(worst_sine(near_zeros) < 2.5);
  CHECK(worst_cosine(near_zeros) < 2.5);
}

TEMPLATE_TEST_CASE("sin and cos of zeros, infinities and NaN", "[math]", float, double) {
  using S = TestType;
  CHECK(pathline::sin(S(0)) == 0);
  CHECK(pathline::sin(S(-0.0)) == 0);
  CHECK(pathline::cos(S(0)) == 1);
  for (const S x :
       {std::numeric_limits<S>::infinity(), -std::numeric_limits<S>::infinity(), std::numeric_limits<S>::quiet_NaN()}) {
    CHECK(std::isnan(pathline::sin(x)));
    CHECK(std::isnan(pathline::cos(x)));
  }
}

TEMPLATE_TEST_CASE("sin_cos of an element does not depend on a huge neighbour", "[math]", float, double) {
  using S = TestType;
  using P = Pack<S>;
  const S huge = S(1e30), nan = std::numeric_limits<S>::quiet_NaN();
  for (const S neighbour : {huge, nan}) {
    for (const S x : arguments<S>(-100, 100, 100)) {
      auto lanes = P(x).lanes();
      lanes.back() = neighbour;
      const auto both = sin_cos(P::load(lanes.data()));
      const auto sines = both.sin.lanes(), cosines = both.cos.lanes();
      if (lanes.size() == 1) continue;
      CHECK((sines.front() == pathline::sin(x) && cosines.front() == pathline::cos(x)));
    }
    // The other way round: the huge one comes out right, a NaN does not hide it.
    auto lanes = P(neighbour).lanes();
    lanes.front() = huge;
    CHECK(test::ulps<S>(sin_cos(P::load(lanes.data())).sin.front(), std::sin(static_cast<long double>(huge))) < 2.5);
  }
}
