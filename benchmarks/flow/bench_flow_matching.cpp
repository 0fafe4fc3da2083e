/// \file
/// One training iteration by flow matching beside one by maximum likelihood, of the same flow and mini-batch, and the
/// couplings alone. The flow is that of `ffjord_toy` (workloads.hpp), with `scale` times its weights: with larger ones
/// a solve takes more evaluations, as with those of a trained flow; flow matching always takes one.
#include <benchmarks/measure.hpp>
#include <benchmarks/workloads.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/train/adam.hpp>
#include <pathline/train/matching/flow_matching.hpp>
#include <pathline/train/matching/optimal_transport.hpp>
#include <pathline/train/matching/sinkhorn.hpp>

#include <numeric>
#include <vector>

using namespace pathline;

namespace {

auto toy_flow(double scale = 1) {
  Mlp<float, Tanh> field = workloads::ffjord_field<float>();
  field.parameters() *= float(scale);
  return Cnf(field, PiController{.rtol = 1e-5, .atol = 1e-5}, Threads{1});
}
using Flow = decltype(toy_flow());

template <class Objective>
void train(benchmark::State& state, Flow& flow, const Objective& objective) {
  const Index n = state.range(0);
  const Batch<float> X = workloads::inputs<float>(2, n);
  std::vector<Index> samples(static_cast<std::size_t>(n));
  std::iota(samples.begin(), samples.end(), Index(0));
  typename Objective::Memory memory;
  auto loss = objective.make_training_loss();
  OptimizerState<float> adam_state;
  Rng rng(1);
  objective.value_and_gradient(X, samples, rng.draw(), memory, loss);
  state.counters["value"] = loss.loss;
  state.counters["evaluations"] = double(loss.forward.evaluations) / double(loss.solves);
  measure(state, [&] {
    objective.value_and_gradient(X, samples, rng.draw(), memory, loss);
    adam_state.step(Adam{.learning_rate = 1e-8}, loss.gradient, flow.parameters());
  });
}

void iteration_by_likelihood(benchmark::State& state) {
  Flow flow = toy_flow(double(state.range(1)));
  train(state, flow, flow);
}
template <class... Policies>
void iteration_by_matching(benchmark::State& state) {
  Flow flow = toy_flow();
  train(state, flow, FlowMatching(flow, Policies{}...));
}

/// Uniform data and Gaussian base points in d dimensions: `cost` is the mean squared distance of partners.
template <class Coupling>
void coupling(benchmark::State& state) {
  const Index n = state.range(0), d = state.range(1);
  Batch<float> Z(d, n), E(d, n);
  fill<Uniform>(Draw{1, 0}, 0, Z);
  Z *= 4;
  fill<Gaussian>(Draw{1, 1}, 0, E);
  std::vector<Index> samples(static_cast<std::size_t>(n)), partner(samples.size());
  std::iota(samples.begin(), samples.end(), Index(0));
  typename Coupling::Memory memory;
  measure(state, [&] { Coupling{}.template pair<float>(Z, E, samples, Draw{1, 2}, partner, memory); });
  double cost = 0;
  for (Index j = 0; j < n; ++j) cost += double((Z.col(j) - E.col(partner[std::size_t(j)])).squaredNorm()) / double(n);
  state.counters["cost"] = cost;
}

void batches(benchmark::internal::Benchmark* b) {
  b->Unit(benchmark::kMillisecond)->ArgName("n")->Arg(100)->Arg(256)->Arg(1024);
}
void sizes(benchmark::internal::Benchmark* b) {
  b->Unit(benchmark::kMillisecond)->ArgNames({"n", "d"})->ArgsProduct({{64, 256, 1024, 4096}, {2, 64}});
}

}  // namespace

BENCHMARK(iteration_by_likelihood)
    ->Unit(benchmark::kMillisecond)
    ->ArgNames({"n", "scale"})
    ->ArgsProduct({{100, 256, 1024}, {1, 4}});
BENCHMARK_TEMPLATE(iteration_by_matching)->Apply(batches);
BENCHMARK_TEMPLATE(iteration_by_matching, OptimalTransport)->Apply(batches);
BENCHMARK_TEMPLATE(iteration_by_matching, Sinkhorn)->Apply(batches);
BENCHMARK_TEMPLATE(coupling, OptimalTransport)->Apply(sizes);
BENCHMARK_TEMPLATE(coupling, Sinkhorn)->Apply(sizes);
