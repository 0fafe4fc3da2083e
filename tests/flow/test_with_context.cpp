#include <pathline/flow/with_context.hpp>

#include <support/catch.hpp>

using namespace pathline;

TEST_CASE("with_context puts data above their context, column by column", "[flow][context]") {
  const Batch<double> X{{1, 2, 3}, {4, 5, 6}};
  const Batch<float> C{{7, 8, 9}};
  CHECK(with_context(X, C.cast<double>()) == Batch<double>{{1, 2, 3}, {4, 5, 6}, {7, 8, 9}});
  CHECK(with_context(X.row(0), X.row(1)) == X);
  CHECK(with_context(X, Batch<double>(0, 3)) == X);
}

TEST_CASE("with_context refuses context of another number of samples, and names what may be transposed",
          "[flow][context][errors]") {
  const Batch<double> X(2, 3);
  CHECK_THROWS_WITH(with_context(X, Batch<double>(1, 2)), "with_context: context has 2 columns, expected 3");
  CHECK_THROWS_WITH(with_context(X, Batch<double>(3, 1)),
                    "with_context: context has 1 columns, expected 3; it has a column per sample, as the data: give "
                    "transpose()");
}
