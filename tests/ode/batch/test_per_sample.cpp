#include <pathline/ode/batch/per_sample.hpp>

#include <pathline/ode/control/step_control.hpp>

#include <support/catch.hpp>

namespace pathline {
namespace {

using State = Batch<double>;
using OfTimes = void (*)(const Row<double>&, const State&, State&);
using OfSamples = void (*)(const Row<double>&, const State&, State&, std::span<const Index>);
using OfOneTime = void (*)(double, const State&, State&);
using OfAVector = void (*)(double, const Vector<double>&, Vector<double>&);
using OfNothing = void (*)(int*);

static_assert(SampleTimesRightHandSide<OfTimes, State> && !SampleIdsRightHandSide<OfTimes, State>);
static_assert(SampleIdsRightHandSide<OfSamples, State> && !SampleTimesRightHandSide<OfSamples, State>);
static_assert(!SampleTimesRightHandSide<OfOneTime, State>);
static_assert(PerSampleRightHandSide<OfTimes, State> && PerSampleRightHandSide<OfSamples, State>);
static_assert(PerSampleRightHandSide<OfOneTime, State> && PerSampleRightHandSide<OfAVector, State>);
static_assert(!PerSampleRightHandSide<OfNothing, State>);

}  // namespace

TEST_CASE("Calls are filled up to a multiple of columns, three at least", "[ode][per_sample]") {
  const PerSample policy(PiController{});
  CHECK(policy.padded(1) == 24);
  CHECK(policy.padded(24) == 24);
  CHECK(policy.padded(25) == 32);
  const PerSample plain(PiController{}, 1);
  CHECK(plain.padded(1) == 1);
  CHECK(plain.padded(25) == 25);
  CHECK_THROWS_WITH(PerSample(PiController{}, -1), "PerSample: column_multiple is -1, expected from 1 to 4096");
  CHECK_THROWS_AS(PerSample(PiController{}, 0), ArgumentError);
}

}  // namespace pathline
