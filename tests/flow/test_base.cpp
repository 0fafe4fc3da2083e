#include <pathline/flow/base.hpp>

#include <support/base_laws.hpp>
#include <support/catch.hpp>

#include <cmath>
#include <numbers>

using namespace pathline;

namespace {

struct NoLogDensity {
  template <class... A>
  void score(const A&...) const {}
  template <class... A>
  void sample(const A&...) const {}
};
struct NoScore {
  template <class... A>
  void log_density(const A&...) const {}
  template <class... A>
  void sample(const A&...) const {}
};
struct NoSample {
  template <class... A>
  void log_density(const A&...) const {}
  template <class... A>
  void score(const A&...) const {}
};
// A flow hands over blocks of its state: what takes whole batches only would copy them, or not compile.
struct WholeBatchesOnly : StandardNormal {
  void score(const Batch<double>& Z, Batch<double>& Z_bar) const { Z_bar = -Z; }
};
static_assert(!BaseDensity<WholeBatchesOnly>);
static_assert(BaseDensity<StandardNormal> && BaseDensity<StandardNormal, float>);
static_assert(!BaseDensity<NoLogDensity> && !BaseDensity<NoScore> && !BaseDensity<NoSample>);

}  // namespace

TEST_CASE("StandardNormal obeys the law of base densities", "[flow][base]") {
  const Index d = GENERATE(1, 2, 3);
  test::check_base_laws(StandardNormal{}, StandardNormal{}, {Vector<double>::Zero(d), Batch<double>::Identity(d, d)});
}

TEST_CASE("StandardNormal: log-density and score are the closed forms", "[flow][base]") {
  const StandardNormal base;
  Batch<double> Z(2, 3), score(2, 3);
  Z << 0, 1, -2, 0, 0.5, 3;
  Row<double> log_p(3);
  base.log_density(Z, log_p);
  for (Index j = 0; j < 3; ++j)
    CHECK(log_p(j) == Approx(-std::log(2 * std::numbers::pi) - 0.5 * Z.col(j).squaredNorm()).epsilon(1e-15));
  base.score(Z, score);
  CHECK(score == -Z);
}
