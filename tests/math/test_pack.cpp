#include <pathline/math/pack.hpp>

#include <support/catch.hpp>

#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>

using namespace pathline;

namespace {

template <class Scalar>
constexpr std::size_t width = std::size_t(Pack<Scalar>::size);

/// -1, 0, 1, 2, …: lanes that differ, with a negative one and a zero.
template <class Scalar>
std::array<Scalar, width<Scalar>> ramp() {
  std::array<Scalar, width<Scalar>> result;
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = Scalar(i) - 1;
  return result;
}

template <class Scalar, class Function>
bool each_lane(Pack<Scalar> got, Function expected) {
  const auto lanes = got.lanes(), x = ramp<Scalar>();
  for (std::size_t i = 0; i < lanes.size(); ++i)
    if (!(lanes[i] == expected(x[i]))) return false;
  return true;
}

}  // namespace

#if defined(EIGEN_VECTORIZE)
static_assert(Pack<float>::size >= 4 && Pack<double>::size >= 2, "a vectorised build has more than one lane");
#else
static_assert(Pack<float>::size == 1 && Pack<double>::size == 1);
#endif
// float and double are never mixed silently.
static_assert(!std::is_invocable_v<std::plus<>, Pack<float>, Pack<double>>);

TEMPLATE_TEST_CASE("Pack: operators act lane by lane", "[math]", float, double) {
  using P = Pack<TestType>;
  using S = TestType;
  const auto start = ramp<S>();
  const P x = P::load(start.data());
  CHECK(each_lane(x + 3, [](S a) { return a + 3; }));
  CHECK(each_lane(S(3) - x, [](S a) { return 3 - a; }));
  CHECK(each_lane(x * x, [](S a) { return a * a; }));
  CHECK(each_lane(x / P(4), [](S a) { return a / 4; }));
  CHECK(each_lane(-x, [](S a) { return -a; }));
  CHECK(each_lane(abs(x), [](S a) { return std::abs(a); }));
  CHECK(each_lane(min(x, P(1)), [](S a) { return std::min(a, S(1)); }));
  CHECK(each_lane(max(x, P(1)), [](S a) { return std::max(a, S(1)); }));
  CHECK(each_lane(madd(x, P(2), P(5)), [](S a) { return 2 * a + 5; }));
  CHECK(each_lane(flipsign(P(3), x), [](S a) { return a < 0 ? S(-3) : S(3); }));
  CHECK(each_lane(copysign(P(-3), x), [](S a) { return a < 0 ? S(-3) : S(3); }));
  P sum = x;
  sum += x;
  sum *= P(3);
  sum -= P(1);
  sum /= P(2);
  CHECK(each_lane(sum, [](S a) { return (6 * a - 1) / 2; }));
  CHECK(x.front() == -1);
}

TEMPLATE_TEST_CASE("Pack: comparisons select lane by lane", "[math]", float, double) {
  using P = Pack<TestType>;
  using S = TestType;
  const auto start = ramp<S>();
  const P x = P::load(start.data());
  CHECK(each_lane(select(x < P(0), x, P(7)), [](S a) { return a < 0 ? a : 7; }));
  CHECK(each_lane(select(x <= P(0), x, P(7)), [](S a) { return a <= 0 ? a : 7; }));
  CHECK(each_lane(select(x > P(0), x, P(7)), [](S a) { return a > 0 ? a : 7; }));
  CHECK(each_lane(select(x >= P(0), x, P(7)), [](S a) { return a >= 0 ? a : 7; }));
  CHECK(each_lane(select((x > P(-1)) & (x < P(1)), S(1), S(2)), [](S a) { return a == 0 ? S(1) : S(2); }));
  CHECK(each_lane(select((x < P(0)) | (x > P(0)), S(1), S(2)), [](S a) { return a != 0 ? S(1) : S(2); }));
  CHECK(any(x < P(0)));
  CHECK_FALSE(any(x < P(-1)));
  CHECK(select(start[0] < 0, S(1), S(2)) == 1);
}

TEMPLATE_TEST_CASE("Pack: min and max keep a NaN in their first argument, comparisons with it are false", "[math]",
                   float, double) {
  using P = Pack<TestType>;
  const P nan = std::numeric_limits<TestType>::quiet_NaN();
  CHECK(std::isnan(min(nan, P(1)).front()));
  CHECK(std::isnan(max(nan, P(1)).front()));
  CHECK(std::isnan(pathline::min(nan.front(), TestType(1))));
  CHECK(std::isnan(pathline::max(nan.front(), TestType(1))));
  CHECK_FALSE(any(nan < P(1)));
  CHECK_FALSE(any(nan >= P(1)));
}

TEMPLATE_TEST_CASE("Pack: flipsign and copysign see the sign of zeros", "[math]", float, double) {
  using P = Pack<TestType>;
  CHECK(std::signbit(flipsign(P(0), P(TestType(-0.0))).front()));
  CHECK_FALSE(std::signbit(flipsign(P(TestType(-0.0)), P(TestType(-0.0))).front()));
  CHECK(std::signbit(flipsign(TestType(0), TestType(-0.0))));
  CHECK(std::signbit(copysign(P(0), P(TestType(-0.0))).front()));
  CHECK_FALSE(std::signbit(copysign(P(TestType(-0.0)), P(0)).front()));
}

TEST_CASE("Pack: shift_left moves the bits of every lane", "[math]") {
  const auto floats = detail::shift_left<23>(Pack<float>(std::bit_cast<float>(std::uint32_t{127}))).lanes();
  for (const float lane : floats) CHECK(lane == 1.0F);
  const auto doubles = detail::shift_left<52>(Pack<double>(std::bit_cast<double>(std::uint64_t{1024}))).lanes();
  for (const double lane : doubles) CHECK(lane == 2.0);
}

TEST_CASE("Pack: horner starts with the constant coefficient", "[math]") {
  CHECK(detail::horner(Pack<double>(2), 1.0, 10.0, 100.0).front() == 421);
}
