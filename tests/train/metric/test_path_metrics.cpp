#include <pathline/train/metric/path_metrics.hpp>

#include <pathline/flow/cnf.hpp>
#include <pathline/nn/mlp.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

using namespace pathline;

namespace {

/// Turns by `angle` a unit of time about the origin and moves by `shift`, between times 0 and 1; `slip` spoils the
/// inverse. Its coordinates are raw data times `scale`.
template <Real S>
struct Motion {
  using Scalar = S;
  struct Scale {
    S factor = 1;
    void check(Index /*d*/) const {}
    template <class X, class Z, class LogDet>
    void apply(const X& raw, Z&& z, LogDet&& log_det) const {
      z = factor * raw;
      log_det.setConstant(S(raw.rows()) * std::log(factor));
    }
    template <class Z, class X>
    void invert(const Z& z, X&& raw) const {
      raw = z / factor;
    }
  };

  double angle = 0, shift = 0;
  S slip = 0;
  Scale scale{};

  [[nodiscard]] Batch<S> at(const Batch<S>& Z, double t) const {
    const S c = S(std::cos(angle * t)), s = S(std::sin(angle * t));
    return ((Eigen::Matrix<S, 2, 2>() << c, -s, s, c).finished() * Z).array() + S(shift * t);
  }
  [[nodiscard]] Batch<S> transform(const Batch<S>& X) const { return at(scale.factor * X, 1); }
  [[nodiscard]] Batch<S> inverse(const Batch<S>& Z) const {
    const Batch<S> centred = Z.array() - S(shift);
    Batch<S> X = Motion{-angle, 0, 0, {}}.at(centred, 1) / scale.factor;
    X.row(0).array() += slip;
    return X;
  }
  [[nodiscard]] std::vector<Batch<S>> trajectory(const Batch<S>& X, const std::vector<double>& times) const {
    std::vector<Batch<S>> result;
    for (const double t : times) result.push_back(at(scale.factor * X, t));
    return result;
  }
  [[nodiscard]] const Scale& data_transform() const { return scale; }
};

std::vector<double> equally_spaced(int count) {
  std::vector<double> times;
  for (int i = 0; i < count; ++i) times.push_back(double(i) / (count - 1));
  return times;
}

constexpr double quarter = std::numbers::pi / 2;
const Batch<double> data = (Batch<double>(2, 3) << 1, 0, -3, 0, 2, 4).finished();  // norms 1, 2, 5

struct OneWay {
  using Scalar = double;
  [[nodiscard]] Batch<double> transform(const Batch<double>& X) const { return X; }
};
struct NoPaths {
  using Scalar = double;
  [[nodiscard]] Batch<double> trajectory(const Batch<double>& X, const std::vector<double>& /*times*/) const {
    return X;
  }
};
struct NoTransformOfData : OneWay {
  [[nodiscard]] int data_transform() const { return 0; }
};
struct NoEnd {
  using Scalar = double;
  [[nodiscard]] NoTransform data_transform() const { return {}; }
};
struct OnlyBack {
  using Scalar = double;
  [[nodiscard]] Batch<double> inverse(const Batch<double>& X) const { return X; }
};
using Trained = Cnf<Mlp<float, Tanh>>;
static_assert(InvertibleFlow<Trained> && FlowWithPaths<Trained> && FlowInCoordinates<Trained>);
static_assert(InvertibleFlow<Motion<float>> && FlowWithPaths<Motion<float>> && FlowInCoordinates<Motion<float>>);
static_assert(!InvertibleFlow<OneWay> && !InvertibleFlow<OnlyBack>);
static_assert(!FlowWithPaths<NoPaths> && !FlowWithPaths<OneWay>);
static_assert(!FlowInCoordinates<OneWay> && !FlowInCoordinates<NoTransformOfData> && !FlowInCoordinates<NoEnd>);

}  // namespace

TEMPLATE_TEST_CASE("Paths of a quarter turn are π / 2√2 as long as their chords", "[train][metrics]", float, double) {
  const Motion<TestType> flow{.angle = quarter};
  const int count = 101;
  const Estimate estimate = path_straightness(flow, data.cast<TestType>(), equally_spaced(count));
  // A polygon of 100 chords, each 2 sin(π/400) of the radius: 4e-5 below the arc.
  const double polygon = 2 * (count - 1) * std::sin(quarter / (2 * (count - 1))) / std::numbers::sqrt2;
  const double rounding = 100 * double(std::numeric_limits<TestType>::epsilon());
  CHECK(estimate.value == Approx(polygon).epsilon(rounding));
  CHECK(estimate.value == Approx(quarter / std::numbers::sqrt2).epsilon(5e-5));
  CHECK(estimate.standard_error < rounding);  // all paths alike
}

TEST_CASE("Straight paths have straightness 1, also those that do not move, and closed ones are infinitely long",
          "[train][metrics]") {
  CHECK(path_straightness(Motion<double>{.shift = 3}, data, equally_spaced(9)).value == Approx(1).epsilon(1e-14));
  CHECK(path_straightness(Motion<double>{}, data, equally_spaced(9)).value == 1);
  CHECK(std::isinf(path_straightness(Motion<double>{.shift = 1}, data, {0, 1, 0}).value));
}

TEST_CASE("path_straightness refuses a single time", "[train][metrics][errors]") {
  CHECK_THROWS_WITH(path_straightness(Motion<double>{}, data, {0}),
                    "path_straightness: number of times is 1, expected at least 2");
}

TEST_CASE("transport_cost is the mean squared distance of ends, in the flow's coordinates", "[train][metrics]") {
  // A quarter turn moves a point at radius r by √2 r: 2 · (1 + 4 + 25) / 3, times 3² in coordinates three times as
  // long.
  const Estimate turn = transport_cost(Motion<double>{.angle = quarter, .scale = {3}}, data);
  CHECK(turn.value == Approx(180).epsilon(1e-14));
  // Squares 18, 72, 450 about 180: √((162² + 108² + 270²) / 6).
  CHECK(turn.standard_error == Approx(std::sqrt((162. * 162 + 108. * 108 + 270. * 270) / 6)).epsilon(1e-14));
  CHECK(transport_cost(Motion<double>{.shift = 2}, data).value == Approx(8).epsilon(1e-14));
  CHECK(transport_cost(Motion<double>{.scale = {3}}, data).value == 0);
}

TEST_CASE("inverse_error is the distance to where the inverse leads back", "[train][metrics]") {
  const InverseError exact = inverse_error(Motion<double>{.angle = 1, .shift = 2, .scale = {3}}, data);
  CHECK(exact.max < 1e-14);
  const InverseError slipped = inverse_error(Motion<double>{.angle = 1, .slip = 0.25}, data);
  CHECK(slipped.max == Approx(0.25).epsilon(1e-13));
  CHECK(slipped.mean == Approx(0.25).epsilon(1e-13));
}

TEST_CASE("Mean and largest inverse error are told apart", "[train][metrics]") {
  struct Shrinks : Motion<double> {  // leads back to 0.9 x
    [[nodiscard]] static Batch<double> inverse(const Batch<double>& Z) { return 0.9 * Z; }
  };
  const InverseError error = inverse_error(Shrinks{}, data);
  CHECK(error.max == Approx(0.5).epsilon(1e-14));
  CHECK(error.mean == Approx(0.1 * 8 / 3).epsilon(1e-14));
}

TEST_CASE("A Cnf that turns its data has the metrics of the turn", "[train][metrics]") {
  Rng rng(0);
  Mlp<double, Tanh> field(2, {}, rng, 0);
  field.parameters() << 0, quarter, -quarter, 0, 0, 0;  // W column by column, then the bias
  const Standardize<double> standardize(data);
  const Cnf flow(field, PiController{.rtol = 1e-10, .atol = 1e-10}, standardize);
  const double polygon = 2 * 20 * std::sin(quarter / 40) / std::numbers::sqrt2;
  CHECK(path_straightness(flow, data, equally_spaced(21)).value == Approx(polygon).epsilon(1e-8));
  // Standardized data have mean square 1 a component: a quarter turn costs 2 · 2.
  CHECK(transport_cost(flow, data).value == Approx(4).epsilon(1e-8));
  const InverseError error = inverse_error(flow, data);
  CHECK(error.max < 1e-8);
  CHECK(error.max > 0);
}

TEST_CASE("The metrics of a conditional flow are those of the data, whose context stands below", "[train][metrics]") {
  // z' = c, with the context for velocity: every sample moves by its own c, and back.
  Rng rng(0);
  Mlp<double, Tanh> field(2, {}, rng, 3);
  field.parameters() << 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0;  // U of time and context, W, the bias
  const Cnf flow(field);
  Batch<double> C(2, data.cols());
  C.row(0).setConstant(3);
  C.row(1).setConstant(-4);
  const Batch<double> X = with_context(data, C);
  CHECK(transport_cost(flow, X).value == Approx(25).epsilon(1e-12));
  CHECK(inverse_error(flow, X).max < 1e-12);
  CHECK(path_straightness(flow, X, equally_spaced(5)).value == Approx(1).epsilon(1e-12));
}
