#include <pathline/flow/likelihood.hpp>

#include <support/catch.hpp>
#include <support/differences.hpp>

using namespace pathline;
using namespace pathline::test;

TEST_CASE("LikelihoodLoss: value by the formula, cotangents by differences, chunks add up", "[flow][likelihood]") {
  const StandardNormal base;
  Batch<double> Y(4, 3), Y_bar = Batch<double>::Constant(4, 3, 7.0);  // z (2 rows), log-determinant, one cost
  fill<Gaussian>(Draw{1, 0}, 0, Y);
  const Row<double> log_det = Row<double>::Constant(3, 0.25);
  const LikelihoodLoss<double, StandardNormal> loss{base, 2, 3};
  double expected = 0;
  for (Index j = 0; j < 3; ++j)
    expected += (0.5 * Y.col(j).head(2).squaredNorm() + std::log(2 * std::acos(-1.0)) - Y(2, j) - 0.25) / 3;
  CHECK(loss(Y, Y_bar, log_det) == Approx(expected).epsilon(1e-14));

  const Vector<double> differences = central_differences(
      [&](const Vector<double>& y) {
        Batch<double> scratch(4, 3);
        return loss(Eigen::Map<const Batch<double>>(y.data(), 4, 3), scratch, log_det);
      },
      Y.reshaped());
  const Batch<double> got = Y_bar;
  CHECK(max_difference(got.topRows(3).eval(),
                       Eigen::Map<const Batch<double>>(differences.data(), 4, 3).topRows(3).eval()) < 1e-8);
  CHECK((got.row(3).array() == 7.0).all());  // costs have their own weights

  Batch<double> left(4, 1), right(4, 2);
  const double parts = loss(Y.leftCols(1), left, log_det.head(1)) + loss(Y.rightCols(2), right, log_det.tail(2));
  CHECK(parts == Approx(expected).epsilon(1e-14));
  CHECK(left.topRows(3) == got.topRows(3).leftCols(1));
}
