#include <pathline/core/slots.hpp>

#include <support/catch.hpp>

#include <memory>
#include <utility>

namespace pathline {
namespace {

TEST_CASE("Slots: grow to as many as were ever asked for, and keep what is in them", "[core]") {
  detail::Slots<std::unique_ptr<int>> slots;
  CHECK(slots.size() == 0);
  CHECK(slots.begin() == slots.end());
  slots.grow_to(2);
  REQUIRE(slots.size() == 2);
  CHECK(slots[0] == nullptr);
  slots[0] = std::make_unique<int>(3);
  slots[1] = std::make_unique<int>(4);
  const int* const first = slots[0].get();
  slots.grow_to(1);
  CHECK(slots.size() == 2);
  const auto* const place = slots.begin();
  slots.grow_to(2);
  CHECK(slots.begin() == place);  // no other memory
  slots.grow_to(5);
  REQUIRE(slots.size() == 5);
  CHECK(slots[0].get() == first);
  CHECK(*slots[1] == 4);
  CHECK(slots[4] == nullptr);
  CHECK(slots.end() - slots.begin() == 5);
  CHECK(slots.first(2).size() == 2);
  CHECK(slots.first(2).data() == slots.begin());
}

TEST_CASE("Slots: elements are made by default, numbers as zeros", "[core]") {
  detail::Slots<double> numbers;
  numbers.grow_to(4);
  for (const double number : std::as_const(numbers)) CHECK(number == 0);
}

TEST_CASE("Slots: what moves takes the elements along", "[core]") {
  detail::Slots<int> slots;
  slots.grow_to(3);
  slots[2] = 7;
  detail::Slots<int> other(std::move(slots));
  CHECK(slots.size() == 0);  // NOLINT(bugprone-use-after-move)
  REQUIRE(other.size() == 3);
  detail::Slots<int> third;
  third = std::move(other);
  REQUIRE(third.size() == 3);
  CHECK(third[2] == 7);
}

}  // namespace
}  // namespace pathline
