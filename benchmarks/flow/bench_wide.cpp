/// \file
/// One training iteration of a flow of wide layers: the network d-h-h-d, softplus, one probe, eight steps of RK4.
/// `ffjord_wide` (d = 16, n = 1000) is stated in workloads.hpp, and for PyTorch and JAX in `peers/`; the others vary
/// one size at a time.
#include <benchmarks/measure.hpp>
#include <benchmarks/workloads.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/ode/explicit/fixed_step_tableaux.hpp>
#include <pathline/train/adam.hpp>

#include <numeric>
#include <vector>

using namespace pathline;

namespace {

constexpr Index steps = 8;

struct Sizes {
  Index n, h, d = 16;
  ChunkWidth width{};
  Threads threads{1};
};

template <Real Scalar>
void train(benchmark::State& state, const Sizes& sizes) {
  using Flow = Cnf<Mlp<Scalar, Softplus>, workloads::StatedSigns, Rk4, FixedSteps, ChunkWidth, Threads>;
  const auto [n, h, d, width, threads] = sizes;
  Flow flow(workloads::wide_field<Scalar, Softplus>(d, h), workloads::StatedSigns{}, Rk4{}, FixedSteps(steps), width,
            threads);
  const Batch<Scalar> X = workloads::inputs<Scalar>(d, n);
  std::vector<Index> samples(static_cast<std::size_t>(n));
  std::iota(samples.begin(), samples.end(), Index(0));
  OptimizerState<Scalar> adam;
  typename Flow::Memory memory;
  TrainingLoss<Scalar> loss;
  double value = 0, norm = 0;
  const double seconds = measure(state, [&] {
    flow.value_and_gradient(X, samples, Draw{}, memory, loss);
    if (norm == 0) {
      value = loss.loss;
      norm = double(loss.gradient.norm());
    }
    // So small a rate leaves the weights where they are: every iteration does the same work.
    adam.step(Adam{.learning_rate = 1e-8}, loss.gradient, flow.parameters());
  });
  // A pullback makes two products for each one of its evaluation.
  const double flops = 2 * 3 * double(4 * steps) * workloads::multiply_adds({d, h, h, d}, 1, 1) * double(n);
  report_flops<Scalar>(state, flops, seconds, 2 * (n / loss.solves));
  state.counters["evaluations"] = double(loss.forward.evaluations) / double(loss.solves);
  state.counters["rejected"] = 0;
  state.counters["solves"] = double(loss.solves);
  state.counters["value"] = value;
  state.counters["gradient_norm"] = norm;
}

template <Real Scalar>
void ffjord_wide(benchmark::State& state) {
  train<Scalar>(state, {.n = state.range(1), .h = state.range(0)});
}

void wide_growth(benchmark::State& state) {
  train<float>(state, {.n = state.range(2), .h = state.range(1), .d = state.range(0)});
}

void wide_chunks(benchmark::State& state) {
  train<float>(state, {.n = 1000, .h = state.range(0), .width = {state.range(1)}});
}

// Needs as many cores as threads: not for a run that is pinned to one.
void wide_threads(benchmark::State& state) {
  train<float>(state, {.n = state.range(0), .h = state.range(1), .threads = {int(state.range(2))}});
}

void widths(benchmark::internal::Benchmark* b) {
  b->Unit(benchmark::kMillisecond)->ArgNames({"h", "n"})->ArgsProduct({{64, 128, 256, 512, 1024}, {1000}});
}

// One size at a time, from d = 16, h = 128, n = 1024.
void sizes(benchmark::internal::Benchmark* b) {
  b->Unit(benchmark::kMillisecond)->ArgNames({"d", "h", "n"});
  for (const int n : {16, 64, 256, 1024, 4096, 16384}) b->Args({16, 128, n});
  for (const int h : {16, 32, 64, 256, 512, 1024}) b->Args({16, h, 1024});
  for (const int d : {2, 4, 8, 32, 64}) b->Args({d, 128, 1024});
}

}  // namespace

BENCHMARK_TEMPLATE(ffjord_wide, float)->Apply(widths);
BENCHMARK_TEMPLATE(ffjord_wide, double)->Apply(widths);
BENCHMARK(wide_growth)->Apply(sizes);
BENCHMARK(wide_chunks)
    ->Unit(benchmark::kMillisecond)
    ->ArgNames({"h", "width"})
    ->ArgsProduct({{64, 128, 256, 512, 1024}, {8, 16, 32, 64, 128, 256, 504}});
BENCHMARK(wide_threads)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->ArgNames({"n", "h", "threads"})
    ->ArgsProduct({{32, 256, 1024}, {64, 256}, {1, 2}});
