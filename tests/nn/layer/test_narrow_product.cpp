#include <pathline/nn/layer/narrow_product.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/layer_laws.hpp>

#include <cstddef>
#include <cstring>
#include <limits>

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

template <class Scalar>
bool same_bits(const Batch<Scalar>& A, const Batch<Scalar>& B) {
  return std::memcmp(A.data(), B.data(), sizeof(Scalar) * std::size_t(A.size())) == 0;
}

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
    detail::set_narrow_product<double>(A.middleRows(2, 2), B.middleRows(3, 40), D.block(0, 0, 2, 1), 12,
                                       C.middleRows(1, 2));
    detail::set_narrow_transposed_product<double>(D.leftCols(2), B, C.middleRows(1, 2));
    detail::add_narrow_outer_product<double>(B, C.middleRows(1, rows), D.leftCols(rows));
    detail::add_narrow_outer_product<double>(C.middleRows(1, rows), B.topRows(40), A.middleRows(1, rows));
  };
  const AllocationCounter counter;
  all();
  CHECK(counter.count() == 0);
}

TEMPLATE_TEST_CASE("Products with few rows have the bits of products with a vector for each row, and the right values",
                   "[nn][dense]", float, double) {
  const Index rows = GENERATE(1, 2, 3), depth = GENERATE(16, 64, 80, 67), n = GENERATE(1, 2, 3, 7, 8, 9, 50);
  const Index started = GENERATE_COPY(Index(0), n / 2, n);
  CAPTURE(rows, depth, n, started);
  const Batch<TestType> A = gaussian(0, rows, depth).cast<TestType>(), B = gaussian(1, depth, n).cast<TestType>(),
                        start = gaussian(2, rows, 1).cast<TestType>();

  Batch<TestType> expected = Batch<TestType>::Zero(rows, n), C(rows, n);
  expected.leftCols(started).colwise() = start.col(0);
  detail::add_narrow_product<detail::Factor::plain, TestType>(A, B, expected);
  detail::set_narrow_product<TestType>(A, B, start, started, C);
  CHECK(same_bits(C, expected));

  Batch<double> exact = A.template cast<double>() * B.template cast<double>();
  exact.leftCols(started).colwise() += start.template cast<double>().col(0);
  // Each entry is a sum of depth products of numbers around 1: depth roundings of at most some ten.
  const double tolerance = 10 * double(depth) * double(std::numeric_limits<TestType>::epsilon());
  CHECK((C.template cast<double>() - exact).cwiseAbs().maxCoeff() < tolerance);

  const Batch<TestType> transposed = A.transpose();
  expected.setZero();
  for (Index i = 0; i < rows; ++i)
    detail::add_matrix_vector<detail::Factor::transposed, TestType>(
        View<const TestType>(B), View<const TestType>(transposed).col(i), View<TestType>(expected).row(i));
  detail::set_narrow_transposed_product<TestType>(transposed, B, C);
  CHECK(same_bits(C, expected));

  Batch<TestType> wide = Batch<TestType>::Ones(rows + 1, n);  // a block of rows: columns are not contiguous
  detail::set_narrow_product<TestType>(A, B, start, started, wide.topRows(rows));
  detail::set_narrow_product<TestType>(A, B, start, started, C);
  CHECK(same_bits<TestType>(wide.topRows(rows), C));
  CHECK((wide.row(rows).array() == 1).all());
}
