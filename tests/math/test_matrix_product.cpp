#include <pathline/math/matrix_product.hpp>

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

// Eigen's own product is the reference, to the last bit, in the cases that it tells apart: a column, a row, panels.
// What is tiny it computes with or without fused multiply-add, as the target is aligned: up to 20 terms of order one
// differ by their roundings.
TEMPLATE_TEST_CASE("Products of views have the bits of Eigen's products", "[math]", float, double) {
  using Scalar = TestType;
  using detail::Factor;
  for (const Index rows : {0, 1, 2, 5, 33})
    for (const Index depth : {0, 1, 3, 9, 40})
      for (const Index columns : {0, 1, 2, 6, 35}) {
        INFO(rows << " x " << depth << " x " << columns);
        const bool tiny = rows + depth + columns < 20;
        const Scalar rounding = tiny ? 20 * std::numeric_limits<Scalar>::epsilon() : 0;
        Padded<Scalar> A(rows, depth, 0.1), A_t(depth, rows, 0.2), B(depth, columns, 0.3), B_t(columns, depth, 0.4),
            C(rows, columns, 0.5), expected(rows, columns, 0.5);
        detail::add_matrix_product<Factor::plain, Factor::plain, Scalar>(A.block(), B.block(), C.block());
        expected.block().noalias() += A.block() * B.block();
        CHECK((C.block() - expected.block()).template lpNorm<Eigen::Infinity>() <= rounding);
        detail::add_matrix_product<Factor::plain, Factor::transposed, Scalar>(A.block(), B_t.block(), C.block());
        expected.block().noalias() += A.block() * B_t.block().transpose();
        CHECK((C.block() - expected.block()).template lpNorm<Eigen::Infinity>() <= rounding);
        detail::add_matrix_product<Factor::transposed, Factor::plain, Scalar>(A_t.block(), B.block(), C.block());
        expected.block().noalias() += A_t.block().transpose() * B.block();
        CHECK((C.block() - expected.block()).template lpNorm<Eigen::Infinity>() <= rounding);
      }
}

TEMPLATE_TEST_CASE("Products of a view and a row or column have the bits of Eigen's", "[math]", float, double) {
  using Scalar = TestType;
  using detail::Factor;
  for (const Index rows : {1, 2, 5, 33})
    for (const Index depth : {1, 3, 9, 40}) {
      INFO(rows << " x " << depth);
      Padded<Scalar> A(rows, depth, 0.1), x(depth, 1, 0.2), x_row(1, depth, 0.3), y(rows, 1, 0.4), y_row(1, rows, 0.5),
          expected(rows, 1, 0.4), expected_row(1, rows, 0.5);
      detail::add_matrix_vector<Factor::plain, Scalar>(A.block(), x.block(), y.block());
      expected.block().col(0).noalias() += A.block() * x.block().col(0);
      CHECK(y.block() == expected.block());
      detail::add_matrix_vector<Factor::plain, Scalar>(A.block(), x_row.block(), y_row.block());
      expected_row.block().row(0).noalias() += x_row.block().row(0) * A.block().transpose();
      CHECK(y_row.block() == expected_row.block());
      Padded<Scalar> B(depth, rows, 0.6);
      detail::add_matrix_vector<Factor::transposed, Scalar>(B.block(), x.block(), y.block());
      expected.block().col(0).noalias() += B.block().transpose() * x.block().col(0);
      CHECK(y.block() == expected.block());
      detail::add_matrix_vector<Factor::transposed, Scalar>(B.block(), x_row.block(), y_row.block());
      expected_row.block().row(0).noalias() += x_row.block().row(0) * B.block();
      CHECK(y_row.block() == expected_row.block());
    }
}
