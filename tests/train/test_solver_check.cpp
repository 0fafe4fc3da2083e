#include <pathline/train/solver_check.hpp>

#include <support/catch.hpp>

using namespace pathline;
using namespace pathline::detail;

TEST_CASE("spread_columns takes some of the columns from everywhere", "[train]") {
  CHECK(spread_columns(3, 100) == std::vector<Index>{0, 1, 2});
  CHECK(spread_columns(10, 4) == std::vector<Index>{0, 2, 5, 7});
  CHECK(spread_columns(0, 4).empty());
}

TEST_CASE("A solver suffices where neither the mean nor the single rows differ by much", "[train]") {
  const Row<float> own = Row<float>::Constant(100, -1);
  const auto differing = [&](float mean, float alternating) {
    Row<float> refined = own.array() + mean;
    for (Index j = 0; j < refined.size(); ++j) refined(j) += j % 2 == 0 ? alternating : -alternating;
    return solver_check(own, refined);
  };
  const SolverCheck check = differing(0.01F, 0.05F);
  CHECK(check.rows == 100);
  CHECK(check.nll == Approx(1));
  CHECK(check.refined_nll == Approx(0.99));
  CHECK(check.difference == Approx(std::hypot(0.01, 0.05)).epsilon(1e-4));
  CHECK(solver_suffices(differing(0.004F, 0), 1));
  CHECK(!solver_suffices(differing(0.006F, 0), 1));
  CHECK(!solver_suffices(differing(-0.006F, 0), 1));
  CHECK(solver_suffices(differing(-0.006F, 0), 2));
  // Errors that cancel in the mean are those of a wrong density all the same.
  CHECK(solver_suffices(differing(0, 0.015F), 1));
  CHECK(!solver_suffices(differing(0, 0.025F), 1));
  Row<float> broken = own;
  broken(7) = std::numeric_limits<float>::quiet_NaN();
  CHECK(!solver_suffices(solver_check(own, broken), 1));
}
