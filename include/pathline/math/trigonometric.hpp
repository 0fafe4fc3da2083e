/// \file
/// sin and cos of packs, together, float and double: Eigen 3.4 has no packet sine for double.
///
/// The argument is reduced by multiples of π/2 in three or four parts (Cody & Waite, Software Manual for the Elementary
/// Functions, 1980); elements too large for that go to the standard library one by one, whatever their neighbours are.
#pragma once

#include <pathline/math/exponential.hpp>
#include <pathline/math/pack.hpp>

#include <cmath>
#include <type_traits>

namespace pathline {

/// What sin_cos() returns.
template <class P>
struct SinCos {
  P sin, cos;
};

namespace detail {

/// x - n π/2 for |n| < 2¹³ (float), 2²⁰ (double): the products with all parts but the last are exact.
template <Real Scalar>
[[nodiscard]] EIGEN_ALWAYS_INLINE Pack<Scalar> subtract_quarter_turns(Pack<Scalar> x, Pack<Scalar> n) {
  using P = Pack<Scalar>;
  if constexpr (std::is_same_v<Scalar, float>) {
    x = opaque(madd(n, P(-1.5703125F), x));
    x = opaque(madd(n, P(-0.0004837512969970703125F), x));
    x = opaque(madd(n, P(-7.549533620476722717285156e-8F), x));
    return madd(n, P(-2.563344068257089602980159e-12F), x);
  } else {
    x = opaque(madd(n, P(-1.57079632673412561416626), x));
    x = opaque(madd(n, P(-6.077100506303965976595549e-11), x));
    return madd(n, P(-2.022266248795950631541144e-21), x);
  }
}

/// The largest |x| that the reduction takes.
template <Real Scalar>
inline constexpr Scalar reducible = std::is_same_v<Scalar, float> ? Scalar(8192) : Scalar(1'000'000);

}  // namespace detail

/// sin x and cos x. Error below 2.5 ulp, also near the zeros; NaN for infinite x.
template <Real Scalar>
[[nodiscard]] EIGEN_ALWAYS_INLINE SinCos<Pack<Scalar>> sin_cos(Pack<Scalar> x) {
  using P = Pack<Scalar>;
  // The low bits of `turns` are the quadrant n: bit 0 exchanges sine and cosine, bit 1 of n (of n + 1) is the sign.
  const P rounder(detail::ExpConstants<Scalar>::rounder);
  const P turns = detail::opaque(madd(x, P(Scalar(0.63661977236758134)), rounder));
  const P r = detail::subtract_quarter_turns(x, turns - rounder), r2 = r * r;
  P sin = P(0), cos = P(0);
  if constexpr (std::is_same_v<Scalar, float>) {
    sin = detail::horner(r2, -0.166666552F, 0.00833216682F, -0.000195156579F);
    cos = detail::horner(r2, 0.0416666456F, -0.00138873525F, 2.44366111e-05F);
  } else {
    sin = detail::horner(r2, -0.16666666666666632, 0.0083333333333221547, -0.00019841269829588617, 2.75573136123019e-06,
                         -2.5050745147270024e-08, 1.5896017340739599e-10);
    cos = detail::horner(r2, 0.041666666666666637, -0.0013888888888879797, 2.4801587292539438e-05,
                         -2.7557315130881055e-07, 2.0875818006425747e-09, -1.1364089527864006e-11);
  }
  sin = madd(r * r2, sin, r);
  cos = madd(r2 * r2, cos, madd(r2, P(Scalar(-0.5)), P(1)));

  constexpr int sign_bit = int(8 * sizeof(Scalar)) - 1;
  const Mask<Scalar> odd = flipsign(P(1), detail::shift_left<sign_bit>(turns)) < P(0);
  SinCos<P> result{flipsign(select(odd, cos, sin), detail::shift_left<sign_bit - 1>(turns)),
                   flipsign(select(odd, sin, cos), detail::shift_left<sign_bit - 1>(turns + P(1)))};
  const Mask<Scalar> large = abs(x) > P(detail::reducible<Scalar>);
  if (any(large)) [[unlikely]] {
    result.sin = select(large, detail::map_lanes(x, [](Scalar lane) { return std::sin(lane); }), result.sin);
    result.cos = select(large, detail::map_lanes(x, [](Scalar lane) { return std::cos(lane); }), result.cos);
  }
  return result;
}
template <Real Scalar>
[[nodiscard]] EIGEN_ALWAYS_INLINE SinCos<Scalar> sin_cos(Scalar x) {
  const SinCos<Pack<Scalar>> both = sin_cos(Pack<Scalar>(x));
  return {both.sin.front(), both.cos.front()};
}

template <class P>
[[nodiscard]] EIGEN_ALWAYS_INLINE P sin(P x) requires Real<detail::Lane<P>> {
  return sin_cos(x).sin;
}
template <class P>
[[nodiscard]] EIGEN_ALWAYS_INLINE P cos(P x) requires Real<detail::Lane<P>> {
  return sin_cos(x).cos;
}

}  // namespace pathline
