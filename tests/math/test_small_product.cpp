#include <pathline/math/small_product.hpp>

#include <pathline/core/chunks.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>

#include <cmath>
#include <limits>

using namespace pathline;

namespace {

/// A wave of numbers between -1 and 1, as a block of a larger matrix: its columns are not next to each other.
template <Real Scalar>
class Padded {
 public:
  Padded(Index rows, Index columns, double phase) : all_(rows + 3, columns), rows_(rows) {
    for (Index i = 0; i < all_.size(); ++i) all_(i) = Scalar(std::sin(1.7 * double(i) + phase));
  }
  [[nodiscard]] auto block() { return all_.middleRows(1, rows_); }

 private:
  Batch<Scalar> all_;
  Index rows_;
};

}  // namespace

TEMPLATE_TEST_CASE("Small products are the products, whatever the rows, depth and columns", "[math]", float, double) {
  using Scalar = TestType;
  constexpr Scalar epsilon = std::numeric_limits<Scalar>::epsilon();
  for (const Index rows : {1, 3, 4, 8, 16, 17, 32, 43, 70})  // 70 x 70 is Eigen's, but for the sum over samples
    for (const Index depth : {0, 1, 5, 32, 70, 130})
      for (const Index columns : {0, 1, 2, 5, 6, 13, 70}) {
        INFO(rows << " x " << depth << " x " << columns);
        Padded<Scalar> A(rows, depth, 0.1), B(depth, columns, 0.7), A_transposed(depth, rows, 0.1),
            B_transposed(columns, depth, 0.7), C(rows, columns, 0.3), outer(rows, columns, 0.3);
        const Batch<Scalar> start = C.block();
        // Two orders of one sum of depth + 1 terms below one: each is off by at most depth + 1 roundings of ε/2 times
        // the sum of magnitudes, which is at most depth + 1. A lost term is of order 0.1.
        const Scalar tolerance = Scalar((depth + 1) * (depth + 1)) * epsilon;
        add_product<Scalar>(A.block(), B.block(), C.block());
        CHECK((C.block() - start - A.block() * B.block()).template lpNorm<Eigen::Infinity>() <= tolerance);
        set_product<Scalar>(A.block(), B.block(), C.block());
        CHECK((C.block() - A.block() * B.block()).template lpNorm<Eigen::Infinity>() <= tolerance);
        C.block() = start;
        add_transposed_product<Scalar>(A_transposed.block(), B.block(), C.block());
        CHECK((C.block() - start - A_transposed.block().transpose() * B.block()).template lpNorm<Eigen::Infinity>() <=
              tolerance);
        set_product<Scalar>(A.block(), B.block(), start, C.block());
        CHECK((C.block() - start - A.block() * B.block()).template lpNorm<Eigen::Infinity>() <= tolerance);
        if (columns > 0) {
          set_product<Scalar>(A.block(), B.block(), start.leftCols(1), C.block());
          CHECK((C.block() - start.col(0).replicate(1, columns) - A.block() * B.block())
                    .template lpNorm<Eigen::Infinity>() <= tolerance);
          set_product_transposed<Scalar>(A.block(), B_transposed.block(), start.col(0), C.block());
          CHECK((C.block() - start.col(0).replicate(1, columns) - A.block() * B_transposed.block().transpose())
                    .template lpNorm<Eigen::Infinity>() <= tolerance);
        }
        set_product_transposed<Scalar>(A.block(), B_transposed.block(), C.block());
        CHECK((C.block() - A.block() * B_transposed.block().transpose()).template lpNorm<Eigen::Infinity>() <=
              tolerance);
        add_outer_product<Scalar>(A.block(), B_transposed.block(), outer.block());
        CHECK(
            (outer.block() - start - A.block() * B_transposed.block().transpose()).template lpNorm<Eigen::Infinity>() <=
            tolerance);
      }
}

TEST_CASE("A small product reads and writes nothing beyond its blocks", "[math]") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  Batch<float> A = Batch<float>::Constant(30, 30, nan), B = A, C = A;
  A.block(2, 2, 21, 13).setConstant(1);
  B.block(3, 1, 13, 9).setConstant(1);
  C.block(1, 3, 21, 9).setConstant(1);
  add_product<float>(A.block(2, 2, 21, 13), B.block(3, 1, 13, 9), C.block(1, 3, 21, 9));
  CHECK((C.block(1, 3, 21, 9).array() == 14).all());
  CHECK((C.array() == 14).count() == 21 * 9);
  CHECK((C.array() != C.array()).count() == C.size() - 21 * 9);
}

TEST_CASE("Small products allocate nothing", "[math][allocations]") {
  Batch<float> A = Batch<float>::Ones(32, 32), B = Batch<float>::Ones(32, 192), C = Batch<float>::Zero(32, 192);
  Batch<float> narrow = Batch<float>::Ones(192, 3), few = Batch<float>::Zero(32, 3);
  const AllocationCounter counter;
  add_product<float>(A, B, C);
  add_product<float>(B, narrow, few);             // a long product with few columns
  add_transposed_product<float>(B, few, narrow);  // few columns on the right
  add_outer_product<float>(C, B, A);
  set_product<float>(A, B, C);
  set_product<float>(A, B, A.col(0), C);
  set_product_transposed<float>(A.leftCols(3), narrow, A.col(0), C);
  add_transposed_product<float>(A.leftCols(3), B, C.topRows(3));
  CHECK(counter.count() == 0);
}

TEST_CASE("Large products allocate once a thread, until a larger one comes", "[math][allocations]") {
  // Panels of 256 KiB and more, above Eigen's limit for the stack.
  const Index width = GENERATE(256, 300);
  Batch<float> A = Batch<float>::Ones(width, width), B = Batch<float>::Ones(width, 400),
               C = Batch<float>::Zero(width, 400);
  const auto all = [&] {
    add_product<float>(A, B, C);
    add_transposed_product<float>(A, B, C);
    add_outer_product<float>(C, B, A);
    set_product_transposed<float>(A, A, B.leftCols(width));
  };
  const detail::OneThreadProducts one_thread;  // as inside of a chunk
  all();
  const AllocationCounter counter;
  all();
  CHECK(counter.count() == 0);
}
