#include <pathline/gradient/parts/additive_pullback.hpp>

#include <pathline/gradient/adjoint/adjoint_by.hpp>
#include <pathline/gradient/neural_ode.hpp>
#include <pathline/gradient/parts/additive_recording.hpp>
#include <pathline/gradient/parts/part_dynamics.hpp>
#include <pathline/nn/compose/split_field.hpp>
#include <pathline/nn/differentiable.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/ode/implicit/additive/additive_methods.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/differences.hpp>
#include <support/gradient_pairs.hpp>

#include <array>
#include <cmath>
#include <type_traits>
#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

/// Diffusion between four cells of a ring and a sink in each: p_0 (second differences) - p_1 y³.
struct Diffusion {
  template <class T, class Y, class P, class DY>
  void operator()(const T& /*t*/, const Y& y, const P& p, DY& dy) const {
    for (Index i = 0; i < 4; ++i)
      dy[i] = p[0] * (y[(i + 1) % 4] - 2 * y[i] + y[(i + 3) % 4]) - p[1] * y[i] * y[i] * y[i];
  }
};

template <Real S>
auto diffusion(S rate) {
  return differentiable(Diffusion{}, 4, Vector<S>{{rate, S(0.3)}});
}
using Network4 = Mlp<double, Tanh>;
using Field4 = SplitField<Network4, decltype(diffusion(1.0))>;
using G = FieldDynamics<Field4>;
static_assert(Field<Field4> && TwoPartField<Field4> && TwoPartDynamics<G>);
static_assert(!TwoPartField<Network4> && !TwoPartDynamics<FieldDynamics<Network4>>);
static_assert(!TwoPartDynamics<pathline::detail::AnyDynamics>);
static_assert(MethodWithPullback<KennedyCarpenter3> && MethodWithPullback<KennedyCarpenter4>);

/// A network that reads time, and diffusion at this rate.
Field4 split_field(double rate) {
  Rng rng(4);
  return Field4(Network4(4, {3}, rng), diffusion(rate));
}
Batch<double> two_samples() {
  Batch<double> y0(4, 2);
  fill<Gaussian>(Draw{8, 1}, 0, y0);
  return y0;
}

const auto half_square = [](const auto& states, auto& bars) {
  bars.back() += states.back();
  return states.back().squaredNorm() / 2;
};

}  // namespace

TEST_CASE("Gradients of additive methods, all pairs", "[gradient][pairs][many-draws]") {
  // So slow that there is a way back.
  CHECK(both_directions("Additive methods", split_field(0.2), 0.3 * two_samples(), [](auto& pairs) {
          PATHLINE_PAIRS(KennedyCarpenter3);
          PATHLINE_PAIRS(KennedyCarpenter4);
        }) == 3 * 4 * (2 + 2));
}

TEMPLATE_TEST_CASE("Backpropagation through additive methods agrees with differences of the replayed steps",
                   "[gradient][backpropagation]", KennedyCarpenter3, KennedyCarpenter4) {
  for (const double rate : {0.5, 300.0}) {
    const GradientPairs problem(split_field(rate), two_samples(), {0, 0.3, 1});
    Backpropagation<>::Memory<G, TestType> memory;
    const auto fixed = problem.run(Backpropagation<>{}, TestType{}, FixedSteps(4), memory);
    INFO("rate " << rate);
    // The equations are solved to the rounding of hγg, 75 times that of y: over 2e-6 that of the differences.
    CHECK(problem.distance(fixed, TestType{}, FixedSteps(4), memory) < (rate > 1 ? 1e-6 : 1e-8));
    const PiController control{.rtol = 1e-4, .atol = 1e-4};
    const auto adaptive = problem.run(Backpropagation<>{}, TestType{}, control, memory);
    // Newton's method stops at a hundredth of the tolerance. The guard of the formula is the case of fixed steps above.
    CHECK(problem.distance(adaptive, TestType{}, control, memory) < 2e-4);
    if (rate > 1) continue;  // diffusion has no way back
    const GradientPairs back(split_field(rate), two_samples(), {0.3, 0.1, 0});
    const auto backward = back.run(Backpropagation<>{}, TestType{}, FixedSteps(4), memory);
    CHECK(back.distance(backward, TestType{}, FixedSteps(4), memory) < 1e-8);
  }
}

TEST_CASE("AdjointBy goes out by an additive method", "[gradient][adjoint]") {
  const GradientPairs problem(split_field(0.5), two_samples(), {0, 0.3, 1});
  const FixedSteps control(60);
  const AdjointBy by{Dopri5{}, PiController{.rtol = 1e-10, .atol = 1e-10}};
  Backpropagation<>::Memory<G, KennedyCarpenter4> memory;
  decltype(by)::Memory<G, KennedyCarpenter4> by_memory;
  const auto exact = problem.run(Backpropagation<>{}, KennedyCarpenter4{}, control, memory);
  CHECK(max_difference(problem.run(by, KennedyCarpenter4{}, control, by_memory).bar, exact.bar) < 1e-7);
}

TEST_CASE("Backpropagation through additive methods in float, where the problem is stiff",
          "[gradient][backpropagation]") {
  const auto gradient = [](auto number) {
    using Scalar = decltype(number);
    Rng rng(4);
    const NeuralOde ode(SplitField{Mlp<Scalar, Tanh>(4, {3}, rng), diffusion(Scalar(100))}, KennedyCarpenter4{},
                        FixedSteps(8));
    const std::vector<double> times{0, 1};
    return ode.value_and_gradient(Vector<Scalar>{{1, -1, 2, Scalar(0.5)}}, times, half_square);
  };
  const auto exact = gradient(1.0);
  const auto single = gradient(1.0F);
  CHECK(max_difference(single.parameters.template cast<double>(), exact.parameters) < 1e-4);
  CHECK(max_difference(single.initial.template cast<double>(), exact.initial) < 1e-4);
}

TEST_CASE("NeuralOde trains a SplitField: context, chunks, and another method's gradient", "[gradient][neural-ode]") {
  Rng rng(3);
  const SplitField field{Mlp<double, Tanh>(4, {3}, rng, 2), diffusion(2.0)};
  Batch<double> y0(4, 3);
  fill<Gaussian>(rng.draw(), 0, y0);
  const Batch<double> context{{0.5, -1, 2}};
  const std::vector<double> times{0.2, 1.3};
  const PiController tight{.rtol = 1e-9, .atol = 1e-11};
  const NeuralOde split(field, KennedyCarpenter4{}, tight, ChunkWidth{2});
  const auto got = split.value_and_gradient(y0, times, half_square, context);
  const auto expected = NeuralOde(field, Dopri5{}, tight).value_and_gradient(y0, times, half_square, context);
  CHECK(got.value == Approx(expected.value).epsilon(1e-8));
  CHECK(max_difference(got.parameters, expected.parameters) < 1e-7);
  CHECK(max_difference(got.initial, expected.initial) < 1e-7);
  CHECK(max_difference(got.context, expected.context) < 1e-7);
  typename decltype(split)::Memory memory;
  CHECK(split.solve(y0, times, memory, context).accepted == got.forward.accepted);
  CHECK(memory.outputs.back().squaredNorm() / 2 == Approx(got.value).epsilon(1e-14));
  // A constant network in the stiff part, too: context reaches the gradient by either.
  const SplitField swapped{diffusion(0.2), Mlp<double, Tanh>(4, {3}, rng, 2)};
  const auto by_parts =
      NeuralOde(swapped, KennedyCarpenter4{}, tight).value_and_gradient(y0, times, half_square, context);
  const auto as_sum = NeuralOde(swapped, Dopri5{}, tight).value_and_gradient(y0, times, half_square, context);
  CHECK(max_difference(by_parts.parameters, as_sum.parameters) < 1e-7);
  CHECK(max_difference(by_parts.context, as_sum.context) < 1e-7);
}

TEST_CASE("Backpropagation through additive methods allocates nothing in repeated calls",
          "[gradient][backpropagation]") {
  const Field4 field = split_field(2);
  const Batch<double> y0 = two_samples();
  const PiController control{.rtol = 1e-4, .atol = 1e-4};
  Backpropagation<>::Memory<G, KennedyCarpenter3> memory;
  const G dynamics(field, 2);
  const Backpropagation<> gradient;
  Batch<double> y = y0, y_bar = y0;
  Vector<double> theta_bar = Vector<double>::Zero(field.parameters().size());
  const std::array<double, 2> times{0, 1};
  const auto iteration = [&] {
    y = y0;
    gradient.forward(KennedyCarpenter3{}, control, dynamics, y, times, {}, memory);
    gradient.backward(KennedyCarpenter3{}, control, dynamics, times, {}, y_bar, theta_bar, memory);
  };
  iteration();
  const AllocationCounter counter;
  iteration();
  CHECK(counter.count() == 0);
}
