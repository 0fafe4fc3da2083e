// The search alone, of functions of time with known zeros: those that the samples of a step hit, or that stay at 0.
#include <pathline/ode/output/sign_changes.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

namespace pathline::detail {
namespace {

/// The changes of g over steps that end at these times.
template <class Function>
std::vector<SignChange> changes_of(const Function& g, const std::vector<double>& ends, bool fires = false) {
  SignWatch watch;
  watch.start(ends[0], g(ends[0]), fires);
  std::vector<SignChange> changes;
  for (std::size_t i = 1; i < ends.size(); ++i) {
    SignWatch::Step step{{}, TimeFunction(g), TimeFunction(g), ends.back(), 0x1p-14, 0x1p-20};
    for (std::size_t k = 0; k < search_places.size(); ++k) {
      const double t =
          k + 1 == search_places.size() ? ends[i] : ends[i - 1] + search_places[k] * (ends[i] - ends[i - 1]);
      step.samples[k] = {t, g(t)};
    }
    watch.search(step, changes);
  }
  return changes;
}

/// 0 = t_0 < … < t_n = 1, or back.
std::vector<double> steps(int n, bool forward = true) {
  std::vector<double> ends;
  for (int i = 0; i <= n; ++i) ends.push_back(double(forward ? i : n - i) / n);
  return ends;
}

template <class Function>
int count(const Function& g, const std::vector<double>& ends) {
  return int(changes_of(g, ends).size());
}

}  // namespace

TEST_CASE("Zeros at and beside all samples of a step are told apart", "[ode][events]") {
  const double shift = GENERATE(0., 1e-16, -1e-16, 1e-9, -1e-9, 1e-6, -1e-6);
  for (const int waves : {2, 4}) {
    const auto g = [&](double t) { return std::sin(2 * std::acos(-1.) * waves * (t - shift)); };
    std::vector<double> times;  // but those at the ends, where rounding decides
    for (const SignChange& change : changes_of(g, {0, 1}))
      if (change.t > 0.01 && change.t < 0.99) times.push_back(change.t);
    REQUIRE(times.size() == std::size_t(2 * waves - 1));
    for (std::size_t k = 0; k < times.size(); ++k)
      CHECK(times[k] == Approx(0.5 * double(k + 1) / waves + shift).margin(1e-14).epsilon(0));
  }
}

TEST_CASE("A touch is no change of sign, wherever the samples hit it", "[ode][events]") {
  int wrong = 0;
  for (const int n : {1, 2, 3, 4, 10})
    for (const bool forward : {true, false})
      for (int k = 1; k < 128; ++k) {
        const double at = k / 128., sign = k % 2 ? 1 : -1;
        wrong += count([&](double t) { return sign * (t - at) * (t - at); }, steps(n, forward));
        wrong += count([&](double t) { return sign * std::abs(t - at); }, steps(n, forward));
        wrong += count([&](double t) { return sign * (1 - std::cos(t - at)); }, steps(n, forward));
        wrong += std::abs(count([&](double t) { return sign * std::pow(t - at, 3); }, steps(n, forward)) - 1);
      }
  CHECK(wrong == 0);
}

TEST_CASE("Where g comes to rest on 0 is one event, and leaving 0 is none", "[ode][events]") {
  // From 1 down to 0 at `from`, there until `to`, then on: down, up again, or at 0 to the end.
  int wrong = 0;
  for (const int n : {1, 2, 3, 4, 10})
    for (const bool forward : {true, false})
      for (int i = 1; i < 32; ++i)
        for (int j = i + 1; j <= 32; ++j)
          for (const double after : {-1., 1.}) {
            const double from = i / 32., to = j / 32.;
            const auto g = [&](double t) {
              const double s = forward ? t : 1 - t;
              return s < from ? from - s : s <= to ? 0 : after * (s - to);
            };
            const std::vector<SignChange> changes = changes_of(g, steps(n, forward));
            const bool right = changes.size() == 1 && changes[0].direction == -1 &&
                               std::abs(changes[0].t - (forward ? from : 1 - from)) < 1e-14;
            // A short stay that ends as it began is seen where a sample falls into it.
            const bool may_be_missed = after > 0 && to - from <= 0.25 / n && to < 1;
            if (!right && !(may_be_missed && changes.empty())) ++wrong;
          }
  CHECK(wrong == 0);
}

TEST_CASE("A jump right after the start of a step is a change of sign, however large what follows", "[ode][events]") {
  for (const double sign : {1., -1.}) {
    const auto changes = changes_of([&](double t) { return t < 1e-4 ? -sign : sign * (100 + 1e-3 * t); }, {0, 1});
    REQUIRE(changes.size() == 1);
    CHECK(changes[0].t == Approx(1e-4).margin(1e-15).epsilon(0));
    CHECK(changes[0].direction == sign);
  }
}

TEST_CASE("A short visit beyond 0 between two samples is found", "[ode][events]") {
  int wrong = 0;
  for (const bool forward : {true, false})
    for (const double sign : {1., -1.})
      for (const double middle : {0.02, 0.1, 0.37, 0.6, 0.9, 0.98}) {
        const auto g = [&](double t) { return sign * ((t - middle) * (t - middle) - 1e-6) * (1 + 0.3 * t); };
        const auto changes = changes_of(g, steps(1, forward));
        const double first = forward ? -1e-3 : 1e-3;
        const bool right = changes.size() == 2 && std::abs(changes[0].t - (middle + first)) < 1e-12 &&
                           std::abs(changes[1].t - (middle - first)) < 1e-12 && changes[0].direction == -sign &&
                           changes[1].direction == sign;
        if (!right) ++wrong;
      }
  CHECK(wrong == 0);
}

TEST_CASE("A function that is 0 throughout, or at the start, has no change of sign", "[ode][events]") {
  const int n = GENERATE(1, 2, 5);
  CHECK(count([](double) { return 0.; }, steps(n)) == 0);
  for (const double sign : {1., -1.}) {
    CHECK(count([&](double t) { return sign * t; }, steps(n)) == 0);
    CHECK(count([&](double t) { return sign * t * t; }, steps(n)) == 0);
    CHECK(count([&](double t) { return t < 0.3 ? 0 : sign * (t - 0.3); }, steps(n)) == 0);
    CHECK(count([&](double t) { return t < 0.3 ? 0 : sign * (t - 0.3) * (t - 0.6); }, steps(n)) == 1);
    CHECK(count([&](double t) { return sign * t * (t - 1e-5); }, steps(n)) == 1);
  }
}

TEST_CASE("A start on the event fires where that is asked for", "[ode][events]") {
  const auto fired = [](const auto& g, int n) { return changes_of(g, steps(n), true); };
  for (const int n : {1, 3}) {
    const auto rising = fired([](double t) { return t; }, n);
    REQUIRE(rising.size() == 1);
    CHECK((rising[0].t == 0 && rising[0].direction == 1));
    const auto falling = fired([](double t) { return -t * (t - 0.5); }, n);
    REQUIRE(falling.size() == 2);
    CHECK((falling[0].t == 0 && falling[0].direction == 1 && falling[1].direction == -1));
    const auto staying = fired([](double) { return 0.; }, n);
    REQUIRE(staying.size() == 1);
    CHECK((staying[0].t == 0 && staying[0].direction == 0));
    CHECK(fired([](double t) { return 1 + t; }, n).empty());
  }
}

TEST_CASE("A zero at the end of the solve counts, and g is not asked beyond", "[ode][events]") {
  const auto g = [](double t) { return t <= 1 ? t - 1 : std::numeric_limits<double>::quiet_NaN(); };
  for (const int n : {1, 2, 5}) {
    const auto changes = changes_of(g, steps(n));
    REQUIRE(changes.size() == 1);
    CHECK(changes[0].t == 1);
  }
  // Beyond the end of a step g may be anything: then a zero there counts.
  const auto half = [](double t) { return t <= 0.5 || t >= 0.75 ? t - 0.5 : std::nan(""); };
  CHECK(changes_of(half, {0, 0.5, 0.5}).size() == 1);
}

TEST_CASE("A zero that turns out to be a crossing in the next step is told late rather than never", "[ode][events]") {
  // Beyond the end of the first step its polynomial turns back, the solution does not: the right-hand side jumps there.
  SignWatch watch;
  watch.start(0, 1);
  std::vector<SignChange> changes;
  const auto search = [&](const auto& g, const auto& beyond, double from, double to) {
    SignWatch::Step step{{}, TimeFunction(g), TimeFunction(beyond), 2, 0x1p-14, 0x1p-20};
    for (std::size_t k = 0; k < search_places.size(); ++k) {
      const double t = from + search_places[k] * (to - from);
      step.samples[k] = {t, g(t)};
    }
    watch.search(step, changes);
  };
  const auto down = [](double t) { return 1 - t; };
  search(
      down, [](double t) { return t - 1; }, 0, 1);
  CHECK(changes.empty());
  search(down, down, 1, 2);
  REQUIRE(changes.size() == 1);
  CHECK((changes[0].t == 1 && changes[0].direction == -1));
}

TEST_CASE("A touch that has not been told is a change of sign where g goes through after all", "[ode][events]") {
  const int side = GENERATE(1, -1);
  const auto after_touch = [&](int before, double slope) {
    const auto g = [&](double t) { return slope * t; };
    SignWatch watch;
    watch.start_at_touch(0, before);
    CHECK(watch.side() == 0);
    std::vector<SignChange> changes;
    SignWatch::Step step{{}, TimeFunction(g), TimeFunction(g), 1, 0x1p-14, 0x1p-20};
    for (std::size_t k = 0; k < search_places.size(); ++k) step.samples[k] = {search_places[k], g(search_places[k])};
    watch.search(step, changes);
    CHECK(watch.side() == (slope > 0 ? 1 : -1));
    return changes;
  };
  const auto through = after_touch(side, -side);
  REQUIRE(through.size() == 1);
  CHECK((through[0].t == 0 && through[0].direction == -side));
  CHECK(after_touch(side, side).empty());
  CHECK(after_touch(0, side).empty());
}

TEST_CASE("After a reset rounding beside the event is no change of sign", "[ode][events]") {
  const double rest = GENERATE(1e-17, -1e-17, 3e-17, 0.);
  const auto changes_after = [&](double before, double slope) {
    const auto g = [&](double t) { return rest + slope * t; };
    SignWatch watch;
    watch.start_on_event(0, rest, before);
    std::vector<SignChange> changes;
    SignWatch::Step step{{}, TimeFunction(g), TimeFunction(g), 1, 0x1p-14, 0x1p-20};
    for (std::size_t k = 0; k < search_places.size(); ++k) step.samples[k] = {search_places[k], g(search_places[k])};
    watch.search(step, changes);
    return changes.size();
  };
  for (const double slope : {1., -1., 1e-6, -1e-6}) {
    CHECK(changes_after(rest, slope) == 0);
    CHECK(changes_after(0, slope) == 0);
  }
}

}  // namespace pathline::detail
