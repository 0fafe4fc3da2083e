/// \file
/// What the solver costs beside the right-hand side: a system of two rows, whose right-hand side is a few operations.
#include <benchmarks/measure.hpp>
#include <pathline/ode.hpp>

using namespace pathline;

namespace {

template <class Method, class Control>
void lotka_volterra(benchmark::State& state) {
  long evaluations = 0;
  const auto rhs = [&](double /*t*/, const Eigen::Vector2d& y, Eigen::Vector2d& dy) {
    ++evaluations;
    dy(0) = y(0) * (1.5 - y(1));
    dy(1) = y(1) * (y(0) - 3.0);
  };
  const Eigen::Vector2d y0(1.0, 1.0);
  const double seconds = measure(state, [&] {
    evaluations = 0;
    const Eigen::Vector2d y1 = solve(rhs, y0, 0, 10, Method{}, Control{.rtol = 1e-8, .atol = 1e-8});
    benchmark::DoNotOptimize(y1.data());
  });
  state.counters["evaluations"] = double(evaluations);
  state.counters["ns/evaluation"] = 1e9 * seconds / double(evaluations);
}

}  // namespace

BENCHMARK_TEMPLATE(lotka_volterra, Dopri5, PiController)->Unit(benchmark::kMicrosecond);
BENCHMARK_TEMPLATE(lotka_volterra, Tsit5, PiController)->Unit(benchmark::kMicrosecond);
BENCHMARK_TEMPLATE(lotka_volterra, BogackiShampine, PiController)->Unit(benchmark::kMicrosecond);
