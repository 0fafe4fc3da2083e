#include <pathline/gradient/event/differentiable_event.hpp>

#include <pathline/ode/output/events.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <span>
#include <string>
#include <tuple>
#include <vector>

namespace pathline {
namespace {

struct Ellipse {
  template <class T, class Y, class P>
  T operator()(const T& t, const Y& y, const P& p) const {
    using std::sin;
    return y[0] * y[0] + p[0] * y[1] * y[1] - 1 + sin(p[1] * t);
  }
};
struct Kick {
  template <class T, class Y, class P, class N>
  AfterReset operator()(const T& t, const Y& y, const P& p, N& y_new) const {
    y_new[1] = -p[0] * y[1] + t * t * y[0];  // y_new[0] stays
    return p[1] > 100 ? AfterReset::end : AfterReset::go_on;
  }
};
struct Inside {
  template <class T, class Y, class P>
  bool operator()(const T& /*t*/, const Y& y, const P& /*p*/) const {
    return y[0] > 0;
  }
};
struct OfText {
  double operator()(const std::string&) const { return 0; }
};
static_assert(DifferentiableEventFunction<Ellipse, double> && DifferentiableEventFunction<Ellipse, float>);
static_assert(!DifferentiableEventFunction<Inside, double> && !DifferentiableEventFunction<OfText, double>);
static_assert(DifferentiableReset<NoReset, double> && DifferentiableReset<Kick, double> &&
              !DifferentiableReset<OfText, double>);
static_assert(!detail::is_differentiable_event<Event<Inside>>);

const DifferentiableEvent ellipse(Ellipse{}, {}, Kick{}, Vector<double>{{0.7, 1.3}});
const Vector<double> state{{0.4, -0.9}}, bar{{1.5, -0.8}};
constexpr double t = 0.6;

std::span<const double> numbers(const Vector<double>& y) { return {y.data(), std::size_t(y.size())}; }

}  // namespace

TEST_CASE("DifferentiableEvent: derivatives by time, state and parameters are those of the formula",
          "[gradient][event]") {
  detail::EventDerivatives<double> by;
  by.of_function(ellipse, t, numbers(state));
  CHECK(by.by_time() == Approx(1.3 * std::cos(1.3 * t)));
  CHECK(by.by_state(0) == Approx(2 * 0.4));
  CHECK(by.by_state(1) == Approx(2 * 0.7 * -0.9));
  CHECK(by.by_parameter(0) == Approx(0.81));
  CHECK(by.by_parameter(1) == Approx(t * std::cos(1.3 * t)));

  by.of_reset(ellipse, t, numbers(state), numbers(bar));
  CHECK(by.by_time() == Approx(-0.8 * 2 * t * 0.4));
  CHECK(by.by_state(0) == Approx(1.5 - 0.8 * t * t));  // what the reset leaves as it is has derivative 1
  CHECK(by.by_state(1) == Approx(-0.8 * -0.7));
  CHECK(by.by_parameter(0) == Approx(-0.8 * 0.9));
  CHECK(by.by_parameter(1) == 0);

  by.of_function(ellipse, 0, numbers(state));  // nothing is left of the call before
  CHECK(by.by_parameter(1) == 0);
  CHECK(by.by_time() == Approx(1.3));
}

TEST_CASE("DifferentiableEvent is an event of solve_events", "[gradient][event]") {
  const Vector<double> y{{0.3, 0.5}};
  CHECK(ellipse.g(t, y) == Approx(0.09 + 0.7 * 0.25 - 1 + std::sin(1.3 * t)));
  Vector<double> kicked = y;
  CHECK(ellipse.reset(t, kicked) == AfterReset::go_on);
  CHECK(kicked(0) == 0.3);
  CHECK(kicked(1) == Approx(-0.7 * 0.5 + t * t * 0.3));

  // y = (t, 1): the ellipse without its sine is met where t² + 0.7 = 1.
  const auto drift = [](double, const Vector<double>&, Vector<double>& dy) { dy << 1, 0; };
  const DifferentiableEvent still(Ellipse{}, {.terminal = true}, NoReset{}, Vector<double>{{0.7, 0}});
  const auto path = solve_events(drift, Vector<double>{{0, 1}}, 0, 2, std::tuple(still));
  REQUIRE(path.hits.size() == 1);
  CHECK(path.terminated);
  CHECK(path.hits[0].t == Approx(std::sqrt(0.3)));
}

}  // namespace pathline
