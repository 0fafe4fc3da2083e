#include <pathline/nn/differentiable.hpp>

#include <pathline/nn/compose/sum.hpp>
#include <pathline/nn/layer/function_layer.hpp>
#include <pathline/nn/mlp.hpp>

#include <support/catch.hpp>
#include <support/layer_laws.hpp>

using namespace pathline;
using namespace pathline::test;

namespace {

/// A damped pendulum, driven: reads everything that there is.
struct Pendulum {
  template <class T, class Y, class P, class D>
  void operator()(const T& t, const Y& y, const P& p, D& dy) const {
    using std::abs, std::cos, std::exp, std::sin;
    dy[0] = y[1];
    dy[1] = -p[0] * sin(y[0]) - p[1] * y[1] * abs(y[1]) + p[2] * cos(1.5 * t) / (1 + exp(-y[0]));
  }
};

/// Thirty parameters: a sum of waves.
struct Waves {
  template <class T, class Y, class P, class D>
  void operator()(const T& t, const Y& y, const P& p, D& dy) const {
    using std::pow, std::sin, std::tanh;
    T sum = 0;
    for (Index i = 0; i < 15; ++i) sum += p[2 * i] * sin(double(i + 1) * y[0] + p[2 * i + 1] * t) * y[1];
    dy[0] = tanh(sum) + pow(y[1] * y[1] + 1, 1.5);
    dy[1] = y[0] > 0 ? sum * y[0] : T(0.5);
  }
};

}  // namespace

TEST_CASE("FunctionLayer meets the laws of layers, forward and by the tape", "[nn][differentiable]") {
  check_layer_laws(FunctionLayer<Pendulum, double>(Pendulum{}, 2, Vector<double>::Zero(3)));
  check_layer_laws(FunctionLayer<Waves, double>(Waves{}, 2, Vector<double>::Zero(30)));
  check_no_allocations(FunctionLayer<Pendulum, double>(Pendulum{}, 2, Vector<double>::Zero(3)));
  check_no_allocations(FunctionLayer<Waves, double>(Waves{}, 2, Vector<double>::Zero(30)));
}

TEST_CASE("differentiable makes a field with its parameters, and a sum with a network", "[nn][differentiable]") {
  Rng rng(3);
  const auto field = differentiable(Pendulum{}, 2, Vector<double>{{9, 0.1, 0.3}});
  CHECK(field.parameters() == Vector<double>{{9, 0.1, 0.3}});
  const Sum sum(field, Mlp<double, Tanh>(2, {4}, rng));
  CHECK(sum.parameters().head(3) == field.parameters());
  check_layer_laws(sum.layer(), 3, 1, 1);
  const auto single = differentiable(Pendulum{}, 2, Vector<float>{{9, 0.1F, 0.3F}});
  static_assert(std::same_as<decltype(single)::Scalar, float>);
}

TEST_CASE("FunctionLayer: what the function does not write is not a number", "[nn][differentiable]") {
  const auto forgetful =
      differentiable([](const auto&, const auto& y, const auto&, auto& dy) { dy[0] = y[1]; }, 2, Vector<double>());
  Workspace<double> workspace;
  const Batch<double> S = Batch<double>::Zero(1, 1), X{{1, 2}, {3, 4}};
  Batch<double> Y(2, 2);
  forgetful.linearize(S, X, 2, Y, {}, workspace);
  CHECK(Y.row(0) == X.row(1));
  CHECK(Y.row(1).array().isNaN().all());
}

TEST_CASE("FunctionLayer refuses no rows and parameters that are not finite", "[nn][differentiable][errors]") {
  CHECK_THROWS_AS(differentiable(Pendulum{}, 0, Vector<double>{{1, 2, 3}}), ArgumentError);
  CHECK_THROWS_AS(differentiable(Pendulum{}, 2, Vector<double>{{1, 2, not_a_number}}), ArgumentError);
}
