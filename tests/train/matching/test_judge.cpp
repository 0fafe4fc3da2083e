// What `fit` may judge by.
#include <pathline/train/matching/judge.hpp>

#include <support/catch.hpp>

using namespace pathline;

TEST_CASE("A judge by the matching loss needs draws and rows", "[train][matching][errors]") {
  CHECK_NOTHROW(ByMatchingLoss{}.check());
  CHECK_THROWS_WITH(ByMatchingLoss{.draws = 0}.check(), "ByMatchingLoss: draws is 0, expected at least 1");
  CHECK_THROWS_AS(ByMatchingLoss{.batch = 0}.check(), ArgumentError);
}
