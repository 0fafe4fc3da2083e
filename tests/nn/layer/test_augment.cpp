#include <pathline/nn/layer/augment.hpp>

#include <support/catch.hpp>
#include <support/layer_laws.hpp>

using namespace pathline;
using namespace pathline::test;

TEST_CASE("augment puts zeros below, and drop_augmented takes them away", "[nn]") {
  const Batch<double> X = gaussian(0, 2, 3), wide = augment(X, 2);
  CHECK(wide.rows() == 4);
  CHECK(wide.topRows(2) == X);
  CHECK(wide.bottomRows(2).isZero(0));
  CHECK(drop_augmented(wide, 2) == X);
  CHECK(augment(X.leftCols(1), 0) == X.leftCols(1));
  CHECK(drop_augmented(X, 0).rows() == 0);
}

TEST_CASE("drop_augmented is the transpose of augment, and augment of drop_augmented", "[nn][gradient]") {
  const Batch<double> X = gaussian(0, 2, 3), Y = gaussian(1, 4, 3);
  // The zeros add nothing, so both sums have the same terms.
  CHECK(augment(X, 2).cwiseProduct(Y).sum() == Approx(X.cwiseProduct(drop_augmented(Y, 2)).sum()).epsilon(1e-14));
}

TEST_CASE("augment and drop_augmented refuse rows that are not there", "[nn][errors]") {
  const Batch<float> X = Batch<float>::Zero(2, 3);
  CHECK_THROWS_WITH(augment(X, -1), "augment: number of extra rows is -1, expected at least 0");
  CHECK_THROWS_WITH(drop_augmented(X, 3), "drop_augmented: number of rows to keep is 3, expected between 0 and 2");
  CHECK_THROWS_AS(drop_augmented(X, -1), ArgumentError);
}
