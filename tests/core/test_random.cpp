/// \file
/// Random numbers: the same bits everywhere, named by seed, draw, sample and component alone, and distributed as they
/// say. Seeds are fixed: a statistical test passes always or never, and a sound generator would pass its bound with the
/// probability said.
#include <pathline/core/random.hpp>

#include <pathline/core/box_muller.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

using namespace pathline;

// FNV-1a of the bits of a batch, column by column.
template <class Word, class Scalar>
std::uint64_t fingerprint(const Batch<Scalar>& X) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (Index i = 0; i < X.size(); ++i) hash = (hash ^ std::bit_cast<Word>(X.data()[i])) * 0x100000001b3;
  return hash;
}

struct Golden {
  Draw draw;
  Index sample, component;
  std::uint64_t gaussian;
  std::uint32_t gaussian_float;
  std::uint64_t uniform;
  std::uint32_t uniform_float;
  int rademacher;
};

// The stream itself: changing a bit of it changes what every seed of every user means. The same with g++ 12 and
// clang 14 at -O0, -O2 and -O3, with and without fused multiply-add.
constexpr std::array<Golden, 5> golden{{
    {{0, 0}, 0, 0, 0xbfd973628c131c08, 0xbecb9b14, 0x3fec2d38b1acc4fd, 0x3f6169c5, -1},
    {{0, 0}, 3, 1, 0xc0023e38052f77cd, 0xc011f1c0, 0x3fe70de8b8d7dbdf, 0x3f386f45, 1},
    {{0, 0}, 6, 2, 0xbff1dd020bff8446, 0xbf8ee810, 0x3fde30cf39b0e51e, 0x3ef1867a, -1},
    {{5, 1}, 21, 7, 0xbfe84531d1672300, 0xbf42298f, 0x3fe861ec4af5111f, 0x3f430f63, -1},
    {{123456789, 3}, 3000, 1000, 0xbfe712ce5c9e2f42, 0xbf389673, 0x3fe86c0d142973ed, 0x3f436069, -1},
}};

TEST_CASE("Random numbers are the golden bits", "[core][random]") {
  for (const Golden& g : golden) {
    INFO("seed " << g.draw.seed << ", draw " << g.draw.number << ", component " << g.component);
    const auto word = [&]<class D>(D) {
      return std::bit_cast<std::uint64_t>(g.draw.number_at<D>(g.sample, g.component));
    };
    const auto half_word = [&]<class D>(D) {
      return std::bit_cast<std::uint32_t>(g.draw.number_at<D, float>(g.sample, g.component));
    };
    CHECK(word(Gaussian{}) == g.gaussian);
    CHECK(half_word(Gaussian{}) == g.gaussian_float);
    CHECK(word(Uniform{}) == g.uniform);
    CHECK(half_word(Uniform{}) == g.uniform_float);
    CHECK(g.draw.number_at<Rademacher>(g.sample, g.component) == g.rademacher);
  }
  Batch<double> Z(64, 2048);
  fill<Gaussian>(Draw{7, 1}, 0, Z);
  CHECK(fingerprint<std::uint64_t>(Z) == 0x29dc8794a288f313);
  CHECK(permutation(Draw{7, 0}, 12) == std::vector<Index>{9, 6, 8, 2, 5, 4, 7, 0, 10, 3, 11, 1});
}

TEST_CASE("A block is Philox of the seed, the draw, the sample and the block, each in bits of its own",
          "[core][random]") {
  const Draw draw{0x0123456789abcdef, 0xfedc'ba98'7654};
  CHECK(draw.bits(0xabcd'ef01'2345, 0x89abcdef) ==
        philox({0x89abcdef, 0xba987654, 0xef012345, 0xfedcabcd}, {0x89abcdef, 0x01234567}));
}

TEST_CASE("Rng numbers its draws, and copies go on with the same ones", "[core][random]") {
  Rng rng(11);
  CHECK(rng.draw() == Draw{11, 0});
  Rng copy = rng;
  CHECK(rng.draw() == Draw{11, 1});
  CHECK(copy.draw() == Draw{11, 1});
  CHECK(copy == rng);
  CHECK(rng.seed() == 11);
  CHECK(rng.next() == 2);
  CHECK(Rng(11, 2) == rng);
  CHECK(Rng(12).draw() != Rng(11).draw());
}

TEMPLATE_TEST_CASE("A sample's numbers depend neither on its neighbours nor on how many are asked for",
                   "[core][random]", Uniform, Gaussian, Rademacher) {
  const Draw draw{3, 4};
  Batch<double> all(300, 20);  // more than two blocks of signs
  fill<TestType>(draw, 100, all);

  Batch<double> part(7, 5);
  fill<TestType>(draw, 103, part);
  CHECK(part == all.block(0, 3, 7, 5));

  const std::vector<Index> samples{119, 100, 107, 107};
  Batch<double> picked(300, 4);
  fill<TestType>(draw, samples, picked);
  for (Index j = 0; j < 4; ++j) CHECK(picked.col(j) == all.col(samples[std::size_t(j)] - 100));

  for (const Index i : {0, 1, 31, 32, 127, 128, 299}) CHECK(draw.number_at<TestType>(105, i) == all(i, 5));
}

TEMPLATE_TEST_CASE("fill writes blocks, maps and rows of any layout and nothing beside them", "[core][random]", float,
                   double) {
  Batch<TestType> frame = Batch<TestType>::Constant(6, 5, 9), expected(3, 2);
  fill<Gaussian>(Draw{1, 1}, 0, expected);
  fill<Gaussian>(Draw{1, 1}, 0, frame.block(2, 1, 3, 2));
  CHECK(frame.block(2, 1, 3, 2) == expected);
  frame.block(2, 1, 3, 2).setConstant(9);
  CHECK((frame.array() == 9).all());
  Eigen::Matrix<TestType, 3, 2, Eigen::RowMajor> rows;
  fill<Gaussian>(Draw{1, 1}, 0, rows);
  CHECK(rows == expected);
}

TEST_CASE("fill allocates nothing", "[core][random]") {
  Batch<float> X(5, 30);
  const std::vector<Index> samples(30, 4);
  const AllocationCounter counter;
  fill<Gaussian>(Draw{1, 1}, 0, X);
  fill<Rademacher>(Draw{1, 1}, samples, X.topRows(3));
  CHECK(counter.count() == 0);
}

TEST_CASE("fill refuses another number of samples than columns", "[core][random][errors]") {
  Batch<float> X(2, 3);
  CHECK_THROWS_WITH(fill<Uniform>(Draw{1, 1}, std::vector<Index>{1, 2}, X), "fill: X has 3 columns, expected 2");
}

TEST_CASE("Seeds, draws, samples and components all change the numbers", "[core][random]") {
  std::vector<double> numbers;
  for (const std::uint64_t seed : {0ULL, 1ULL})
    for (const std::uint64_t number : {0ULL, 1ULL})
      for (const Index sample : {0, 1})
        for (const Index component : {0, 1, 2})
          numbers.push_back(Draw{seed, number}.number_at<Uniform>(sample, component));
  std::sort(numbers.begin(), numbers.end());
  CHECK(std::adjacent_find(numbers.begin(), numbers.end()) == numbers.end());  // 24 numbers of 52 bits
}

TEST_CASE("float numbers are the double ones, rounded", "[core][random]") {
  const Draw draw{21, 0};
  Batch<float> f(50, 40);
  Batch<double> d(50, 40);
  fill<Gaussian>(draw, 0, f);
  fill<Gaussian>(draw, 0, d);
  CHECK(f == d.cast<float>());
  fill<Uniform>(draw, 0, f);
  fill<Uniform>(draw, 0, d);
  CHECK((f.cast<double>() - d).cwiseAbs().maxCoeff() <= 0x1p-24);  // half a cell
  fill<Rademacher>(draw, 0, f);
  fill<Rademacher>(draw, 0, d);
  CHECK(f.cast<double>() == d);
}

template <class Scalar>
std::array<Scalar, 2> uniforms_of(std::uint32_t word) {
  Eigen::Matrix<Scalar, 2, 1> numbers;
  Uniform::write({word, word, word, word}, numbers);
  return {numbers[0], numbers[1]};
}

TEST_CASE("Uniform stays inside of (0, 1), even for the extreme words", "[core][random]") {
  CHECK(uniforms_of<double>(0)[0] == 0x1p-53);
  CHECK(uniforms_of<double>(0xffffffff)[1] == 1 - 0x1p-53);
  CHECK(uniforms_of<float>(0)[1] == 0x1p-24F);
  CHECK(uniforms_of<float>(0xffffffff)[0] == 1 - 0x1p-24F);
}

TEST_CASE("Gaussian is finite for the extreme words", "[core][random]") {
  // The smallest uniform is 2⁻⁵³: a radius of √(2 · 53 log 2) = 8.57.
  const auto largest = detail::box_muller(0, 0), smallest = detail::box_muller(~0ULL, ~0ULL);
  CHECK(std::hypot(largest[0], largest[1]) == Approx(std::sqrt(106 * std::log(2.0))).epsilon(1e-15));
  CHECK(std::hypot(smallest[0], smallest[1]) == Approx(0x1p-26).epsilon(1e-15));  // √(-2 log(1 - 2⁻⁵³))
}

// 2⁵³ pieces of a turn, reduced in integers as far as the long double is accurate.
std::array<long double, 2> long_sin_cos(std::int64_t k) {
  constexpr long double pi = 3.14159265358979323846264338327950288L;
  constexpr std::int64_t quarter = std::int64_t{1} << 51;
  const long double x = pi / 2 * static_cast<long double>(k % quarter) / static_cast<long double>(quarter);
  // The complement keeps sine and cosine accurate relative to themselves on both sides of π/4.
  const long double y = pi / 2 * static_cast<long double>(quarter - k % quarter) / static_cast<long double>(quarter);
  const long double s = k % quarter < quarter / 2 ? std::sin(x) : std::cos(y);
  const long double c = k % quarter < quarter / 2 ? std::cos(x) : std::sin(y);
  switch (k / quarter) {
    case 0:
      return {s, c};
    case 1:
      return {c, -s};
    case 2:
      return {-s, -c};
    default:
      return {-c, s};
  }
}

TEST_CASE("The logarithm, sine and cosine are accurate to 4e-16", "[core][random]") {
  IntegerStream words(Draw{8, 0});
  // Rounding of the last two operations and of s or x makes 2-3 units of 1.1e-16; measured over 10⁷: 3.0e-16, 2.6e-16.
  long double log_error = 0, turn_error = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t word = words.next(), shift = words.below(50);
    const double small = double((word >> 12 >> shift) * 2 + 1) * 0x1p-53;
    for (const double x : {small, 1 - small, std::ldexp(1 + small, int(shift) * 8 - 200)}) {
      const long double exact = std::log(static_cast<long double>(x));
      if (exact != 0) log_error = std::max(log_error, std::abs((detail::portable_log(x) - exact) / exact));
    }
    for (const std::uint64_t offset : {0ULL, 1ULL, 2ULL, 3ULL}) {  // near all zeros of sine and cosine
      const auto k = std::int64_t((word >> 12 >> shift) * 2 + 1 + (offset << 51)) & ((std::int64_t{1} << 53) - 1);
      const auto turn = detail::portable_sin_cos(k);
      const auto [sin, cos] = long_sin_cos(k);
      turn_error = std::max({turn_error, std::abs((turn.sin - sin) / sin), std::abs((turn.cos - cos) / cos)});
    }
  }
  CHECK(log_error < 4e-16L);
  CHECK(turn_error < 4e-16L);
  CHECK(detail::portable_log(1) == 0);
}

// Largest distance between the empirical distribution of numbers and F, times √n (Kolmogorov–Smirnov).
template <class F>
double kolmogorov_smirnov(const Batch<double>& X, F&& distribution) {
  std::vector<double> sorted(X.data(), X.data() + X.size());
  std::sort(sorted.begin(), sorted.end());
  const auto n = double(sorted.size());
  double distance = 0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const double p = distribution(sorted[i]);
    distance = std::max({distance, p - double(i) / n, double(i + 1) / n - p});
  }
  return distance * std::sqrt(n);
}

// Mean of products of neighbours (rows, columns, and the next draw) over their standard error, for numbers of mean 0
// and variance 1: a standard Gaussian each.
template <class D>
std::array<double, 3> neighbour_correlations(double mean, double variance) {
  Batch<double> X(64, 512), next(64, 512);
  fill<D>(Draw{2024, 6}, 0, X);
  fill<D>(Draw{2024, 7}, 0, next);
  X = (X.array() - mean) / std::sqrt(variance);
  next = (next.array() - mean) / std::sqrt(variance);
  const auto z = [](const auto& products) { return products.sum() / std::sqrt(double(products.size())); };
  return {z(X.topRows(63).cwiseProduct(X.bottomRows(63))), z(X.leftCols(511).cwiseProduct(X.rightCols(511))),
          z(X.cwiseProduct(next))};
}

// Bounds of 4.5 standard errors are passed with probability 1 - 7e-6 each; Kolmogorov–Smirnov below 2.4 with 1 - 2e-5.
constexpr double errors = 4.5, largest_distance = 2.4;

TEST_CASE("Uniform: moments, distribution and independence of neighbours", "[core][random][statistics]") {
  Batch<double> X(50, 2000);
  fill<Uniform>(Draw{2024, 0}, 0, X);
  const double root_n = std::sqrt(double(X.size()));
  CHECK(X.minCoeff() > 0);
  CHECK(X.maxCoeff() < 1);
  CHECK(std::abs(X.mean() - 0.5) < errors * std::sqrt(1. / 12) / root_n);
  // (u - ½)² has mean 1/12 and variance 1/80 - 1/144 = 1/180.
  CHECK(std::abs((X.array() - 0.5).square().mean() - 1. / 12) < errors * std::sqrt(1. / 180) / root_n);
  CHECK(kolmogorov_smirnov(X, [](double u) { return u; }) < largest_distance);
  for (const double z : neighbour_correlations<Uniform>(0.5, 1. / 12)) CHECK(std::abs(z) < errors);
}

TEST_CASE("Gaussian: moments, distribution and independence of neighbours", "[core][random][statistics]") {
  Batch<double> X(50, 2000);
  fill<Gaussian>(Draw{2024, 1}, 0, X);
  const double root_n = std::sqrt(double(X.size()));
  const auto x = X.array();
  // Variances of x, x², x³, x⁴ for N(0, 1): 1, 3 - 1, 15, 105 - 9.
  CHECK(std::abs(x.mean()) < errors / root_n);
  CHECK(std::abs(x.square().mean() - 1) < errors * std::sqrt(2.) / root_n);
  CHECK(std::abs(x.cube().mean()) < errors * std::sqrt(15.) / root_n);
  CHECK(std::abs(x.square().square().mean() - 3) < errors * std::sqrt(96.) / root_n);
  CHECK(kolmogorov_smirnov(X, [](double z) { return std::erfc(-z / std::sqrt(2.)) / 2; }) < largest_distance);
  for (const double z : neighbour_correlations<Gaussian>(0, 1)) CHECK(std::abs(z) < errors);
  // The two of a pair share a radius: squares must be uncorrelated too. x² - 1 has variance 2.
  double pairs = 0;
  for (Index j = 0; j < X.cols(); ++j)
    for (Index i = 0; i < X.rows(); i += 2) pairs += (X(i, j) * X(i, j) - 1) * (X(i + 1, j) * X(i + 1, j) - 1);
  const auto pair_count = double(X.size() / 2);
  CHECK(std::abs(pairs / pair_count) < errors * 2 / std::sqrt(pair_count));
}

TEST_CASE("Rademacher: signs only, mean 0, each bit of a block fair and independent", "[core][random][statistics]") {
  Batch<double> X(256, 4000);
  fill<Rademacher>(Draw{2024, 2}, 0, X);
  CHECK((X.array().abs() == 1).all());
  CHECK(std::abs(X.mean()) < errors / std::sqrt(double(X.size())));
  // 256 means of 4000: at least one beyond 4.5 standard errors with probability 2e-3.
  CHECK(X.rowwise().mean().cwiseAbs().maxCoeff() < errors / std::sqrt(4000.));
  for (const double z : neighbour_correlations<Rademacher>(0, 1)) CHECK(std::abs(z) < errors);
}

TEST_CASE("below: every integer is equally likely", "[core][random][statistics]") {
  IntegerStream integers(Draw{2024, 3});
  std::array<double, 13> counts{};
  constexpr int n = 130'000;
  for (int i = 0; i < n; ++i) ++counts.at(integers.below(13));
  double chi_squared = 0;
  for (const double count : counts) chi_squared += (count - n / 13.) * (count - n / 13.) / (n / 13.);
  CHECK(chi_squared < 42);  // 12 degrees of freedom: beyond with probability 3e-5
}

TEST_CASE("below: the biased words are drawn again", "[core][random]") {
  // bound = 3 · 2⁶²: the remainder of a 64-bit word would hit the lower third twice as often. A quarter is redrawn.
  const std::uint64_t bound = std::uint64_t{3} << 62;
  IntegerStream integers(Draw{2024, 4});
  int low = 0;
  constexpr int n = 30'000;
  for (int i = 0; i < n; ++i) {
    const std::uint64_t k = integers.below(bound);
    REQUIRE(k < bound);
    low += k < bound / 3;
  }
  CHECK(std::abs(low - n / 3.) < errors * std::sqrt(n * 2. / 9));  // biased: n / 2
}

TEST_CASE("below: bound 1 gives 0, bound 0 is refused", "[core][random][errors]") {
  CHECK(below(Draw{1, 0}, 1) == 0);
  CHECK_THROWS_WITH(below(Draw{1, 0}, 0), "below: bound is 0, expected at least 1");
  CHECK(below(Draw{1, 0}, 1000, 5) == IntegerStream(Draw{1, 0}, 5).below(1000));
}

TEST_CASE("permutation: holds each index once", "[core][random]") {
  const Index n = GENERATE(0, 1, 2, 1000);
  std::vector<Index> order = permutation(Draw{5, 5}, n);
  CHECK(order.size() == std::size_t(n));
  std::sort(order.begin(), order.end());
  for (Index i = 0; i < n; ++i) REQUIRE(order[std::size_t(i)] == i);
  CHECK_THROWS_AS(permutation(Draw{5, 5}, -1), ArgumentError);
}

TEST_CASE("permutation: all 24 orders of four are equally likely", "[core][random][statistics]") {
  std::array<double, 24> counts{};
  constexpr int n = 24'000;
  for (std::uint64_t i = 0; i < n; ++i) {
    const std::vector<Index> p = permutation(Draw{2024, i}, 4);
    // Rank of the order: position of each element among those not yet placed.
    const Index second = p[1] - (p[1] > p[0]), third = p[2] - (p[2] > p[0]) - (p[2] > p[1]);
    ++counts.at(std::size_t(p[0] * 6 + second * 2 + third));
  }
  double chi_squared = 0;
  for (const double count : counts) chi_squared += (count - n / 24.) * (count - n / 24.) / (n / 24.);
  CHECK(chi_squared < 60);  // 23 degrees of freedom: beyond with probability 4e-5
}

// A distribution of a user's own: signs with zeros between.
struct SparseSigns {
  static constexpr Index per_block = 2;
  template <class Scalar>
  static void write(const PhiloxBlock& block, View<Scalar> out) {
    for (Index i = 0; i < out.size(); ++i)
      out[i] = block[std::size_t(i)] % 2 == 0 ? 0 : block[2 + std::size_t(i)] % 2 ? 1 : -1;
  }
};
struct NoRule {
  static constexpr Index per_block = 2;
};
static_assert(Distribution<SparseSigns> && Distribution<Uniform> && Distribution<Gaussian> && Distribution<Rademacher>);
struct OfEigen {
  static constexpr Index per_block = 2;
  static void write(const PhiloxBlock& /*block*/, auto&& out) requires requires { out.setZero(); }
  { out.setZero(); }
};
static_assert(!Distribution<NoRule> && !Distribution<OfEigen>);

TEST_CASE("A distribution of one's own works as the given ones do", "[core][random]") {
  Batch<float> X(5, 300);
  fill<SparseSigns>(Draw{1, 1}, 0, X);
  CHECK(X.cwiseAbs().maxCoeff() == 1);
  CHECK((X.array() == 0).any());
  CHECK(X(3, 7) == Draw{1, 1}.number_at<SparseSigns, float>(7, 3));
  Eigen::Matrix<float, 5, Eigen::Dynamic, Eigen::RowMajor> rows(5, 300);
  fill<SparseSigns>(Draw{1, 1}, 0, rows);
  CHECK(rows == X);
}

}  // namespace
