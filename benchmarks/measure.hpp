/// \file
/// How every benchmark here measures: the fastest single iteration and the allocations of all of them, beside the mean
/// that Google Benchmark reports. On a machine with other work to do the fastest iteration repeats best, and it is what
/// the scripts in `peers/` report. An iteration's time is that of the clock, or that of the processor where it is less:
/// one thread is interrupted there, and time that others take is not its own. Below a millisecond the clock alone
/// counts: on a virtual machine with other work the processor's time of a solve of 8 microseconds came to 0.2.
#pragma once

#include <benchmarks/machine/rates.hpp>
#include <support/allocations.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <limits>

namespace pathline {

/// Processor time of the process, all threads together, in seconds.
[[nodiscard]] inline double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return double(time.tv_sec) + 1e-9 * double(time.tv_nsec);
}

/// The fastest of `count` runs, in seconds, after one that sizes the memory.
template <class Work>
double fastest_of(int count, Work&& work) {
  using Clock = std::chrono::steady_clock;
  work();
  double fastest = std::numeric_limits<double>::infinity();
  for (int i = 0; i < count; ++i) {
    const double processor = processor_seconds();
    const auto start = Clock::now();
    work();
    const std::chrono::duration<double> elapsed = Clock::now() - start;
    fastest = std::min({fastest, elapsed.count(), processor_seconds() - processor});
  }
  return fastest;
}

/// Runs `work` once to size its memory, then once an iteration. Sets the counters `fastest_ms` and `allocations` (per
/// iteration), and returns the fastest iteration in seconds.
template <class Work>
double measure(benchmark::State& state, Work&& work) {
  using Clock = std::chrono::steady_clock;
  work();
  double fastest = std::numeric_limits<double>::infinity();
  long allocations = 0;
  for (auto _ : state) {
    const AllocationCounter counter;
    const double processor = processor_seconds();
    const auto start = Clock::now();
    work();
    const std::chrono::duration<double> elapsed = Clock::now() - start;
    const double of_processor = processor_seconds() - processor;
    fastest = std::min(fastest, elapsed.count() < 1e-3 ? elapsed.count() : std::min(elapsed.count(), of_processor));
    allocations += counter.count();
  }
  state.counters["fastest_ms"] = 1e3 * fastest;
  if (AllocationCounter::available)
    state.counters["allocations"] =
        double(allocations) / double(std::max<benchmark::IterationCount>(1, state.iterations()));
  return fastest;
}

/// Sets what `flops` operations in `seconds` come to: `gflop`, `GFLOP/s`, `peak` (fraction of the core's multiply-adds)
/// and `floor_ms`, the time of the same operations as products of a 64 × 64 matrix with `columns` columns.
template <Real Scalar>
void report_flops(benchmark::State& state, double flops, double seconds, Index columns) {
  state.counters["gflop"] = flops / 1e9;
  state.counters["GFLOP/s"] = flops / seconds / 1e9;
  state.counters["peak"] = flops / seconds / machine::fma_peak<Scalar>();
  state.counters["floor_ms"] = 1e3 * flops / machine::gemm_rate<Scalar>(machine::Product::forward, 64, columns);
}

}  // namespace pathline
