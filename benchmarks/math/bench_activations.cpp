/// \file
/// Activations: the value alone, and with both derivatives, per element of an array that stays in the first-level
/// cache.
#include <benchmarks/measure.hpp>
#include <pathline/math.hpp>

#include <cmath>

using namespace pathline;

namespace {

template <Real Scalar>
struct Arrays {
  Vector<Scalar> x = Vector<Scalar>::LinSpaced(1024, Scalar(-4), Scalar(4)), y = x, first = x, second = x;
};

void report_elements(benchmark::State& state, double seconds) { state.counters["ns/element"] = 1e9 * seconds / 1024; }

template <class Sigma, Real Scalar>
void activation(benchmark::State& state) {
  Arrays<Scalar> a;
  report_elements(state, measure(state, [&] {
                    activate<Sigma>(a.x.size(), a.x.data(), a.y.data());
                    benchmark::ClobberMemory();
                  }));
}

template <class Sigma, Real Scalar>
void activation_jet(benchmark::State& state) {
  Arrays<Scalar> a;
  report_elements(state, measure(state, [&] {
                    activate<Sigma>(a.x.size(), a.x.data(), a.y.data(), a.first.data(), a.second.data());
                    benchmark::ClobberMemory();
                  }));
}

// The standard library's, element by element: what a loop without the room `math` would cost.
template <Real Scalar>
void std_tanh(benchmark::State& state) {
  Arrays<Scalar> a;
  report_elements(state, measure(state, [&] {
                    for (Index i = 0; i < a.x.size(); ++i) a.y(i) = std::tanh(a.x(i));
                    benchmark::ClobberMemory();
                  }));
}

}  // namespace

BENCHMARK_TEMPLATE(std_tanh, float);
BENCHMARK_TEMPLATE(std_tanh, double);
BENCHMARK_TEMPLATE(activation, Tanh, float);
BENCHMARK_TEMPLATE(activation, Tanh, double);
BENCHMARK_TEMPLATE(activation_jet, Tanh, float);
BENCHMARK_TEMPLATE(activation_jet, Tanh, double);
BENCHMARK_TEMPLATE(activation_jet, LogTwoCosh, float);
BENCHMARK_TEMPLATE(activation_jet, LogTwoCosh, double);
BENCHMARK_TEMPLATE(activation_jet, Sigmoid, float);
BENCHMARK_TEMPLATE(activation_jet, Sigmoid, double);
BENCHMARK_TEMPLATE(activation_jet, Softplus, float);
BENCHMARK_TEMPLATE(activation_jet, Softplus, double);
BENCHMARK_TEMPLATE(activation_jet, Swish, float);
BENCHMARK_TEMPLATE(activation_jet, Swish, double);
BENCHMARK_TEMPLATE(activation_jet, Sine, float);
BENCHMARK_TEMPLATE(activation_jet, Sine, double);
