#include <pathline/core/apply_to.hpp>
#include <pathline/core/policies.hpp>

#include <support/catch.hpp>

#include <string>
#include <tuple>
#include <type_traits>

namespace pathline {
namespace {

struct Red {
  int value = -1;
};
struct Blue {
  int value = -1;
};
template <class P>
using IsRed = std::is_same<P, Red>;
template <class P>
using IsNumber = std::is_arithmetic<P>;

TEST_CASE("pick: the first policy of a kind, in any order, or one made by default", "[core]") {
  CHECK(detail::pick<IsRed, Red>(detail::policy_list(3, Red{1}, Blue{2})).value == 1);
  CHECK(detail::pick<IsRed, Red>(detail::policy_list(Blue{2}, Red{1}, Red{4})).value == 1);
  CHECK(detail::pick<IsNumber, int>(detail::policy_list(Red{1}, 5, Blue{2}, 6.5)) == 5);
  CHECK(detail::pick<IsRed, Red>(detail::policy_list(Blue{2})).value == -1);
  CHECK(detail::pick<IsRed, Red>(detail::policy_list()).value == -1);
  // Of another type than wanted: an assertion has refused it before.
  CHECK(detail::pick<IsRed, Blue>(detail::policy_list(Red{1})).value == -1);
}

TEST_CASE("pick_all: the policies of a kind in their order", "[core]") {
  const auto numbers = detail::pick_all<IsNumber>(detail::policy_list(3, Red{1}, 2.5, Blue{2}, 7L));
  static_assert(std::is_same_v<decltype(numbers), const std::tuple<int, double, long>>);
  CHECK(numbers == std::tuple(3, 2.5, 7L));
  static_assert(std::is_same_v<decltype(detail::pick_all<IsNumber>(detail::policy_list(Red{1}))), std::tuple<>>);
}

TEST_CASE("apply_to: a function of all elements, the first one first", "[core]") {
  const std::tuple<std::string, int> elements("a", 2);
  CHECK(detail::apply_to(elements, [](const std::string& word, int count) { return word + std::to_string(count); }) ==
        "a2");
  const std::string& word = detail::apply_to(
      elements, [](const auto& first, auto) -> const auto& { return first; });
  CHECK(&word == &std::get<0>(elements));
}

}  // namespace
}  // namespace pathline
