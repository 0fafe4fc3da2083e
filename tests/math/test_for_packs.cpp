#include <pathline/math/for_packs.hpp>

#include <support/catch.hpp>

#include <numeric>
#include <vector>

using namespace pathline;

TEMPLATE_TEST_CASE("for_packs visits every scalar once, sum_packs adds each once", "[math]", float, double) {
  using Scalar = TestType;
  for (std::size_t size = 0; size < 40; ++size) {
    INFO("size " << size);
    std::vector<Scalar> x(size), y(size, Scalar(1));
    std::iota(x.begin(), x.end(), Scalar(1));
    detail::for_packs<Scalar>(Index(size), [&](auto at, Index i) {
      const auto value = at.load(x.data() + i);
      at.add(value * value, y.data() + i);
    });
    for (std::size_t i = 0; i < size; ++i) CHECK(y[i] == 1 + x[i] * x[i]);
    const Scalar sum = detail::sum_packs<Scalar>(Index(size), [&](auto at, Index i) { return at.load(x.data() + i); });
    CHECK(sum == Scalar(size * (size + 1)) / 2);  // integers: exact in any order
  }
}
