/// \file
/// tanh of 16 floats at once by a table of 32 polynomials, for AVX-512, whose permutations look up 32 numbers in
/// registers: half the instructions of an exponential and a division, where no derivative is wanted.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/math/pack.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace pathline::detail {

template <Real Scalar>
inline constexpr bool has_tanh_table = std::is_same_v<Scalar, float> && sizeof(Pack<Scalar>) == 64;

/// On [a, b], four intervals for each power of two from 1/8 to 16: tanh x = Σ c_k (x - centre)^k. The number of an
/// interval is bits 21 to 25 of a float in it; the one below 1/8 has [0, 1/8].
struct TanhTable {
  static constexpr int degree = 5;
  static constexpr float low = 0.109375F, high = 10;  // in the interval of 0; from here on it gives 1
  alignas(64) float centre[32]{}, coefficients[degree + 1][32]{};
};

/// Taylor's series in double, from t' = 1 - t², made shorter by Chebyshev polynomials: the error is below 0.2 ulp.
template <class>
[[nodiscard]] constexpr TanhTable make_tanh_table() {
  constexpr int order = 16, degree = TanhTable::degree;
  struct Series {
    double c[order + 1]{};
  };
  const auto taylor = [](double value) {
    Series t{{value}};
    for (int k = 0; k < order; ++k) {
      double sum = k == 0 ? -1 : 0;
      for (int i = 0; i <= k; ++i) sum += t.c[i] * t.c[k - i];
      t.c[k + 1] = -sum / (k + 1);
    }
    return t;
  };
  const Series at_zero = taylor(0);
  const auto tanh = [&](double x) {
    const double small = x / 256;
    double value = 0;
    for (int k = order; k > 0; --k) value = (value + at_zero.c[k]) * small;
    for (int i = 0; i < 8; ++i) value = 2 * value / (1 + value * value);
    return value;
  };
  Series chebyshev[order + 1];
  chebyshev[0].c[0] = chebyshev[1].c[1] = 1;
  for (int n = 2; n <= order; ++n)
    for (int k = 0; k <= n; ++k)
      chebyshev[n].c[k] = (k > 0 ? 2 * chebyshev[n - 1].c[k - 1] : 0) - chebyshev[n - 2].c[k];
  TanhTable table;
  for (int i = -1; i < 28; ++i) {
    const double octave = double(1 << (i < 0 ? 0 : i / 4)) / 8, from = i < 0 ? -0.125 : octave * (1 + 0.25 * (i % 4)),
                 to = i < 0 ? 0.125 : from + 0.25 * octave, centre = (from + to) / 2, radius = to - centre;
    Series series = taylor(tanh(centre));
    for (int n = order; n > degree; --n) {
      double scale = series.c[n] / chebyshev[n].c[n];
      for (int k = n; k >= 0; --k, scale *= radius) series.c[k] -= scale * chebyshev[n].c[k];
    }
    const auto slot = std::bit_cast<std::uint32_t>(i < 0 ? TanhTable::low : float(centre)) >> 21 & 31U;
    table.centre[slot] = float(centre);
    for (int k = 0; k <= degree; ++k) table.coefficients[k][slot] = float(series.c[k]);
  }
  return table;
}
/// A template, so that only who takes it computes it.
template <class T = void>
inline constexpr TanhTable tanh_table = make_tanh_table<T>();

#if defined(EIGEN_VECTORIZE_AVX512)
/// tanh of several packs, each step for all of them before the next: a pack alone is one chain of dependent operations,
/// and few chains fit into the processor's window. Error below 1.5 ulp; NaN gives NaN.
template <std::size_t... I>
[[nodiscard]] EIGEN_ALWAYS_INLINE std::array<Pack<float>, sizeof...(I)> tanh_by_table(std::index_sequence<I...>,
                                                                                      const float* input) {
  using P = Pack<float>;
  using Packs = std::array<P, sizeof...(I)>;
  const Packs x{P::load(input + Index(I) * P::size)...};
  const Packs size{min(abs(x[I]), P(TanhTable::high))...};
  const auto slot_of = [](P value) {
    const __m512i bits = _mm512_castps_si512(max(value, P(TanhTable::low)).data());
    return P::from(_mm512_castsi512_ps(_mm512_srli_epi32(bits, 21)));
  };
  const auto look_up = [](const float* row, P slot) {
    return P::from(
        _mm512_permutex2var_ps(_mm512_load_ps(row), _mm512_castps_si512(slot.data()), _mm512_load_ps(row + 16)));
  };
  const Packs slot{slot_of(size[I])...};
  const Packs from_centre{(size[I] - look_up(tanh_table<>.centre, slot[I]))...};
  const auto& c = tanh_table<>.coefficients;
  Packs value{look_up(c[5], slot[I])...};
  const auto next = [&](const float* row) {
    ((value[I] = madd(value[I], from_centre[I], look_up(row, slot[I]))), ...);
  };
  next(c[4]);
  next(c[3]);
  next(c[2]);
  next(c[1]);
  next(c[0]);
  return {flipsign(value[I], x[I])...};
}
#endif

}  // namespace pathline::detail
