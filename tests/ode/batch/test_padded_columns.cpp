#include <pathline/ode/batch/padded_columns.hpp>

#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_methods.hpp>
#include <pathline/ode/multistep/adams_methods.hpp>
#include <pathline/ode/solve.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/small_network.hpp>

#include <algorithm>

namespace pathline {
namespace {

template <class Method, class Rhs>
bool same_bits_in_any_batch(const Rhs& rhs) {
  const Eigen::MatrixXd Y = states_of_network(41);
  const Eigen::MatrixXd together = solve(Rhs(rhs), Y, 0, 2, Method{}, FixedSteps(13));
  bool same = true;
  for (const Index j : {0, 17, 40})
    for (const Index n : {1, 6}) {
      const Index first = std::min(j, 41 - n);
      same = same &&
             solve(Rhs(rhs), Y.middleCols(first, n), 0, 2, Method{}, FixedSteps(13)) == together.middleCols(first, n);
    }
  return same;
}

}  // namespace

TEMPLATE_TEST_CASE("With fixed steps and padded columns a sample's bits do not depend on the batch", "[ode]", Rk4,
                   Dopri5, AdamsBashforthMoulton<4>, Sdirk2) {
  CHECK(same_bits_in_any_batch<TestType>(PaddedColumns(SmallNetwork{})));
}

TEST_CASE("Without padding the products of this network do depend on it", "[ode]") {
  CHECK_FALSE(same_bits_in_any_batch<Rk4>(SmallNetwork{}));
}

namespace {

/// y' = -y as rows, which are there already; keeps the batch that it was called with. The result has more rows or
/// columns than asked for where that is wanted.
struct Rows {
  Batch<double>* seen;
  Index more_rows = 0, more_columns = 0;
  void operator()(double, const Batch<double>& y, Batch<double>& dy) const {
    *seen = y;
    for (Index i = 0; i < y.rows(); ++i) dy.row(i) = -y.row(i);
    if (more_rows + more_columns > 0) dy.setZero(y.rows() + more_rows, y.cols() + more_columns);
  }
};

}  // namespace

TEST_CASE("Columns are padded by copies of the first, to a multiple and to three of it at least", "[ode]") {
  Batch<double> seen, dy(2, 5);
  const Batch<double> y = Batch<double>::Random(2, 5), many = Batch<double>::Random(2, 25);
  PaddedColumns(Rows{&seen})(0, y, dy);
  CHECK(seen.cols() == 24);
  CHECK(seen.leftCols(5) == y);
  CHECK(seen.rightCols(19) == y.col(0).replicate(1, 19));
  CHECK(dy == -y);
  PaddedColumns(Rows{&seen}, 2)(0, y, dy);
  CHECK(seen.cols() == 6);
  dy.resize(2, 25);
  PaddedColumns(Rows{&seen})(0, many, dy);
  CHECK(seen.cols() == 32);
  CHECK(dy == -many);
}

TEST_CASE("A right-hand side that resizes its padded result is refused", "[ode][errors]") {
  Batch<double> seen, dy = Batch<double>::Constant(2, 5, 7);
  const Batch<double> y = Batch<double>::Random(2, 5);
  CHECK_THROWS_WITH(PaddedColumns(Rows{&seen, 1, 0})(0, y, dy),
                    "solve: the right-hand side's result has 3 rows, expected 2");
  CHECK_THROWS_WITH(PaddedColumns(Rows{&seen, 0, 1})(0, y, dy),
                    "solve: the right-hand side's result has 25 columns, expected 24");
  CHECK(dy == Batch<double>::Constant(2, 5, 7));
}

TEST_CASE("Padded columns change nothing but bits, and allocate once", "[ode][allocations]") {
  PaddedColumns padded(SmallNetwork{});
  SmallNetwork network;
  const Eigen::MatrixXd Y = states_of_network(5);
  Eigen::MatrixXd dy(3, 5), expected(3, 5);
  network(0.3, Y, expected);
  padded(0.3, Y, dy);
  CHECK((dy - expected).norm() < 1e-14 * expected.norm());
  const AllocationCounter counter;
  padded(0.4, Y, dy);
  CHECK(counter.count() == 0);
}

}  // namespace pathline
