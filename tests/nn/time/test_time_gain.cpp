#include <pathline/nn/time/time_gain.hpp>

#include <pathline/nn/layer/linear.hpp>

#include <support/catch.hpp>
#include <support/layer_laws.hpp>
#include <support/taped_linear.hpp>

#include <cmath>

using namespace pathline;
using namespace pathline::test;

using Map = TapedLinear;
static_assert(Layer<TimeGain<Map>> && Layer<TimeGain<Linear<float>>>);

TEST_CASE("TimeGain keeps the law of layers", "[nn][gradient]") {
  check_layer_laws(TimeGain(Map(3, 2, 0)));
  check_layer_laws(TimeGain(Map(2, 3, 2)));
}

TEST_CASE("TimeGain allocates nothing after its first call", "[nn][allocations]") {
  check_no_allocations(TimeGain(Map(8, 16, 2)));
}

TEST_CASE("TimeGain is a layer times exp(a + b t), and starts as the layer", "[nn]") {
  const TimeGain layer(Map(3, 2, 0));
  CHECK(layer.side_rows() == 1);
  CHECK(layer.parameter_count() == 8 + 2);
  LayerProblem gained(layer, 4, 1, 1, 0), plain(Map(3, 2, 0), 4, 1, 1, 0);
  plain.theta = gained.theta.head(8);
  const double gain = std::exp(gained.theta(8) + gained.theta(9) * gained.S(0));
  CHECK((gained.linearize() - gain * plain.linearize()).lpNorm<Eigen::Infinity>() < 1e-13);  // numbers below ten

  Rng rng(7), same_seed(7);
  layer.initialize(gained.theta, rng);
  Map(3, 2, 0).initialize(plain.theta, same_seed);
  CHECK(gained.linearize() == plain.linearize());
}
