#include <pathline/flow/regularizer/squared_norms.hpp>

#include <pathline/core/types.hpp>

#include <support/catch.hpp>

using namespace pathline;

TEST_CASE("Squared norms of columns are added, and so are their cotangents, also in blocks", "[flow]") {
  Batch<double> all = Batch<double>::Constant(5, 3, 100), Y = Batch<double>::Ones(3, 3);
  all.middleRows(1, 3) << 1, 0, -2, 2, 0.5, 3, -1, 4, 0;
  const Batch<double> A = all.middleRows(1, 3);
  Batch<double> costs = Batch<double>::Constant(2, 3, 7);
  detail::add_squared_norms<double>(0.5, all.middleRows(1, 3), costs.row(1));
  CHECK(costs.row(1) == Eigen::RowVector3d(7 + 3, 7 + 8.125, 7 + 6.5));
  CHECK(costs.row(0) == Eigen::RowVector3d(7, 7, 7));
  detail::add_scaled_columns<double>(2, costs.row(1), all.middleRows(1, 3), Y);
  for (Index j = 0; j < 3; ++j) CHECK(Y.col(j) == (Batch<double>::Ones(3, 1) + 2 * costs(1, j) * A.col(j)).col(0));
}
