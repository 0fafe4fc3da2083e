/// \file
/// Neural ODEs without a density: `node_fwd`, a forward solve, and `node_train`, one training iteration with a loss at
/// ten times. Stated in workloads.hpp, and for PyTorch and JAX in `peers/`.
#include <benchmarks/measure.hpp>
#include <benchmarks/workloads.hpp>
#include <pathline/gradient.hpp>
#include <pathline/train/adam.hpp>

#include <array>

using namespace pathline;

namespace {

// What a neural ODE takes that names no step control.
using DefaultControl = detail::OdeParts<Mlp<float, Tanh>>::Control;

template <class Control>
void node_fwd(benchmark::State& state) {
  const Index n = state.range(0);
  const NeuralOde ode(workloads::node_field<float>(), Dopri5{}, Control{.rtol = 1e-6, .atol = 1e-6},
                      ChunkWidth{n});  // one solve, as the peers' is
  const Batch<float> y0 = workloads::inputs<float>(2, n);
  const std::array<double, 2> times{0, 1};
  typename std::remove_const_t<decltype(ode)>::Memory memory;
  Statistics statistics;
  const double seconds = measure(state, [&] { statistics = ode.solve(y0, times, memory); });

  const double evaluations = double(statistics.evaluations);
  report_flops<float>(state, 2 * evaluations * workloads::multiply_adds({2, 64, 64, 2}, 0, 0) * double(n), seconds, n);
  state.counters["evaluations"] = evaluations;
  state.counters["rejected"] = double(statistics.rejected);
  state.counters["value"] = double(memory.outputs.back().squaredNorm()) / double(2 * n);
}

/// Outputs inside of the steps, as diffrax and torchdiffeq have them: the row of equal work beside theirs. Without it
/// each output ends a step.
struct Interpolating : Backpropagation<> {
  Interpolating() : Backpropagation<>{.step_cost = {}, .outputs = OutputTimes::interpolate} {}
};

template <class Control, class Gradient>
void node_train(benchmark::State& state) {
  const Index n = state.range(0);
  NeuralOde ode(workloads::spiral_field<float>(), Dopri5{}, Control{.rtol = 1e-7, .atol = 1e-9}, Gradient{});
  const Batch<float> y0 = workloads::inputs<float>(2, n);
  const std::vector<double> times = workloads::spiral_times();
  typename decltype(ode)::Memory memory;
  ValueAndGradient<float> result;
  OptimizerState<float> adam_state;
  const auto iteration = [&] {
    ode.value_and_gradient(y0, times, workloads::MeanSquare{}, memory, result);
    adam_state.step(Adam{.learning_rate = 1e-8}, result.parameters, ode.parameters());
  };
  iteration();
  const double value = double(result.value), norm = double(result.parameters.norm());
  const double seconds = measure(state, iteration);

  const double way_back = std::same_as<Gradient, Adjoint> ? 3 : 2;  // products for each one of an evaluation
  const double products = double(result.forward.evaluations) + way_back * double(result.backward.evaluations);
  report_flops<float>(state, 2 * products * workloads::multiply_adds({2, 50, 2}, 0, 0) * double(n), seconds, n);
  state.counters["evaluations"] = double(result.forward.evaluations);
  state.counters["rejected"] = double(result.forward.rejected);
  state.counters["value"] = value;
  state.counters["gradient_norm"] = norm;
}

void batches(benchmark::internal::Benchmark* b) { b->Unit(benchmark::kMillisecond)->ArgName("n")->Arg(1)->Arg(1024); }

void spiral(benchmark::internal::Benchmark* b) { b->Unit(benchmark::kMillisecond)->ArgName("n")->Arg(20); }

}  // namespace

BENCHMARK_TEMPLATE(node_fwd, IController)->Apply(batches);
BENCHMARK_TEMPLATE(node_fwd, DefaultControl)->Apply(batches);
BENCHMARK_TEMPLATE(node_train, IController, Backpropagation<>)->Apply(spiral);
BENCHMARK_TEMPLATE(node_train, IController, Interpolating)->Apply(spiral);
BENCHMARK_TEMPLATE(node_train, DefaultControl, Backpropagation<>)->Apply(spiral);
BENCHMARK_TEMPLATE(node_train, DefaultControl, Interpolating)->Apply(spiral);
BENCHMARK_TEMPLATE(node_train, IController, Adjoint)->Apply(spiral);
