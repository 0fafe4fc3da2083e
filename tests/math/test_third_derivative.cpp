#include <pathline/math/third_derivative.hpp>

#include <pathline/math/activate.hpp>

#include <math/ulp.hpp>
#include <support/catch.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

using namespace pathline;
using pathline::test::arguments;

namespace {

struct Cube {
  template <class P>
  static Jet<P> jet(P x) {
    return {x * x * x, P(3) * x * x, P(6) * x};
  }
  template <class P>
  static P third(const Jet<P>& /*jet*/, P /*x*/) {
    return P(6);
  }
};
struct NoThird {
  template <class P>
  static Jet<P> jet(P x) {
    return {x, P(1), P(0)};
  }
};
struct NoJet {
  template <class P>
  static P third(const Jet<P>& /*jet*/, P /*x*/) {
    return P(0);
  }
};
struct NotStatic : NoThird {
  template <class P>
  P third(const Jet<P>& /*jet*/, P /*x*/) const {
    return P(0);
  }
};
struct DoubleThird : NoThird {
  template <class P>
  static double third(const Jet<P>& /*jet*/, P /*x*/) {
    return 0;
  }
};

static_assert(ThriceDifferentiable<Tanh, float> && ThriceDifferentiable<LogTwoCosh> && ThriceDifferentiable<Sigmoid> &&
              ThriceDifferentiable<Softplus, float> && ThriceDifferentiable<Swish> && ThriceDifferentiable<Sine> &&
              ThriceDifferentiable<Identity> && ThriceDifferentiable<Cube, float>);
static_assert(!ThriceDifferentiable<NoThird>, "third is required");
static_assert(!ThriceDifferentiable<NoJet>, "jet is required");
static_assert(!ThriceDifferentiable<NotStatic>, "third must be static");
static_assert(ThriceDifferentiable<DoubleThird> && !ThriceDifferentiable<DoubleThird, float>,
              "third must return its scalar");
static_assert(!ThriceDifferentiable<Tanh, int>, "the scalars are float and double");

template <class Sigma, class S>
S third(S x) {
  return Sigma::third(Sigma::jet(x), x);
}

}  // namespace

TEMPLATE_TEST_CASE("third derivatives agree with central differences of the second", "[math][gradient]", Identity, Tanh,
                   LogTwoCosh, Sigmoid, Softplus, Swish, Sine, Cube) {
  using Sigma = TestType;
  const double h = 1e-5;
  for (double x = -6; x <= 6; x += 0.0625) {
    INFO("x = " << x);
    const double difference = (Sigma::jet(x + h).second - Sigma::jet(x - h).second) / (2 * h);
    // Truncation h² |σ⁗'| / 6 with |σ⁗'| ≤ 16 (tanh) is 2.7e-10; rounding 4 ε / h is 1e-10 times the size of σ''.
    CHECK(std::abs(difference - third<Sigma>(x)) < 4e-10 * std::max(1.0, std::abs(Sigma::jet(x).second)));
  }
}

TEMPLATE_TEST_CASE("third derivatives in float agree with double to a few ulp of one", "[math]", Identity, Tanh,
                   LogTwoCosh, Sigmoid, Softplus, Swish, Sine) {
  // Two terms of at most 2 cancel near the zeros: the error is absolute.
  for (const float x : arguments<float>(-10, 10, 500))
    CHECK(std::abs(double(third<TestType>(x)) - third<TestType>(double(x))) < 1e-6);
}

TEMPLATE_TEST_CASE("third derivatives vanish at huge and infinite arguments", "[math]", Identity, Tanh, LogTwoCosh,
                   Sigmoid, Softplus, Swish) {
  for (const double x : {1000.0, 1e300, std::numeric_limits<double>::infinity()}) {
    CHECK(third<TestType>(x) == 0);
    CHECK(third<TestType>(-x) == 0);
    CHECK(third<TestType>(float(x)) == 0);
    CHECK(third<TestType>(-float(x)) == 0);
  }
}

TEMPLATE_TEST_CASE("third derivatives: NaN in gives NaN out", "[math]", Tanh, LogTwoCosh, Sigmoid, Softplus, Swish,
                   Sine) {
  CHECK(std::isnan(third<TestType>(std::numeric_limits<float>::quiet_NaN())));
  CHECK(std::isnan(third<TestType>(std::numeric_limits<double>::quiet_NaN())));
}

TEST_CASE("activate_third may overwrite its argument", "[math]") {
  const std::array<double, 5> x{-2, -0.5, 0, 1, 3};
  std::array<double, 5> y{}, first{}, second{}, in_place = x;
  activate<Tanh>(5, x.data(), y.data(), first.data(), second.data());
  activate_third<Tanh>(5, in_place.data(), y.data(), first.data(), second.data(), in_place.data());
  for (std::size_t i = 0; i < 5; ++i) CHECK(in_place[i] == Approx(third<Tanh>(x[i])).epsilon(1e-14));
}
