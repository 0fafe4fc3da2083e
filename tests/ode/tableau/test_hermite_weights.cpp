// The polynomial of a step meets both ends with their slopes, and its derivative is its derivative.
#include <pathline/ode/tableau/hermite_weights.hpp>

#include <support/catch.hpp>

namespace pathline {
namespace {

constexpr bool same(const detail::HermiteWeights& w, double rise, double first, double last) {
  return w.rise == rise && w.first == first && w.last == last && w.correction == 0;
}
static_assert(same(detail::hermite_weights(0), 0, 0, 0) && same(detail::hermite_weights(1), 1, 0, 0));
static_assert(same(detail::hermite_slopes(0), 0, 1, 0) && same(detail::hermite_slopes(1), 0, 0, 1));

}  // namespace

TEST_CASE("The slopes of the weights are their derivatives", "[ode][dense]") {
  // Quartics: a central difference with h = 1e-4 is off by h²/6 times at most 24 θ - 12, and by rounding 1e-12.
  const double h = 1e-4;
  for (const double theta : {0., 0.1, 0.5, 0.83, 1.}) {
    const detail::HermiteWeights slope = detail::hermite_slopes(theta), above = detail::hermite_weights(theta + h),
                                 below = detail::hermite_weights(theta - h);
    CHECK(slope.rise == Approx((above.rise - below.rise) / (2 * h)).margin(3e-8));
    CHECK(slope.first == Approx((above.first - below.first) / (2 * h)).margin(3e-8));
    CHECK(slope.last == Approx((above.last - below.last) / (2 * h)).margin(3e-8));
    CHECK(slope.correction == Approx((above.correction - below.correction) / (2 * h)).margin(3e-8));
  }
}

}  // namespace pathline
