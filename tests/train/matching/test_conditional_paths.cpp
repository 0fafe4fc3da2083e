// Paths between data and base: ends, velocities, and the formulas of the papers.
#include <pathline/train/matching/conditional_paths.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <cmath>

using namespace pathline;

namespace {

struct NoPath {
  double at(double s) const { return s; }
};
static_assert(ConditionalPath<StraightPath>);
static_assert(ConditionalPath<VariancePreservingPath>);
static_assert(!ConditionalPath<NoPath>);

/// Largest difference of the rates from central differences, of their own size where that is above 1.
template <class Path>
double error_of_rates(const Path& path, double h) {
  double error = 0;
  for (const double s : {0.05, 0.3, 0.5, 0.77, 0.95}) {
    const PathCoefficients at = path.at(s), before = path.at(s - h), after = path.at(s + h);
    const auto compare = [&](double rate, double low, double high) {
      error = std::max(error, std::abs(rate - (high - low) / (2 * h)) / std::max(1.0, std::abs(rate)));
    };
    compare(at.data_rate, before.data, after.data);
    compare(at.base_rate, before.base, after.base);
  }
  return error;
}

}  // namespace

TEST_CASE("A straight path leads from the data, with sigma of the base point, to the base point", "[train][matching]") {
  const double sigma = GENERATE(0.0, 0.1);
  const StraightPath path{.sigma_min = sigma};
  CHECK(path.at(0).data == 1);
  CHECK(path.at(0).base == sigma);
  CHECK(path.at(1).data == 0);
  CHECK(path.at(1).base == 1);
  CHECK(path.at(0.25).data_rate == path.at(0.75).data_rate);  // constant velocity
  CHECK(path.at(0.25).base_rate == path.at(0.75).base_rate);
  // Lipman et al. 2023, equation 22 at their time 1 - s: x_t = (1 - (1 - sigma) t) x_0 + t x_1.
  CHECK(path.at(0.3).base == Approx(1 - (1 - sigma) * 0.7).epsilon(1e-14));
  CHECK(path.at(0.3).data == Approx(0.7).epsilon(1e-14));
  CHECK(detail::first_position(path) == 0);
}

TEST_CASE("A variance-preserving path keeps the variance, and leaves of the data what its rates say",
          "[train][matching]") {
  const VariancePreservingPath path;
  CHECK(path.at(0).data == 1);
  CHECK(path.at(0).base == 0);
  for (const double s : {0.01, 0.4, 1.0}) {
    const PathCoefficients at = path.at(s);
    CHECK(at.data * at.data + at.base * at.base == Approx(1).epsilon(1e-14));
    // Song et al. 2021, equation 33: alpha = exp(-s^2 (beta_max - beta_min) / 4 - s beta_min / 2).
    CHECK(at.data == Approx(std::exp(-s * s * 19.9 / 4 - s * 0.1 / 2)).epsilon(1e-13));
  }
  CHECK(path.at(1).data == Approx(std::exp(-20.1 / 4)).epsilon(1e-13));
  CHECK(detail::first_position(path) == path.s_min);
  // No digits are lost next to the data: sigma^2 = 0.1 s there.
  CHECK(path.at(1e-9).base == Approx(std::sqrt(1e-10)).epsilon(1e-6));
}

TEST_CASE("The rates of a path are its derivatives", "[train][matching]") {
  // The third derivatives of the variance-preserving path are below 2e4 where they are asked: h^2 / 6 of that.
  CHECK(error_of_rates(StraightPath{.sigma_min = 0.2}, 1e-4) < 1e-11);
  CHECK(error_of_rates(VariancePreservingPath{}, 1e-5) < 1e-6);
}

TEST_CASE("Settings that make no path are refused", "[train][matching][errors]") {
  CHECK_THROWS_WITH(StraightPath{.sigma_min = 1}.check(), "StraightPath: sigma_min is 1, expected in [0, 1)");
  CHECK_THROWS_AS(StraightPath{.sigma_min = -0.1}.check(), ArgumentError);
  CHECK_THROWS_AS(VariancePreservingPath{.beta_min = -1}.check(), ArgumentError);
  CHECK_THROWS_AS(VariancePreservingPath{.beta_max = 0}.check(), ArgumentError);
  CHECK_THROWS_WITH(VariancePreservingPath{.s_min = 0}.check(),
                    "VariancePreservingPath: s_min is 0, expected in (0, 1)");
}
