#include <pathline/gradient/checkpoint/checkpoints.hpp>

#include <pathline/gradient/backpropagation.hpp>
#include <pathline/gradient/checkpoint/binomial_schedule.hpp>
#include <pathline/gradient/checkpoint/checkpoint_recording.hpp>
#include <pathline/gradient/checkpoint/kept_steps.hpp>
#include <pathline/gradient/step_regularizers.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/gradient_problem.hpp>

#include <cstddef>
#include <limits>

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

TEMPLATE_TEST_CASE("Checkpoints: steps that solve equations, and trials that were rejected, have the same bits",
                   "[gradient][checkpoints]", TrBdf2, Sdirk4, Kvaerno5, RadauIia5) {
  GradientProblem problem;
  problem.field.parameters() *= 8;
  const PiController loose{.rtol = 1e-4, .atol = 1e-4, .initial_step = 0.5};
  const auto check = [&problem](const auto& control) {
    typename Backpropagation<>::Memory<GradientProblem::G, TestType> keep;
    const auto kept = problem.run(Backpropagation<>{}, TestType{}, control, keep);
    REQUIRE(kept.forward.rejected > 0);
    typename Backpropagation<Checkpoints>::Memory<GradientProblem::G, TestType> memory;
    for (const Index count : {1, 3, 8}) {
      const Backpropagation<Checkpoints> gradient{.storage = {.count = count}};
      const auto again = problem.run(gradient, TestType{}, control, memory);
      CAPTURE(count);
      CHECK(again.loss == kept.loss);
      CHECK(again.theta_bar == kept.theta_bar);
      CHECK(again.y0_bar == kept.y0_bar);
    }
  };
  check(loose);
  if constexpr (std::is_same_v<TestType, Kvaerno5>)  // a step forced, a jump, and a stage that would lie beyond it
    check(WithForcedPoints(loose, {.step_at = {0.2}, .jump_at = {0.55}}));
}

TEST_CASE("Checkpoints: tolerances of the rows and a cost of the steps of implicit methods, and Adams methods",
          "[gradient][checkpoints]") {
  check_same_bits<Kvaerno3, PiController, ErrorEstimateCost<Kvaerno3>>(PiController{.rtol = 1e-5, .atol = 1e-5});
  check_same_bits<TrBdf2>(WithTolerances(PiController{}, Vector<double>{{1e-3, 1e-6}}, Vector<double>{{1e-3, 1e-6}}));
  // The history goes on in the last interval, and starts anew where steps change their length.
  check_same_bits<AdamsBashforthMoulton<4>>(FixedSteps(9));
}

TEST_CASE("Checkpoints: each solve in one memory is run again to its own tolerances", "[gradient][checkpoints]") {
  const Run<TrBdf2, KeepTapes> kept(FixedSteps(4), {});
  const auto check = [&kept](const auto& before) {
    Run<TrBdf2, Checkpoints> run(before, {.count = 2});
    const Backpropagation<Checkpoints> gradient{.storage = {.count = 2}};
    const auto again = GradientProblem{}.run(gradient, TrBdf2{}, FixedSteps(4), run.memory);
    CHECK(again.loss == kept.result.loss);
    CHECK(again.theta_bar == kept.result.theta_bar);
    CHECK(again.y0_bar == kept.result.y0_bar);
  };
  check(PiController{.rtol = 1e-2, .atol = 1e-2});
  check(WithTolerances(PiController{}, Vector<double>{{1e-2, 1e-2}}, Vector<double>{{1e-2, 1e-2}}));
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
  const Run<TrBdf2, Checkpoints> solved(FixedSteps(steps), {.count = count});
  CHECK(solved.memory.recording.runs() == run.memory.recording.runs());
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

TEST_CASE("A memory budget says what it would need, and that suffices", "[gradient][checkpoints][errors]") {
  // One start is kept: what runs again grows with the square of these, of which the solve takes twice as many.
  constexpr Index steps = 50;
  const auto needed = []<class Cost>(std::size_t bytes, Cost) {
    try {
      const Run<Dopri5, MemoryBudget, Cost> run(FixedSteps(steps), {.bytes = bytes});
    } catch (const ArgumentError& error) {
      const std::string message = error.what(), before = "at least ";
      return std::stoul(message.substr(message.find(before) + before.size()));
    }
    return 0UL;
  };
  const std::size_t least = needed(100, NoStepCost{}), with_stages = needed(100, ErrorEstimateCost<Dopri5>{});
  CHECK(least > 2 * steps * 4 * sizeof(double));         // the lengths of the steps
  CHECK(with_stages == least + 7 * 6 * sizeof(double));  // a cost of the steps reads the stages of the open one
  CHECK(needed(least - 1, NoStepCost{}) == least);
  CHECK(needed(least, NoStepCost{}) == 0);
  CHECK(needed(with_stages - 1, ErrorEstimateCost<Dopri5>{}) == with_stages);
  CHECK(needed(with_stages, ErrorEstimateCost<Dopri5>{}) == 0);
  const Run<Dopri5, MemoryBudget> run(FixedSteps(steps), {.bytes = least});
  const Run<Dopri5, KeepTapes> kept(FixedSteps(steps), {});
  CHECK(run.result.theta_bar == kept.result.theta_bar);
}

TEST_CASE("Kept starts give way until one is left", "[gradient][checkpoints]") {
  KeptSteps<double, NothingCarried> kept;
  const RecordRoom room{.bytes = 40'000};
  kept.plan(room, room.bytes, 0, 6);
  std::size_t bytes = room.bytes;
  for (std::size_t step = 0; step < 3000; ++step) {
    if (kept.wants(step)) std::fill_n(kept.keep(step).scalars, 6, double(step));
    if (step % 70 == 69 && bytes > 2 * kept.block_bytes()) {
      bytes -= kept.block_bytes();
      REQUIRE(kept.fit_into(bytes));
    }
  }
  CHECK_FALSE(kept.fit_into(kept.block_bytes() - 1));
  REQUIRE(kept.fit_into(kept.block_bytes()));
  std::size_t distance = 0, left = 3000;
  for (std::size_t step = 3000; step > 0; --step) {
    const auto start = kept.last_before(step - 1);
    REQUIRE(start.step < step);
    REQUIRE(start.scalars[0] == double(start.step));
    REQUIRE(start.scalars[5] == double(start.step));
    if (start.step == left) continue;
    if (left < 3000) {
      REQUIRE((distance == 0 || left - start.step == distance));
      distance = left - start.step;
    }
    left = start.step;
  }
  CHECK(kept.last_before(0).step == 0);
}

TEST_CASE("Starts kept of an unknown number of steps stay within what a budget counts", "[gradient][checkpoints]") {
  if (!AllocationCounter::available) return;
  const std::size_t bytes = 61'600;
  const AllocationCounter heap;
  KeptSteps<double, NothingCarried> kept;
  kept.plan({.bytes = bytes}, bytes, 0, 6);
  REQUIRE(kept.fit_into(bytes));
  for (std::size_t step = 0; step < 3000; ++step)
    if (kept.wants(step)) (void)kept.keep(step);
  CHECK(heap.peak_bytes() <= long(bytes));
  CHECK(heap.peak_bytes() > long(bytes) * 7 / 8);
  REQUIRE(kept.fit_into(bytes / 2));  // what is left keeps its blocks
  const AllocationCounter after;
  for (std::size_t step = 3000; step < 9000; ++step)
    if (kept.wants(step)) (void)kept.keep(step);
  CHECK(after.count() == 0);
}

TEST_CASE("A memory budget is kept on the heap, also by states of a few numbers", "[gradient][checkpoints]") {
  if (!AllocationCounter::available) return;
  // 48 bytes a state, beside which the four numbers of a step count. Scratch, outputs and results are what few steps
  // have too.
  const auto check = []<class Method, class Control>(Method, const Control& control, const Control& few) {
    const auto peak = [](const Control& steps, std::size_t bytes) {
      const AllocationCounter heap;
      const Run<Method, MemoryBudget> run(steps, {.bytes = bytes});
      return heap.peak_bytes();
    };
    const Run<Method, KeepTapes> kept(control, {});
    const Run<Method, MemoryBudget> run(control, {.bytes = 50'000});
    CAPTURE(run.memory.recording.steps().size(), run.memory.recording.runs());
    CHECK(run.result.theta_bar == kept.result.theta_bar);
    CHECK(run.result.y0_bar == kept.result.y0_bar);
    for (const long bytes : {70'000, 50'000}) {
      const long taken = peak(control, std::size_t(bytes)) - peak(few, std::size_t(bytes));
      CHECK(taken > bytes * 3 / 4);
      CHECK(taken < bytes);
    }
  };
  check(Rk4{}, FixedSteps(600), FixedSteps(1));
  // Of these a place also has Jacobians, or the slopes of the steps before.
  check(TrBdf2{}, FixedSteps(300), FixedSteps(1));
  check(AdamsBashforthMoulton<4>{}, FixedSteps(400), FixedSteps(1));
  // Under step control nobody knows how many steps come.
  const auto steps = [](double tolerance) { return PiController{.rtol = tolerance, .atol = tolerance}; };
  check(BogackiShampine{}, steps(1e-12), steps(1e-1));
  check(TrBdf2{}, steps(1e-11), steps(1e-1));
}

TEST_CASE("A memory budget that the lengths of the steps outgrow is refused, and leaves room for the next solve",
          "[gradient][checkpoints][errors]") {
  const PiController tight{.rtol = 1e-12, .atol = 1e-12}, loose{.rtol = 1e-3, .atol = 1e-3};
  const Backpropagation<MemoryBudget> gradient{.storage = {.bytes = 20'000}};
  Backpropagation<MemoryBudget>::Memory<GradientProblem::G, BogackiShampine> memory;
  const GradientProblem problem;
  CHECK_THROWS_WITH(problem.run(gradient, BogackiShampine{}, tight, memory),
                    ContainsSubstring("MemoryBudget: bytes") && ContainsSubstring("the lengths of "));
  const Run<BogackiShampine, KeepTapes> kept(loose, {});
  CHECK(problem.run(gradient, BogackiShampine{}, loose, memory).theta_bar == kept.result.theta_bar);
}

TEMPLATE_TEST_CASE("A memory budget counts what a stepper holds", "[gradient][checkpoints]", Rk4, ImplicitEuler, TrBdf2,
                   Kvaerno5, RadauIia5, Rodas4, AdamsBashforthMoulton<4>) {
  if (!AllocationCounter::available) return;
  using TheStepper = Stepper<TestType, Batch<double>>;
  const GradientProblem problem;
  const Batch<double> y = problem.y0.replicate(1, 20);
  const GradientProblem::G dynamics(problem.field, y.cols());
  Workspace<double> workspace;
  typename StepRecord<TestType>::template Recording<double, KeepTapes, false> record;
  record.start(typename StepRecord<TestType>::template Dynamics<double>(dynamics), workspace);
  const auto step = [&](TheStepper& stepper) {
    stepper.reset(y);
    (void)stepper.prepare(record, 0);
    if constexpr (ImplicitMethod<TestType>)
      (void)stepper.step(record, 0, 0.1, 0.1, record);
    else
      stepper.step(record, 0, 0.1, 0.1);
  };
  TheStepper first;
  step(first);  // takes the scratch of the record too
  record.clear(false);
  const AllocationCounter heap;
  TheStepper second;
  step(second);
  const auto said = double(TheStepper::storage_bytes(y.rows(), y.rows(), y.cols()));
  CAPTURE(said, heap.peak_bytes());
  CHECK(double(heap.peak_bytes()) < 1.1 * said);
  CHECK(double(heap.peak_bytes()) > 0.7 * said);
}

TEST_CASE("Checkpoints take room for the states asked for, not for a block of them", "[gradient][checkpoints]") {
  if (!AllocationCounter::available) return;
  const auto peak = [](Index count) {
    const AllocationCounter heap;
    const Run<Rk4, Checkpoints> run(FixedSteps(300), {.count = count});
    return heap.peak_bytes();
  };
  // 48 bytes a state; lists of what is kept and free take up to 32 more. 170 states would fit into one block.
  CHECK(peak(100) - peak(2) > 98 * 48);
}

TEST_CASE("A memory budget holds for solves of several widths in one memory, whatever the last one left",
          "[gradient][checkpoints]") {
  using Memory = Backpropagation<MemoryBudget>::Memory<GradientProblem::G, BogackiShampine>;
  const PiController tight{.rtol = 1e-12, .atol = 1e-12}, loose{.rtol = 1e-3, .atol = 1e-3};
  const auto run = [](Index columns, const PiController& control, std::size_t bytes, Memory& memory) {
    GradientProblem problem;
    const Batch<double> one = problem.y0.leftCols(1);
    problem.y0 = one.replicate(1, columns);
    const Backpropagation<MemoryBudget> gradient{.storage = {.bytes = bytes}};
    return problem.run(gradient, BogackiShampine{}, control, memory).theta_bar;
  };
  Memory fresh, memory;
  // A narrow chunk of many steps, then a wide one of few, for whose tapes the long lists left no room.
  const Vector<double> narrow = run(1, tight, 45'000, memory), expected = run(20, loose, 10'000'000, fresh);
  CHECK(run(20, loose, 45'000, memory) == expected);
  CHECK(run(1, tight, 45'000, memory) == narrow);
  // The same after a solve that stopped on its way.
  PiController few = tight;
  few.max_steps = 300;
  CHECK_THROWS_AS(run(1, few, 45'000, memory), SolveError);
  CHECK(run(20, loose, 45'000, memory) == expected);
  // Bounds that are none.
  CHECK(run(20, loose, std::numeric_limits<std::size_t>::max(), memory) == expected);
  CHECK(run(20, loose, std::numeric_limits<std::size_t>::max() - 1, memory) == expected);
  CHECK_THROWS_AS(run(20, loose, 0, memory), ArgumentError);
  // Chunks of a batch have two widths, whose steppers and tapes share the bytes.
  if (!AllocationCounter::available) return;
  const auto peak = [&](const PiController& control, std::size_t bytes) {
    Memory two;
    const AllocationCounter heap;
    for (const Index columns : {20, 19, 20, 19}) (void)run(columns, control, bytes, two);
    return heap.peak_bytes();
  };
  for (const long bytes : {80'000, 100'000}) {
    const long taken = peak(tight, std::size_t(bytes)) - peak(loose, std::size_t(bytes));
    CHECK(taken > bytes / 2);
    CHECK(taken < bytes);
  }
}

TEST_CASE("Starts lie in larger blocks once a solve has more of them", "[gradient][checkpoints]") {
  KeptSteps<double, NothingCarried> kept;
  const RecordRoom room{.bytes = 100'000};
  kept.plan(room, room.bytes, 1, 6);
  const std::size_t small = kept.block_bytes();
  kept.plan(room, room.bytes, 1000, 6);
  CHECK(kept.block_bytes() > 20 * small);
}

namespace {

template <class Method, class Storage>
void check_allocations(Storage storage, const PiController& control) {
  const GradientProblem problem;
  const GradientProblem::G dynamics(problem.field, 3);
  const Backpropagation<Storage> gradient{.storage = storage};
  typename Backpropagation<Storage>::template Memory<GradientProblem::G, Method> memory;
  Batch<double> y = problem.y0, y_bar = problem.y0;
  Vector<double> theta_bar = Vector<double>::Zero(problem.field.parameters().size());
  const std::array<double, 2> times{0, 1};
  const auto iteration = [&] {
    y = problem.y0;
    gradient.forward(Method{}, control, dynamics, y, times, {}, memory);
    gradient.backward(Method{}, control, dynamics, times, {}, y_bar, theta_bar, memory);
  };
  iteration();
  const AllocationCounter counter;
  iteration();
  CHECK(counter.count() == 0);
}

}  // namespace

TEMPLATE_TEST_CASE("Checkpoints allocate nothing after the first solve", "[gradient][checkpoints]", Dopri5, TrBdf2,
                   RadauIia5) {
  check_allocations<TestType, Checkpoints>({.count = 3}, {.rtol = 1e-7, .atol = 1e-7, .initial_step = 1});
}

TEST_CASE("A memory budget allocates nothing after the first solve", "[gradient][checkpoints]") {
  for (const unsigned bytes : {40'000U, 50'000U, 70'000U, 100'000U, 1'000'000U})
    check_allocations<BogackiShampine, MemoryBudget>({.bytes = bytes}, {.rtol = 1e-10, .atol = 1e-10});
}
