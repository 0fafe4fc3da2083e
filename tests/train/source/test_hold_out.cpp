#include <pathline/train/source/hold_out.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

using namespace pathline;

namespace {

Batch<double> counting(Index n) {
  Batch<double> X(1, n);
  for (Index j = 0; j < n; ++j) X(0, j) = double(j);
  return X;
}

}  // namespace

TEST_CASE("Rows that are held out and the rest are all rows once, read in any pieces", "[train][source]") {
  for (const auto& [n, count] : {std::pair<Index, Index>{100, 10}, {103, 10}, {7, 3}, {2, 1}, {64, 32}, {1000, 1}}) {
    const Batch<double> X = counting(n);
    const RowsInMemory rows(X);
    for (std::uint64_t draw = 0; draw < (n < 1000 ? 20U : 1U); ++draw) {
      INFO(count << " of " << n << ", draw " << draw);
      Rng rng(4, draw);
      const auto parts = hold_out(rows, count, rng);
      static_assert(RowSet<decltype(parts.rest)> && RowSet<decltype(parts.held_out)>);
      REQUIRE(parts.held_out.size() == count);
      REQUIRE(parts.rest.size() == n - count);
      const Batch<double> rest = all_of(parts.rest), held_out = all_of(parts.held_out);
      std::vector<int> seen(std::size_t(n), 0);
      for (Index j = 0; j < count; ++j) {
        ++seen[std::size_t(held_out(0, j))];
        CHECK(parts.held_out.number_of(j) == Index(held_out(0, j)));
      }
      bool named = true;
      for (Index j = 0; j < n - count; ++j) {
        ++seen[std::size_t(rest(0, j))];
        named = named && parts.rest.number_of(j) == Index(rest(0, j)) && *parts.rest.column(j) == rest(0, j);
        named = named && (j == 0 || rest(0, j) > rest(0, j - 1));
      }
      CHECK(named);
      CHECK(seen == std::vector<int>(std::size_t(n), 1));
      for (const Index width : {1, 3, 50})
        for (Index first = 0; first < n - count; first += width) {
          Batch<double> piece(1, std::min(width, n - count - first));
          parts.rest.read(first, piece);
          CHECK(piece == rest.middleCols(first, piece.cols()));
        }
    }
  }
}

TEST_CASE("Each row is held out as often as any other", "[train][source]") {
  // But for the length of its stratum: 17 rows are in 5 strata of 3 or 4.
  const Batch<double> X = counting(17);
  const RowsInMemory rows(X);
  Rng rng(5);
  std::vector<double> counts(17, 0);
  for (int draw = 0; draw < 3000; ++draw) {
    const Batch<double> held_out = all_of(hold_out(rows, 5, rng).held_out);
    for (Index j = 0; j < 5; ++j) ++counts[std::size_t(held_out(0, j))];
  }
  for (Index q = 0; q < 5; ++q) {
    const Index first = q * 17 / 5, end = (q + 1) * 17 / 5;
    for (Index row = first; row < end; ++row) {
      INFO("row " << row);
      CHECK(std::abs(counts[std::size_t(row)] - 3000 / double(end - first)) < 104);  // four standard deviations
    }
  }
}

TEST_CASE("More than half of the rows, or none, are not held out", "[train][source][errors]") {
  const Batch<double> X = counting(10);
  const RowsInMemory rows(X);
  Rng rng(1);
  CHECK_THROWS_WITH(hold_out(rows, 6, rng), "hold_out: count is 6, expected from 1 to 5, half of the rows");
  CHECK_THROWS_WITH(hold_out(rows, 0, rng), "hold_out: count is 0, expected from 1 to 5, half of the rows");
  const Batch<double> one = counting(1);
  const RowsInMemory one_row(one);
  CHECK_THROWS_WITH(hold_out(one_row, 1, rng),
                    "hold_out: data has 1 row, expected at least 2, one to hold out and one to train on");
  CHECK(rng.next() == 0);
}
