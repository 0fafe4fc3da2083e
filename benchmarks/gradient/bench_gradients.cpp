/// \file
/// What a gradient costs beside the forward solve of the same problem, by each way to make it: `times_forward`, the
/// forward part of the gradient included.
#include <benchmarks/measure.hpp>
#include <benchmarks/workloads.hpp>
#include <pathline/gradient.hpp>
#include <pathline/gradient/second_order/hessian_products.hpp>
#include <pathline/nn/compose/scaled.hpp>
#include <pathline/nn/compose/separable_field.hpp>
#include <pathline/nn/compose/split_field.hpp>
#include <pathline/ode/implicit/additive/additive_methods.hpp>
#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_methods.hpp>
#include <pathline/ode/implicit/rosenbrock/rosenbrock_methods.hpp>
#include <pathline/ode/reversible/reversible_methods.hpp>
#include <pathline/ode/symplectic/symplectic_methods.hpp>

#include <array>
#include <vector>

using namespace pathline;

namespace {

/// Value and gradient of the mean square at t = 1, and the solve alone.
template <class Ode>
void beside_forward(benchmark::State& state, const Ode& ode, Index n) {
  using Scalar = typename Ode::Scalar;
  const Batch<Scalar> y0 = workloads::inputs<Scalar>(ode.dim(), n);
  const std::array<double, 2> times{0, 1};
  typename Ode::Memory forward_memory, memory;
  ValueAndGradient<Scalar> result;
  const double forward = fastest_of(20, [&] { (void)ode.solve(y0, times, forward_memory); });
  const double seconds =
      measure(state, [&] { ode.value_and_gradient(y0, times, workloads::MeanSquare{}, memory, result); });
  state.counters["forward_ms"] = 1e3 * forward;
  state.counters["times_forward"] = seconds / forward;
  state.counters["evaluations"] = double(result.forward.evaluations);
  state.counters["pulled_back"] = double(result.backward.evaluations);
}

template <class Storage>
void gradient_of_dopri5(benchmark::State& state) {
  const Index n = state.range(0);
  beside_forward(state, NeuralOde(workloads::node_field<float>(), Dopri5{}, PiController{}, Backpropagation<Storage>{}),
                 n);
}

/// One step for all samples of a chunk, or one for each of them. The larger the weights, the more do the samples differ
/// in the steps that they need.
template <class Control>
void gradient_with_steps_by(benchmark::State& state) {
  const Control control{PiController{}};
  auto field = workloads::node_field<float>();
  field.parameters() *= float(state.range(1));
  beside_forward(state, NeuralOde(field, Dopri5{}, control), state.range(0));
}

/// A hundred steps of Rk4 from so many kept states.
void gradient_by_checkpoints(benchmark::State& state) {
  const Backpropagation<Checkpoints> gradient{.storage = {.count = state.range(0)}};
  beside_forward(state, NeuralOde(workloads::node_field<float>(), Rk4{}, FixedSteps(100), gradient), 64);
}
void gradient_by_kept_tapes(benchmark::State& state) {
  beside_forward(state, NeuralOde(workloads::node_field<float>(), Rk4{}, FixedSteps(100)), 64);
}

/// The same steps, reversible.
template <class Method>
void gradient_of_reversible(benchmark::State& state) {
  beside_forward(state, NeuralOde(workloads::node_field<float>(), Method{}, FixedSteps(100)), 64);
}

Mlp<double, Tanh> three_rows() {
  Rng rng(0);
  Mlp<double, Tanh> field(3, {10, 10}, rng);
  field.parameters() *= 3;
  return field;
}
constexpr PiController six_digits{.rtol = 1e-6, .atol = 1e-8};

void gradient_of_kvaerno5(benchmark::State& state) {
  beside_forward(state, NeuralOde(three_rows(), Kvaerno5{}, six_digits), state.range(0));
}
/// A hundred steps of Kvaerno5 of 16 samples, and the most of the heap that its first gradient took.
template <class Storage>
void gradient_of_kvaerno5_by(benchmark::State& state) {
  const NeuralOde ode(three_rows(), Kvaerno5{}, FixedSteps(100), Backpropagation<Storage>{});
  const Batch<double> y0 = workloads::inputs<double>(3, 16);
  const AllocationCounter heap;
  (void)ode.value_and_gradient(y0, std::vector<double>{0, 1}, workloads::MeanSquare{});
  const auto peak = double(heap.peak_bytes());
  beside_forward(state, ode, y0.cols());
  state.counters["peak_KiB"] = peak / 1024;
}
void gradient_of_rodas4(benchmark::State& state) {
  beside_forward(state, NeuralOde(three_rows(), Rodas4{}, six_digits), state.range(0));
}
/// The explicit part is scaled by 0.1.
void gradient_of_kennedy_carpenter4(benchmark::State& state) {
  const SplitField field{Scaled{three_rows(), 0.1}, three_rows()};
  beside_forward(state, NeuralOde(field, KennedyCarpenter4{}, six_digits), state.range(0));
}
/// A hundred steps of q'' = network(t, q).
void gradient_of_verlet(benchmark::State& state) {
  Rng rng(0);
  const SeparableField field{Network(Elementwise<double, Identity>(3), rng), three_rows()};
  beside_forward(state, NeuralOde(field, Verlet{}, FixedSteps(100)), state.range(0));
}

/// A product of the Hessian of least squares beside a gradient of the same loss.
void hessian_product_of_dopri5(benchmark::State& state) {
  const Index n = state.range(0);
  const NeuralOde ode(workloads::node_field<float>(), Dopri5{}, PiController{}, Backpropagation<>{});
  const Batch<float> y0 = workloads::inputs<float>(ode.dim(), n);
  const std::array<double, 2> times{0, 1};
  const LeastSquares loss{std::vector<Batch<float>>(2, Batch<float>::Zero(ode.dim(), n))};
  const Direction<float> direction{.parameters = Vector<float>::Ones(ode.parameters().size())};
  decltype(ode)::Memory memory;
  ValueAndGradient<float> result;
  HessianProducts curvature(ode);
  HessianProduct<float> product;
  const double gradient = fastest_of(20, [&] { ode.value_and_gradient(y0, times, loss, memory, result); });
  const double seconds = measure(state, [&] { curvature.hessian(y0, times, loss, direction, product); });
  state.counters["times_gradient"] = seconds / gradient;
}

}  // namespace

BENCHMARK_TEMPLATE(gradient_of_dopri5, KeepTapes)->Unit(benchmark::kMillisecond)->ArgName("n")->Arg(1024);
BENCHMARK_TEMPLATE(gradient_of_dopri5, RecomputeStages)->Unit(benchmark::kMillisecond)->ArgName("n")->Arg(1024);
BENCHMARK_TEMPLATE(gradient_of_dopri5, Checkpoints)->Unit(benchmark::kMillisecond)->ArgName("n")->Arg(1024);
BENCHMARK_TEMPLATE(gradient_with_steps_by, PiController)
    ->Unit(benchmark::kMillisecond)
    ->ArgNames({"n", "weights"})
    ->ArgsProduct({{256}, {1, 4}});
BENCHMARK_TEMPLATE(gradient_with_steps_by, PerSample<PiController>)
    ->Unit(benchmark::kMillisecond)
    ->ArgNames({"n", "weights"})
    ->ArgsProduct({{256}, {1, 4}});
BENCHMARK(gradient_by_kept_tapes)->Unit(benchmark::kMillisecond);
BENCHMARK(gradient_by_checkpoints)->Unit(benchmark::kMillisecond)->ArgName("states")->Arg(3)->Arg(8)->Arg(20)->Arg(100);
BENCHMARK_TEMPLATE(gradient_of_reversible, Reversible<Rk4>)->Unit(benchmark::kMillisecond);
BENCHMARK_TEMPLATE(gradient_of_reversible, ReversibleHeun)->Unit(benchmark::kMillisecond);
BENCHMARK(gradient_of_kvaerno5)->Unit(benchmark::kMillisecond)->ArgName("n")->Arg(1)->Arg(64);
BENCHMARK_TEMPLATE(gradient_of_kvaerno5_by, KeepTapes)->Unit(benchmark::kMillisecond);
BENCHMARK_TEMPLATE(gradient_of_kvaerno5_by, RecomputeStages)->Unit(benchmark::kMillisecond);
BENCHMARK_TEMPLATE(gradient_of_kvaerno5_by, Checkpoints)->Unit(benchmark::kMillisecond);
BENCHMARK(gradient_of_rodas4)->Unit(benchmark::kMillisecond)->ArgName("n")->Arg(1)->Arg(64);
BENCHMARK(gradient_of_kennedy_carpenter4)->Unit(benchmark::kMillisecond)->ArgName("n")->Arg(1)->Arg(64);
BENCHMARK(gradient_of_verlet)->Unit(benchmark::kMillisecond)->ArgName("n")->Arg(1)->Arg(64);
BENCHMARK(hessian_product_of_dopri5)->Unit(benchmark::kMillisecond)->ArgName("n")->Arg(16)->Arg(1024);
