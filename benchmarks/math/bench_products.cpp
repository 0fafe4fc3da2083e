/// \file
/// The products of a dense layer h × h with a packed batch, by pathline's own kernels and by Eigen's, which copy both
/// factors every time: W X, Wᵀ Y_bar and += Y_bar Xᵀ. W lies as parameters do, not aligned.
#include <benchmarks/measure.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/math/matrix_product.hpp>
#include <pathline/math/outer_product.hpp>
#include <pathline/math/packed_product.hpp>
#include <pathline/math/small_product.hpp>

using namespace pathline;
using detail::Factor;

namespace {

template <Real Scalar>
class Layer {
 public:
  explicit Layer(const benchmark::State& state) : h(state.range(0)), X(Batch<Scalar>::Random(h, state.range(1))) {}

  template <class Work>
  void run(benchmark::State& state, Work&& work) {
    const double seconds = measure(state, [&] {
      work();
      benchmark::ClobberMemory();
    });
    const double flops = 2 * double(h) * double(X.size());
    state.counters["GFLOP/s"] = flops / seconds / 1e9;
    state.counters["peak"] = flops / seconds / machine::fma_peak<Scalar>();
  }

  Index h;
  Batch<Scalar> X, Y = X, W_bar = Batch<Scalar>::Zero(h, h);
  Vector<Scalar> theta = Vector<Scalar>::Random(h * h + 3);
  View<const Scalar> W{theta.data() + 3, h, h};
};

template <Factor Which, Real Scalar>
void panels(benchmark::State& state) {
  Layer<Scalar> layer(state);
  Workspace<Scalar> workspace;
  typename Workspace<Scalar>::Frame frame(workspace);
  const auto packed = detail::panels<Which, Scalar>(layer.W, frame);
  layer.run(state, [&] { detail::set_panel_product<Scalar>(packed, layer.X, layer.Y); });
}

// What a solve pays once for each of its layers and ways.
template <Factor Which, Real Scalar>
void write_panels(benchmark::State& state) {
  Layer<Scalar> layer(state);
  Vector<Scalar> packed(detail::packed_size<Scalar>(layer.h, layer.h));
  layer.run(state, [&] { detail::write_panels<Which, Scalar>(layer.W, packed.data()); });
}

template <Factor Which, Real Scalar>
void eigen(benchmark::State& state) {
  Layer<Scalar> layer(state);
  layer.run(state, [&] { detail::set_matrix_product<Which, Factor::plain, Scalar>(layer.W, layer.X, layer.Y); });
}

template <Real Scalar>
void outer(benchmark::State& state) {
  Layer<Scalar> layer(state);
  Workspace<Scalar> workspace;
  layer.run(state, [&] { add_outer_product<Scalar>(layer.Y, layer.X, layer.W_bar, workspace); });
}

template <Real Scalar>
void eigen_outer(benchmark::State& state) {
  Layer<Scalar> layer(state);
  layer.run(state, [&] {
    detail::add_matrix_product<Factor::plain, Factor::transposed, Scalar>(layer.Y, layer.X, layer.W_bar);
  });
}

void shapes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"h", "columns"});
  for (const int h : {16, 32, 64}) b->Args({h, 32})->Args({h, 128});
  for (const int h : {128, 256, 512, 1024}) b->Args({h, 64})->Args({h, 256});
}

}  // namespace

BENCHMARK_TEMPLATE(panels, Factor::plain, float)->Apply(shapes);
BENCHMARK_TEMPLATE(eigen, Factor::plain, float)->Apply(shapes);
BENCHMARK_TEMPLATE(panels, Factor::transposed, float)->Apply(shapes);
BENCHMARK_TEMPLATE(eigen, Factor::transposed, float)->Apply(shapes);
BENCHMARK_TEMPLATE(outer, float)->Apply(shapes);
BENCHMARK_TEMPLATE(eigen_outer, float)->Apply(shapes);
BENCHMARK_TEMPLATE(write_panels, Factor::plain, float)->Apply(shapes);
BENCHMARK_TEMPLATE(write_panels, Factor::transposed, float)->Apply(shapes);
BENCHMARK_TEMPLATE(panels, Factor::plain, double)->Apply(shapes);
BENCHMARK_TEMPLATE(eigen, Factor::plain, double)->Apply(shapes);
