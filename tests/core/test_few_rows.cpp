#include <pathline/core/few_rows.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>

using namespace pathline;

namespace {

using Block = Eigen::Map<const Batch<double>, 0, Eigen::OuterStride<>>;
using MutableBlock = Eigen::Map<Batch<double>, 0, Eigen::OuterStride<>>;

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
      MutableBlock sum(Y.data(), rows, n, Eigen::OuterStride<>(Y.outerStride()));
      Y = expected = start;
      detail::with_row_count(rows, [&](auto count) {
        CHECK(detail::few_rows<decltype(count)> == (rows <= 3));
        for (Index j = 0; j < n; ++j) {
          CHECK(detail::squared_norm(count, block, j) == X.col(j).head(rows).squaredNorm());
          detail::add_column(count, 3.0, block, sum, j);
          expected.col(j).head(rows) += 3 * X.col(j).head(rows);
          CHECK(Y == expected);
        }
      });
    }
}

TEST_CASE("Sums of few rows allocate nothing", "[core][allocations]") {
  const Batch<double> X = numbers(7, 6, 0);
  Batch<double> Y = X;
  const AllocationCounter counter;
  for (const Index rows : {2, 7}) {
    detail::copy_rows<double>(X.topRows(rows), Y.topRows(rows));
    detail::add_rows<double>(3, X.topRows(rows), Y.bottomRows(rows));
  }
  CHECK(counter.count() == 0);
}
