#include <pathline/nn/time/time_embedding.hpp>

#include <pathline/nn/layer/linear.hpp>

#include <support/catch.hpp>
#include <support/layer_laws.hpp>

#include <cmath>

using namespace pathline;
using namespace pathline::test;

using Map = Linear<double>;
static_assert(Layer<TimeEmbedding<Map>> && Layer<TimeEmbedding<Linear<float>>>);

TEST_CASE("TimeEmbedding keeps the law of layers", "[nn][gradient]") {
  check_layer_laws(TimeEmbedding(Map(3, 2, 4), 2));
  check_layer_laws(TimeEmbedding(Map(2, 3, 4), 1, 3));
}

TEST_CASE("TimeEmbedding allocates nothing after its first call", "[nn][allocations]") {
  check_no_allocations(TimeEmbedding(Map(8, 16, 5), 2));
}

TEST_CASE("TimeEmbedding: sines, then cosines, then context", "[nn]") {
  const TimeEmbedding layer(Map(2, 3, 5), 2, 0.5, 3);
  CHECK(layer.side_rows() == 2);
  LayerProblem embedded(layer, 4, 1, 1, 0), plain(Map(2, 3, 5), 4, 1, 1, 0);
  const double t = embedded.S(0);
  plain.S << std::sin(0.5 * t), std::sin(1.5 * t), std::cos(0.5 * t), std::cos(1.5 * t), embedded.S(1);
  CHECK((embedded.linearize() - plain.linearize()).lpNorm<Eigen::Infinity>() < 1e-14);  // terms of order one
}

TEST_CASE("TimeEmbedding refuses frequencies that the layer does not read", "[nn][errors]") {
  CHECK_THROWS_WITH(TimeEmbedding(Map(2, 3, 4), 0), "TimeEmbedding: number of frequencies is 0, expected at least 1");
  CHECK_THROWS_WITH(TimeEmbedding(Map(2, 3, 4), 3),
                    "TimeEmbedding: number of side inputs of the layer is 4, expected at least 6, a sine and a cosine "
                    "for each frequency");
  CHECK_THROWS_WITH(TimeEmbedding(Map(2, 3, 4), 2, 0), "TimeEmbedding: lowest is 0, expected a positive number");
  CHECK_THROWS_WITH(TimeEmbedding(Map(2, 3, 4), 2, 1, -2), "TimeEmbedding: ratio is -2, expected a positive number");
}
