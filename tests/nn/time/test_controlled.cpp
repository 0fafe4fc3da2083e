#include <pathline/nn/time/controlled.hpp>

#include <pathline/nn/layer/linear.hpp>

#include <support/catch.hpp>
#include <support/layer_laws.hpp>

#include <cmath>

using namespace pathline;
using namespace pathline::test;

namespace {

/// u(t) = (sin 2t, t²).
struct Swing {
  [[nodiscard]] Index rows() const { return 2; }
  template <class Out>
  void value(double t, Out&& u) const {
    u << std::sin(2 * t), t * t;
  }
  template <class Out>
  void derivative(double t, Out&& du) const {
    du << 2 * std::cos(2 * t), 2 * t;
  }
  template <class Out>
  void second_derivative(double t, Out&& ddu) const {
    ddu << -4 * std::sin(2 * t), 2;
  }
};
struct NoRows : Swing {
  void rows() const = delete;
};
struct NoValue : Swing {
  template <class Out>
  void value(double, Out&&) const = delete;
};
struct NoDerivative : Swing {
  template <class Out>
  void derivative(double, Out&&) const = delete;
};
struct NoSecondDerivative : Swing {
  template <class Out>
  void second_derivative(double, Out&&) const = delete;
};
static_assert(Signal<Swing, double>);
static_assert(!Signal<NoRows, double> && !Signal<NoValue, double>);
static_assert(!Signal<NoDerivative, double> && !Signal<NoSecondDerivative, double>);

using Map = Linear<double>;
static_assert(Layer<Controlled<Map, Swing>>);

}  // namespace

TEST_CASE("Controlled keeps the law of layers", "[nn][gradient]") {
  check_layer_laws(Controlled(Map(3, 2, 3), Swing{}));
  check_layer_laws(Controlled(Map(2, 3, 4), Swing{}));
}

TEST_CASE("Controlled allocates nothing after its first call", "[nn][allocations]") {
  check_no_allocations(Controlled(Map(8, 16, 4), Swing{}));
}

TEST_CASE("Controlled: the signal stands behind time and context", "[nn]") {
  const Controlled layer(Map(2, 3, 4), Swing{});
  CHECK(layer.side_rows() == 2);
  CHECK(layer.signal().rows() == 2);
  LayerProblem driven(layer, 4, 1, 1, 2), plain(Map(2, 3, 4), 4, 1, 1, 0);
  const double t = driven.S(0);
  plain.S << t, driven.S(1), std::sin(2 * t), t * t;
  CHECK((driven.linearize() - plain.linearize()).lpNorm<Eigen::Infinity>() < 1e-14);  // terms of order one
}

TEST_CASE("Controlled refuses a layer that does not read the signal", "[nn][errors]") {
  CHECK_THROWS_WITH(Controlled(Map(2, 3, 2), Swing{}),
                    "Controlled: number of side inputs of the layer is 2, expected at least 3, time and the signal");
}
