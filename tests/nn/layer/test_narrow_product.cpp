#include <pathline/nn/layer/narrow_product.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/layer_laws.hpp>

using namespace pathline;
using namespace pathline::test;

namespace {

/// Sum over the inner index, in the plainest way.
Batch<double> plain_product(const Batch<double>& A, const Batch<double>& B) {
  Batch<double> C = Batch<double>::Zero(A.rows(), B.cols());
  for (Index i = 0; i < C.rows(); ++i)
    for (Index j = 0; j < C.cols(); ++j)
      for (Index l = 0; l < A.cols(); ++l) C(i, j) += A(i, l) * B(l, j);
  return C;
}

// Sums of 40 terms of order one, in another order.
constexpr double rounding = 1e-12;

}  // namespace

TEST_CASE("Narrow products are products, whatever the number of rows", "[nn]") {
  const Index rows = GENERATE(1, 2, 3, 4, 9), columns = GENERATE(1, 3, 4, 30);
  INFO(rows << " x " << columns);
  const Batch<double> A = gaussian(0, rows, 40), B = gaussian(1, 40, columns), start = gaussian(2, rows, columns);
  const Batch<double> expected = plain_product(A, B), BT = B.transpose(), AT = A.transpose();
  using detail::Factor;
  Batch<double> C = start;
  detail::add_narrow_product<Factor::plain, double>(A, B, C);
  CHECK((C - start - expected).lpNorm<Eigen::Infinity>() < rounding);
  C = start;
  detail::add_narrow_product<Factor::transposed, double>(A, BT, C);
  CHECK((C - start - expected).lpNorm<Eigen::Infinity>() < rounding);
  C = start;
  detail::add_narrow_outer_product<double>(A, BT, C);
  CHECK((C - start - expected).lpNorm<Eigen::Infinity>() < rounding);
  if (rows > detail::narrow_rows) return;
  detail::set_narrow_transposed_product<double>(AT, B, C);
  CHECK((C - expected).lpNorm<Eigen::Infinity>() < rounding);
}

TEST_CASE("Narrow products of blocks allocate nothing", "[nn][allocations]") {
  const Index rows = GENERATE(2, 4);
  Batch<double> A = gaussian(0, 10, 40), B = gaussian(1, 50, 30), C = gaussian(2, 10, 30), D = gaussian(3, 50, 10);
  const auto all = [&] {
    using detail::Factor;
    detail::add_narrow_product<Factor::plain, double>(A.middleRows(2, rows), B.middleRows(3, 40),
                                                      C.middleRows(1, rows));
    detail::set_narrow_transposed_product<double>(D.leftCols(2), B, C.middleRows(1, 2));
    detail::add_narrow_outer_product<double>(B, C.middleRows(1, rows), D.leftCols(rows));
    detail::add_narrow_outer_product<double>(C.middleRows(1, rows), B.topRows(40), A.middleRows(1, rows));
  };
  const AllocationCounter counter;
  all();
  CHECK(counter.count() == 0);
}
