// Events whose times are known, placed by the thousand: how many are lost, told twice, or made up. Along y' = 1 the
// samples of a step fall on decimal and binary fractions exactly, so that most of these zeros are hit by one.
#include <pathline/ode/output/events.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <tuple>
#include <vector>

namespace pathline {
namespace {

/// A product of up to four differences y(0) - zero.
struct Product {
  std::vector<double> zeros;
  double scale = 1;

  template <class State>
  double operator()(double, const State& y) const {
    double product = scale;
    for (const double zero : zeros) product *= double(y(0)) - zero;
    return product;
  }
  /// Its times in [0, 1] or back, each once, without the start and those that it touches only.
  [[nodiscard]] std::vector<double> crossings(bool forward, Crossing wanted) const {
    std::vector<double> sorted = zeros, result;
    std::sort(sorted.begin(), sorted.end());
    for (const double zero : sorted) {
      const bool odd = std::count(sorted.begin(), sorted.end(), zero) % 2 == 1;
      const bool met = forward ? zero > 0 && zero <= 1 : zero >= 0 && zero < 1;
      if (odd && met && (result.empty() || result.back() != zero)) result.push_back(zero);
    }
    if (!forward) std::reverse(result.begin(), result.end());
    std::erase_if(result, [&](double zero) {
      double after = scale;  // the sign just after the zero
      for (const double other : zeros)
        if (other != zero ? (other > zero) : !forward) after = -after;
      return wanted != Crossing::either && (after > 0) != (wanted == Crossing::rising);
    });
    return result;
  }
};

struct Counts {
  int solves = 0, expected = 0, lost = 0, extra = 0;
};

std::ostream& operator<<(std::ostream& out, const Counts& counts) {
  return out << counts.solves << " solves, " << counts.expected << " events, " << counts.lost << " lost, "
             << counts.extra << " too many";
}

void compare(const std::vector<double>& expected, std::vector<double> got, double precision, Counts& counts) {
  counts.expected += int(expected.size());
  for (const double zero : expected) {
    const auto match = std::find_if(got.begin(), got.end(), [&](double t) { return std::abs(t - zero) <= precision; });
    if (match == got.end())
      ++counts.lost;
    else
      got.erase(match);
  }
  counts.extra += int(got.size());
}

enum class Kind { told, terminal, reset };

/// Of y' = 1, forward from 0 or backward from 1.
template <class State, Kind kind = Kind::told, class Control>
Counts scan(const std::vector<Product>& products, const Control& control, bool forward = true,
            Crossing crossing = Crossing::either) {
  const auto clock = [](double, const State&, State& dy) { dy << 1, 0; };
  const auto count = [](double, State& y) { y(1) += 1; };
  const State y0(forward ? 0 : 1, 0);
  const double precision = sizeof(typename State::Scalar) == 8 ? 1e-12 : 2e-6;
  Counts counts;
  for (const Product& product : products) {
    ++counts.solves;
    std::vector<double> expected = product.crossings(forward, crossing), got;
    const auto take = [&](const auto& path) {
      for (const auto& hit : path.hits) got.push_back(hit.t);
      if (path.terminated != (kind == Kind::terminal && !expected.empty())) ++counts.extra;
      if (kind == Kind::reset && path.y(1) != float(expected.size())) ++counts.extra;
    };
    const double t0 = y0(0), t1 = 1 - t0;
    if constexpr (kind == Kind::reset) {
      const std::tuple events(Event(product, {.crossing = crossing}, count));
      take(solve_events(clock, y0, t0, t1, events, Dopri5{}, control));
    } else {
      const std::tuple events(Event(product, {.crossing = crossing, .terminal = kind == Kind::terminal}));
      take(solve_events(clock, y0, t0, t1, events, Dopri5{}, control));
      if (kind == Kind::terminal && expected.size() > 1) expected.resize(1);
    }
    compare(expected, got, precision, counts);
  }
  return counts;
}

/// Numbers k / parts, 0 < k < parts, `each` of them to a product, every `stride`-th of all choices.
std::vector<Product> products_of(int each, int parts, std::size_t stride, bool repeated = false) {
  std::vector<Product> all;
  std::size_t number = 0;
  std::vector<int> at(std::size_t(each), 1);
  while (true) {
    if (number++ % stride == 0) {
      Product product;
      product.scale = number % 4 < 2 ? 1 : -1;
      for (const int k : at) product.zeros.push_back(double(k) / parts);
      if (repeated) product.zeros.push_back(product.zeros[0]);
      all.push_back(product);
    }
    std::size_t i = at.size();
    while (i > 0 && at[i - 1] + int(at.size() - i) + 1 >= parts) --i;
    if (i == 0) return all;
    ++at[i - 1];
    for (; i < at.size(); ++i) at[i] = at[i - 1] + 1;
  }
}

/// Zeros anywhere, no two nearer than `apart`.
std::vector<Product> random_products(int each, int number, double apart, std::uint64_t seed) {
  std::vector<Product> all;
  const auto next = [&seed] {
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return double(seed >> 11) * 0x1p-53;
  };
  while (int(all.size()) < number) {
    Product product;
    for (int i = 0; i < each; ++i) product.zeros.push_back(0.001 + 0.998 * next());
    bool far = true;
    for (int i = 0; i < each; ++i)
      for (int j = 0; j < i; ++j)
        far = far && std::abs(product.zeros[std::size_t(i)] - product.zeros[std::size_t(j)]) > apart;
    if (far) all.push_back(product);
  }
  return all;
}

using State = Eigen::Vector2d;

/// Every kind of place, each `stride`-th of them.
void scan_all(std::size_t stride) {
  const auto expect_none = [](const std::string& what, const Counts& counts) {
    INFO(what << ": " << counts);
    CHECK(counts.expected > 0);
    CHECK(counts.lost == 0);
    CHECK(counts.extra == 0);
    UNSCOPED_INFO(what << ": " << counts);
  };
  const std::vector<Product> two = products_of(2, 100, 3 * stride), three = products_of(3, 64, 31 * stride),
                             touching = products_of(2, 40, stride, true);
  for (const Index steps : {1, 2, 4, 5, 10}) {
    const FixedSteps control(steps);
    const std::string with = " with " + std::to_string(steps) + " steps";
    expect_none("two zeros" + with, scan<State>(two, control));
    expect_none("two zeros backward" + with, scan<State>(two, control, false));
    expect_none("three zeros" + with, scan<State>(three, control));
    expect_none("a touch and a zero" + with, scan<State>(touching, control));
  }
  const FixedSteps four(4);
  for (const Crossing crossing : {Crossing::rising, Crossing::falling}) {
    expect_none("of one direction", scan<State>(three, four, true, crossing));
    expect_none("of one direction, backward", scan<State>(three, four, false, crossing));
    expect_none("of one direction, with resets", scan<State, Kind::reset>(three, four, true, crossing));
    expect_none("of one direction, terminal", scan<State, Kind::terminal>(three, four, true, crossing));
  }
  for (const bool forward : {true, false}) {
    expect_none("two with resets", scan<State, Kind::reset>(two, FixedSteps(1), forward));
    expect_none("three with resets", scan<State, Kind::reset>(three, four, forward));
    expect_none("two terminal ones", scan<State, Kind::terminal>(two, FixedSteps(1), forward));
  }
  expect_none("float", scan<Eigen::Vector2f>(products_of(2, 32, stride), four));
  expect_none("three anywhere", scan<State>(random_products(3, int(2000 / stride), 2e-3, 1), FixedSteps(1)));
  expect_none("four anywhere", scan<State>(random_products(4, int(2000 / stride), 2e-3, 2), FixedSteps(1)));
}

}  // namespace

TEST_CASE("No event at a place that a sample hits is lost, told twice or made up", "[ode][events]") { scan_all(16); }
TEST_CASE("No event at thousands of places is lost, told twice or made up", "[.long][ode][events]") { scan_all(1); }

}  // namespace pathline
