#include <pathline/core/keyed_permutation.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

using namespace pathline;

namespace {

/// χ² of counts that should be equal, as a normal deviate: Wilson & Hilferty, Proc. Natl. Acad. Sci. 17 (1931) 684.
double deviate(const std::vector<double>& counts) {
  double total = 0, square = 0;
  for (const double count : counts) total += count;
  const double expected = total / double(counts.size()), freedom = double(counts.size()) - 1;
  for (const double count : counts) square += (count - expected) * (count - expected) / expected;
  return (std::cbrt(square / freedom) - (1 - 2 / (9 * freedom))) / std::sqrt(2 / (9 * freedom));
}

std::vector<Index> images_of(const KeyedPermutation& order) {
  std::vector<Index> images(static_cast<std::size_t>(order.size()));
  for (std::size_t i = 0; i < images.size(); ++i) images[i] = order(Index(i));
  return images;
}

// Beyond it, above or below, in 6 of 100,000 cases. With 4 rounds in place of 12, orders of 4 and 5 numbers are 10 and
// more above.
constexpr double level = 4;

}  // namespace

TEST_CASE("A keyed permutation has every number below n once", "[core][random]") {
  std::vector<Index> sizes{1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 63, 64, 65, 100, 255, 256, 257, 1000, 4097, 65'536};
  for (const Index n : sizes) {
    const KeyedPermutation order(Draw{3, 1}, n);
    REQUIRE(order.size() == n);
    std::vector<int> seen(std::size_t(n), 0);
    bool inside = true;
    for (Index i = 0; i < n; ++i) {
      const Index image = order(i);
      inside = inside && image >= 0 && image < n;
      if (inside) ++seen[std::size_t(image)];
    }
    CHECK(inside);
    CHECK(seen == std::vector<int>(std::size_t(n), 1));
  }
  CHECK(KeyedPermutation(Draw{3, 1}, 0).size() == 0);
  CHECK_THROWS_WITH(KeyedPermutation(Draw{}, -1), "KeyedPermutation: n is -1, expected from 0 to 2^48");
  const KeyedPermutation large(Draw{3, 1}, (Index{1} << 48) - 5);  // images of large numbers stay below n
  for (Index i = 0; i < 1000; ++i) CHECK(large(large.size() - 1 - i) < large.size());
}

TEST_CASE("The draw and the stream decide a keyed permutation, each another one", "[core][random]") {
  const Index n = 1000;
  const auto equal = [&](const KeyedPermutation& one, const KeyedPermutation& other) {
    Index count = 0;
    for (Index i = 0; i < n; ++i) count += Index(one(i) == other(i));
    return count;
  };
  const KeyedPermutation order(Draw{3, 1}, n);
  CHECK(equal(order, KeyedPermutation(Draw{3, 1}, n)) == n);
  // Two random orders agree at one place on average, and at more than 10 of them once in 10⁸.
  CHECK(equal(order, KeyedPermutation(Draw{3, 2}, n)) <= 10);
  CHECK(equal(order, KeyedPermutation(Draw{4, 1}, n)) <= 10);
  CHECK(equal(order, KeyedPermutation(Draw{3, 1}, n, 1)) <= 10);
}

TEST_CASE("All orders of a few numbers are equally likely", "[core][random]") {
  const Index n = GENERATE(2, 3, 4, 5, 8);
  std::size_t orders = 1;
  for (Index k = 2; k <= n; ++k) orders *= std::size_t(k);
  std::vector<double> counts(orders, 0);
  // With halves of a single bit, orders of 8 numbers are 10 deviations above.
  for (std::uint64_t draw = 0; draw < (n < 8 ? 24'000U : 40'000U); ++draw) {
    const std::vector<Index> images = images_of(KeyedPermutation(Draw{11, draw}, n));
    std::size_t number = 0;  // Lehmer's code
    for (std::size_t i = 0; i < images.size(); ++i) {
      const auto smaller = std::count_if(images.begin() + std::ptrdiff_t(i), images.end(),
                                         [&](Index other) { return other < images[i]; });
      number = number * (images.size() - i) + std::size_t(smaller);
    }
    ++counts[number];
  }
  INFO("n = " << n);
  CHECK(std::abs(deviate(counts)) < level);
}

TEST_CASE("Even and odd orders are equally likely", "[core][random]") {
  // Of even permutations alone, but for cycle walking, 936 and 999 of 1000 orders would have the same parity.
  for (const Index n : {15, 16, 1023}) {
    const int draws = n < 1000 ? 1000 : 100;
    int odd = 0;
    for (int draw = 0; draw < draws; ++draw) {
      std::vector<Index> images = images_of(KeyedPermutation(Draw{12, std::uint64_t(draw)}, n));
      bool parity = false;
      for (std::size_t i = 0; i < images.size(); ++i)
        for (; images[i] != Index(i); parity = !parity) std::swap(images[i], images[std::size_t(images[i])]);
      odd += int(parity);
    }
    INFO("n = " << n << ", odd " << odd << " of " << draws);
    CHECK(std::abs(odd - draws / 2) < level * std::sqrt(draws) / 2);
  }
}

TEST_CASE("Images of many numbers are uniform, singly and in pairs", "[core][random]") {
  const Index n = GENERATE(13, 1000, 100'000'000);
  constexpr Index cells = 10;
  const auto cell = [n](Index image) { return std::size_t(image * cells / n); };
  // Over the draws: of a place, of neighbours, and of places half of all numbers apart (the high half of the network).
  std::vector<double> one(cells, 0), next(cells * cells, 0), far(cells * cells, 0);
  for (std::uint64_t draw = 0; draw < 20'000; ++draw) {
    const KeyedPermutation order(Draw{5, draw}, n);
    const std::size_t image = cell(order(3));
    ++one[image];
    ++next[image * cells + cell(order(4))];
    ++far[image * cells + cell(order(3 + n / 2))];
  }
  if (n == 13) {  // cells of unequal size, so exact numbers instead: pairs of distinct images
    std::vector<double> exact(13, 0), pairs(13 * 12, 0);
    for (std::uint64_t draw = 0; draw < 20'000; ++draw) {
      const KeyedPermutation order(Draw{5, draw}, n);
      const auto a = std::size_t(order(3)), b = std::size_t(order(4));
      ++exact[a];
      ++pairs[a * 12 + (b > a ? b - 1 : b)];
    }
    CHECK(std::abs(deviate(exact)) < level);
    CHECK(std::abs(deviate(pairs)) < level);
    return;
  }
  INFO("n = " << n);
  CHECK(std::abs(deviate(one)) < level);
  CHECK(std::abs(deviate(next)) < level);
  CHECK(std::abs(deviate(far)) < level);

  // Within one order: steps from an image to the next.
  const KeyedPermutation order(Draw{6, 0}, n);
  std::vector<double> steps(100, 0);
  for (Index i = 0; i + 1 < (n == 1000 ? n : 20'000); ++i)
    ++steps[std::size_t(((order(i + 1) - order(i) + n) % n) * 100 / n)];
  CHECK(std::abs(deviate(steps)) < level);
}
