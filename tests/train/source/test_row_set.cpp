#include <pathline/train/source/row_set.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <limits>

using namespace pathline;

namespace {

struct Whole {
  using Scalar = float;
  [[nodiscard]] Index dim() const;
  [[nodiscard]] Index size() const;
  void read(Index first, BatchRef<float> X) const;
};
// One thing missing each.
struct NoDim : Whole {
  void dim() const;
};
struct NoSize : Whole {
  void size() const;
};
struct NoRead : Whole {
  void read(Index first) const;
};
struct NoScalar : Whole {
  using Scalar = int;
};
static_assert(RowSet<Whole> && !RowSet<NoDim> && !RowSet<NoSize> && !RowSet<NoRead> && !RowSet<NoScalar>);
static_assert(RowSet<RowsInMemory<double>> && !RowSet<Batch<double>>);

}  // namespace

TEST_CASE("Rows are read from memory and from a function", "[train][source]") {
  Batch<double> X(2, 5);
  for (Index j = 0; j < 5; ++j) X.col(j) << double(j), 10 * double(j);
  const RowsInMemory rows(X);
  CHECK(rows.dim() == 2);
  CHECK(rows.size() == 5);
  CHECK(rows.column(3) == X.col(3).data());
  CHECK(all_of(rows) == X);

  const auto computed = rows_by_function<double>(2, 5, [](Index first, BatchRef<double> out) {
    for (Index j = 0; j < out.cols(); ++j) out.col(j) << double(first + j), 10 * double(first + j);
  });
  CHECK(all_of(computed) == X);
  Batch<double> some(2, 2);
  computed.read(2, some);
  CHECK(some == X.middleCols(2, 2));
  CHECK_THROWS_WITH(rows_by_function<double>(0, 5, [](Index, BatchRef<double>) {}),
                    "rows_by_function: dim is 0, expected at least 1");
  CHECK_THROWS_WITH(rows_by_function<double>(1, 0, [](Index, BatchRef<double>) {}),
                    "rows_by_function: size is 0, expected at least 1");
  const auto lazy = rows_by_function<double>(2, 5, [](Index, BatchRef<double> out) { out(0, 0) = 1; });
  CHECK(std::isnan(all_of(lazy)(1, 0)));  // what it does not write is no number
}

TEST_CASE("A number that is not finite is refused with its row", "[train][source][errors]") {
  Batch<float> X = Batch<float>::Ones(3, 4);
  const RowsInMemory rows(X);
  CHECK_NOTHROW(detail::require_finite_rows("here", rows, 100, View<const float>(X)));
  X(2, 1) = std::numeric_limits<float>::infinity();
  CHECK_THROWS_WITH(detail::require_finite_rows("here", rows, 100, View<const float>(X)),
                    "here: component 2 of row 101 is inf, expected a finite number; leave the row out of the data");
}
