#include <pathline/math/slope_vectors.hpp>

#include <support/catch.hpp>

#include <array>
#include <cstddef>
#include <numeric>

using namespace pathline;

namespace {

#if defined(__AVX512F__)
constexpr std::size_t widest = 64;
#elif defined(__AVX__)
constexpr std::size_t widest = 32;
#else
constexpr std::size_t widest = 16;
#endif

// The widest vectors that leave no rest: a rest, and what is no float or double, goes number by number.
static_assert(detail::vector_bytes<double, 16>() == widest);
static_assert(detail::vector_bytes<float, 16>() == widest);
static_assert(detail::vector_bytes<double, 6>() == 16);
static_assert(detail::vector_bytes<double, 2>() == 16);
static_assert(detail::vector_bytes<float, 4>() == 16);
static_assert(detail::vector_bytes<double, 3>() == 0);
static_assert(detail::vector_bytes<float, 2>() == 0);
static_assert(detail::vector_bytes<long double, 4>() == 0);
static_assert(detail::vector_bytes<std::array<double, 2>, 4>() == 0);
static_assert(detail::slope_alignment<double, 16>() == widest);
static_assert(detail::slope_alignment<double, 6>() == 16);
static_assert(detail::slope_alignment<double, 3>() == alignof(double));
static_assert(detail::slope_alignment<float, 3>() == alignof(float));

template <class T, std::size_t N>
std::array<T, N> counted_from(int first) {
  std::array<T, N> x;
  std::iota(x.begin(), x.end(), T(first));
  return x;
}

template <class T, std::size_t N>
void loops_reach_every_slope() {
  INFO(N << " slopes of " << sizeof(T) << " bytes");
  const auto x = counted_from<T, N>(1), y = counted_from<T, N>(100);
  std::array<T, N> z{};
  detail::for_slopes(
      z, [](const auto& a, const auto& b) { return b - T(2) * a; }, x, y);
  for (std::size_t i = 0; i < N; ++i) CHECK(z[i] == T(98 - int(i)));  // (100 + i) - 2 (1 + i), without rounding
  detail::copy_slopes(z, x);
  CHECK(z == x);
  // The target may be one of the factors.
  detail::for_slopes(
      z, [](const auto& a) { return a + a; }, z);
  for (std::size_t i = 0; i < N; ++i) CHECK(z[i] == 2 * x[i]);
}

}  // namespace

TEST_CASE("Loops over slopes reach every one of them, in vectors and one by one", "[math]") {
  loops_reach_every_slope<double, 1>();
  loops_reach_every_slope<double, 3>();
  loops_reach_every_slope<double, 6>();
  loops_reach_every_slope<double, 16>();
  loops_reach_every_slope<float, 2>();
  loops_reach_every_slope<float, 12>();
  loops_reach_every_slope<float, 16>();
  loops_reach_every_slope<long double, 4>();
}
