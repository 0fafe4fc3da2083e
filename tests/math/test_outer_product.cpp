#include <pathline/math/outer_product.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>

#include <cmath>
#include <limits>

using namespace pathline;

namespace {

/// A wave of numbers between -1 and 1, as a block of a larger matrix: its columns are not next to each other.
template <Real Scalar>
class Block {
 public:
  Block(Index rows, Index columns, double phase) : all(rows + 3, columns) {
    for (Index i = 0; i < all.size(); ++i) all(i) = Scalar(std::sin(1.7 * double(i) + phase));
  }
  [[nodiscard]] View<Scalar> view() { return View<Scalar>(all).middleRows(1, all.rows() - 3); }

  Batch<Scalar> all;
};

}  // namespace

TEMPLATE_TEST_CASE("Sums over samples by copies are those in place, whatever the rows, columns and samples", "[math]",
                   float, double) {
  using Scalar = TestType;
  Workspace<Scalar> workspace;
  for (const Index rows : {1, 16, 43, 130})
    for (const Index columns : {1, 5, 6, 20})
      for (const Index samples : {1, 7, 8, 128, 300}) {
        INFO(rows << " x " << columns << ", " << samples << " samples");
        Block<Scalar> A(rows, samples, 0.1), B(columns, samples, 0.7), C(rows, columns, 0.3), expected = C;
        add_outer_product<Scalar>(A.view(), B.view(), expected.view());
        detail::add_copied_outer_product<Scalar>(A.view(), B.view(), C.view(), workspace);
        // Two orders of one sum; rows beside the block are compared as well.
        const Scalar tolerance = Scalar((samples + 1) * (samples + 1)) * std::numeric_limits<Scalar>::epsilon();
        CHECK((C.all - expected.all).template lpNorm<Eigen::Infinity>() <= tolerance);
      }
}

TEST_CASE("Large sums over samples are the product, and allocate once", "[math][allocations]") {
  constexpr Index width = 517;  // above the limit with every length of vectors
  STATIC_REQUIRE(width * width > outer_product_limit<float>);
  const Batch<float> A = Batch<float>::Ones(width, 21), B = Batch<float>::Constant(width, 21, 2);
  Batch<float> C = Batch<float>::Ones(width, width);
  Workspace<float> workspace;
  add_outer_product<float>(A, B, C, workspace);
  CHECK((C.array() == 43).all());
  const AllocationCounter counter;
  add_outer_product<float>(A, B, C, workspace);
  CHECK(counter.count() == 0);
}
