/// \file
/// Gaussians that are the same bits on every machine: Box & Muller's transform (Ann. Math. Statist. 29 (1958) 610–611)
/// with its own logarithm, sine and cosine, because those of the standard libraries differ in the last bit.
///
/// IEEE 754 fixes the bits of +, -, ·, /, √ and fma, but a compiler may contract a product and a sum into one fma, and
/// compilers differ in when they do. So every multiply-add is an explicit `std::fma`, and no product feeds a sum or a
/// difference. Holds for any optimisation level and instruction set; `-ffast-math` forfeits it.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <utility>

namespace pathline::detail {

/// c₀ + c₁ x + … by Horner's rule. A fold and no loop, which g++ unrolls at -O3 only.
template <std::size_t Count>
[[nodiscard]] inline double polynomial(double x, const std::array<double, Count>& c) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    double sum = c[Count - 1];
    ((sum = std::fma(sum, x, c[Count - 2 - I])), ...);
    return sum;
  }
  (std::make_index_sequence<Count - 1>());
}

/// log x for a normal x > 0; relative error below 4e-16, also near 1.
///
/// x = 2ᵉ m with √½ ≤ m < √2 and log m = 2 artanh s, s = (m - 1) / (m + 1): s² < 0.0295, and the first term left out of
/// the series is below 3e-17 of the sum.
[[nodiscard]] inline double portable_log(double x) {
  static constexpr std::array<double, 9> series{1. / 3,  1. / 5,  1. / 7,  1. / 9, 1. / 11,
                                                1. / 13, 1. / 15, 1. / 17, 1. / 19};
  // Counted from √½ the exponent field turns over where m does.
  const auto bits = std::bit_cast<std::int64_t>(x);
  const std::int64_t exponent = (bits - std::bit_cast<std::int64_t>(std::numbers::sqrt2 / 2)) >> 52;
  const double m = std::bit_cast<double>(bits - exponent * (std::int64_t{1} << 52));
  const double s = (m - 1) / (m + 1);
  const double s2 = s * s, twice = s + s;
  const double log_m = std::fma(twice * s2, polynomial(s2, series), twice);
  return std::fma(double(exponent), std::numbers::ln2, log_m);
}

struct SinCosOfTurn {
  double sin, cos;
};

/// Sine and cosine of the angle 2π k / 2⁵³, 0 ≤ k < 2⁵³; relative error below 4e-16, also near the zeros.
///
/// The angle is reduced to ±π/4 in integers, that is exactly; there the Taylor series up to x¹⁵ and x¹⁶ leave out less
/// than 6e-17.
[[nodiscard]] inline SinCosOfTurn portable_sin_cos(std::int64_t k) {
  static constexpr std::array<double, 7> sine{-1. / 6,        1. / 120,         -1. / 5040,          1. / 362880,
                                              -1. / 39916800, 1. / 6227020800., -1. / 1307674368000.};
  static constexpr std::array<double, 8> cosine{
      -1. / 2, 1. / 24, -1. / 720, 1. / 40320, -1. / 3628800, 1. / 479001600, -1. / 87178291200., 1. / 20922789888000.};
  constexpr std::int64_t quarter = std::int64_t{1} << 51;
  const std::int64_t quadrant = (k + quarter / 2) >> 51;
  const double x = double(k - quadrant * quarter) * (std::numbers::pi / 2 / double(quarter));
  const double x2 = x * x;
  const double s = std::fma(x * x2, polynomial(x2, sine), x);
  const double c = std::fma(x2, polynomial(x2, cosine), 1.0);
  // An odd quadrant exchanges the two; the signs are + + - - and + - - +. No branch: it would be taken at random.
  const bool odd = (quadrant & 1) != 0;
  const auto sin_sign = double(1 - (quadrant & 2)), cos_sign = double(1 - ((quadrant + 1) & 2));
  return {sin_sign * (odd ? c : s), cos_sign * (odd ? s : c)};
}

/// Two independent standard Gaussians from two independent words of 64 random bits; each within ±8.6.
[[nodiscard]] inline std::array<double, 2> box_muller(std::uint64_t radius, std::uint64_t angle) {
  // The midpoints (2k + 1) / 2⁵³ lie inside (0, 1): the logarithm is finite and not zero.
  const auto u = double((radius >> 12) * 2 + 1) * 0x1p-53;
  const double r = std::sqrt(-2 * portable_log(u));
  const SinCosOfTurn turn = portable_sin_cos(std::int64_t((angle >> 12) * 2 + 1));
  return {r * turn.cos, r * turn.sin};
}

}  // namespace pathline::detail
