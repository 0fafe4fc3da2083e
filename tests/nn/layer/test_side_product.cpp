#include <pathline/nn/layer/side_product.hpp>

#include <support/catch.hpp>
#include <support/layer_laws.hpp>

using namespace pathline;
using namespace pathline::test;

TEST_CASE("Side products: one column for all values, a column a sample, or tangents too", "[nn]") {
  const Index n = 4, columns = GENERATE(1, 4, 12);
  INFO(columns << " columns of side inputs");
  const Batch<double> U = gaussian(0, 3, 2), S = gaussian(1, 2, columns), Y_bar = gaussian(2, 3, 12);
  const Eigen::Map<const Batch<double>> map(U.data(), 3, 2);
  // What S says of each of the 12 columns, written out.
  Batch<double> each = Batch<double>::Zero(2, 12);
  for (Index j = 0; j < 12; ++j)
    if (columns == 1 ? j < n : j < columns) each.col(j) = S.col(columns == 1 ? 0 : j);

  Workspace<double> workspace;
  Batch<double> Y = Batch<double>::Ones(3, 12), U_bar = Batch<double>::Ones(3, 2);
  Batch<double> S_bar = Batch<double>::Ones(2, columns), expected_S_bar = S_bar;
  detail::add_side_product<double>(map, S, n, Y, workspace);
  CHECK((Y - U * each).isOnes(1e-14));  // sums of two terms of order one
  const Vector<double> column = Y_bar.leftCols(n).rowwise().sum();
  detail::pull_back_side_product<double>(map, S, Y_bar, column, U_bar, S_bar);
  CHECK((U_bar - Y_bar * each.transpose()).isOnes(1e-13));  // of twelve
  if (columns == 1)
    expected_S_bar += U.transpose() * Y_bar.leftCols(n).rowwise().sum();
  else
    expected_S_bar += U.transpose() * Y_bar.leftCols(columns);
  CHECK((S_bar - expected_S_bar).lpNorm<Eigen::Infinity>() < 1e-13);
}

TEST_CASE("Side products of no sample change nothing", "[nn]") {
  const Batch<double> U = gaussian(0, 3, 2), S(2, 0), Y_bar(3, 0);
  const Vector<double> column = Vector<double>::Zero(3);
  Workspace<double> workspace;
  Batch<double> Y(3, 0), U_bar = Batch<double>::Ones(3, 2), S_bar(2, 0);
  detail::add_side_product<double>(U, S, 0, Y, workspace);
  detail::pull_back_side_product<double>(U, S, Y_bar, column, U_bar, S_bar);
  CHECK(U_bar.isOnes(0));
}
