// The polynomials in place of log2 and exp2 keep the accuracy that their header states, and the ends of their ranges.
#include <pathline/ode/control/trial_error.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace pathline::detail {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE("Half the logarithm is within 2e-7 for every normal number", "[ode][control]") {
  double worst = 0;
  for (int i = 0; i < 4096; ++i) {
    const double x = 1 + i / 4096.;  // one octave; the others have the same mantissas
    worst = std::max(worst, std::abs(half_log2(x) - 0.5 * std::log2(x)));
  }
  CHECK(worst < 2e-7);
  CHECK(worst > 1e-8);  // it is no call of std::log2
  for (const double x : {std::numeric_limits<double>::min(), 1e-300, 3e-12, 0.75, std::nextafter(1., 0.), 7e5, 1e308})
    CHECK(std::abs(half_log2(x) - 0.5 * std::log2(x)) < 2e-7);
}

TEST_CASE("The logarithm of no error is a number that every limit cuts off", "[ode][control]") {
  CHECK(std::abs(half_log2(0) + 511.5) < 2e-7);
  CHECK(half_log2(std::numeric_limits<double>::denorm_min()) < -511);
  CHECK(std::abs(half_log2(infinity) - 512) < 2e-7);
}

TEST_CASE("A power of two is within 6e-11 of itself", "[ode][control]") {
  double near_0 = 0, anywhere = 0;
  for (int i = -1000; i <= 1000; ++i) {
    const double x = i / 2000., y = 0.9985 * i;
    near_0 = std::max(near_0, std::abs(exp2_near_0(x) / std::exp2(x) - 1));
    anywhere = std::max(anywhere, std::abs(exp2_of(y) / std::exp2(y) - 1));
  }
  CHECK(near_0 < 6e-11);
  CHECK(anywhere < 6e-11);
}

TEST_CASE("A power of two beyond the range is that of the end, and that of NaN the least", "[ode][control]") {
  CHECK(exp2_of(infinity) == exp2_of(1000));
  CHECK(exp2_of(-infinity) == exp2_of(-1000));
  CHECK(exp2_of(std::numeric_limits<double>::quiet_NaN()) == exp2_of(-1000));
}

TEST_CASE("A trial's error has its logarithm from the norm or from its square", "[ode][control]") {
  for (const double E : {1e-150, 1e-9, 0.3, 1., 50., 1e150}) {
    CHECK(std::abs(TrialError(E).log2_norm - std::log2(E)) < 2e-7);
    CHECK(TrialError(E).norm == E);
  }
  CHECK(TrialError(1e-200).log2_norm < -511);
  CHECK(TrialError(1e200).log2_norm > 511);
  CHECK(TrialError::of_square(0.25).norm == 0.5);
  CHECK(std::abs(TrialError::of_square(0.25).log2_norm + 1) < 2e-7);
  CHECK(TrialError::of_square(infinity).norm == infinity);
}

}  // namespace pathline::detail
