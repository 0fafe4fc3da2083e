/// \file
/// What a gradient remembers: peak memory and time of one gradient of a neural ODE, by everything that makes one,
/// against the number of steps.
///
/// A solve of N steps evaluates the field 4N times (RK4), and backpropagation needs every evaluation again, from the
/// last to the first. Either it keeps them, with all their intermediates (`KeepTapes`), or their arguments
/// (`RecomputeStages`): memory grows with N. Or it keeps some states and runs the steps between them again
/// (`Checkpoints`, `MemoryBudget`), undoes the steps one by one (`Reversible<Rk4>`, each of whose steps is two), solves
/// the adjoint equation along a path that it solves again (`Adjoint`) or kept (`InterpolatedAdjoint`, a few states a
/// step). The first four give the same bits, the gradient of the numbers computed; so does `Reversible<Rk4>` of its own
/// numbers, to rounding; the adjoints give that of the differential equation.
///
/// The first two pictures show what each costs of a 2-64-64-2 network in float on 16 samples; the third how much time
/// memory buys for 1024 steps: time with 2, 3, 4 … kept states over that with kept tapes, and beside it what the steps
/// that run again make one expect. Prints the numbers and writes memory.png. Takes about fifteen seconds; with
/// `--steps 256` it takes three.
#include <examples/command_line/command_line.hpp>
#include <examples/common/plot.hpp>

#include <pathline/core/chunk_settings.hpp>
#include <pathline/gradient/adjoint.hpp>
#include <pathline/gradient/adjoint/interpolated_adjoint.hpp>
#include <pathline/gradient/checkpoint/checkpoints.hpp>
#include <pathline/gradient/neural_ode.hpp>
#include <pathline/gradient/reversible/reversible_pullback.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/ode/explicit/fixed_step_tableaux.hpp>
#include <pathline/ode/reversible/reversible_methods.hpp>

#include <support/allocations.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <exception>
#include <filesystem>
#include <functional>
#include <iostream>
#include <limits>
#include <ratio>
#include <string>
#include <utility>
#include <vector>

using namespace pathline;
namespace plot = examples::plot;

namespace {

using Net = Mlp<float, Tanh>;

struct Cost {
  double mebibytes = 0, seconds = 0;
  Index runs = 0;  // steps that were run again, where that is so
};

/// One gradient of the mean of |y|²/2 at t = 1: its peak memory from cold, and the time of the next.
template <class Ode>
Cost cost_of(const Ode& ode, const Batch<float>& y0) {
  const std::vector<double> times{0, 1};
  const auto loss = [&](const std::vector<Batch<float>>& states, std::vector<Batch<float>>& bars) {
    bars[1] = states[1] / float(y0.cols());
    return states[1].squaredNorm() / float(2 * y0.cols());
  };
  Cost cost;
  typename Ode::Memory memory;
  ValueAndGradient<float> result;
  const AllocationCounter heap;
  ode.value_and_gradient(y0, times, loss, memory, result);
  cost.mebibytes = double(heap.peak_bytes()) / double(1 << 20);
  cost.seconds = std::numeric_limits<double>::infinity();
  double spent = 0;
  for (int again = 0; again < 2 || (again < 20 && spent < 0.02); ++again) {
    const std::clock_t start = std::clock();  // of the processor: one chunk runs in one thread
    ode.value_and_gradient(y0, times, loss, memory, result);
    const double seconds = double(std::clock() - start) / CLOCKS_PER_SEC;
    cost.seconds = std::min(cost.seconds, seconds);
    spent += seconds;
  }
  if constexpr (requires { memory.chunks.front().gradient.recording.runs(); })
    cost.runs = memory.chunks.front().gradient.recording.runs();
  return cost;
}

/// What is measured, and the least that was found.
struct Measurement {
  std::string name;
  Index steps, states;
  std::function<Cost()> run;
  Cost cost{.mebibytes = 0, .seconds = std::numeric_limits<double>::infinity(), .runs = 0};
};

struct Study {
  const Net& field;
  const Batch<float>& y0;
  std::vector<Measurement> all{};

  template <class Method, class Gradient>
  void add(const std::string& name, Index steps, const Method& method, const Gradient& gradient, Index states = 0) {
    all.push_back({name, steps, states, [this, method, steps, gradient] {
                     return cost_of(NeuralOde(field, method, FixedSteps(steps), gradient, ChunkWidth{y0.cols()}), y0);
                   }});
  }
  /// One after another, and all again: other programs come and go.
  void measure(Index rounds) {
    for (Index round = 0; round < rounds; ++round)
      for (Measurement& one : all) {
        const double least = one.cost.seconds;
        one.cost = one.run();
        one.cost.seconds = std::min(one.cost.seconds, least);
      }
  }
};

}  // namespace

int main(int argc, char** argv) try {
  Index steps = 4096, samples = 16, rounds = 1;
  std::uint64_t seed = 1;
  std::filesystem::path out = ".";
  examples::CommandLine line("Peak memory and time of a gradient against steps, by what is kept of the solve.");
  line.add("--steps", steps, "most steps of a solve; 16, 64, 256 ... up to it").within(64, 65'536);
  line.add("--samples", samples, "that are solved together").within(1, 10'000);
  line.add("--rounds", rounds, "of all measurements, of which the least times count").within(1, 100);
  line.add("--seed", seed, "of the network's parameters and the samples");
  line.add("--out", out, "folder for the picture").type("DIR");
  line.parse(argc, argv);
  if (!AllocationCounter::available) {
    std::cerr << "memory: peak memory is counted with glibc alone, and not in programs for a sanitizer\n";
    return 1;
  }

  Rng rng(seed);
  const Net field(2, {64, 64}, rng);
  Batch<float> y0(2, samples);
  fill<Gaussian>(rng.draw(), 0, y0);

  Study study{field, y0};
  for (Index n = 16; n <= steps; n *= 4) {
    study.add("KeepTapes", n, Rk4{}, Backpropagation<>{});
    study.add("RecomputeStages", n, Rk4{}, Backpropagation<RecomputeStages>{});
    study.add("Checkpoints, 16", n, Rk4{}, Backpropagation<Checkpoints>{.storage = {.count = 16}});
    study.add("MemoryBudget, 512 KiB", n, Rk4{}, Backpropagation<MemoryBudget>{.storage = {.bytes = 512 << 10}});
    // The coupling 0.99 would amplify rounding by 1e17 over 4096 steps.
    study.add("Reversible<Rk4>", n, Reversible<Rk4, std::ratio<9999, 10000>>{}, Backpropagation<>{});
    study.add("Adjoint", n, Rk4{}, Adjoint{});
    study.add("InterpolatedAdjoint", n, Rk4{}, InterpolatedAdjoint{});
  }
  // Time against kept states, none of them first: kept tapes.
  const auto budgets = std::ptrdiff_t(study.all.size());
  const Index length = std::min<Index>(steps, 1024);
  study.add("kept tapes", length, Rk4{}, Backpropagation<>{});
  for (Index count = 2; count < length; count += std::max<Index>(1, count / 3))
    study.add("kept states", length, Rk4{}, Backpropagation<Checkpoints>{.storage = {.count = count}}, count);
  study.add("kept states", length, Rk4{}, Backpropagation<Checkpoints>{.storage = {.count = length}}, length);
  study.measure(rounds);

  std::vector<plot::Points> memory, time;
  const auto append = [](double x, double y, Eigen::MatrixXd& curve) {
    curve.conservativeResize(2, curve.cols() + 1);
    curve.rightCols(1) << x, y;
  };
  std::printf("%22s %8s %12s %12s\n", "", "steps", "MiB", "ms");
  for (std::ptrdiff_t i = 0; i < budgets; ++i) {
    const Measurement& one = study.all[std::size_t(i)];
    const auto place = std::find_if(memory.begin(), memory.end(), [&](const auto& at) { return at.label == one.name; });
    const std::size_t curve = std::size_t(place - memory.begin());
    if (place == memory.end())
      for (auto* all : {&memory, &time}) all->push_back({Eigen::MatrixXd(2, 0), one.name});
    append(double(one.steps), one.cost.mebibytes, memory[curve].positions);
    append(double(one.steps), 1e6 * one.cost.seconds / double(one.steps), time[curve].positions);
    std::printf("%22s %8td %12.3f %12.2f\n", one.name.c_str(), one.steps, one.cost.mebibytes, 1e3 * one.cost.seconds);
  }
  const std::vector<Measurement> by_states(study.all.begin() + budgets, study.all.end());
  const Cost &tapes = by_states.front().cost, &fewest = by_states[1].cost, &most = by_states.back().cost;
  // Time of one rerun step: the extra time with two states, divided by the extra reruns.
  const double step = (fewest.seconds - most.seconds) / double(fewest.runs - most.runs);
  Eigen::MatrixXd measured(2, 0), promised(2, 0);
  std::printf("\n%22s %8s %12s %12s, over the %.2f ms of kept tapes\n", "kept states", "MiB", "run again", "times",
              1e3 * tapes.seconds);
  for (std::size_t i = 1; i < by_states.size(); ++i) {
    const Measurement& one = by_states[i];
    const double times = one.cost.seconds / tapes.seconds;
    append(double(one.states), times, measured);
    append(double(one.states), (most.seconds + double(one.cost.runs - most.runs) * step) / tapes.seconds, promised);
    std::printf("%22td %8.3f %12td %12.2f\n", one.states, one.cost.mebibytes, one.cost.runs, times);
  }

  if (!plot::gnuplot_available()) std::cout << plot::gnuplot_advice() << '\n';
  std::filesystem::create_directories(out);
  plot::log_graphs(out / "memory.png",
                   {{"peak memory", "steps", "MiB", memory},
                    {"time", "steps", "µs a step, out and back", time},
                    {std::to_string(length) + " steps: time against budget",
                     "kept states",
                     "time over that of kept tapes",
                     {{measured, "Checkpoints, measured"}},
                     {promised, "by the steps run again"}}},
                   {.title = "One gradient of a 2-64-64-2 network through RK4, " + std::to_string(samples) + " samples",
                    .width = 1800,
                    .height = 760});
  std::cout << "picture: " << (out / "memory.png").string() << '\n';
} catch (const std::exception& error) {
  std::cerr << "memory: " << error.what() << '\n';
  return 1;
}
