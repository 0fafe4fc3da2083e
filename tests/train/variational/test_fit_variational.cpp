// How long variational inference trains.
#include <pathline/train/variational/fit_variational.hpp>

#include <pathline/core/errors.hpp>

#include <support/catch.hpp>

using namespace pathline;

TEST_CASE("Iterations are checked at the door", "[train][variational][errors]") {
  CHECK_NOTHROW(IterationOptions{}.check());
  CHECK_NOTHROW((IterationOptions{.iterations = 7}.check()));  // fewer than one report has
  CHECK_THROWS_WITH((IterationOptions{.iterations = 0}.check()), "fit: iterations is 0, expected at least 1");
  CHECK_THROWS_WITH((IterationOptions{.batch = 0}.check()), "fit: batch is 0, expected at least 1");
  CHECK_THROWS_WITH((IterationOptions{.report_every = 0}.check()), "fit: report_every is 0, expected at least 1");
  CHECK_THROWS_WITH((IterationOptions{.iterations = 150}.check()),
                    "fit: iterations is 150, expected a multiple of report_every, 100");
}
