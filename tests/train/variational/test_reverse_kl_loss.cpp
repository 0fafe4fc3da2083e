// Parts of the loss of variational inference: small linear systems, and targets that are no finite number.
#include <pathline/train/variational/reverse_kl_loss.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <limits>

using namespace pathline;

TEST_CASE("Systems with interleaved columns are solved in place, with pivots of 0", "[train][variational]") {
  const Index d = 5, n = 3;
  Batch<double> A(d, d * n), b(d, n);
  fill<Gaussian>(Draw{4, 0}, 0, A);
  fill<Gaussian>(Draw{4, 1}, 0, b);
  for (Index j = 0; j < n; ++j) A(0, j) = 0;  // the first pivot of each
  Batch<double> storage = A, x = b;
  for (Index j = 0; j < n; ++j)
    detail::solve_in_place<double>(View<double>(storage.data() + j * d, d, d, n * d), x.data() + j * d);
  for (Index j = 0; j < n; ++j) {
    Vector<double> residual = b.col(j);
    for (Index i = 0; i < d; ++i) residual -= A.col(i * n + j) * x(i, j);
    CHECK(residual.cwiseAbs().maxCoeff() < 1e-12);
  }
}

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
