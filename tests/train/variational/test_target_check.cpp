// Whether a target's score is the gradient of its log-density.
#include <pathline/train/variational/target_check.hpp>

#include <pathline/core/random.hpp>
#include <pathline/flow/base/base_density.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <string>
#include <vector>

using namespace pathline;

namespace {

/// exp(-|x₀| - x₁⁴), whose score has `factor` in its second component.
struct Kinked {
  double factor;
  void log_density_and_score(ConstBatchRef<double> X, RowRef<double> log_p, BatchRef<double> X_bar) const {
    for (Index j = 0; j < X.cols(); ++j) {
      const double x = X(0, j), y = X(1, j);
      log_p(j) = -std::abs(x) - y * y * y * y;
      X_bar.col(j) << (x > 0 ? -1 : 1), -4 * factor * y * y * y;
    }
  }
};

}  // namespace

TEST_CASE("A score that is not the gradient is found, one with a kink is not", "[train][variational]") {
  Batch<double> X(2, 20);
  fill<Gaussian>(Draw{3, 1}, 0, X);
  CHECK(detail::score_error(StandardNormal{}, X) < 1e-8);
  X(0, 4) = 1e-7;  // the kink is between the two differences
  CHECK(detail::score_error(Kinked{1}, X) < 1e-8);
  CHECK(detail::score_error(Kinked{1.2}, X) > 0.01);
  std::vector<std::string> warnings;
  detail::warn_of_score(Kinked{1}, X, warnings);
  CHECK(warnings.empty());
  detail::warn_of_score(Kinked{-1}, X, warnings);
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings[0], ContainsSubstring("the target's score is not the gradient of its log-density"));
}
