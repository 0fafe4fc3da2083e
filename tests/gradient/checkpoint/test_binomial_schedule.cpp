#include <pathline/gradient/checkpoint/binomial_schedule.hpp>

#include <support/catch.hpp>

#include <vector>

using namespace pathline;

TEST_CASE("The binomial schedule needs the fewest runs, by dynamic programming", "[gradient][checkpoints]") {
  constexpr Index longest = 120, most = 8;
  // fewest[s][l] = min over m of m + fewest[s - 1][l - m] + fewest[s][m].
  std::vector<std::vector<Index>> fewest(most + 1, std::vector<Index>(longest + 1, 0));
  for (Index l = 2; l <= longest; ++l) {
    fewest[1][std::size_t(l)] = l * (l - 1) / 2;
    REQUIRE(fewest_runs(l, 1) == l * (l - 1) / 2);
  }
  for (std::size_t s = 2; s <= most; ++s)
    for (std::size_t l = 2; l <= longest; ++l) {
      const auto runs = [&](std::size_t m) { return Index(m) + fewest[s - 1][l - m] + fewest[s][m]; };
      Index best = runs(1);
      for (std::size_t m = 2; m < l; ++m) best = std::min(best, runs(m));
      fewest[s][l] = best;
      CAPTURE(s, l);
      REQUIRE(fewest_runs(Index(l), Index(s)) == best);
      const Index split = binomial_split(Index(l), Index(s));
      REQUIRE(split >= 1);
      REQUIRE(split < Index(l));
      REQUIRE(runs(std::size_t(split)) == best);
    }
}

TEST_CASE("Reversible steps are binomial coefficients, and stop before they overflow", "[gradient][checkpoints]") {
  CHECK(reversible_steps(0, 5) == 1);
  CHECK(reversible_steps(3, 0) == 1);
  CHECK(reversible_steps(3, 2) == 10);
  CHECK(reversible_steps(20, 2) == 231);
  CHECK(reversible_steps(20, 3) == 1771);
  CHECK(reversible_steps(-1, 3) == 0);
  CHECK(reversible_steps(1000, 1000) == std::numeric_limits<Index>::max() / 2);
  CHECK(reversible_steps(1000000, 3) == 166667666668500001);
}
