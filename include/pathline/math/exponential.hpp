/// \file
/// exp, expm1, log and tanh of packs, with relative accuracy of a few units in the last place (ulp).
///
/// Every function has an overload for plain scalars that runs the same instructions. Results below the smallest normal
/// number may come out as zero. The polynomials are minimax fits by Remez' algorithm; their errors are below 0.6 ulp.
#pragma once

#include <pathline/math/pack.hpp>

#include <cmath>
#include <limits>
#include <type_traits>

namespace pathline {
namespace detail {

/// The numbers behind exp(x) = 2^n e^r with n = round(x / log 2), |r| ≤ log(2) / 2.
template <Real Scalar>
struct ExpConstants;
template <>
struct ExpConstants<float> {
  static constexpr int mantissa = 23, bias = 127;
  static constexpr float rounder = 12582912;  // 1.5 · 2²³: adding it leaves an integer in the low bits
  static constexpr float log2_e = 1.44269504F;
  static constexpr float ln2_high = 0.693145752F, ln2_low = 1.42860677e-6F;  // 16 bits: n · ln2_high is exact
  static constexpr float least = -105, greatest = 89;                        // exp is 0 below and ∞ above
  static constexpr float flush = -88.0296919F;                               // -bias · log 2: here 2^n becomes 0
};
template <>
struct ExpConstants<double> {
  static constexpr int mantissa = 52, bias = 1023;
  static constexpr double rounder = 6755399441055744;  // 1.5 · 2⁵²
  static constexpr double log2_e = 1.4426950408889634;
  static constexpr double ln2_high = 0.693147180559890330, ln2_low = 5.4979230187083712e-14;  // 42 bits
  static constexpr double least = -746, greatest = 710;
  static constexpr double flush = -709.08956571282404;
};

/// 2^n from n + rounder + bias, whose low bits are the biased exponent; zero for n = -bias.
template <Real Scalar>
[[nodiscard]] EIGEN_ALWAYS_INLINE Pack<Scalar> power_of_two(Pack<Scalar> biased) {
  return shift_left<ExpConstants<Scalar>::mantissa>(biased);
}

/// e^r - 1 where x = n log 2 + r.
template <Real Scalar>
[[nodiscard]] EIGEN_ALWAYS_INLINE Pack<Scalar> expm1_remainder(Pack<Scalar> x, Pack<Scalar> n) {
  using Constants = ExpConstants<Scalar>;
  const Pack<Scalar> coarse = opaque(madd(n, Pack<Scalar>(-Constants::ln2_high), x));
  const Pack<Scalar> r = madd(n, Pack<Scalar>(-Constants::ln2_low), coarse);
  if constexpr (std::is_same_v<Scalar, float>) {
    const Pack<Scalar> r2 = r * r;  // terms in pairs (Estrin): a shorter chain than Horner's
    const Pack<Scalar> low = horner(r, 0.5F, 0.16666542F), high = horner(r, 0.0416662768F, 0.00836675521F);
    return madd(r2, madd(madd(r2, Pack<Scalar>(0.00139467476F), high), r2, low), r);
  } else {
    return madd(r * r,
                horner(r, 0.50000000000000056, 0.16666666666666685, 0.041666666666571692, 0.0083333333333142114,
                       0.0013888888933055441, 0.00019841269903970828, 2.4801503588425936e-05, 2.7557227028719964e-06,
                       2.7626682868562135e-07, 2.5114788839230568e-08),
                r);
  }
}

/// exp(z) and exp(z) - 1, each accurate relative to itself.
template <class P>
struct ExpPair {
  P exp, expm1;
};

/// The pair for z ≤ 0. NaN stays NaN; exp(z) below the smallest normal number is zero.
template <Real Scalar>
[[nodiscard]] EIGEN_ALWAYS_INLINE ExpPair<Pack<Scalar>> exp_pair(Pack<Scalar> z) {
  using P = Pack<Scalar>;
  using Constants = ExpConstants<Scalar>;
  const P rounder(Constants::rounder + Constants::bias);
  const P x = max(z, P(Constants::flush));
  const P biased = opaque(madd(x, P(Constants::log2_e), rounder));
  const P p = expm1_remainder(x, biased - rounder);
  const P scale = power_of_two(biased);
  return {madd(scale, p, scale), madd(scale, p, scale - P(1))};  // scale - 1 is exact where it matters
}
template <Real Scalar>
[[nodiscard]] EIGEN_ALWAYS_INLINE ExpPair<Scalar> exp_pair(Scalar z) {
  const ExpPair<Pack<Scalar>> pair = exp_pair(Pack<Scalar>(z));
  return {pair.exp.front(), pair.expm1.front()};
}

/// -1 / x for 1 ≤ x ≤ 2, as 1 + e^z has it for z ≤ 0: exactly -1 at 1. Error below 0.7 ulp.
///
/// A division of 512 bits keeps a port of the processor busy for 10 cycles (float) or 16 (double). There it starts from
/// the polynomial of the least relative error (by a Chebyshev polynomial: 1/99 and 1/577 are left); Newton's steps
/// square the error, Halley's cubes it.
template <Real Scalar>
[[nodiscard]] EIGEN_ALWAYS_INLINE Pack<Scalar> negated_inverse(Pack<Scalar> x) {
  using P = Pack<Scalar>;
  if constexpr (sizeof(P) < 64) {
    return P(-1) / x;
  } else if constexpr (std::is_same_v<Scalar, float>) {
    const P start = horner(x, -210 / 99.0F, 144 / 99.0F, -32 / 99.0F);
    const P better = madd(madd(x, start, P(1)), start, start);
    return madd(madd(x, better, P(1)), better, better);
  } else {
    const P start = horner(x, -1632 / 577.0, 1696 / 577.0, -768 / 577.0, 128 / 577.0), error = madd(x, start, P(1));
    const P better = madd(madd(error, error, error), start, start);
    return madd(madd(x, better, P(1)), better, better);
  }
}
template <Real Scalar>
[[nodiscard]] EIGEN_ALWAYS_INLINE Scalar negated_inverse(Scalar x) {
  return negated_inverse(Pack<Scalar>(x)).front();
}

}  // namespace detail

/// e^x; 0 and ∞ beyond the range of Scalar. Error below 1.5 ulp.
template <Real Scalar>
[[nodiscard]] EIGEN_ALWAYS_INLINE Pack<Scalar> exp(Pack<Scalar> x) {
  using P = Pack<Scalar>;
  using Constants = detail::ExpConstants<Scalar>;
  const P rounder(Constants::rounder), biased_rounder(Constants::rounder + Constants::bias);
  x = min(max(x, P(Constants::least)), P(Constants::greatest));
  const P n = detail::opaque(madd(x, P(Constants::log2_e), rounder)) - rounder;
  const P p = detail::expm1_remainder(x, n);
  // 2^n itself may be too large or too small for a Scalar; its two halves are not.
  const P biased = detail::opaque(madd(n, P(Scalar(0.5)), biased_rounder));
  const P scale = detail::power_of_two(biased);
  const P rest = detail::power_of_two(detail::opaque((n - (biased - biased_rounder)) + biased_rounder));
  return madd(scale, p, scale) * rest;
}

/// e^x - 1, accurate for small x. Error below 2.5 ulp.
template <Real Scalar>
[[nodiscard]] EIGEN_ALWAYS_INLINE Pack<Scalar> expm1(Pack<Scalar> x) {
  using P = Pack<Scalar>;
  using Constants = detail::ExpConstants<Scalar>;
  // Half of everything, doubled at the end: 2^n may be too large for a Scalar where e^x is not.
  const P rounder(Constants::rounder + (Constants::bias - 1));
  x = min(max(x, P(Constants::flush + 1)), P(Constants::greatest));
  const P biased = detail::opaque(madd(x, P(Constants::log2_e), rounder));
  const P p = detail::expm1_remainder(x, biased - rounder);
  const P half = detail::power_of_two(biased);
  const P result = madd(half, p, half - P(Scalar(0.5)));
  return result + result;
}

/// Natural logarithm by Eigen's packet function, element by element where it has none.
template <Real Scalar>
[[nodiscard]] EIGEN_ALWAYS_INLINE Pack<Scalar> log(Pack<Scalar> x) {
  if constexpr (bool(Eigen::internal::packet_traits<Scalar>::HasLog))
    return Pack<Scalar>::from(Eigen::internal::plog(x.data()));
  else
    return detail::map_lanes(x, [](Scalar lane) { return std::log(lane); });
}

/// log(1 + u) for 0 ≤ u ≤ 1 only, accurate for small u. Error below 3 ulp.
template <Real Scalar>
[[nodiscard]] EIGEN_ALWAYS_INLINE Pack<Scalar> log1p_unit(Pack<Scalar> u) {
  using P = Pack<Scalar>;
  if constexpr (std::is_same_v<Scalar, float>) {
    // u + u² q(u), the terms of q summed in pairs (Estrin): four short chains at once, and no division.
    const P u2 = u * u, u4 = u2 * u2;
    const P first = detail::horner(u, -0.49999648F, 0.333213226F),
            second = detail::horner(u, -0.24857163F, 0.191536522F);
    const P third = detail::horner(u, -0.137537966F, 0.0792044705F),
            fourth = detail::horner(u, -0.0300657546F, 0.00536481557F);
    return madd(u2, madd(madd(fourth, u2, third), u4, madd(second, u2, first)), u);
  } else {
    // 1 + u = 2^k (1 + f) with k = 1 from √2 on, so that w = f / (2 + f) in log(1 + f) = 2 artanh(w) is at most 0.172.
    const Mask<Scalar> upper = u > P(Scalar(0.41421356));
    const P f = select(upper, (u - P(1)) * P(Scalar(0.5)), u);
    const P w = f / (f + P(2)), w2 = w * w;
    const P series = detail::horner(w2, 0.66666666666666974, 0.39999999999599745, 0.28571428708930985,
                                    0.22222201475451353, 0.18183433707057456, 0.15316990917201448, 0.14769779275406086);
    const P offset = select(upper, Scalar(0.69314718055994531), Scalar(0));
    return offset + madd(w * w2, series, w + w);
  }
}

/// tanh(x), accurate for small x. Error below 3 ulp.
template <Real Scalar>
[[nodiscard]] EIGEN_ALWAYS_INLINE Pack<Scalar> tanh(Pack<Scalar> x) {
  using P = Pack<Scalar>;
  const P expm1 = detail::exp_pair(abs(x) * P(-2)).expm1;
  return copysign(expm1 / (expm1 + P(2)), x);
}

template <Real Scalar>
[[nodiscard]] EIGEN_ALWAYS_INLINE Scalar exp(Scalar x) {
  return exp(Pack<Scalar>(x)).front();
}
template <Real Scalar>
[[nodiscard]] EIGEN_ALWAYS_INLINE Scalar expm1(Scalar x) {
  return expm1(Pack<Scalar>(x)).front();
}
template <Real Scalar>
[[nodiscard]] EIGEN_ALWAYS_INLINE Scalar log(Scalar x) {
  return log(Pack<Scalar>(x)).front();
}
template <Real Scalar>
[[nodiscard]] EIGEN_ALWAYS_INLINE Scalar log1p_unit(Scalar u) {
  return log1p_unit(Pack<Scalar>(u)).front();
}
template <Real Scalar>
[[nodiscard]] EIGEN_ALWAYS_INLINE Scalar tanh(Scalar x) {
  return tanh(Pack<Scalar>(x)).front();
}

}  // namespace pathline
