#include <pathline/core/few_rows.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>

using namespace pathline;

namespace {

using Block = Eigen::Map<const Batch<double>, 0, Eigen::OuterStride<>>;

/// Small integers, so that sums are exact; rows below those that a block takes must stay as they are.
Batch<double> numbers(Index rows, Index columns, Index from) {
  Batch<double> X(rows + 2, columns);
  for (Index i = 0; i < X.size(); ++i) X(i) = double((i + from) % 7) - 3;
  return X;
}

}  // namespace

TEST_CASE("Blocks of few rows are copied, summed and measured as expressions do", "[core]") {
  for (const Index rows : {1, 2, 3, 4, 9})
    for (const Index n : {0, 1, 5}) {
      INFO(rows << " rows, " << n << " columns");
      const Batch<double> X = numbers(rows, n, 0);
      const Batch<double> start = numbers(rows, n, 4);
      Batch<double> Y = start, expected = start;
      detail::copy_rows<double>(X.topRows(rows), Y.topRows(rows));
      expected.topRows(rows) = X.topRows(rows);
      CHECK(Y == expected);

      detail::add_rows<double>(-2, X.topRows(rows), Y.middleRows(1, rows));
      expected.middleRows(1, rows) -= 2 * X.topRows(rows);
      CHECK(Y == expected);

      const Block block(X.data(), rows, n, Eigen::OuterStride<>(X.outerStride()));
      Batch<double> costs = Batch<double>::Zero(3, n);
      detail::write_squared_norms(0.5, block, costs.row(1));
      CHECK(costs.row(1) == 0.5 * X.topRows(rows).colwise().squaredNorm());
      CHECK(costs.row(0).isZero(0));

      Y = start;
      Eigen::Map<Batch<double>, 0, Eigen::OuterStride<>> sum(Y.data(), rows, n, Eigen::OuterStride<>(Y.outerStride()));
      detail::add_scaled_columns(block, costs.row(1), sum);
      expected = start;
      expected.topRows(rows) += X.topRows(rows) * costs.row(1).asDiagonal();
      CHECK(Y == expected);
    }
}

TEST_CASE("Sums of few rows allocate nothing", "[core][allocations]") {
  const Batch<double> X = numbers(2, 6, 0);
  Batch<double> Y = X;
  const AllocationCounter counter;
  detail::copy_rows<double>(X.topRows(2), Y.topRows(2));
  detail::add_rows<double>(3, X.topRows(2), Y.bottomRows(2));
  CHECK(counter.count() == 0);
}
