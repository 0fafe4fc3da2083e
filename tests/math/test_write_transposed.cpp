#include <pathline/math/write_transposed.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>

using namespace pathline;

TEMPLATE_TEST_CASE("A matrix is transposed in whole tiles and in what is left of them", "[math]", float, double) {
  using Scalar = TestType;
  for (const Index rows : {0, 1, 3, 4, 8, 9, 16, 21, 32, 37})
    for (const Index columns : {0, 1, 4, 7, 8, 16, 19, 32, 33}) {
      INFO(rows << " x " << columns);
      Batch<Scalar> A(rows + 2, columns), transposed = Batch<Scalar>::Constant(columns + 3, rows, Scalar(-1));
      for (Index i = 0; i < A.size(); ++i) A(i) = Scalar(i);
      // Blocks: their columns are not next to each other.
      detail::write_transposed<Scalar>(A.topRows(rows), transposed.middleRows(1, columns));
      CHECK(transposed.middleRows(1, columns) == A.topRows(rows).transpose());
      CHECK((transposed.topRows(1).array() == Scalar(-1)).all());
      CHECK((transposed.bottomRows(2).array() == Scalar(-1)).all());
    }
}

TEST_CASE("Transposing allocates nothing", "[math][allocations]") {
  const Batch<float> A = Batch<float>::Ones(37, 33);
  Batch<float> transposed(33, 37);
  const AllocationCounter counter;
  detail::write_transposed<float>(A, transposed);
  CHECK(counter.count() == 0);
}
