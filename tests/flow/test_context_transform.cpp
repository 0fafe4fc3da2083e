#include <pathline/flow/context_transform.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>

#include <cmath>
#include <limits>

using namespace pathline;

namespace {

struct NoPullback {
  template <class... A>
  void check(const A&...) const {}
  template <class... A>
  void apply(const A&...) const {}
};
static_assert(ContextTransform<NoContextTransform> && ContextTransform<NoContextTransform, float>);
static_assert(ContextTransform<StandardizeContext> && ContextTransform<StandardizeContext, float>);
static_assert(!ContextTransform<NoPullback>);

}  // namespace

TEST_CASE("StandardizeContext: mean 0 and deviation 1, whatever the units", "[flow][context]") {
  Batch<double> C(1, 5);
  C << 1, 2, 3, 4, 10;
  const Batch<double> read = transformed(StandardizeContext(C), C);
  CHECK(std::abs(read.mean()) < 1e-15);
  CHECK(read.squaredNorm() == Approx(5).epsilon(1e-14));
  for (const double unit : {1e-300, 1e-9, 1e9, 1e300}) {
    INFO("unit " << unit);
    const Batch<double> scaled = unit * C, shifted = unit * (C.array() + 2000);
    CHECK((transformed(StandardizeContext(scaled), scaled) - read).cwiseAbs().maxCoeff() < 1e-14);
    CHECK((transformed(StandardizeContext(shifted), shifted) - read).cwiseAbs().maxCoeff() < 1e-12);  // 2000 · 2e-16
  }
  // In float the difference to the mean is formed before it is rounded: all that is lost was lost in the context.
  const Batch<float> years = (C.array() + 2000).matrix().cast<float>();
  CHECK((transformed(StandardizeContext(years), years) - read.cast<float>()).cwiseAbs().maxCoeff() < 1e-6F);
}

TEST_CASE("StandardizeContext leaves one-hot codes as they are, and makes constants 0", "[flow][context]") {
  Batch<double> C(3, 4);
  C << 0, 0, 0, 1, 1, 1, 1, 1, 7, 7, 7, 7;
  const Batch<double> read = transformed(StandardizeContext(C), C);
  CHECK(read.topRows(2) == C.topRows(2));
  CHECK(read.row(2) == Row<double>::Zero(4));
}

TEST_CASE("StandardizeContext: the pullback is the transposed derivative, without allocation", "[flow][context]") {
  const StandardizeContext scaling(Eigen::Vector2d(5, -1), Eigen::Vector2d(4, 0.5));
  Batch<double> batch = Batch<double>::Ones(3, 6), read(2, 6), bar = Batch<double>::Ones(2, 6);
  AllocationCounter counter;
  scaling.apply(batch.bottomRows(2), read);
  scaling.pullback(batch.bottomRows(2), bar);
  CHECK(counter.count() == 0);
  CHECK(read == Batch<double>(Eigen::Vector2d(-1, 4).replicate(1, 6)));
  CHECK(bar == Batch<double>(Eigen::Vector2d(0.25, 2).replicate(1, 6)));
}

TEST_CASE("StandardizeContext refuses context that it cannot scale", "[flow][context][errors]") {
  Batch<double> C(1, 5);
  C << 1, 2, 3, 4, 1e12;
  CHECK_THROWS_WITH(
      StandardizeContext(C),
      "StandardizeContext: component 0 of the context is 1e+12 at sample 4, while half of all samples are "
      "within 1 of 3: beside it they look alike to the network; correct that sample, or take the "
      "component's logarithm");
  Batch<float> seconds(1, 4);
  seconds << 1.7e9F, 1.7e9F + 128, 1.7e9F + 256, 1.7e9F;
  CHECK_THROWS_AS(StandardizeContext(seconds), DataError);
  CHECK_NOTHROW(StandardizeContext(seconds.cast<double>()));
  C << 0.3, 0.1 + 0.2, 0.3, 0.3, 0.3;
  CHECK_THROWS_AS(StandardizeContext(C), DataError);
  C(2) = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(StandardizeContext(C), DataError);
  CHECK_THROWS_WITH(StandardizeContext(Vector<double>(Eigen::Vector3d(1, 2, 3))),
                    "StandardizeContext: context has 1 sample, expected at least 2 to tell its spread, a column per "
                    "sample: transpose() rows");
  CHECK_THROWS_AS(StandardizeContext(Eigen::Vector2d(0, 0), Eigen::Vector2d(1, 0)), ArgumentError);
  CHECK_THROWS_AS(StandardizeContext(Eigen::Vector2d(0, 0), Vector<double>::Ones(3).eval()), ShapeError);
}
