#include <pathline/gradient/parts/symplectic_pullback.hpp>

#include <pathline/gradient/adjoint/adjoint_by.hpp>
#include <pathline/gradient/neural_ode.hpp>
#include <pathline/gradient/parts/part_dynamics.hpp>
#include <pathline/gradient/parts/symplectic_recording.hpp>
#include <pathline/nn/compose/separable_field.hpp>
#include <pathline/nn/differentiable.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/ode/symplectic/solve_separable.hpp>
#include <pathline/ode/symplectic/symplectic_methods.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/differences.hpp>
#include <support/gradient_pairs.hpp>

#include <array>
#include <cmath>
#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

/// A planet of mass p_0 around a sun that pulls with p_0, pushed to and fro with p_1.
struct PerMass {
  template <class T, class Y, class P, class DY>
  void operator()(const T& /*t*/, const Y& y, const P& p, DY& dy) const {
    for (Index i = 0; i < 2; ++i) dy[i] = y[i] / p[0];
  }
};
struct Pull {
  template <class T, class Y, class P, class DY>
  void operator()(const T& t, const Y& y, const P& p, DY& dy) const {
    using std::cos, std::sqrt;
    const auto square = y[0] * y[0] + y[1] * y[1];
    const auto cube = square * sqrt(square);
    for (Index i = 0; i < 2; ++i) dy[i] = -p[0] * y[i] / cube;
    dy[0] += p[1] * cos(t);
  }
};
template <Real S>
auto planet() {
  return SeparableField{differentiable(PerMass{}, 2, Vector<S>{{S(1.3)}}),
                        differentiable(Pull{}, 2, Vector<S>{{S(1.1), S(0.2)}})};
}
using Planet = decltype(planet<double>());
using G = FieldDynamics<Planet>;
static_assert(Field<Planet> && SeparatedField<Planet> && SeparatedDynamics<G>);
static_assert(!SeparatedField<Mlp<double, Tanh>> && !SeparatedDynamics<pathline::detail::AnyDynamics>);

/// Verlet twice, so that kicks come first in several steps.
struct VerletTwice {
  static constexpr int order = 2;
  static constexpr std::array<double, 2> weights{0.5, 0.5};
};
static_assert(MethodWithPullback<Verlet> && MethodWithPullback<Yoshida6> && MethodWithPullback<VerletTwice>);

/// Two planets, q above p.
template <Real S>
Batch<S> planets() {
  return Batch<S>{{1, S(0.9)}, {0, S(0.2)}, {0, S(-0.1)}, {S(1.2), 1}};
}

const auto sines = [](const auto& states, auto& bars) {
  using Scalar = typename std::decay_t<decltype(states[0])>::Scalar;
  Scalar sum(0);
  for (std::size_t i = 0; i < states.size(); ++i) {
    bars[i] += states[i].array().cos().matrix();
    sum += states[i].array().sin().sum();
  }
  return sum;
};

}  // namespace

TEST_CASE("Gradients of symplectic methods, all pairs", "[gradient][pairs][many-draws]") {
  CHECK(both_directions("Symplectic methods", planet<double>(), planets<double>(), [](auto& pairs) {
          PATHLINE_PAIRS(Verlet);
          PATHLINE_PAIRS(VerletTwice);
          PATHLINE_PAIRS(Yoshida4);
          PATHLINE_PAIRS(Yoshida6);
        }) == 3 * 4 * 4);
}

TEMPLATE_TEST_CASE("Backpropagation through symplectic methods agrees with differences of the solve",
                   "[gradient][backpropagation]", Verlet, VerletTwice, Yoshida4, Yoshida6) {
  const auto times = GENERATE(std::vector<double>{0, 0.5, 0.5, 2}, std::vector<double>{2, 0.3, -1});
  const auto solve = [&](const Vector<double>& x) {
    NeuralOde ode(planet<double>(), TestType{}, FixedSteps(5));
    ode.parameters() = x.head(3);
    return ode.value_and_gradient(Batch<double>(x.tail(8).reshaped(4, 2)), times, sines);
  };
  Vector<double> at(11);
  at << planet<double>().parameters(), planets<double>().reshaped();
  const auto got = solve(at);
  Vector<double> bar(11);
  bar << got.parameters, got.initial.reshaped();
  const Vector<double> expected = central_differences([&](const Vector<double>& x) { return solve(x).value; }, at);
  CHECK(max_difference(bar, expected) < 1e-8);
}

TEST_CASE("AdjointBy goes out by a symplectic method", "[gradient][adjoint]") {
  const std::vector<double> times{0, 0.5, 2};
  const FixedSteps control(120);  // with 60 the error of order 6 is 1.3e-7
  const NeuralOde by(planet<double>(), Yoshida6{}, control,
                     AdjointBy{Dopri5{}, PiController{.rtol = 1e-10, .atol = 1e-10}});
  const auto got = by.value_and_gradient(planets<double>(), times, sines);
  const auto exact =
      NeuralOde(planet<double>(), Yoshida6{}, control).value_and_gradient(planets<double>(), times, sines);
  CHECK(got.value == exact.value);
  CHECK(max_difference(got.parameters, exact.parameters) < 1e-7);
  CHECK(max_difference(got.initial, exact.initial) < 1e-7);
}

TEST_CASE("NeuralOde by a symplectic method takes the steps of solve_separable", "[gradient][neural-ode]") {
  const auto field = planet<double>();
  const NeuralOde ode(field, Yoshida4{}, FixedSteps(7));
  const std::vector<double> times{0, 0.5, 2};
  const auto states = ode.solve(planets<double>(), times);
  const auto velocity = [&](double, const Batch<double>& p, Batch<double>& dq) { dq = p / field.parameters()(0); };
  const auto force = [&](double t, const Batch<double>& q, Batch<double>& dp) {
    for (Index j = 0; j < q.cols(); ++j) {
      dp.col(j) = -field.parameters()(1) * q.col(j) / std::pow(q.col(j).norm(), 3);
      dp(0, j) += field.parameters()(2) * std::cos(t);
    }
  };
  const auto plain = solve_separable<Yoshida4>(velocity, force, planets<double>().topRows(2),
                                               planets<double>().bottomRows(2), times, FixedSteps(7));
  for (std::size_t i = 0; i < times.size(); ++i) {
    CHECK(max_difference(states[i].topRows(2), plain.q[i]) < 1e-14);
    CHECK(max_difference(states[i].bottomRows(2), plain.p[i]) < 1e-14);
  }
}

TEST_CASE("Backpropagation through symplectic methods: another method's gradient, and float",
          "[gradient][backpropagation]") {
  const std::vector<double> times{0, 1, 3};
  const auto by_symplectic =
      NeuralOde(planet<double>(), Yoshida6{}, FixedSteps(200)).value_and_gradient(planets<double>(), times, sines);
  const auto by_explicit = NeuralOde(planet<double>(), Dopri5{}, PiController{.rtol = 1e-11, .atol = 1e-11})
                               .value_and_gradient(planets<double>(), times, sines);
  CHECK(max_difference(by_symplectic.parameters, by_explicit.parameters) < 1e-8);
  CHECK(max_difference(by_symplectic.initial, by_explicit.initial) < 1e-8);
  const auto single =
      NeuralOde(planet<float>(), Yoshida6{}, FixedSteps(10)).value_and_gradient(planets<float>(), times, sines);
  const auto wide =
      NeuralOde(planet<double>(), Yoshida6{}, FixedSteps(10)).value_and_gradient(planets<double>(), times, sines);
  CHECK(max_difference(single.parameters.cast<double>(), wide.parameters) < 1e-4);
  CHECK(max_difference(single.initial.cast<double>(), wide.initial) < 1e-4);
}

TEST_CASE("NeuralOde learns a force that reads time and context, in several chunks", "[gradient][neural-ode]") {
  Rng rng(2);
  const SeparableField field{Network(Elementwise<double, Identity>(2), rng), Mlp<double, Tanh>(2, {4}, rng, 2)};
  const Batch<double> y0 = Batch<double>::Random(4, 3), context{{0.5, -1, 2}};
  const std::vector<double> times{0.2, 1.5};
  const auto got =
      NeuralOde(field, Yoshida6{}, FixedSteps(40), ChunkWidth{2}).value_and_gradient(y0, times, sines, context);
  const auto expected = NeuralOde(field, Dopri5{}, PiController{.rtol = 1e-11, .atol = 1e-11})
                            .value_and_gradient(y0, times, sines, context);
  CHECK(max_difference(got.parameters, expected.parameters) < 1e-8);
  CHECK(max_difference(got.initial, expected.initial) < 1e-8);
  CHECK(max_difference(got.context, expected.context) < 1e-8);
}

TEST_CASE("Backpropagation through symplectic methods evaluates and pulls back each part once, without allocation",
          "[gradient][backpropagation]") {
  const std::vector<double> times{0, 2};
  const auto field = planet<double>();
  const G dynamics(field, 2);
  Backpropagation<>::Memory<G, Verlet> memory;
  const Backpropagation<> gradient;
  Batch<double> y = planets<double>(), y_bar = y;
  Vector<double> theta_bar = Vector<double>::Zero(3);
  const auto iteration = [&] {
    y = planets<double>();
    gradient.forward(Verlet{}, FixedSteps(9), dynamics, y, times, {}, memory);
    return gradient.backward(Verlet{}, FixedSteps(9), dynamics, times, {}, y_bar, theta_bar, memory);
  };
  CHECK(iteration().evaluations == 9 + 10);  // each once: drifts, and kicks with the one at the start
  y = planets<double>();
  const AllocationCounter counter;
  gradient.forward(Verlet{}, FixedSteps(9), dynamics, y, times, {}, memory);
  gradient.backward(Verlet{}, FixedSteps(9), dynamics, times, {}, y_bar, theta_bar, memory);
  CHECK(counter.count() == 0);
}
