/// \file
/// tanh of 16 floats at once by a table of 32 polynomials, for AVX-512, whose permutations look up 32 numbers in
/// registers: half the instructions of an exponential and a division, where no derivative is wanted.
#pragma once

#include <pathline/math/pack.hpp>

#include <bit>
#include <cstdint>
#include <type_traits>

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
/// Error below 1.5 ulp; NaN gives NaN.
[[nodiscard]] EIGEN_ALWAYS_INLINE Pack<float> tanh_by_table(Pack<float> x) {
  using P = Pack<float>;
  const P size = min(abs(x), P(TanhTable::high));
  const __m512i slot = _mm512_srli_epi32(_mm512_castps_si512(max(size, P(TanhTable::low)).data()), 21);
  const auto look_up = [&](const float* row) {
    return P::from(_mm512_permutex2var_ps(_mm512_load_ps(row), slot, _mm512_load_ps(row + 16)));
  };
  const auto& c = tanh_table<>.coefficients;
  const P from_centre = size - look_up(tanh_table<>.centre);
  P value = look_up(c[5]);
  value = madd(value, from_centre, look_up(c[4]));
  value = madd(value, from_centre, look_up(c[3]));
  value = madd(value, from_centre, look_up(c[2]));
  value = madd(value, from_centre, look_up(c[1]));
  return flipsign(madd(value, from_centre, look_up(c[0])), x);
}
#endif

}  // namespace pathline::detail
