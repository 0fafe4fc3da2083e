#include <pathline/gradient/checkpoint/checkpoints.hpp>

#include <pathline/gradient/backpropagation.hpp>
#include <pathline/gradient/checkpoint/binomial_schedule.hpp>
#include <pathline/gradient/checkpoint/checkpoint_recording.hpp>
#include <pathline/gradient/step_regularizers.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/gradient_problem.hpp>

using namespace pathline;
using namespace pathline::test;

static_assert(RunsAgain<Checkpoints> && RunsAgain<MemoryBudget> && !RunsAgain<KeepTapes>);
static_assert(!RecordStorage<Checkpoints>);

namespace {

template <class Method, class Storage, class Cost = NoStepCost>
struct Run {
  typename Backpropagation<Storage, Cost>::template Memory<GradientProblem::G, Method> memory;
  GradientProblem::Result result;

  template <class Control>
  Run(const Control& control, Storage storage, OutputTimes outputs = OutputTimes::step_to) {
    const Backpropagation<Storage, Cost> gradient{.step_cost = {}, .outputs = outputs, .storage = storage};
    result = GradientProblem{}.run(gradient, Method{}, control, memory);
  }
};

template <class Method, class Control, class Cost = NoStepCost>
void check_same_bits(const Control& control, OutputTimes outputs = OutputTimes::step_to) {
  const Run<Method, KeepTapes, Cost> kept(control, {}, outputs);
  for (const Index count : {1, 2, 3, 5, 100}) {
    const Run<Method, Checkpoints, Cost> again(control, {.count = count}, outputs);
    CAPTURE(count);
    CHECK(again.result.loss == kept.result.loss);
    CHECK(again.memory.step_cost == kept.memory.step_cost);
    CHECK(again.result.theta_bar == kept.result.theta_bar);
    CHECK(again.result.y0_bar == kept.result.y0_bar);
  }
}

/// The runs that the schedule counts and the solve itself makes: up to the last state that is kept on the way out.
Index first_passage(Index steps, Index count) {
  Index passed = 0;
  for (; count > 1 && steps > 1; --count) {
    const Index part = binomial_split(steps, count);
    passed += part;
    steps -= part;
  }
  return passed;
}

}  // namespace

TEMPLATE_TEST_CASE("Checkpoints give the bits of kept tapes", "[gradient][checkpoints]", Euler, Rk4, BogackiShampine,
                   Dopri5, Dop853) {
  check_same_bits<TestType>(FixedSteps(7));
  if constexpr (EmbeddedMethod<TestType>) check_same_bits<TestType>(PiController{.rtol = 1e-6, .atol = 1e-6});
  if constexpr (detail::interpolates<TestType>)
    check_same_bits<TestType>(PiController{.rtol = 1e-6, .atol = 1e-6}, OutputTimes::interpolate);
}

TEST_CASE("Checkpoints give the bits of kept tapes with a cost of the steps", "[gradient][checkpoints]") {
  check_same_bits<Dopri5, PiController, ErrorEstimateCost<Dopri5>>(PiController{.rtol = 1e-6, .atol = 1e-6});
}

TEST_CASE("Checkpoints: a known number of steps is run again as seldom as can be", "[gradient][checkpoints]") {
  const auto [steps, count] =
      GENERATE(table<Index, Index>({{1, 1}, {2, 1}, {7, 1}, {7, 2}, {12, 3}, {25, 4}, {40, 9}}));
  // Two intervals: the times of the problem repeat one.
  const Run<Rk4, Checkpoints> run(FixedSteps(steps), {.count = count});
  const Index total = 2 * steps;
  REQUIRE(Index(run.memory.recording.steps().size()) == total);
  // The solve itself has been through all steps, and has kept the states that the schedule wants on its way.
  CHECK(run.memory.recording.runs() == fewest_runs(total, count) - first_passage(total, count));
}

TEST_CASE("Checkpoints: of an unknown number of steps few more run again", "[gradient][checkpoints]") {
  const PiController control{.rtol = 1e-11, .atol = 1e-11};
  for (const Index count : {3, 4, 8, 16, 32}) {
    const Run<BogackiShampine, Checkpoints> run(control, {.count = count});
    const auto total = Index(run.memory.recording.steps().size());
    CAPTURE(count, total, run.memory.recording.runs());
    CHECK(total > 100);
    CHECK(run.memory.recording.runs() <= 3 * fewest_runs(total, count) / 2);
  }
}

TEST_CASE("Checkpoints and budgets that cannot be met are refused", "[gradient][checkpoints][errors]") {
  CHECK_THROWS_AS((Run<Rk4, Checkpoints>(FixedSteps(2), {.count = 0})), ArgumentError);
  try {
    const Run<Rk4, MemoryBudget> run(FixedSteps(2), {.bytes = 100});
    FAIL("not refused");
  } catch (const ArgumentError& error) {
    CHECK(std::string(error.what()).find("MemoryBudget: bytes") != std::string::npos);
  }
}

TEST_CASE("A memory budget is kept whatever the number of steps", "[gradient][checkpoints]") {
  const GradientProblem problem;
  const GradientProblem::G dynamics(problem.field, 3);
  const DynamicsView<double> view(dynamics);
  const std::size_t bytes = CheckpointRecording<Rk4, double>::bytes(view, 6);
  CHECK(MemoryBudget{bytes}.states<Rk4>(view) == 6);
  CHECK(MemoryBudget{bytes - 1}.states<Rk4>(view) == 5);
  const Run<Rk4, MemoryBudget> run(FixedSteps(300), {.bytes = bytes});
  const Run<Rk4, KeepTapes> kept(FixedSteps(300), {});
  CHECK(run.result.theta_bar == kept.result.theta_bar);
}

TEST_CASE("A memory budget is kept on the heap, also by states of a few numbers", "[gradient][checkpoints]") {
  if (!AllocationCounter::available) return;
  // Two intervals of 1500 steps, and 48 bytes a state. Beside the budget come five numbers a step; scratch, outputs and
  // results are what two steps have too. A block of the heap for each state would take 110 KB more.
  const auto peak = [](Index steps) {
    const AllocationCounter heap;
    const Run<Rk4, MemoryBudget> run(FixedSteps(steps), {.bytes = 100'000});
    return heap.peak_bytes();
  };
  const long states_and_steps = peak(1500) - peak(1);
  CHECK(states_and_steps > 200'000);
  CHECK(states_and_steps < 100'000 + 5 * 8 * 3000 + 10'000);
}

TEST_CASE("Checkpoints take room for the states asked for, not for a block of them", "[gradient][checkpoints]") {
  if (!AllocationCounter::available) return;
  const auto peak = [](Index count) {
    const AllocationCounter heap;
    const Run<Rk4, Checkpoints> run(FixedSteps(300), {.count = count});
    return heap.peak_bytes();
  };
  // 48 bytes a state; lists of what is kept and free take up to 32 more. 170 states would fit into one block.
  CHECK(peak(100) - peak(1) > 99 * 48);
}

TEST_CASE("Checkpoints allocate nothing after the first solve", "[gradient][checkpoints]") {
  const GradientProblem problem;
  const GradientProblem::G dynamics(problem.field, 3);
  const Backpropagation<Checkpoints> gradient{.storage = {.count = 3}};
  Backpropagation<Checkpoints>::Memory<GradientProblem::G, Dopri5> memory;
  Batch<double> y = problem.y0, y_bar = problem.y0;
  Vector<double> theta_bar = Vector<double>::Zero(problem.field.parameters().size());
  const std::array<double, 2> times{0, 1};
  const PiController control{.rtol = 1e-7, .atol = 1e-7};
  const auto iteration = [&] {
    y = problem.y0;
    gradient.forward(Dopri5{}, control, dynamics, y, times, {}, memory);
    gradient.backward(Dopri5{}, control, dynamics, times, {}, y_bar, theta_bar, memory);
  };
  iteration();
  const AllocationCounter counter;
  iteration();
  CHECK(counter.count() == 0);
}
