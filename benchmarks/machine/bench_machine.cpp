/// \file
/// The yardsticks themselves, so that they stand in every report.
#include <benchmarks/machine/rates.hpp>

#include <benchmark/benchmark.h>

using namespace pathline;

namespace {

void record(benchmark::State& state, double rate, double peak) {
  for (auto _ : state) continue;
  state.counters["GFLOP/s"] = rate / 1e9;
  state.counters["peak"] = rate / peak;
}

template <Real Scalar>
void fma_peak(benchmark::State& state) {
  record(state, machine::fma_peak<Scalar>(), machine::fma_peak<Scalar>());
}

template <Real Scalar, machine::Product product>
void gemm(benchmark::State& state) {
  record(state, machine::gemm_rate<Scalar>(product, state.range(0), state.range(1)), machine::fma_peak<Scalar>());
}

// 120 = 40 columns with two tangents each: what one chunk of a 2-D flow of width 64 multiplies; 48 is double's.
void shapes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"rows", "columns"})->Args({64, 48})->Args({64, 120})->Args({64, 1024})->Iterations(1);
}

}  // namespace

BENCHMARK_TEMPLATE(fma_peak, float)->Iterations(1);
BENCHMARK_TEMPLATE(fma_peak, double)->Iterations(1);
BENCHMARK_TEMPLATE(gemm, float, machine::Product::forward)->Apply(shapes);
BENCHMARK_TEMPLATE(gemm, float, machine::Product::to_input)->Apply(shapes);
BENCHMARK_TEMPLATE(gemm, float, machine::Product::to_weights)->Apply(shapes);
BENCHMARK_TEMPLATE(gemm, double, machine::Product::forward)->Apply(shapes);
BENCHMARK_TEMPLATE(gemm, double, machine::Product::to_input)->Apply(shapes);
BENCHMARK_TEMPLATE(gemm, double, machine::Product::to_weights)->Apply(shapes);
