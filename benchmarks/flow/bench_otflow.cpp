/// \file
/// One training iteration of OT-Flow: forward solve, loss, gradient, Adam update, on a fixed batch. `otflow_toy` and
/// `otflow_wide` are stated in workloads.hpp, and for PyTorch and JAX in `peers/`; they grow here with d and m.
#include <benchmarks/measure.hpp>
#include <benchmarks/workloads.hpp>
#include <pathline/core/chunks.hpp>
#include <pathline/flow.hpp>
#include <pathline/train/adam.hpp>

#include <numeric>
#include <vector>

using namespace pathline;

namespace {

constexpr Index steps = 8;

using Flow = Cnf<Network<Potential<float>>, Rk4, FixedSteps, TransportCost, LikelihoodWeight, HamiltonJacobiBellman,
                 ChunkWidth, Threads>;

/// Multiply-adds of one evaluation with its pullback for one sample, one residual layer. Forward: K_0 [q | E] is free
/// of E's products; K_1 [u_0 | J_0], the gradient's K_1ᵀ and K_0ᵀ. Back, the same again twice: once for the cotangents
/// of what entered, once for those of the matrices. A's products are of order (d + 1)².
double multiply_adds(Index d, Index m) {
  const double q = double(d + 1), w = double(m);
  const double forward = w * q + w * w * q + w * w + w * q;
  return 3 * forward;
}

void train(benchmark::State& state, Index n, Index d, Index m, ChunkWidth width, Threads threads) {
  Flow flow(workloads::otflow_field<float>(d, m), Rk4{}, FixedSteps(steps), TransportCost{.weight = 1},
            LikelihoodWeight{30}, HamiltonJacobiBellman{.weight = 1}, width, threads);
  const Batch<float> X = workloads::inputs<float>(d, n);
  std::vector<Index> samples(static_cast<std::size_t>(n));
  std::iota(samples.begin(), samples.end(), Index(0));
  OptimizerState<float> adam;
  Flow::Memory memory;
  TrainingLoss<float> loss;
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
  report_flops<float>(state, 2 * double(4 * steps) * multiply_adds(d, m) * double(n), seconds, n / loss.solves);
  state.counters["evaluations"] = double(loss.forward.evaluations) / double(loss.solves);
  state.counters["rejected"] = 0;
  state.counters["solves"] = double(loss.solves);
  state.counters["value"] = value;
  state.counters["gradient_norm"] = norm;
}

template <class Control, class Gradient>
void otflow_toy(benchmark::State& state) {
  train(state, state.range(0), 2, 32, {}, {1});
}

template <class Control, class Gradient>
void otflow_wide(benchmark::State& state) {
  train(state, state.range(0), 32, 256, {}, {1});
}

void otflow_growth(benchmark::State& state) { train(state, 1024, state.range(0), state.range(1), {}, {1}); }

void otflow_chunks(benchmark::State& state) { train(state, 4096, 2, 32, {state.range(0)}, {1}); }

// The yardstick of the next one: matrix products alone, chunk by chunk as a flow's are, with nothing to wait for.
void products_threads(benchmark::State& state) {
  constexpr Index chunks = 128, columns = 96;
  const Eigen::MatrixXf A = Eigen::MatrixXf::Random(32, 32), X = Eigen::MatrixXf::Random(32, columns * chunks);
  Eigen::MatrixXf Y(32, columns * chunks);
  measure(state, [&] {
    for_each_chunk(X.cols(), columns, int(state.range(0)), [&](Index, ColumnChunk chunk, int) {
      for (int repeat = 0; repeat < 64; ++repeat)
        Y.middleCols(chunk.first, chunk.count).noalias() = A * X.middleCols(chunk.first, chunk.count);
    });
    benchmark::DoNotOptimize(Y.data());
  });
}

// These need as many cores as threads: not for a run that is pinned to one.
void otflow_threads(benchmark::State& state) { train(state, 4096, 2, 32, {}, {int(state.range(0))}); }

}  // namespace

BENCHMARK_TEMPLATE(otflow_toy, FixedSteps, Backpropagation<>)->Unit(benchmark::kMillisecond)->ArgName("n")->Arg(4096);
BENCHMARK_TEMPLATE(otflow_wide, FixedSteps, Backpropagation<>)
    ->Unit(benchmark::kMillisecond)
    ->ArgName("n")
    ->Arg(8)
    ->Arg(1024);
BENCHMARK(otflow_growth)->Unit(benchmark::kMillisecond)->ArgNames({"d", "m"})->ArgsProduct({{2, 8, 32}, {32, 64, 128}});
BENCHMARK(otflow_chunks)->Unit(benchmark::kMillisecond)->ArgName("width")->RangeMultiplier(2)->Range(8, 256);
BENCHMARK(products_threads)->Unit(benchmark::kMillisecond)->UseRealTime()->ArgName("threads")->Arg(1)->Arg(2);
BENCHMARK(otflow_threads)->Unit(benchmark::kMillisecond)->UseRealTime()->ArgName("threads")->Arg(1)->Arg(2);
