// The features, and the perceptron that reads them.
#include <pathline/math.hpp>
#include <pathline/nn/layer/periodic_features.hpp>
#include <pathline/nn/periodic_mlp.hpp>

#include <support/catch.hpp>
#include <support/layer_laws.hpp>

#include <cmath>
#include <numbers>
#include <vector>

using namespace pathline;
using namespace pathline::test;

static_assert(InitializableLayer<PeriodicFeatures<float>> && Layer<PeriodicFeatures<double>>);
static_assert(Field<PeriodicMlp<float, Tanh>>);

TEST_CASE("PeriodicFeatures keeps the law of layers", "[nn][gradient]") {
  check_layer_laws(PeriodicFeatures<double>(3, {{.component = 2}, {.component = 0}}));
  check_layer_laws(PeriodicFeatures<double>(1, {{.component = 0}}));
  check_layer_laws(PeriodicFeatures<double>(2, {}));
}

TEST_CASE("PeriodicFeatures: real components, then cosines, then sines", "[nn]") {
  const PeriodicFeatures<double> layer(3, {{.component = 2}, {.component = 0}});
  CHECK(layer.circles() == std::vector<Index>{0, 2});
  CHECK(layer.side_rows() == 0);
  LayerProblem problem(layer, 1, 0, 1, 0);
  problem.X << 0.5, 7, 2;
  const Batch<double> Y = problem.linearize();
  REQUIRE(Y.rows() == 5);
  CHECK(Y(0) == 7);
  CHECK(Y(1) == std::cos(0.5));
  CHECK(Y(2) == std::cos(2.0));
  CHECK(Y(3) == std::sin(0.5));
  CHECK(Y(4) == std::sin(2.0));
}

TEST_CASE("PeriodicMlp has period 2 pi in its circles, and in no other component", "[nn]") {
  Rng rng(3);
  const PeriodicMlp<double, Tanh> field(2, {{.component = 1}}, {6}, rng, 2);
  Workspace<double> workspace;
  std::vector<double> tape(std::size_t(field.tape_size(3, 0)));
  Batch<double> Z(2, 3), F(2, 3);
  Z << 1, 1, 1 + 2 * std::numbers::pi, 2, 2 - 2 * std::numbers::pi, 2;
  field.linearize(Batch<double>::Constant(2, 1, 0.3), Z, 3, F, tape, workspace);
  CHECK((F.col(0) - F.col(1)).norm() < 1e-14);
  CHECK((F.col(0) - F.col(2)).norm() > 1e-2);
}

TEST_CASE("Circles that are no components are refused", "[nn][errors]") {
  CHECK_THROWS_WITH(PeriodicFeatures<double>(2, {{.component = 2}}),
                    "PeriodicFeatures: component of a circle is 2, expected one of 0 to 1");
  CHECK_THROWS_WITH(PeriodicFeatures<double>(2, {{.component = 1}, {.component = 1}}),
                    "PeriodicFeatures: component of a circle is 1 twice, expected each component once");
}
