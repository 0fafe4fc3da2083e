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
#include <support/replay.hpp>

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

/// A network that reads time, and diffusion at this rate, of two samples, with a loss along the path.
struct Problem {
  Field4 field;
  Batch<double> y0{4, 2};
  std::vector<double> times{0, 0.3, 1};

  explicit Problem(double rate)
      : field([&] {
          Rng rng(4);
          return Field4(Network4(4, {3}, rng), diffusion(rate));
        }()) {
    fill<Gaussian>(Draw{8, 1}, 0, y0);
  }

  static double loss(const std::vector<Batch<double>>& states) {
    double sum = 0;
    for (const Batch<double>& state : states) sum += state.array().sin().sum();
    return sum;
  }

  template <class Gradient, class Method, class Control, class Memory>
  Vector<double> run(const Gradient& gradient, const Method& method, const Control& control, Memory& memory) const {
    const G dynamics(field, 2);
    std::vector<Batch<double>> outputs(times.size());
    Batch<double> y = y0;
    gradient.forward(method, control, dynamics, y, times, std::span<Batch<double>>(outputs), memory);
    std::vector<Batch<double>> bars;
    for (const Batch<double>& state : outputs) bars.push_back(state.array().cos().matrix());
    Vector<double> theta_bar = Vector<double>::Zero(field.parameters().size());
    y.setZero();
    gradient.backward(method, control, dynamics, times, std::span<const Batch<double>>(bars), y, theta_bar, memory);
    Vector<double> result(theta_bar.size() + 8);
    result << theta_bar, y.reshaped();
    return result;
  }

  /// How far a gradient is from differences of the recorded steps, along four directions of θ and y0 together.
  template <class Method, class Recording>
  double distance(const Vector<double>& bar, const Recording& recording) const {
    Batch<double> directions(bar.size(), 4);
    fill<Gaussian>(Draw{8, 2}, 0, directions);
    Vector<double> at(bar.size());
    at << field.parameters(), y0.reshaped();
    const Vector<double> expected = central_differences(
        [&](const Vector<double>& along) {
          const Vector<double> x = at + directions * along;
          Field4 moved = field;
          moved.parameters() = x.head(x.size() - 8);
          const auto states =
              replay_additive<Method>(G(moved, 2), Batch<double>(x.tail(8).reshaped(4, 2)), recording.steps());
          std::vector<Batch<double>> outputs;
          for (const std::size_t index : recording.outputs()) outputs.push_back(states[index]);
          return loss(outputs);
        },
        Vector<double>::Zero(4));
    return max_difference(Vector<double>(directions.transpose() * bar), expected);
  }
};

const auto half_square = [](const auto& states, auto& bars) {
  bars.back() += states.back();
  return states.back().squaredNorm() / 2;
};

}  // namespace

TEMPLATE_TEST_CASE("Backpropagation through additive methods agrees with differences of the replayed steps",
                   "[gradient][backpropagation]", KennedyCarpenter3, KennedyCarpenter4) {
  for (const double rate : {0.5, 300.0}) {
    Problem problem(rate);
    Backpropagation<>::Memory<G, TestType> memory;
    const Vector<double> fixed = problem.run(Backpropagation<>{}, TestType{}, FixedSteps(4), memory);
    INFO("rate " << rate);
    // The equations are solved to the rounding of hγg, 75 times that of y: over 2e-6 that of the differences.
    CHECK(problem.distance<TestType>(fixed, memory.recording) < (rate > 1 ? 1e-6 : 1e-8));
    const PiController control{.rtol = 1e-4, .atol = 1e-4};
    const Vector<double> adaptive = problem.run(Backpropagation<>{}, TestType{}, control, memory);
    // Newton's method stops at a hundredth of the tolerance. The guard of the formula is the case of fixed steps above.
    CHECK(problem.distance<TestType>(adaptive, memory.recording) < 2e-4);
    if (rate > 1) continue;  // diffusion has no way back
    problem.times = {0.3, 0.1, 0};
    const Vector<double> backward = problem.run(Backpropagation<>{}, TestType{}, FixedSteps(4), memory);
    CHECK(problem.distance<TestType>(backward, memory.recording) < 1e-8);
  }
}

TEST_CASE("AdjointBy goes out by an additive method", "[gradient][adjoint]") {
  const Problem problem(0.5);
  const FixedSteps control(60);
  const AdjointBy by{Dopri5{}, PiController{.rtol = 1e-10, .atol = 1e-10}};
  Backpropagation<>::Memory<G, KennedyCarpenter4> memory;
  decltype(by)::Memory<G, KennedyCarpenter4> by_memory;
  const Vector<double> exact = problem.run(Backpropagation<>{}, KennedyCarpenter4{}, control, memory);
  CHECK(max_difference(problem.run(by, KennedyCarpenter4{}, control, by_memory), exact) < 1e-7);
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

TEST_CASE(
    "Backpropagation through additive methods: the same bits from kept tapes and recomputed stages, and no allocation",
    "[gradient][backpropagation]") {
  const Problem problem(2);
  Backpropagation<KeepTapes>::Memory<G, KennedyCarpenter3> keep;
  Backpropagation<RecomputeStages>::Memory<G, KennedyCarpenter3> recompute;
  const PiController control{.rtol = 1e-4, .atol = 1e-4};
  const Vector<double> kept = problem.run(Backpropagation<KeepTapes>{}, KennedyCarpenter3{}, control, keep);
  const Vector<double> again = problem.run(Backpropagation<RecomputeStages>{}, KennedyCarpenter3{}, control, recompute);
  CHECK(kept == again);

  const G dynamics(problem.field, 2);
  const Backpropagation<> gradient;
  Batch<double> y = problem.y0, y_bar = problem.y0;
  Vector<double> theta_bar = Vector<double>::Zero(problem.field.parameters().size());
  const std::array<double, 2> times{0, 1};
  const auto iteration = [&] {
    y = problem.y0;
    gradient.forward(KennedyCarpenter3{}, control, dynamics, y, times, {}, keep);
    gradient.backward(KennedyCarpenter3{}, control, dynamics, times, {}, y_bar, theta_bar, keep);
  };
  iteration();
  const AllocationCounter counter;
  iteration();
  CHECK(counter.count() == 0);
}
