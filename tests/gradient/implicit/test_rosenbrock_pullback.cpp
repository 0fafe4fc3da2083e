#include <pathline/gradient/implicit/rosenbrock_pullback.hpp>

#include <pathline/gradient/implicit/dynamics_with_directions.hpp>
#include <pathline/gradient/implicit/rosenbrock_recording.hpp>
#include <pathline/gradient/neural_ode.hpp>
#include <pathline/nn/differentiable.hpp>
#include <pathline/ode/implicit/rosenbrock/rosenbrock_methods.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/gradient_problem.hpp>

#include <array>
#include <cmath>
#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

static_assert(TwiceDifferentiableDynamics<GradientProblem::G>);
static_assert(!TwiceDifferentiableDynamics<pathline::detail::AnyDynamics>);

/// Robertson's reaction with rates 10^p, of y₂ in units of 1e-4; stiffness ratios of 1e5 and more.
struct Robertson {
  template <class T, class Y, class P, class DY>
  void operator()(const T& /*t*/, const Y& y, const P& p, DY& dy) const {
    using std::exp;
    const double decimal = 2.302585092994046;
    const auto slow = exp(decimal * p[0]) * y[0], pairs = 1e-8 * exp(decimal * p[1]) * y[1] * y[1],
               back = 1e-4 * exp(decimal * p[2]) * y[1] * y[2];
    dy[0] = -slow + back;
    dy[1] = 1e4 * (slow - back - pairs);
    dy[2] = pairs;
  }
};
/// z' = -p_1 (z³ - cos(p_0 t)), from 1: stiff, and the right-hand side depends on time.
struct FastCube {
  template <class T, class Y, class P, class DY>
  void operator()(const T& t, const Y& y, const P& p, DY& dy) const {
    using std::cos;
    dy[0] = -p[1] * (y[0] * y[0] * y[0] - cos(p[0] * t));
  }
};

const auto half_square = [](const auto& states, auto& bars) {
  using Scalar = typename std::decay_t<decltype(states[0])>::Scalar;
  Scalar sum(0);
  for (std::size_t i = 1; i < states.size(); ++i) {
    bars[i] += states[i];
    sum += states[i].squaredNorm() / 2;
  }
  return sum;
};

}  // namespace

TEMPLATE_TEST_CASE("Backpropagation through Rosenbrock methods agrees with differences of the replayed steps",
                   "[gradient][backpropagation]", Rosenbrock23, Rodas4) {
  GradientProblem problem;
  Index rejected = 0;
  const auto check = [&](const auto& control) {
    Backpropagation<>::Memory<GradientProblem::G, TestType> memory;
    const auto result = problem.run(Backpropagation<>{}, TestType{}, control, memory);
    const auto& recording = memory.recording;
    rejected += result.forward.rejected;
    CHECK(problem.replayed_loss<TestType>(recording, problem.field.parameters(), problem.y0) ==
          Approx(result.loss).epsilon(1e-12));
    const Vector<double> theta_bar = central_differences(
        [&](const Vector<double>& theta) { return problem.replayed_loss<TestType>(recording, theta, problem.y0); },
        problem.field.parameters());
    const Vector<double> y0_bar = central_differences(
        [&](const Vector<double>& y) {
          return problem.replayed_loss<TestType>(recording, problem.field.parameters(),
                                                 Eigen::Map<const Batch<double>>(y.data(), 2, 3));
        },
        problem.y0.reshaped());
    CHECK(max_difference(result.theta_bar, theta_bar) < 1e-8);
    CHECK(max_difference(result.y0_bar.reshaped(), y0_bar) < 1e-8);
  };
  check(FixedSteps(3));
  problem.times = {1, 0.3, 0.3, 0};
  check(FixedSteps(3));
  // Steps are rejected; nothing is iterated, so that control leaves no error of its own.
  problem.times = {0, 0.3, 0.3, 1};
  problem.field.parameters() *= 5;
  check(PiController{.rtol = 1e-3, .atol = 1e-3, .initial_step = 0.3});
  CHECK(rejected > 0);
}

TEMPLATE_TEST_CASE("Backpropagation through Rosenbrock methods: Robertson's reaction", "[gradient][backpropagation]",
                   Rosenbrock23, Rodas4) {
  const auto field = differentiable(Robertson{}, 3, Vector<double>{{-1.4, 7.5, 4}});
  using G = FieldDynamics<std::remove_const_t<decltype(field)>>;
  const G dynamics(field, 1);
  const std::vector<double> times{0, 1, 100};
  const PiController control{.rtol = 1e-4, .atol = 1e-6};
  typename Backpropagation<>::Memory<G, TestType> memory;
  Batch<double> y{{1}, {0}, {0}}, y_bar{{1}, {0.5}, {-1}};
  Vector<double> theta_bar = Vector<double>::Zero(3);
  const Backpropagation<> backpropagation;
  backpropagation.forward(TestType{}, control, dynamics, y, times, {}, memory);
  CHECK(memory.recording.steps().back().h > 1);  // 1e4 times the fastest time of the reaction
  backpropagation.backward(TestType{}, control, dynamics, times, {}, y_bar, theta_bar, memory);
  const auto replayed = [&](const Vector<double>& x) {
    auto moved = field;
    moved.parameters() = x.head(3);
    const G other(moved, 1);
    const Batch<double> end = replay_rosenbrock<TestType>(other, x.tail(3), memory.recording.steps()).back();
    return end(0, 0) + 0.5 * end(1, 0) - end(2, 0);
  };
  Vector<double> at(6);
  at << field.parameters(), 1, 0, 0;
  const Vector<double> expected = central_differences(replayed, at, 1e-5);
  CHECK(max_difference(theta_bar, expected.head(3)) < 1e-6);
  CHECK(max_difference(y_bar, expected.tail(3)) < 1e-6);
}

TEMPLATE_TEST_CASE("Backpropagation through Rosenbrock methods keeps its digits where the problem is stiff",
                   "[gradient][backpropagation]", Rosenbrock23, Rodas4) {
  // z is the cube root of cos(p t) to 1 / rate, and dz/dp = -t sin(p t) / (3 z²); the start is forgotten.
  const auto gradient = [](auto number) {
    using Scalar = decltype(number);
    const NeuralOde ode(differentiable(FastCube{}, 1, Vector<Scalar>{{Scalar(0.8), Scalar(1e5)}}), TestType{},
                        FixedSteps(40));
    const std::vector<double> times{0, 1};
    return ode.value_and_gradient(Batch<Scalar>::Ones(1, 1), times, half_square);
  };
  const auto exact = gradient(1.0);
  const double z = std::cbrt(std::cos(0.8));
  CHECK(exact.parameters(0) == Approx(z * -std::sin(0.8) / (3 * z * z)).epsilon(1e-3));
  CHECK(std::abs(exact.initial(0, 0)) < 1e-3);
  const auto single = gradient(1.0F);
  CHECK(double(single.parameters(0)) == Approx(exact.parameters(0)).epsilon(1e-4));
}

TEST_CASE("NeuralOde trains by a Rosenbrock method: context, sequences, chunks, and another method's gradient",
          "[gradient][neural-ode]") {
  Rng rng(3);
  Mlp<double, Tanh> field(2, {4}, rng, 2);
  Batch<double> y0(2, 3);
  fill<Gaussian>(rng.draw(), 0, y0);
  const Batch<double> context{{0.5, -1, 2}};
  const std::vector<double> times{0.2, 0.7, 1.3};
  const PiController tight{.rtol = 1e-9, .atol = 1e-11};
  const NeuralOde stiff(field, Rodas4{}, tight, ChunkWidth{2});
  const auto got = stiff.value_and_gradient(y0, times, half_square, context);
  const auto expected = NeuralOde(field, Dopri5{}, tight).value_and_gradient(y0, times, half_square, context);
  CHECK(got.value == Approx(expected.value).epsilon(1e-8));
  CHECK(max_difference(got.parameters, expected.parameters) < 1e-7);
  CHECK(max_difference(got.initial, expected.initial) < 1e-7);
  CHECK(max_difference(got.context, expected.context) < 1e-7);

  // The solve without a record takes the same steps.
  typename decltype(stiff)::Memory memory;
  const Statistics plain = stiff.solve(y0, times, memory, context);
  CHECK(plain.accepted == got.forward.accepted);
  double value = 0;
  for (std::size_t i = 1; i < times.size(); ++i) value += memory.outputs[i].squaredNorm() / 2;
  CHECK(value == Approx(got.value).epsilon(1e-15));

  // Sequences that start at different times: the field reads the time of each.
  std::vector<Sequence<double>> sequences(2);
  for (std::size_t j = 0; j < 2; ++j) {
    sequences[j].times = {0.1 + 0.5 * double(j), 0.9 + 0.3 * double(j)};
    sequences[j].states = Batch<double>{{0.3, -0.4}, {1, 0.2}} * (1 + double(j));
    sequences[j].context = Vector<double>{{0.7}};
  }
  const std::vector<Index> which{0, 1};
  const auto of_sequences = [&](const auto& ode) {
    typename std::decay_t<decltype(ode)>::Memory scratch;
    ValueAndGradient<double> result;
    ode.value_and_gradient(sequences, which, Vector<double>(), scratch, result);
    return result;
  };
  const auto by_rosenbrock = of_sequences(NeuralOde(field, Rodas4{}, tight));
  const auto by_explicit = of_sequences(NeuralOde(field, Dopri5{}, tight));
  CHECK(max_difference(by_rosenbrock.parameters, by_explicit.parameters) < 1e-7);
  CHECK(max_difference(by_rosenbrock.initial, by_explicit.initial) < 1e-7);
}

TEST_CASE(
    "Backpropagation through Rosenbrock methods: the same bits from kept tapes and recomputed stages, and no "
    "allocation",
    "[gradient][backpropagation]") {
  const GradientProblem problem;
  const GradientProblem::G dynamics(problem.field, 3);
  Backpropagation<KeepTapes>::Memory<GradientProblem::G, Rodas4> keep;
  Backpropagation<RecomputeStages>::Memory<GradientProblem::G, Rodas4> recompute;
  const PiController control{.rtol = 1e-4, .atol = 1e-4};
  const auto kept = problem.run(Backpropagation<KeepTapes>{}, Rodas4{}, control, keep);
  const auto again = problem.run(Backpropagation<RecomputeStages>{}, Rodas4{}, control, recompute);
  CHECK(kept.theta_bar == again.theta_bar);
  CHECK(kept.y0_bar == again.y0_bar);

  const Backpropagation<> gradient;
  Batch<double> y = problem.y0, y_bar = problem.y0;
  Vector<double> theta_bar = Vector<double>::Zero(problem.field.parameters().size());
  const std::array<double, 2> times{0, 1};
  const auto iteration = [&] {
    y = problem.y0;
    gradient.forward(Rodas4{}, control, dynamics, y, times, {}, keep);
    gradient.backward(Rodas4{}, control, dynamics, times, {}, y_bar, theta_bar, keep);
  };
  iteration();
  const AllocationCounter counter;
  iteration();
  CHECK(counter.count() == 0);
}
