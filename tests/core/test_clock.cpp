#include <pathline/core/clock.hpp>

#include <support/catch.hpp>

#include <cmath>

TEST_CASE("seconds_now never goes back, and goes on", "[core]") {
  const double start = pathline::seconds_now();
  REQUIRE(std::isfinite(start));
  double last = start;
  for (int i = 0; i < 1'000'000 && last == start; ++i) {
    const double now = pathline::seconds_now();
    REQUIRE(now >= last);
    last = now;
  }
  CHECK(last > start);
}
