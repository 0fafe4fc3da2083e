#include <pathline/gradient/reversible/reversible_pullback.hpp>

#include <pathline/gradient/backpropagation.hpp>
#include <pathline/gradient/neural_ode.hpp>
#include <pathline/gradient/reversible/reversible_heun_pullback.hpp>
#include <pathline/ode/control/forced_points.hpp>
#include <pathline/ode/explicit/fixed_step_tableaux.hpp>
#include <pathline/ode/reversible/reversible_methods.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/gradient_problem.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <ratio>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

static_assert(MethodWithPullback<Reversible<Dopri5>> && MethodWithPullback<ReversibleHeun>);
static_assert(!CoupledMethod<Dopri5> && !CoupledMethod<ReversibleHeun>);

using Loose = Reversible<Rk4, std::ratio<1, 2>>;

/// The states after each of these steps, by the formulas of the papers as they are written there.
template <class Method, class G, class Steps>
std::vector<Batch<double>> replay_reversible(const G& dynamics, const Batch<double>& y0, const Steps& steps) {
  std::vector<Batch<double>> states{y0};
  Batch<double> y = y0, z = y0;
  const auto slope = [&](double t, const Batch<double>& x) {
    Workspace<double> workspace;
    Vector<double> tape(dynamics.tape_size());
    Batch<double> f(x.rows(), x.cols());
    dynamics.evaluate(t, x, f, std::span<double>(tape.data(), std::size_t(tape.size())), workspace);
    return f;
  };
  for (const auto& step : steps) {
    if constexpr (std::is_same_v<Method, ReversibleHeun>) {
      const Batch<double> f = slope(step.t, z);
      z = (2 * y - z + step.h * f).eval();
      y += 0.5 * step.h * (f + slope(step.t_next, z));
    } else {
      const auto increment = [&](const Batch<double>& x, const RecordedStep& half) -> Batch<double> {
        return replay<typename Method::Base>(dynamics, x, std::vector<RecordedStep>{half})[1] - x;
      };
      constexpr double coupling = Method::coupling;
      y = (coupling * y + (1 - coupling) * z + increment(z, {step.t, step.h, step.t_next, 0, 0})).eval();
      z -= increment(y, {step.t_next, -step.h, step.t, 0, 0});
    }
    states.push_back(y);
  }
  return states;
}

template <class Method>
using MemoryOf = Backpropagation<>::Memory<GradientProblem::G, Method>;

/// By the steps that a solve took, as a smooth function of parameters and start.
template <class Method, class Control>
void check_gradient(const Control& control, const GradientProblem& problem) {
  MemoryOf<Method> memory;
  const auto result = problem.run(Backpropagation<>{}, Method{}, control, memory);
  const auto loss = [&](const Vector<double>& theta, const Batch<double>& start) {
    GradientProblem::FieldType moved = problem.field;
    moved.parameters() = theta;
    const GradientProblem::G dynamics(moved, start.cols());
    const auto states = replay_reversible<Method>(dynamics, start, memory.recording.steps());
    std::vector<Batch<double>> outputs;
    for (const std::size_t index : memory.recording.outputs()) outputs.push_back(states[index]);
    return GradientProblem::loss(outputs);
  };
  CAPTURE(memory.recording.steps().size());
  const Vector<double> theta = problem.field.parameters();
  CHECK(result.loss == Approx(loss(theta, problem.y0)).epsilon(1e-12));
  const auto by_theta = central_differences([&](const Vector<double>& at) { return loss(at, problem.y0); }, theta);
  const auto by_start = central_differences([&](const Vector<double>& y) { return loss(theta, y.reshaped(2, 3)); },
                                            problem.y0.reshaped());
  CHECK(max_difference(result.theta_bar, by_theta) < 1e-8);
  CHECK(max_difference(result.y0_bar.reshaped(), by_start) < 1e-8);
}

/// The field of the problem, twice as fast from t = ½ on.
struct JumpingDynamics : GradientProblem::G {
  using GradientProblem::G::G;
  static double speed(double t) { return t < 0.5 ? 1 : 2; }
  void evaluate(double t, ConstBatchRef<double> y, BatchRef<double> dy, std::span<double> tape,
                Workspace<double>& workspace) const {
    GradientProblem::G::evaluate(t, y, dy, tape, workspace);
    dy *= speed(t);
  }
  void pullback(double t, std::span<double> tape, ConstBatchRef<double> dy_bar, BatchRef<double> path_bar,
                VectorRef<double> theta_bar, double& t_bar, Workspace<double>& workspace) const {
    const Batch<double> scaled = speed(t) * dy_bar;
    GradientProblem::G::pullback(t, tape, scaled, path_bar, theta_bar, t_bar, workspace);
  }
};

template <class Method>
struct ReversedProblem {
  GradientProblem problem;
  GradientProblem::G dynamics{problem.field, 3};
  MemoryOf<Method> memory;
  Vector<double> theta_bar = Vector<double>::Zero(problem.field.parameters().size());
  Batch<double> y = problem.y0, y_bar = problem.y0;

  void iterate(Index steps, double end = 1) {
    const std::array<double, 2> times{0, end};
    y = problem.y0;
    Backpropagation<>{}.forward(Method{}, FixedSteps(steps), dynamics, y, times, {}, memory);
    back(steps, end);
  }
  const Batch<double>& back(Index steps, double end = 1) {
    const std::array<double, 2> times{0, end};
    y_bar = problem.y0;
    Backpropagation<>{}.backward(Method{}, FixedSteps(steps), dynamics, times, {}, y_bar, theta_bar, memory);
    return y_bar;
  }
};

}  // namespace

TEMPLATE_TEST_CASE("Backpropagation through reversible methods agrees with differences of the recorded steps",
                   "[gradient][reversible][many-draws]", Reversible<Heun>, (Reversible<Heun, std::ratio<1>>), Loose,
                   Reversible<Dopri5>, ReversibleHeun) {
  GradientProblem problem;
  check_gradient<TestType>(FixedSteps(7), problem);
  if constexpr (EmbeddedMethod<TestType>) {
    const WithForcedPoints control(PiController{.rtol = 1e-4, .atol = 1e-4}, {.step_at = {}, .jump_at = {0.5}});
    check_gradient<TestType>(control, problem);
    problem.times = {1.0, 0.6, -0.2};
    check_gradient<TestType>(control, problem);
  }
}

TEMPLATE_TEST_CASE("Reversible steps before and after a jump of the right-hand side are pulled back apart",
                   "[gradient][reversible]", Reversible<Dopri5>, ReversibleHeun) {
  const GradientProblem problem;
  const WithForcedPoints control(PiController{.rtol = 1e-4, .atol = 1e-4}, {.step_at = {}, .jump_at = {0.5}});
  const std::array<double, 2> times{0, 1};
  const JumpingDynamics dynamics(problem.field, 3);
  Backpropagation<>::Memory<JumpingDynamics, TestType> memory;
  Batch<double> y = problem.y0;
  Backpropagation<>{}.forward(TestType{}, control, dynamics, y, times, {}, memory);
  Batch<double> y_bar = y.array().cos();
  Vector<double> theta_bar = Vector<double>::Zero(problem.field.parameters().size());
  Backpropagation<>{}.backward(TestType{}, control, dynamics, times, {}, y_bar, theta_bar, memory);
  const auto by_start = central_differences(
      [&](const Vector<double>& start) {
        return replay_reversible<TestType>(dynamics, start.reshaped(2, 3), memory.recording.steps())
            .back()
            .array()
            .sin()
            .sum();
      },
      problem.y0.reshaped());
  CHECK(max_difference(y_bar.reshaped(), by_start) < 1e-8);
}

TEST_CASE("The storage makes no difference to a reversible solve", "[gradient][reversible]") {
  const GradientProblem problem;
  MemoryOf<Loose> memory;
  Backpropagation<RecomputeStages>::Memory<GradientProblem::G, Loose> other;
  const auto result = problem.run(Backpropagation<>{}, Loose{}, FixedSteps(7), memory);
  CHECK(problem.run(Backpropagation<RecomputeStages>{}, Loose{}, FixedSteps(7), other).theta_bar == result.theta_bar);
  // Two intervals of seven steps; two steps of Rk4 for each, on the way out and on the way back.
  CHECK(result.forward.evaluations == 2 * 7 * 8);
  CHECK(result.backward.evaluations == 2 * 7 * 8);
}

// Rounding errors of λ = 0.99 grow by 1/λ a step, 2e4 in 1000 steps; those of λ = 1 and of reversible Heun hardly.
TEST_CASE("The way back of a reversible solve returns to its start", "[gradient][reversible]") {
  const auto drift = []<class Method>(Method, Index steps) {
    ReversedProblem<Method> problem;
    problem.iterate(steps, 5);
    return problem.memory.recording.drift();
  };
  for (const Index steps : {1, 10, 100, 1000}) {
    CAPTURE(steps);
    CHECK(drift(Reversible<Heun>{}, steps) < 1e-15 * std::pow(0.99, -double(steps)));
    CHECK(drift(Reversible<Heun, std::ratio<1>>{}, steps) < 1e-15);
    CHECK(drift(ReversibleHeun{}, steps) < 1e-14);
  }
  CHECK(drift(Reversible<Heun>{}, 1000) > 1e-13);
}

TEST_CASE("A reversible solve that cannot go back says so", "[gradient][reversible][errors]") {
  const auto message = [](const auto& run) -> std::string {
    try {
      run();
    } catch (const ReconstructionError& error) {
      CHECK(error.drift > 1.5e-8);
      return error.what();
    }
    return "no error";
  };
  CHECK_THAT(message([] { ReversedProblem<Loose>{}.iterate(80); }),
             ContainsSubstring("reversible solve on its way back: the state computed anew is off by") &&
                 ContainsSubstring("80 steps accepted") && ContainsSubstring("take a coupling nearer to 1"));
  // In a batch, with the sample's own number; and at output times in between the way back starts anew.
  const GradientProblem problem;
  const auto loss = [](const auto& states, auto& bars) {
    bars.back() = states.back().array().cos().matrix();
    return states.back().array().sin().sum();
  };
  const auto gradient = [&](auto method, Index steps, const std::vector<double>& times) {
    return NeuralOde(problem.field, method, FixedSteps(steps), ChunkWidth{1})
        .value_and_gradient(problem.y0, times, loss)
        .initial;
  };
  CHECK_THAT(message([&] { (void)gradient(Loose{}, 80, {0, 1}); }), ContainsSubstring("of sample 0"));
  // The two methods differ by 1e-9; rounding errors grow by 2^16 = 7e4 between the times, by 2^80 = 1e24 in all.
  CHECK(max_difference(gradient(Loose{}, 16, {0, 0.2, 0.4, 0.6, 0.8, 1}), gradient(Rk4{}, 80, {0, 1})) < 1e-8);
}

TEST_CASE("A NeuralOde by a reversible method solves and trains by the same numbers", "[gradient][reversible]") {
  const GradientProblem problem;
  const PiController control{.rtol = 1e-5, .atol = 1e-5};
  const NeuralOde ode(problem.field, Reversible<Dopri5>{}, control);
  std::vector<Batch<double>> trained;
  const auto loss = [&](const std::vector<Batch<double>>& states, std::vector<Batch<double>>& bars) {
    trained = states;
    bars = GradientProblem::loss_bar(states);
    return GradientProblem::loss(states);
  };
  (void)ode.value_and_gradient(problem.y0, problem.times, loss);
  CHECK(ode.solve(problem.y0, problem.times) == trained);
  const NeuralOde interpolating(problem.field, Reversible<Dopri5>{}, control,
                                Backpropagation<>{.outputs = OutputTimes::interpolate});
  CHECK_THROWS_AS((void)interpolating.solve(problem.y0, problem.times), ArgumentError);
}

TEST_CASE("Memory of a reversible solve does not grow with its steps",
          "[gradient][reversible][allocations][many-draws]") {
  ReversedProblem<Reversible<Dopri5>> problem;
  problem.iterate(8);
  const Batch<double> once = problem.back(8);
  const AllocationCounter again;
  problem.iterate(8);
  CHECK(again.count() == 0);
  CHECK(problem.back(8) == once);  // of one record as often as one likes
  CHECK(problem.back(8) == once);
  // 2048 steps: the list of their lengths doubles from 8 eight times.
  const AllocationCounter longer;
  problem.iterate(2048);
  CHECK(longer.count() <= 8);
  ReversedProblem<ReversibleHeun> heun;
  heun.iterate(8);
  const AllocationCounter of_heun;
  heun.iterate(2048);
  CHECK(of_heun.count() <= 8);
}

TEST_CASE("Reversible gradients of a float solve are those of double to rounding", "[gradient][reversible]") {
  const GradientProblem problem;
  Rng rng(11);
  Mlp<float, Tanh> field(2, {5, 4}, rng);
  field.parameters() = problem.field.parameters().cast<float>();
  const auto loss = [](const auto& states, auto& bars) {
    for (std::size_t i = 0; i < bars.size(); ++i) bars[i] = states[i].array().cos().matrix();
    return states[0](0, 0);
  };
  const auto single = NeuralOde(field, Reversible<Dopri5>{}, FixedSteps(20))
                          .value_and_gradient(problem.y0.cast<float>().eval(), problem.times, loss);
  const auto exact = NeuralOde(problem.field, Reversible<Dopri5>{}, FixedSteps(20))
                         .value_and_gradient(problem.y0, problem.times, loss);
  CHECK(max_difference(single.parameters.cast<double>().eval(), exact.parameters) < 1e-5);
  CHECK(max_difference(single.initial.cast<double>().eval(), exact.initial) < 1e-5);
}
