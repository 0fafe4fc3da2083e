#include <benchmarks/machine/rates.hpp>

#include <pathline/math/pack.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

namespace pathline::machine {
namespace {

template <class Work>
double fastest_seconds(int repetitions, Work&& work) {
  using Clock = std::chrono::steady_clock;
  double fastest = std::numeric_limits<double>::infinity();
  for (int i = 0; i < repetitions; ++i) {
    const auto start = Clock::now();
    work();
    fastest = std::min(fastest, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return fastest;
}

// Twelve chains hide a latency of up to six cycles behind two units, and leave room for both operands in 16 registers.
using Chains = std::make_index_sequence<12>;

// The compiler's own vectors, not `Pack`: Eigen's `pmadd` is an assembler statement that adds to its third operand,
// which the compilers copy for it in each round. Written as x a + b the result takes the place of x.
template <Real Scalar, std::size_t... I>
EIGEN_DONT_INLINE Scalar multiply_add(Index rounds, Scalar factor, Scalar summand, std::index_sequence<I...>) {
  using Lanes [[gnu::vector_size(sizeof(Scalar) * Pack<Scalar>::size)]] = Scalar;
  Lanes chain[] = {Lanes{} + Scalar(I)...};
  const Lanes a = Lanes{} + factor, b = Lanes{} + summand;
  for (Index r = 0; r < rounds; ++r) ((chain[I] = chain[I] * a + b), ...);
  return (chain[I] + ...)[0];
}

template <Real Scalar>
double measure_fma_peak() {
  constexpr Index rounds = 20'000;
  const double seconds = fastest_seconds(2000, [] {
    // The fixed point is 1: no overflow, no denormal numbers.
    benchmark::DoNotOptimize(multiply_add(rounds, Scalar(0.5), Scalar(0.5), Chains{}));
  });
  return 2.0 * double(rounds * Index(Chains::size()) * Pack<Scalar>::size) / seconds;
}

template <Real Scalar>
double measure_gemm_rate(Product product, Index rows, Index columns) {
  Batch<Scalar> W = Batch<Scalar>::Random(rows, rows);
  Batch<Scalar> X = Batch<Scalar>::Random(rows, columns), Y = Batch<Scalar>::Random(rows, columns);
  const auto once = [&] {
    switch (product) {
      case Product::forward:
        Y.noalias() = W * X;
        break;
      case Product::to_input:
        X.noalias() = W.transpose() * Y;
        break;
      case Product::to_weights:
        W.noalias() += Y * X.transpose();
        break;
    }
    benchmark::ClobberMemory();
  };
  const double flops = 2.0 * double(rows) * double(rows) * double(columns);
  const int batch = std::max(1, int(1e6 / flops));  // long enough for the clock
  const double seconds = fastest_seconds(1000, [&] {
    for (int i = 0; i < batch; ++i) once();
  });
  return flops * batch / seconds;
}

}  // namespace

template <Real Scalar>
double fma_peak() {
  static const double peak = measure_fma_peak<Scalar>();
  return peak;
}

template <Real Scalar>
double gemm_rate(Product product, Index rows, Index columns) {
  static std::map<std::tuple<Product, Index, Index>, double> known;
  const auto key = std::tuple(product, rows, columns);
  const auto found = known.find(key);
  if (found != known.end()) return found->second;
  return known[key] = measure_gemm_rate<Scalar>(product, rows, columns);
}

template double fma_peak<float>();
template double fma_peak<double>();
template double gemm_rate<float>(Product, Index, Index);
template double gemm_rate<double>(Product, Index, Index);

}  // namespace pathline::machine
