// The loss of variational inference: targets that are no finite number.
#include <pathline/train/variational/reverse_kl_loss.hpp>

#include <pathline/core/errors.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <limits>

using namespace pathline;

TEST_CASE("A target that is no finite number is named with its sample, a diverged sample is not",
          "[train][variational][errors]") {
  Batch<double> X(2, 3), score = Batch<double>::Zero(2, 3);
  X << 1, 2, 3, 4, 5, 6;
  Batch<double> log_p = Batch<double>::Zero(1, 3);
  const auto check = [&] { detail::require_target<double>(X, log_p, score); };
  CHECK_NOTHROW(check());
  score(1, 2) = std::nan("");
  CHECK_THROWS_WITH(check(), ContainsSubstring("VariationalInference: the target's score is no finite number at the "
                                               "flow's sample (3, 6)"));
  log_p(0, 1) = -std::numeric_limits<double>::infinity();
  CHECK_THROWS_WITH(check(),
                    ContainsSubstring("the target's log-density is no finite number at the flow's sample (2, 5)"));
  X.rightCols(2).setConstant(std::nan(""));
  CHECK_NOTHROW(check());
}
