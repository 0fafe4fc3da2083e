/// \file
/// The error of a trial step with its logarithm, and the power that follows from it in a controller's factor. Both are
/// short polynomials: in a solve of a few equations the next step waits for them, and calls of the standard library
/// take as long as several stages.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

namespace pathline::detail {

/// Σ c_i x^i, summed in pairs (Estrin): three multiply-adds one after another instead of seven.
[[nodiscard]] inline double eight_terms(double x, const std::array<double, 8>& c) {
  const double x2 = x * x, x4 = x2 * x2;
  return ((c[0] + c[1] * x) + (c[2] + c[3] * x) * x2) + ((c[4] + c[5] * x) + (c[6] + c[7] * x) * x2) * x4;
}

/// ½ log2 x of x >= 0, within 2e-7; of infinity 512, of 0 and of denormal numbers between -512 and -511.
[[nodiscard]] inline double half_log2(double x) {
  // In vectors of two, of which one is used: the way to the integer registers and back takes six cycles.
  using Numbers [[gnu::vector_size(16)]] = double;
  using Words [[gnu::vector_size(16)]] = std::uint64_t;
  constexpr auto one = std::bit_cast<std::uint64_t>(1.), two_to_52 = std::bit_cast<std::uint64_t>(0x1p52);
  constexpr std::uint64_t mantissa = (std::uint64_t(1) << 52) - 1;
  const auto bits = std::bit_cast<Words>(Numbers{x, 0});
  // x = m 2^exponent, with m in [1, 2).
  const double m = std::bit_cast<Numbers>((bits & mantissa) | one)[0];
  const double exponent = std::bit_cast<Numbers>((bits >> 52) | two_to_52)[0] - (0x1p52 + 1023);
  // ½ log2 m, interpolated at Chebyshev's nodes of [1, 2].
  return eight_terms(m,
                     {0.5 * exponent - 1.6179274555707152, 3.5430679861215195, -3.6969419629049375, 2.8329476331909368,
                      -1.4529534658385965, 0.47295419410733322, -0.088366921072070503, 0.0072201762472350044});
}

/// 2^x of |x| <= ½, within 6e-11 of itself: interpolated at Chebyshev's nodes.
[[nodiscard]] inline double exp2_near_0(double x) {
  return eight_terms(
      x, {0.999999999959561751, 0.693147180556832414, 0.240226512134980927, 0.0555041090632586661,
          0.00961802561331803425, 0.00133334784736854153, 0.000154697292141182971, 0.0000153037007113656939});
}

/// 2^x within 6e-11 of itself; beyond ±1000 that of ±1000, of NaN that of -1000.
[[nodiscard]] inline double exp2_of(double x) {
  const double within = x > -1000 ? (x < 1000 ? x : 1000) : -1000;
  const double n = std::floor(within + 0.5);
  return exp2_near_0(within - n) * std::bit_cast<double>(std::uint64_t(std::int64_t(n) + 1023) << 52);
}

/// E of a trial, and log2 E within 2e-7, which waits for no root. Of an E whose square is below or above all normal
/// numbers log2_norm is below -511, or 512. A number is an E.
struct TrialError {
  double norm, log2_norm;
  TrialError(double E) : TrialError(E, half_log2(E * E)) {}
  TrialError(double E, double log2_E) : norm(E), log2_norm(log2_E) {}
  [[nodiscard]] static TrialError of_square(double E2) { return {std::sqrt(E2), half_log2(E2)}; }
};

}  // namespace pathline::detail
