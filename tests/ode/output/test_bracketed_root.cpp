#include <pathline/ode/output/bracketed_root.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <cmath>

namespace pathline::detail {
namespace {

template <class Function>
Sample sample(const Function& g, double t) {
  return {t, g(t)};
}

}  // namespace

TEST_CASE("A bracketed zero is found to some ulps from either side", "[ode][events]") {
  int calls = 0;
  const auto check = [&](const auto& function, double a, double b, double root, int most) {
    const auto g = [&](double t) {
      ++calls;
      return function(t);
    };
    for (const bool swapped : {false, true}) {
      const Sample from = sample(function, swapped ? b : a), to = sample(function, swapped ? a : b);
      calls = 0;
      const double t = bracketed_root(g, from, to);
      // 4 ulps of the bracket's larger end, and the function's own rounding over its slope.
      CHECK(t == Approx(root).margin(3e-15 * std::max(std::abs(a), std::abs(b))).epsilon(0));
      CHECK(calls <= most);
    }
  };
  check([](double t) { return std::cos(t); }, 1, 2, std::acos(0.), 12);
  check([](double t) { return t * t * t - 2; }, 0, 2, std::cbrt(2.), 20);
  check([](double t) { return t - 0.25; }, -1e-3, 1, 0.25, 8);
  check([](double t) { return t; }, -1, 2, 0, 60);
  // Flat on one side and steep on the other: regula falsi alone creeps. Three trials halve the bracket at least.
  check([](double t) { return std::expm1(50 * (t - 0.1)); }, 0, 1, 0.1, 40);
  check([](double t) { return t < 0.3 ? -1e-12 : 1.; }, 0, 1, 0.3, 200);
  // So near to 0 at one end that the secant goes through that end.
  check([](double t) { return t < 0.3 ? -1e-30 : 1.; }, 0, 1, 0.3, 400);
  check([](double t) { return t < 0.3 ? -1. : 1e-30; }, 0, 1, 0.3, 400);
}

TEST_CASE("A zero that a trial hits is returned at once", "[ode][events]") {
  int calls = 0;
  const auto g = [&](double t) {
    ++calls;
    return t - 0.5;
  };
  CHECK(bracketed_root(g, {0, -0.5}, {1, 0.5}) == 0.5);
  CHECK(calls == 1);
}

TEST_CASE("Where a function comes to 0 and stays there is found from either side", "[ode][events]") {
  for (const double at : {0.3, 0.5, 0.5 + 1e-15, 0.999, 1.}) {
    const auto g = [at](double t) { return t < at ? t - at : 0; };
    CHECK(first_zero(g, sample(g, 0), sample(g, 1)) == Approx(at).margin(2e-15).epsilon(0));
    const auto back = [at](double t) { return t > 1 - at ? t - (1 - at) : 0; };
    CHECK(first_zero(back, sample(back, 1), sample(back, 0)) == Approx(1 - at).margin(2e-15).epsilon(0));
  }
}

TEST_CASE("Where a function comes to 0 at the end of a bracket, or just before, costs a few evaluations",
          "[ode][events]") {
  for (const double at : {1., 1 - 1e-14}) {
    int calls = 0;
    const auto g = [&](double t) {
      ++calls;
      return t < at ? t - at : 0;
    };
    CHECK(first_zero(g, {0, -at}, {1, 0}) == Approx(at).margin(2e-15).epsilon(0));
    CHECK(calls <= 10);
  }
}

TEST_CASE("A dip is followed to its bottom or through zero", "[ode][events]") {
  const double sign = GENERATE(1., -1.);
  const auto lowest = [&](const auto& g, double a, double b, double c) {
    return lowest_point(g, sample(g, a), sample(g, b), sample(g, c));
  };
  // The bottom of |g| is known to the root of the precision; its value to 1e-14 of the bracket's square.
  const auto touching = [&](double t) { return sign * ((t - 0.3) * (t - 0.3) * (1 + t) + 1e-6); };
  const Sample bottom = lowest(touching, 0, 0.25, 1);
  CHECK(bottom.t == Approx(0.3).margin(1e-6));
  CHECK(sign * bottom.g == Approx(1e-6).epsilon(1e-6));
  const Sample backward = lowest(touching, 1, 0.25, 0);
  CHECK(sign * backward.g == Approx(1e-6).epsilon(1e-6));
  // |t|: parabolas do not fit.
  CHECK(lowest([&](double t) { return sign * (std::abs(t - 0.6) + 1e-9); }, 0, 0.5, 1).t == Approx(0.6).margin(1e-6));
  const auto crossing = [&](double t) { return sign * (1 - std::cos(t - 1) - 1e-9); };
  CHECK(sign * lowest(crossing, 0, 0.5, 2).g <= 0);
  CHECK(sign * lowest(crossing, 0.9, 1.001, 1.4).g <= 0);
}

TEST_CASE("A dip far from zero costs a few evaluations", "[ode][events]") {
  int calls = 0;
  const auto g = [&](double t) {
    ++calls;
    return 2 + std::cos(t);
  };
  const Sample bottom = lowest_point(g, sample(g, 2), sample(g, 3), sample(g, 4));
  CHECK(bottom.g > 0.9);
  CHECK(calls <= 3 + 6);
}

}  // namespace pathline::detail
