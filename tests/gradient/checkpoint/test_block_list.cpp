#include <pathline/gradient/checkpoint/block_list.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>

using namespace pathline;

TEST_CASE("A list of blocks keeps its entries in place and takes what it says", "[gradient][checkpoints]") {
  struct Entry {
    double a, b, c;
  };
  using List = detail::BlockList<Entry>;
  const AllocationCounter heap;
  List list;
  CHECK(list.full());
  CHECK(list.bytes() == 0);
  list.push_back({0, 0, 0});
  const Entry* const first = &list[0];
  for (std::size_t i = 1; i < 1000; ++i) list.push_back({double(i), 0, -double(i)});
  CHECK(&list[0] == first);
  REQUIRE(list.size() == 1000);
  for (std::size_t i = 0; i < 1000; ++i) CHECK((list[i].a == double(i) && list[i].c == -double(i)));
  CHECK(list.bytes() == List::bytes_of(1000));
  if (AllocationCounter::available) {
    CHECK(heap.peak_bytes() <= long(list.bytes()));
    CHECK(heap.peak_bytes() > long(1000 * sizeof(Entry)));
  }
  list.clear();
  CHECK(list.empty());
  const AllocationCounter again;
  for (std::size_t i = 0; i < 1000; ++i) list.push_back({1, 2, 3});
  CHECK(again.count() == 0);
  CHECK(list[999].b == 2);
}
