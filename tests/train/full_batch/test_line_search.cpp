// The conditions, on functions that searches fail on.
#include <pathline/train/full_batch/line_search.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <limits>

using namespace pathline;

namespace {

/// Moré & Thuente 1994, ACM Trans. Math. Softw. 20, section 5, functions 1 and 2: one that flattens, one with a narrow
/// minimum.
LinePoint flattens(double a) {
  const double below = a * a + 2;
  return {a, -a / below, (a * a - 2) / (below * below)};
}
LinePoint narrow(double a) {
  const double x = a + 0.004;
  return {a, std::pow(x, 5) - 2 * std::pow(x, 4), 5 * std::pow(x, 4) - 8 * std::pow(x, 3)};
}
}  // namespace

TEST_CASE("strong_wolfe finds a step for which both conditions hold, from wherever it starts", "[train][full_batch]") {
  const double first = GENERATE(1e-3, 0.1, 1.0, 10.0, 1e3);
  const double curvature = GENERATE(0.9, 0.1);
  LinePoint (*const phi)(double) = GENERATE(false, true) ? &narrow : &flattens;
  INFO("first " << first << ", curvature " << curvature);
  const LinePoint start = phi(0);
  double last = 0;
  const LineSearchResult found = strong_wolfe(start, first, {1e-4, curvature}, 40, 1e-16, [&](double step) {
    last = step;
    return phi(step);
  });
  CHECK(found.end == LineSearchEnd::found);
  CHECK(found.at.step == last);
  const LinePoint at = phi(last);
  CHECK(at.value <= start.value + 1e-4 * last * start.slope);
  CHECK(std::abs(at.slope) <= curvature * std::abs(start.slope));
  CHECK(found.evaluations <= 25);
}

TEST_CASE("strong_wolfe finds the minimum of a parabola in one interpolation", "[train][full_batch]") {
  const double first = GENERATE(0.25, 1.0, 20.0), least = 3;  // the third tells an end by slope from one by value
  const auto parabola = [&](double a) { return LinePoint{a, (a - least) * (a - least), 2 * (a - least)}; };
  const LineSearchResult found = strong_wolfe(parabola(0), first, {1e-12, 1e-10}, 10, 1e-16, parabola);
  CHECK(found.end == LineSearchEnd::found);
  CHECK(found.at.step == Approx(least).epsilon(1e-12));
  CHECK(found.evaluations <= 3);
}

TEST_CASE("strong_wolfe steps back from where there is no value", "[train][full_batch]") {
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
  const double outside = GENERATE_COPY(nan, infinity, -infinity);
  const auto barrier = [&](double a) {  // least at 0.9
    return a < 1 ? LinePoint{a, -a - 0.1 * std::log(1 - a), -1 + 0.1 / (1 - a)} : LinePoint{a, outside, nan};
  };
  for (const double first : {0.5, 2.0, 1e6}) {
    const LineSearchResult found = strong_wolfe(barrier(0), first, {1e-4, 0.1}, 40, 1e-16, barrier);
    CHECK(found.end == LineSearchEnd::found);
    CHECK(found.at.step == Approx(0.9).margin(0.1));
  }
}

TEST_CASE("strong_wolfe says so where it finds no step", "[train][full_batch]") {
  // The slope has the wrong sign: no step lowers the value.
  const auto rises = [](double a) { return LinePoint{a, 1 + a, -1}; };
  const LineSearchResult none = strong_wolfe(rises(0), 1, {1e-4, 0.9}, 12, 1e-16, rises);
  CHECK(none.end == LineSearchEnd::evaluations);
  CHECK(none.evaluations == 12);
  CHECK(none.at.step == 0);
  CHECK(strong_wolfe(rises(0), 1, {1e-4, 0.9}, 100, 1e-16, rises).end == LineSearchEnd::contradicted);
  // Values are rounded to 1e-9, and the slope asks for no more.
  const auto rounded = [](double a) { return LinePoint{a, a == 0 ? 1.0 : 1 + 1e-9, 1e-12 * (a - 1)}; };
  const LineSearchResult coarse = strong_wolfe(rounded(0), 1, {1e-4, 0.9}, 40, 1e-9, rounded);
  CHECK(coarse.end == LineSearchEnd::rounding);
  CHECK(coarse.at.step == 0);
  // No least value: steps grow as long as they may.
  const auto falls = [](double a) { return LinePoint{a, -a, -1}; };
  const LineSearchResult longest = strong_wolfe(falls(0), 1, {1e-4, 0.9}, 5, 1e-16, falls);
  CHECK(longest.end == LineSearchEnd::evaluations);
  CHECK(longest.evaluations == 5);
  CHECK(longest.at.step == Approx(1 + 9 + 81 + 729 + 6561));
}
