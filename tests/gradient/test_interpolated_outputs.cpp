#include <pathline/gradient/interpolated_outputs.hpp>

#include <pathline/nn/mlp.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/gradient_problem.hpp>

#include <cmath>
#include <concepts>
#include <span>
#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

const Backpropagation<> interpolating{.outputs = OutputTimes::interpolate};

/// Several outputs in a step, repeats, both ends, and steps without one.
GradientProblem problem_with_outputs(bool backward = false) {
  GradientProblem problem;
  problem.times = {0, 0, 0.02, 0.3, 0.3, 0.31, 0.9, 0.95, 1};
  if (backward)
    for (double& t : problem.times) t = 1 - t;
  return problem;
}

/// The loss of the recorded steps: the solver's own steps and interpolants, of given lengths.
template <class Method, class Recording>
double replayed_loss(const GradientProblem& problem, const Recording& recording, const Vector<double>& theta,
                     const Batch<double>& start) {
  Mlp<double, Tanh> moved = problem.field;
  moved.parameters() = theta;
  const GradientProblem::G dynamics(moved, start.cols());
  Workspace<double> workspace;
  SolverRightHandSide<GradientProblem::G> rhs{dynamics, workspace};
  Stepper<Method, Batch<double>> stepper;
  StepInterpolant<Batch<double>> interpolant;
  stepper.reset(start);
  std::vector<Batch<double>> outputs;
  while (outputs.size() < problem.times.size() && problem.times[outputs.size()] == problem.times.front())
    outputs.push_back(start);
  for (const auto& step : recording.steps()) {
    stepper.step(rhs, step.t, step.h, step.t_next);
    interpolant.begin(stepper, step.t);
    while (outputs.size() < problem.times.size()) {
      const double t = problem.times[outputs.size()];
      if (step.h > 0 ? t > step.t_next : t < step.t_next) break;
      interpolant.interpolate(t, outputs.emplace_back());
    }
    stepper.accept();
  }
  return GradientProblem::loss(outputs);
}

}  // namespace

TEMPLATE_TEST_CASE("A solve whose end alone is wanted has the bits of one with an empty list of outputs",
                   "[gradient][backpropagation]", PiController, FixedSteps) {
  const GradientProblem problem;
  const GradientProblem::G dynamics(problem.field, problem.y0.cols());
  const std::vector<double> ends = GENERATE(std::vector<double>{0, 1}, std::vector<double>{1, 0.25});
  const Backpropagation<> gradient{.outputs = GENERATE(OutputTimes::step_to, OutputTimes::interpolate)};
  const TestType control = [] {
    if constexpr (std::same_as<TestType, FixedSteps>)
      return FixedSteps(3);
    else
      return TestType{};
  }();
  const auto solve = [&](auto outputs, auto outputs_bar) {
    Backpropagation<>::Memory<GradientProblem::G, Dopri5> memory;
    Batch<double> y = problem.y0;
    GradientProblem::Result result;
    result.theta_bar.setZero(problem.field.parameters().size());
    result.forward = gradient.forward(Dopri5{}, control, dynamics, y, ends, outputs, memory);
    result.y0_bar = y.array().cos().matrix();
    result.loss = y.array().sin().sum();
    result.backward =
        gradient.backward(Dopri5{}, control, dynamics, ends, outputs_bar, result.y0_bar, result.theta_bar, memory);
    return result;
  };
  const auto ends_only = solve(no_outputs, no_outputs);
  const auto listed = solve(std::span<Batch<double>>{}, std::span<const Batch<double>>{});
  CHECK(ends_only.loss == listed.loss);
  CHECK((ends_only.y0_bar.array() == listed.y0_bar.array()).all());
  CHECK((ends_only.theta_bar.array() == listed.theta_bar.array()).all());
  CHECK(ends_only.theta_bar.cwiseAbs().maxCoeff() > 0);
  CHECK(ends_only.forward.accepted == listed.forward.accepted);
  CHECK(ends_only.forward.evaluations == listed.forward.evaluations);
  CHECK(ends_only.backward.evaluations == listed.backward.evaluations);
}

TEMPLATE_TEST_CASE("Gradients of interpolated outputs agree with central differences of the replayed steps",
                   "[gradient][backpropagation]", Dopri5, BogackiShampine) {
  const GradientProblem problem = problem_with_outputs(GENERATE(false, true));
  const PiController control{.rtol = 1e-3, .atol = 1e-3};
  Backpropagation<>::Memory<GradientProblem::G, TestType> memory;
  const auto result = problem.run(interpolating, TestType{}, control, memory);
  const auto& recording = memory.recording;
  REQUIRE(recording.steps().size() >= 2);
  const Vector<double>& theta = problem.field.parameters();
  CHECK(replayed_loss<TestType>(problem, recording, theta, problem.y0) == Approx(result.loss).epsilon(1e-13));
  const Vector<double> theta_bar = central_differences(
      [&](const Vector<double>& moved) { return replayed_loss<TestType>(problem, recording, moved, problem.y0); },
      theta);
  const Vector<double> y0_bar = central_differences(
      [&](const Vector<double>& y) {
        return replayed_loss<TestType>(problem, recording, theta, Eigen::Map<const Batch<double>>(y.data(), 2, 3));
      },
      problem.y0.reshaped());
  // Rounding of differences: ε · loss (about 50) / h = 1e-8, against gradients of order 50.
  CHECK(max_difference(result.theta_bar, theta_bar) < 5e-8);
  CHECK(max_difference(result.y0_bar.reshaped(), y0_bar) < 5e-8);
}

TEST_CASE("Interpolated outputs cost no step and no evaluation", "[gradient][backpropagation]") {
  const GradientProblem problem = problem_with_outputs();
  GradientProblem ends = problem;
  ends.times = {0, 1};
  const IController control{.rtol = 1e-5, .atol = 1e-5};
  Backpropagation<>::Memory<GradientProblem::G, Tsit5> memory;
  const auto with = problem.run(interpolating, Tsit5{}, control, memory);
  const auto without = ends.run(Backpropagation<>{}, Tsit5{}, control, memory);
  const auto landed = problem.run(Backpropagation<>{}, Tsit5{}, control, memory);
  CHECK(with.forward == without.forward);
  CHECK(with.backward.evaluations <= without.backward.evaluations + 1);  // the slope at the very end
  CHECK(landed.forward.evaluations > with.forward.evaluations);
}

TEST_CASE("With the tolerance the gradient of interpolated outputs becomes that of landed ones",
          "[gradient][backpropagation]") {
  const GradientProblem problem = problem_with_outputs();
  const PiController control{.rtol = 1e-12, .atol = 1e-12};
  Backpropagation<>::Memory<GradientProblem::G, Dopri5> memory;
  const auto interpolated = problem.run(interpolating, Dopri5{}, control, memory);
  const auto landed = problem.run(Backpropagation<>{}, Dopri5{}, control, memory);
  CHECK(interpolated.loss == Approx(landed.loss).epsilon(1e-9));
  CHECK(max_difference(interpolated.theta_bar, landed.theta_bar) < 1e-7);
  CHECK(max_difference(interpolated.y0_bar, landed.y0_bar) < 1e-7);
}

TEST_CASE("An interpolated output at a jump, or where a solve starts or ends at one, is the landed one",
          "[gradient][backpropagation]") {
  GradientProblem problem = problem_with_outputs(GENERATE(false, true));
  std::vector<double>& t = problem.times;
  t.insert(t.begin() + 2, std::nextafter(t.front(), t.back()));  // where the first step starts
  const WithForcedPoints control(PiController{.rtol = 1e-12, .atol = 1e-12}, {.jump_at = {t.front(), t[4], t.back()}});
  Backpropagation<>::Memory<GradientProblem::G, Dopri5> memory;
  const auto interpolated = problem.run(interpolating, Dopri5{}, control, memory);
  const auto landed = problem.run(Backpropagation<>{}, Dopri5{}, control, memory);
  CHECK(interpolated.loss == Approx(landed.loss).epsilon(1e-9));
  CHECK(max_difference(interpolated.theta_bar, landed.theta_bar) < 1e-7);
  CHECK(max_difference(interpolated.y0_bar, landed.y0_bar) < 1e-7);
  const NeuralOde ode(problem.field, Dopri5{}, control, interpolating);
  CHECK(GradientProblem::loss(ode.solve(problem.y0, t)) == interpolated.loss);
}

TEST_CASE("NeuralOde's states are the same with and without a gradient, interpolated too", "[gradient]") {
  const GradientProblem problem = problem_with_outputs();
  const NeuralOde ode(problem.field, Dopri5{}, PiController{}, interpolating);
  const std::vector<Batch<double>> states = ode.solve(problem.y0, problem.times);
  const auto result = ode.value_and_gradient(problem.y0, problem.times,
                                             [&](const std::vector<Batch<double>>& same, std::vector<Batch<double>>&) {
                                               for (std::size_t i = 0; i < states.size(); ++i)
                                                 CHECK(same[i] == states[i]);
                                               return 0.;
                                             });
  CHECK(result.initial.isZero());
}

TEST_CASE("Interpolated outputs allocate nothing once memory has its size", "[gradient][allocations]") {
  const GradientProblem problem = problem_with_outputs();
  const NeuralOde ode(problem.field, Dopri5{}, PiController{}, interpolating);
  NeuralOde<Mlp<double, Tanh>, Dopri5, PiController, Backpropagation<>>::Memory memory;
  ValueAndGradient<double> result;
  const auto loss = [](const std::vector<Batch<double>>& states, std::vector<Batch<double>>& bars) {
    for (std::size_t i = 0; i < states.size(); ++i) bars[i] += states[i];
    return 0.;
  };
  ode.value_and_gradient(problem.y0, problem.times, loss, memory, result);
  const AllocationCounter counter;
  ode.value_and_gradient(problem.y0, problem.times, loss, memory, result);
  CHECK(counter.count() == 0);
}

TEST_CASE("Interpolated outputs refuse methods without a slope at the end, and unordered times", "[gradient][errors]") {
  GradientProblem problem = problem_with_outputs();
  CHECK_THROWS_AS(NeuralOde(problem.field, Rk4{}, FixedSteps(5), interpolating).solve(problem.y0, problem.times),
                  ArgumentError);
  problem.times[3] = 0.99;
  CHECK_THROWS_AS(NeuralOde(problem.field, Dopri5{}, PiController{}, interpolating).solve(problem.y0, problem.times),
                  ArgumentError);
}
