/// \file
/// A flow without a gradient: log-densities of a batch, and the way from base points back to data. `inference` (the
/// flow of `ffjord_toy`) and `wide` (32-256-256-32) are stated in workloads.hpp, and for PyTorch and JAX in `peers/`.
#include <benchmarks/measure.hpp>
#include <benchmarks/workloads.hpp>
#include <pathline/core/chunk_settings.hpp>
#include <pathline/core/chunks.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/nn/mlp.hpp>

#include <algorithm>
#include <concepts>
#include <fstream>
#include <string>
#include <vector>

using namespace pathline;

namespace {

// What a flow takes that names no step control.
using DefaultControl = detail::FlowPolicies<Mlp<float, Tanh>>::Control;

template <class Control>
auto make_flow(const Mlp<float, Tanh>& field, int threads) {
  return Cnf(field, Dopri5{}, Control{.rtol = 1e-5, .atol = 1e-5}, Threads{threads});
}
template <class Control>
auto toy(int threads) {
  return make_flow<Control>(workloads::ffjord_field<float>(), threads);
}
template <class Control>
auto wide() {
  return make_flow<Control>(workloads::wide_field<float, Tanh>(32, 256), 1);
}
const std::vector<Index> toy_sizes{2, 64, 64, 64, 2}, wide_sizes{32, 256, 256, 32};

/// The mean log-density by an estimator.
template <class F, TracePolicy Estimator>
void log_prob(benchmark::State& state, const F& flow, const std::vector<Index>& sizes, const Estimator& estimator) {
  const Index n = state.range(0), d = flow.dim();
  // What the solve carries along, by which chunks are cut: nothing where the exact trace has a closed form. With two
  // hidden layers that takes about the products of one tangent, with three those of d without the end layers.
  const Index tangents = detail::evaluation_tangents<Estimator>(flow.field(), estimator.tangents(d));
  const bool exact = std::same_as<Estimator, ExactTrace>, deep = sizes.size() > 4;
  const Index k = !exact ? tangents : deep ? d : 1;
  const double ends = exact && deep ? double(d * k * (sizes[1] + sizes[sizes.size() - 2])) : 0;
  const Batch<float> X = workloads::inputs<float>(d, n);
  const double chunks = double(chunk_count(n, ChunkWidth{}.of(n, flow.field().widest(), tangents, sizeof(float))));
  Likelihood<float> result;
  const double seconds = measure(state, [&] { result = flow.likelihood(X, estimator); });
  const double evaluations = double(result.statistics.evaluations) / chunks;
  const Index columns = Index(double(n * (1 + k)) / chunks);
  // The second stage of a step of Dopri5 has no tangents: nobody reads its trace.
  const double without = double(result.statistics.accepted + result.statistics.rejected) / chunks;
  const double products = (evaluations - without) * (workloads::multiply_adds(sizes, 1, k) - ends) +
                          without * workloads::multiply_adds(sizes, 1, 0);
  report_flops<float>(state, 2 * products * double(n), seconds, columns);
  state.counters["evaluations"] = evaluations;
  state.counters["rejected"] = double(result.statistics.rejected);
  state.counters["solves"] = chunks;
  state.counters["value"] = double(result.log_prob.cast<double>().mean());
}

/// The mean of all squares of the data that the inputs, taken as base points, come from.
template <class F>
void sample(benchmark::State& state, const F& flow) {
  const Batch<float> Z = workloads::inputs<float>(flow.dim(), state.range(0));
  Batch<float> X;
  measure(state, [&] { X = flow.inverse(Z); });
  state.counters["value"] = X.cast<double>().squaredNorm() / double(X.size());
}

template <class Control>
void inference_log_prob(benchmark::State& state) {
  log_prob(state, toy<Control>(1), toy_sizes, ExactTrace{});
}
template <class Control>
void inference_sample(benchmark::State& state) {
  sample(state, toy<Control>(1));
}
template <class Control>
void wide_log_prob(benchmark::State& state) {
  log_prob(state, wide<Control>(), wide_sizes, ExactTrace{});
}
template <class Control>
void wide_log_prob_probe(benchmark::State& state) {
  log_prob(state, wide<Control>(), wide_sizes, workloads::StatedSigns{});
}
template <class Control>
void wide_sample(benchmark::State& state) {
  sample(state, wide<Control>());
}

/// Needs as many cores as threads: not for a run that is pinned to one.
void inference_threads(benchmark::State& state) {
  log_prob(state, toy<DefaultControl>(int(state.range(1))), toy_sizes, ExactTrace{});
}

/// Most resident memory of the process so far, in MiB; 0 where Linux does not tell.
double peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (double kib = 0; word == "VmHWM:" && status >> kib) return kib / 1024;
  return 0;
}

/// `extra_mib` is what log_prob takes beside its argument and its result.
void inference_memory(benchmark::State& state) {
  const auto flow = toy<DefaultControl>(1);
  const Index n = state.range(0);
  const Batch<float> X = workloads::inputs<float>(2, n);
  Row<float> result = Row<float>::Zero(n);
  std::ofstream("/proc/self/clear_refs") << 5 << std::flush;  // the peak starts from what is resident now
  const double before = peak_memory();
  for (auto _ : state) result = flow.log_prob(X);
  benchmark::DoNotOptimize(result.data());
  state.counters["extra_mib"] = peak_memory() - before;
}

// The smaller sizes are those that .ci/run takes.
void rows(benchmark::internal::Benchmark* b) { b->Unit(benchmark::kMillisecond)->ArgName("n")->Arg(100)->Arg(20'000); }
void few_rows(benchmark::internal::Benchmark* b) { b->Unit(benchmark::kMillisecond)->ArgName("n")->Arg(8)->Arg(500); }

}  // namespace

BENCHMARK_TEMPLATE(inference_log_prob, IController)->Apply(rows);
BENCHMARK_TEMPLATE(inference_log_prob, DefaultControl)->Apply(rows);
BENCHMARK_TEMPLATE(inference_sample, IController)->Apply(rows);
BENCHMARK_TEMPLATE(inference_sample, DefaultControl)->Apply(rows);
BENCHMARK_TEMPLATE(wide_log_prob, IController)->Apply(few_rows);
BENCHMARK_TEMPLATE(wide_log_prob, DefaultControl)->Apply(few_rows);
BENCHMARK_TEMPLATE(wide_log_prob_probe, IController)->Apply(few_rows);
BENCHMARK_TEMPLATE(wide_log_prob_probe, DefaultControl)->Apply(few_rows);
BENCHMARK_TEMPLATE(wide_sample, IController)->Apply(few_rows);
BENCHMARK_TEMPLATE(wide_sample, DefaultControl)->Apply(few_rows);
BENCHMARK(inference_threads)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->ArgNames({"n", "threads"})
    ->ArgsProduct({{32, 256, 20'000}, {1, 2}});
BENCHMARK(inference_memory)
    ->Unit(benchmark::kMillisecond)
    ->ArgName("n")
    ->RangeMultiplier(10)
    ->Range(10'000, 1'000'000)
    ->Iterations(1);
