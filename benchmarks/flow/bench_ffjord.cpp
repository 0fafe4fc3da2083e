/// \file
/// One training iteration of a flow: forward solve, loss, gradient, Adam update, on a fixed batch. `ffjord_toy` and
/// `ffjord_hard` are stated in workloads.hpp, and for PyTorch and JAX in `peers/`.
#include <benchmarks/measure.hpp>
#include <benchmarks/workloads.hpp>
#include <pathline/flow.hpp>
#include <pathline/gradient/adjoint.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/train/adam.hpp>

#include <numeric>

using namespace pathline;

namespace {

// What a flow takes that names no step control.
using DefaultControl = detail::FlowPolicies<Mlp<float, Tanh>>::Control;

template <class Control, class Gradient>
class Iteration {
 public:
  Iteration(const Mlp<float, Tanh>& field, Index n, ChunkWidth width, Threads threads)
      : flow_(field, ExactTrace{}, Dopri5{}, Control{.rtol = 1e-5, .atol = 1e-5}, Gradient{}, width, threads),
        X_(workloads::inputs<float>(2, n)),
        samples_(static_cast<std::size_t>(n)) {
    std::iota(samples_.begin(), samples_.end(), Index(0));
  }

  void operator()() {
    flow_.value_and_gradient(X_, samples_, Draw{}, memory_, loss_);
    // So small a rate leaves the weights where they are: every iteration does the same work.
    adam_state_.step(Adam{.learning_rate = 1e-8}, loss_.gradient, flow_.parameters());
  }
  [[nodiscard]] const TrainingLoss<float>& loss() const { return loss_; }

 private:
  using Flow = Cnf<Mlp<float, Tanh>, ExactTrace, Dopri5, Control, Gradient, ChunkWidth, Threads>;
  Flow flow_;
  Batch<float> X_;
  std::vector<Index> samples_;
  OptimizerState<float> adam_state_;
  typename Flow::Memory memory_;
  TrainingLoss<float> loss_;
};

template <class Control, class Gradient>
void train(benchmark::State& state, const Mlp<float, Tanh>& field, Index n, ChunkWidth width = {},
           Threads threads = {1}) {
  Iteration<Control, Gradient> iteration(field, n, width, threads);
  iteration();
  const double value = iteration.loss().loss, norm = double(iteration.loss().gradient.norm());
  const double seconds = measure(state, [&] { iteration(); });

  const TrainingLoss<float>& loss = iteration.loss();
  const double solves = double(loss.solves), evaluations = double(loss.forward.evaluations) / solves;
  // A pullback makes two products for each one of its evaluation; the adjoint makes that evaluation anew.
  const double way_back = std::same_as<Gradient, Adjoint> ? 3 : 2;
  const double products = evaluations + way_back * double(loss.backward.evaluations) / solves;
  // The second stage of a step has no tangents, nor has its pullback: nobody reads its trace.
  double without = double(loss.forward.accepted + loss.forward.rejected) / solves;
  if (!std::same_as<Gradient, Adjoint>) without += way_back * double(loss.forward.accepted) / solves;
  const auto multiply_adds = [](Index tangents) { return workloads::multiply_adds({2, 64, 64, 64, 2}, 1, tangents); };
  const double flops = 2 * (products * multiply_adds(2) - without * (multiply_adds(2) - multiply_adds(0))) * double(n);
  report_flops<float>(state, flops, seconds, 3 * (n / loss.solves));
  state.counters["evaluations"] = evaluations;
  state.counters["rejected"] = double(loss.forward.rejected);
  state.counters["solves"] = solves;
  state.counters["value"] = value;
  state.counters["gradient_norm"] = norm;
}

template <class Control, class Gradient>
void ffjord_toy(benchmark::State& state) {
  train<Control, Gradient>(state, workloads::ffjord_field<float>(), state.range(0));
}

template <class Control, class Gradient>
void ffjord_hard(benchmark::State& state) {
  train<Control, Gradient>(state, workloads::hard_ffjord_field<float>(), state.range(0));
}

void ffjord_toy_chunks(benchmark::State& state) {
  train<IController, Backpropagation<>>(state, workloads::ffjord_field<float>(), state.range(0),
                                        ChunkWidth{state.range(1)});
}

// Needs as many cores as threads: not for a run that is pinned to one.
void ffjord_toy_threads(benchmark::State& state) {
  train<IController, Backpropagation<>>(state, workloads::ffjord_field<float>(), state.range(0), {},
                                        Threads{int(state.range(1))});
}

void batches(benchmark::internal::Benchmark* b) { b->Unit(benchmark::kMillisecond)->ArgName("n")->Arg(100)->Arg(1024); }

}  // namespace

BENCHMARK_TEMPLATE(ffjord_toy, IController, Backpropagation<>)->Apply(batches);
BENCHMARK_TEMPLATE(ffjord_toy, DefaultControl, Backpropagation<>)->Apply(batches);
BENCHMARK_TEMPLATE(ffjord_toy, IController, Adjoint)->Apply(batches);
BENCHMARK_TEMPLATE(ffjord_hard, IController, Adjoint)->Apply(batches);
BENCHMARK_TEMPLATE(ffjord_hard, IController, Backpropagation<>)->Apply(batches);
BENCHMARK_TEMPLATE(ffjord_hard, DefaultControl, Backpropagation<>)->Apply(batches);
BENCHMARK(ffjord_toy_chunks)
    ->Unit(benchmark::kMillisecond)
    ->ArgNames({"n", "width"})
    ->ArgsProduct({{100, 1024}, {8, 16, 24, 32, 40, 48, 64, 128, 256}});
BENCHMARK(ffjord_toy_threads)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->ArgNames({"n", "threads"})
    ->ArgsProduct({{100, 1024}, {1, 2}});
