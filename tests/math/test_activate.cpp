#include <pathline/math/activate.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

using namespace pathline;

namespace {

struct Cube {
  template <class P>
  static Jet<P> jet(P x) {
    return {x * x * x, P(3) * x * x, P(6) * x};
  }
};
/// Scalars only: goes element by element.
struct Arctangent {
  template <Real P>
  static Jet<P> jet(P x) {
    return {std::atan(x), 1 / (1 + x * x), -2 * x / ((1 + x * x) * (1 + x * x))};
  }
};

template <class Scalar>
std::vector<Scalar> wave(Index size) {
  std::vector<Scalar> x;
  x.resize(std::size_t(size));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = Scalar(5 * std::sin(1.7 * double(i) + 0.3));
  return x;
}

template <class Scalar>
bool same_bits(const std::vector<Scalar>& a, const std::vector<Scalar>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(Scalar)) == 0);
}

template <class Scalar>
struct Outputs {
  std::vector<Scalar> y, first, second;
};

template <class Sigma, class Scalar>
Outputs<Scalar> activated(const std::vector<Scalar>& x) {
  Outputs<Scalar> out{x, x, x};
  activate<Sigma>(Index(x.size()), x.data(), out.y.data(), out.first.data(), out.second.data());
  return out;
}

/// Around the ends of the first blocks, of which staged activations take one after the other.
template <class S>
std::vector<Index> sizes() {
  constexpr Index block = detail::activation_block<S>;
  std::vector<Index> all{block - 1, block,         block + 1,    block + Pack<S>::size - 1,
                         2 * block, 2 * block + 1, 3 * block + 5};
  for (Index size = 0; size <= 33; ++size) all.push_back(size);
  return all;
}

/// Activations whose second stage is missing, or whose first gives something else.
struct Unfinished : Sigmoid {
  template <class P>
  static detail::ExpPair<P> start(P x) {
    return {x, x};
  }
};
struct Stranger : Tanh {
  template <class P>
  static P start(P x) {
    return x;
  }
};
static_assert(detail::StagedActivation<Tanh, float> && detail::StagedActivation<LogTwoCosh>);
static_assert(!detail::StagedActivation<Sigmoid> && !detail::StagedActivation<Unfinished> &&
              !detail::StagedActivation<Stranger>);

static_assert(noexcept(activate<Tanh>(Index(0), static_cast<const float*>(nullptr), static_cast<float*>(nullptr))));

}  // namespace

TEMPLATE_TEST_CASE("activate: every size gives what one element at a time gives, bit for bit", "[math]", Tanh,
                   LogTwoCosh, Sigmoid, Softplus, Swish, Sine, Cube, Arctangent) {
  using Sigma = TestType;
  const auto check = []<class S>(S) {
    for (const Index size : sizes<S>()) {
      INFO("size " << size);
      const std::vector<S> x = wave<S>(size);
      const Outputs<S> all = activated<Sigma>(x);
      Outputs<S> single{x, x, x};
      std::vector<S> value = x, single_value = x;
      activate<Sigma>(size, x.data(), value.data());
      for (std::size_t i = 0; i < x.size(); ++i) {
        activate<Sigma>(Index(1), &x[i], &single.y[i], &single.first[i], &single.second[i]);
        activate<Sigma>(Index(1), &x[i], &single_value[i]);
      }
      CHECK(same_bits(value, single_value));
      CHECK(same_bits(all.y, single.y));
      CHECK(same_bits(all.first, single.first));
      CHECK(same_bits(all.second, single.second));
    }
  };
  check(float{});
  check(double{});
}

TEMPLATE_TEST_CASE("activate: nothing is written beyond the end", "[math]", float, double) {
  for (const Index size : sizes<TestType>()) {
    INFO("size " << size);
    const std::vector<TestType> x = wave<TestType>(size + 1);
    Outputs<TestType> out{x, x, x};
    for (auto* column : {&out.y, &out.first, &out.second}) column->back() = TestType(1234);
    activate<Tanh>(size, x.data(), out.y.data(), out.first.data(), out.second.data());
    for (const auto* column : {&out.y, &out.first, &out.second}) CHECK(column->back() == TestType(1234));
  }
}

TEMPLATE_TEST_CASE("activate: any output may be the input", "[math]", Tanh, LogTwoCosh, Swish, Arctangent) {
  using Sigma = TestType;
  const auto check = []<class S>(S) {
    for (const Index size : sizes<S>()) {
      if (size == 0) continue;
      const std::vector<S> x = wave<S>(size);
      const Outputs<S> apart = activated<Sigma>(x);
      Outputs<S> out{x, x, x};
      activate<Sigma>(size, out.y.data(), out.y.data(), out.first.data(), out.second.data());
      CHECK((same_bits(out.y, apart.y) && same_bits(out.first, apart.first) && same_bits(out.second, apart.second)));
      out = {x, x, x};
      activate<Sigma>(size, out.first.data(), out.y.data(), out.first.data(), out.second.data());
      CHECK((same_bits(out.y, apart.y) && same_bits(out.first, apart.first) && same_bits(out.second, apart.second)));
      out = {x, x, x};
      activate<Sigma>(size, out.second.data(), out.y.data(), out.first.data(), out.second.data());
      CHECK((same_bits(out.y, apart.y) && same_bits(out.first, apart.first) && same_bits(out.second, apart.second)));
      out = {x, x, x};
      std::vector<S> value = x;  // without derivatives the compiler may contract otherwise
      activate<Sigma>(size, x.data(), value.data());
      activate<Sigma>(size, out.y.data(), out.y.data());
      CHECK(same_bits(out.y, value));
    }
  };
  check(float{});
  check(double{});
}

TEMPLATE_TEST_CASE("activate: needs no alignment", "[math]", float, double) {
  const std::vector<TestType> x = wave<TestType>(40);
  const Outputs<TestType> whole = activated<Softplus>(x);
  for (std::size_t offset = 1; offset < 8; ++offset) {
    const std::vector<TestType> part(x.begin() + std::ptrdiff_t(offset), x.end());
    std::vector<TestType> y(x.size());
    activate<Softplus>(Index(part.size()), x.data() + offset, y.data() + offset);
    for (std::size_t i = offset; i < x.size(); ++i) CHECK(y[i] == whole.y[i]);
  }
}

TEMPLATE_TEST_CASE("activate: fewer outputs are the same numbers", "[math]", Tanh, LogTwoCosh, Swish, Sine,
                   Arctangent) {
  using Sigma = TestType;
  const auto check = []<class S>(S) {
    const std::vector<S> x = wave<S>(1000);
    const Outputs<S> all = activated<Sigma>(x);
    std::vector<S> y(x.size()), first(x.size());
    activate<Sigma>(Index(x.size()), x.data(), y.data());
    // Not bit for bit: the compiler may contract otherwise where a product is not needed twice. 4 ε of the largest, 5.
    for (std::size_t i = 0; i < x.size(); ++i)
      CHECK(std::abs(y[i] - all.y[i]) <= 20 * std::numeric_limits<S>::epsilon());
    activate<Sigma>(Index(x.size()), x.data(), y.data(), first.data());
    for (std::size_t i = 0; i < x.size(); ++i)
      CHECK(std::abs(first[i] - all.first[i]) <= 20 * std::numeric_limits<S>::epsilon());
  };
  check(float{});
  check(double{});
}

TEMPLATE_TEST_CASE("activate: σ and σ' in place, every size, to rounding", "[math]", Tanh, Softplus) {
  using Sigma = TestType;
  const auto check = []<class S>(S) {
    for (const Index size : sizes<S>()) {
      INFO("size " << size);
      const std::vector<S> x = wave<S>(size + 1);
      const Outputs<S> all = activated<Sigma>(x);
      std::vector<S> y = x, first = x;
      activate<Sigma>(size, y.data(), y.data(), first.data());
      for (std::size_t i = 0; i < std::size_t(size); ++i) {
        // Twice the errors of σ, which is at most one for tanh, and of σ': 4 and 7 ulp at most.
        CHECK(std::abs(y[i] - all.y[i]) <= 8 * std::numeric_limits<S>::epsilon() * std::max(S(1), all.y[i]));
        CHECK(std::abs(first[i] - all.first[i]) <= 8 * std::numeric_limits<S>::epsilon());
        S one = x[i], slope = 0;
        activate<Sigma>(Index(1), &one, &one, &slope);
        CHECK((one == y[i] && slope == first[i]));
      }
      CHECK((y.back() == x.back() && first.back() == x.back()));
    }
  };
  check(float{});
  check(double{});
}

TEST_CASE("activate: an activation of one's own is applied, packs or not", "[math]") {
  const std::vector<double> x{-2, 0.5, 3};
  const Outputs<double> cube = activated<Cube>(x), arctangent = activated<Arctangent>(x);
  for (std::size_t i = 0; i < x.size(); ++i) {
    CHECK(cube.y[i] == x[i] * x[i] * x[i]);
    CHECK(cube.first[i] == 3 * x[i] * x[i]);
    CHECK(cube.second[i] == 6 * x[i]);
    CHECK(arctangent.y[i] == std::atan(x[i]));
    CHECK(arctangent.first[i] == Approx(1 / (1 + x[i] * x[i])).epsilon(1e-15));
  }
}
