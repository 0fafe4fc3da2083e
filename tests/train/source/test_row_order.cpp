#include <pathline/train/source/row_order.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

using namespace pathline;
using detail::RowOrder;

TEST_CASE("Every row is in one slot of one window, and runs name the rows of the slots", "[train][source]") {
  struct Case {
    Index rows, block, window;
  };
  // A short last block, a short last window, blocks of one row, one window, one block.
  for (const auto& [rows, block, window] :
       {Case{103, 10, 3}, Case{100, 10, 3}, Case{7, 1, 2}, Case{20, 7, 5}, Case{20, 50, 1}, Case{1, 4, 2}}) {
    INFO(rows << " rows, " << block << " of a block, " << window << " blocks of a window");
    const RowOrder order(Draw{2, 9}, rows, block, window);
    std::vector<int> seen(std::size_t(rows), 0);
    Index windows = 0, slots = 0;
    for (Index w = 0; slots < rows; ++w, ++windows) {
      REQUIRE(order.rows_of(w) > 0);
      CHECK(order.slots_of(w).size() == order.rows_of(w));
      std::vector<Index> of_runs(std::size_t(order.rows_of(w)), -1);
      order.for_each_run(w, [&](Index first, Index slot, Index count) {
        CHECK(count <= order.block_rows());
        for (Index i = 0; i < count; ++i) of_runs.at(std::size_t(slot + i)) = first + i;
      });
      for (Index slot = 0; slot < order.rows_of(w); ++slot) {
        const Index row = order.row(w * order.window_rows() + slot);
        CHECK(of_runs[std::size_t(slot)] == row);
        ++seen.at(std::size_t(row));
      }
      slots += order.rows_of(w);
    }
    CHECK(seen == std::vector<int>(std::size_t(rows), 1));
  }
}

TEST_CASE("Another draw puts other rows together", "[train][source]") {
  const auto first_window = [](std::uint64_t draw) {
    const RowOrder order(Draw{2, draw}, 1000, 10, 10);
    std::vector<Index> rows;
    for (Index slot = 0; slot < 100; ++slot) rows.push_back(order.row(slot));
    std::sort(rows.begin(), rows.end());
    return rows;
  };
  CHECK(first_window(0) != first_window(1));
  CHECK(first_window(0) == first_window(0));
  // Over many draws, each row is in the first of ten windows as often as any other: 200 of 2000 times, with a standard
  // deviation of 13; five of them are exceeded in one of 2000 runs by the worst of 1000 rows.
  std::vector<Index> counts(1000, 0);
  for (std::uint64_t draw = 0; draw < 2000; ++draw)
    for (const Index row : first_window(draw)) ++counts[std::size_t(row)];
  CHECK(*std::min_element(counts.begin(), counts.end()) > 135);
  CHECK(*std::max_element(counts.begin(), counts.end()) < 265);
}
