#include <pathline/math/activations.hpp>

#include <math/ulp.hpp>
#include <support/catch.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

using namespace pathline;
using pathline::test::arguments;
using pathline::test::worst_ulps;

namespace {

using Real10 = long double;
Real10 logistic(Real10 x) { return 1 / (1 + std::exp(-x)); }
Real10 sech2(Real10 x) { return 1 / (std::cosh(x) * std::cosh(x)); }
Real10 softplus(Real10 x) { return std::max(x, 0.0L) + std::log1p(std::exp(-std::abs(x))); }

/// The activations by the formulas of docs/maths.md, section 9, in long double.
template <class Sigma>
struct Exact;
template <>
struct Exact<Identity> {
  static Jet<Real10> jet(Real10 x) { return {x, 1, 0}; }
};
template <>
struct Exact<Tanh> {
  static Jet<Real10> jet(Real10 x) { return {std::tanh(x), sech2(x), -2 * std::tanh(x) * sech2(x)}; }
};
template <>
struct Exact<LogTwoCosh> {
  static Jet<Real10> jet(Real10 x) {
    return {std::abs(x) + std::log1p(std::exp(-2 * std::abs(x))), std::tanh(x), sech2(x)};
  }
};
template <>
struct Exact<Sigmoid> {
  static Jet<Real10> jet(Real10 x) {
    const Real10 slope = logistic(x) * logistic(-x);
    return {logistic(x), slope, -slope * std::tanh(x / 2)};
  }
};
template <>
struct Exact<Softplus> {
  static Jet<Real10> jet(Real10 x) { return {softplus(x), logistic(x), logistic(x) * logistic(-x)}; }
};
template <>
struct Exact<Swish> {
  static Jet<Real10> jet(Real10 x) {
    const Real10 s = logistic(x), slope = s * logistic(-x);
    return {x * s, s + x * slope, slope * (2 - x * std::tanh(x / 2))};
  }
};
template <>
struct Exact<Sine> {
  static Jet<Real10> jet(Real10 x) { return {std::sin(x), std::cos(x), -std::sin(x)}; }
};

struct Cube {
  template <class P>
  static Jet<P> jet(P x) {
    return {x * x * x, P(3) * x * x, P(6) * x};
  }
};
struct ScalarOnly {
  template <Real P>
  static Jet<P> jet(P x) {
    return {std::atan(x), 1 / (1 + x * x), -2 * x / ((1 + x * x) * (1 + x * x))};
  }
};
struct NoJet {};
struct ValueOnly {
  template <class P>
  static P jet(P x) {
    return x;
  }
};
struct NotStatic {
  template <class P>
  Jet<P> jet(P x) const {
    return {x, P(1), P(0)};
  }
};
struct DoubleOnly {
  static Jet<double> jet(double x) { return {x, 1, 0}; }
};
struct PackOnly {
  template <Real Scalar>
  static Jet<Pack<Scalar>> jet(Pack<Scalar> x) {
    return {x, 1, 0};
  }
};
class Private {
  template <class P>
  static Jet<P> jet(P x);
};

static_assert(PackActivation<Tanh, float> && PackActivation<Softplus> && PackActivation<Sigmoid> &&
              PackActivation<Swish, float> && PackActivation<Sine> && PackActivation<LogTwoCosh> &&
              PackActivation<Identity> && PackActivation<Cube, float>);
static_assert(Activation<ScalarOnly, float> && Activation<ScalarOnly> && !PackActivation<ScalarOnly>);
static_assert(Activation<DoubleOnly> && !PackActivation<DoubleOnly>);
static_assert(!Activation<DoubleOnly, float>, "float must not pass through double silently");
static_assert(!Activation<NoJet>, "jet is required");
static_assert(!Activation<ValueOnly>, "jet must return a Jet");
static_assert(!Activation<NotStatic>, "jet must be static");
static_assert(!Activation<PackOnly>, "jet must take plain scalars");
static_assert(!Activation<Private>, "jet must be public");
static_assert(!Activation<Tanh, int>, "the scalars are float and double");

}  // namespace

// Measured over 10⁶ arguments, with and without fused multiply-add: σ 3.8, σ' 5.9, σ'' 9.0 ulp. Swish is apart: its
// derivatives have zeros off the origin, near which no working precision gives relative accuracy.
TEMPLATE_TEST_CASE("activations agree with long double to a few ulp", "[math]", Identity, Tanh, LogTwoCosh, Sigmoid,
                   Softplus, Sine) {
  using Sigma = TestType;
  const auto check = []<class S>(S bound) {
    INFO("|x| <= " << bound);
    const auto xs = arguments<S>(-double(bound), double(bound));
    CHECK(worst_ulps(
              xs, [](S x) { return Sigma::jet(x).value; }, [](Real10 x) { return Exact<Sigma>::jet(x).value; }) < 4);
    CHECK(worst_ulps(
              xs, [](S x) { return Sigma::jet(x).first; }, [](Real10 x) { return Exact<Sigma>::jet(x).first; }) < 7);
    CHECK(worst_ulps(
              xs, [](S x) { return Sigma::jet(x).second; }, [](Real10 x) { return Exact<Sigma>::jet(x).second; }) < 10);
  };
  check(3.0F);
  check(42.0F);  // up to here even σ'' is a normal number
  check(3.0);
  check(350.0);
}

TEMPLATE_TEST_CASE("Swish: value to 4 ulp, derivatives to 4 ulp of one", "[math]", float, double) {
  using S = TestType;
  const auto xs = arguments<S>(-80, 80), near = arguments<S>(-4, 4);
  CHECK(worst_ulps(
            xs, [](S x) { return Swish::jet(x).value; }, [](Real10 x) { return Exact<Swish>::jet(x).value; }) < 4);
  for (const S x : near) {
    const Jet<Real10> exact = Exact<Swish>::jet(Real10(x));
    const Jet<S> got = Swish::jet(x);
    // |σ'| ≤ 1.1, |σ''| ≤ 0.5, and the terms that are added are no larger than 1.1.
    CHECK(std::abs(Real10(got.first) - exact.first) < 4 * Real10(std::numeric_limits<S>::epsilon()));
    CHECK(std::abs(Real10(got.second) - exact.second) < 4 * Real10(std::numeric_limits<S>::epsilon()));
  }
}

TEMPLATE_TEST_CASE("activations: each derivative agrees with central differences of the one before", "[math][gradient]",
                   Identity, Tanh, LogTwoCosh, Sigmoid, Softplus, Swish, Sine, Cube) {
  using Sigma = TestType;
  const double h = 1e-5;
  for (double x = -6; x <= 6; x += 0.0625) {
    INFO("x = " << x);
    const Jet<double> low = Sigma::jet(x - h), at = Sigma::jet(x), high = Sigma::jet(x + h);
    // Truncation h² |σ'''| / 6 < 1e-10; rounding 4 ε |σ| / h < 1e-10 times the size of σ.
    CHECK(std::abs((high.value - low.value) / (2 * h) - at.first) < 3e-10 * std::max(1.0, std::abs(at.value)));
    CHECK(std::abs((high.first - low.first) / (2 * h) - at.second) < 3e-10 * std::max(1.0, std::abs(at.first)));
  }
}

TEMPLATE_TEST_CASE("activations: float agrees with double", "[math]", Identity, Tanh, LogTwoCosh, Sigmoid, Softplus,
                   Swish, Sine) {
  for (const float x : arguments<float>(-10, 10, 500)) {
    const Jet<float> single = TestType::jet(x);
    const Jet<double> wide = TestType::jet(double(x));
    const double tolerance = 5e-7;  // 4 ε of float; near zeros of Swish' the absolute part counts
    CHECK(std::abs(double(single.value) - wide.value) <= tolerance * std::max(1.0, std::abs(wide.value)));
    CHECK(std::abs(double(single.first) - wide.first) <= tolerance);
    CHECK(std::abs(double(single.second) - wide.second) <= tolerance);
  }
}

TEMPLATE_TEST_CASE("activations: limits at huge and infinite arguments, no overflow on the way", "[math]", float,
                   double) {
  using S = TestType;
  const S infinity = std::numeric_limits<S>::infinity();
  const auto is = [](const Jet<S>& jet, S value, S first, S second) {
    return jet.value == value && jet.first == first && jet.second == second;
  };
  for (const S x : {S(1000), S(1e30), infinity}) {
    INFO("x = " << x);
    CHECK(is(Identity::jet(x), x, 1, 0));
    CHECK(is(Tanh::jet(x), 1, 0, 0));
    CHECK(is(Tanh::jet(-x), -1, 0, 0));
    CHECK(is(LogTwoCosh::jet(x), x, 1, 0));
    CHECK(is(LogTwoCosh::jet(-x), x, -1, 0));
    CHECK(is(Sigmoid::jet(x), 1, 0, 0));
    CHECK(is(Sigmoid::jet(-x), 0, 0, 0));
    CHECK(is(Softplus::jet(x), x, 1, 0));
    CHECK(is(Softplus::jet(-x), 0, 0, 0));
    CHECK(is(Swish::jet(x), x, 1, 0));
    CHECK(is(Swish::jet(-x), 0, 0, 0));
  }
  CHECK(std::isnan(Sine::jet(infinity).value));
  for (S x = S(-1100); x <= S(1100); x += S(0.375)) {  // across every threshold
    CHECK((std::isfinite(Tanh::jet(x).second) && std::isfinite(LogTwoCosh::jet(x).value) &&
           std::isfinite(Sigmoid::jet(x).second) && std::isfinite(Softplus::jet(x).value) &&
           std::isfinite(Swish::jet(x).first) && std::isfinite(Swish::jet(x).second)));
  }
}

TEMPLATE_TEST_CASE("activations: NaN in gives NaN out", "[math]", Tanh, LogTwoCosh, Sigmoid, Softplus, Swish, Sine) {
  const auto all_nan = [](const auto& jet) {
    return std::isnan(jet.value) && std::isnan(jet.first) && std::isnan(jet.second);
  };
  CHECK(all_nan(TestType::jet(std::numeric_limits<float>::quiet_NaN())));
  CHECK(all_nan(TestType::jet(std::numeric_limits<double>::quiet_NaN())));
}

TEST_CASE("activations: slopes of tanh from its value are those of its argument, to a rounding of the value",
          "[math]") {
  for (const double x : arguments<double>(-20, 20, 400)) {
    const Jet<double> by_argument = Tanh::jet(x), by_value = Tanh::of_value(by_argument.value);
    CHECK(by_value.value == by_argument.value);
    // y has an error of an ulp of 1 at most, 1 - y² twice that.
    CHECK(std::abs(by_value.first - by_argument.first) < 1e-15);
    CHECK(std::abs(by_value.second - by_argument.second) < 2e-15);
  }
}

TEMPLATE_TEST_CASE("activations: symmetries hold bit for bit", "[math]", float, double) {
  using S = TestType;
  for (const S x : arguments<S>(0, 30, 300)) {
    CHECK(Tanh::jet(-x).value == -Tanh::jet(x).value);
    CHECK(Tanh::jet(-x).first == Tanh::jet(x).first);
    CHECK(LogTwoCosh::jet(-x).value == LogTwoCosh::jet(x).value);
    CHECK(Sigmoid::jet(-x).second == -Sigmoid::jet(x).second);
    CHECK(Sine::jet(-x).value == -Sine::jet(x).value);
  }
  CHECK(std::signbit(Tanh::jet(S(-0.0)).value));
}
