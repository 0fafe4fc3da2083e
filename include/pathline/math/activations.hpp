/// \file
/// Activation functions σ with σ' and σ'', each a struct with a static function `jet` for packs and plain scalars, and
/// one, `third`, for the next derivative (math/third_derivative.hpp).
///
/// Formulas: docs/maths.md, section 9. They are written so that nothing overflows and nothing cancels: exponentials of
/// -|x| only, and e^z - 1 beside e^z where a difference from one is needed. A NaN gives NaN. σ'' is what the pullback
/// of a tangent needs. A derivative that the caller ignores costs nothing: everything is inlined.
#pragma once

#include <pathline/math/exponential.hpp>
#include <pathline/math/pack.hpp>
#include <pathline/math/trigonometric.hpp>

#include <concepts>
#include <type_traits>

namespace pathline {

/// σ(x), σ'(x), σ''(x).
template <class P>
struct Jet {
  P value, first, second;
};

/// A σ of the user's own is a struct with `static Jet<P> jet(P x)`: for every P, which makes it vectorised, as in
/// `struct Cube { template <class P> static Jet<P> jet(P x) { return {x*x*x, P(3)*x*x, P(6)*x}; } };`, or, with
/// `template <Real P>`, for scalars alone. State the return type: `auto` cannot be checked. Functions are best called
/// by their full name (pathline::exp, pathline::select): packs find them anyway, plain scalars would find those of
/// <math.h>.
template <class Sigma, class Scalar = double>
concept Activation = Real<Scalar> && requires(Scalar x) {
  { Sigma::jet(x) } -> std::same_as<Jet<Scalar>>;
};

/// An activation that takes packs as well.
template <class Sigma, class Scalar = double>
concept PackActivation = Activation<Sigma, Scalar> && requires(Pack<Scalar> x) {
  { Sigma::jet(x) } -> std::same_as<Jet<Pack<Scalar>>>;
};

/// An activation whose derivatives follow from its value: `static Jet<P> of_value(P y)` is σ, σ' and σ'' where σ = y.
/// Chains of layers keep outputs anyway, and then keep no derivatives beside them. It must give what `jet` gives, and
/// the error of σ' is then that of y: offer it only where σ' is large beside the rounding of y.
template <class Sigma, class Scalar = double>
concept OfValue = PackActivation<Sigma, Scalar> && requires(Scalar y, Pack<Scalar> pack) {
  { Sigma::of_value(y) } -> std::same_as<Jet<Scalar>>;
  { Sigma::of_value(pack) } -> std::same_as<Jet<Pack<Scalar>>>;
};

namespace detail {

/// An activation in two stages: jet(x) = finish(start(x), x) with an ExpPair between them. A loop over many packs does
/// the first stage of several before the second: shorter chains of dependent operations, of which more run at once.
template <class Sigma, class Scalar = double>
concept StagedActivation = PackActivation<Sigma, Scalar> && requires(Pack<Scalar> x, ExpPair<Pack<Scalar>> e) {
  { Sigma::start(x) } -> std::same_as<ExpPair<Pack<Scalar>>>;
  { Sigma::finish(e, x) } -> std::same_as<Jet<Pack<Scalar>>>;
};

/// Sigma's first stage where all of it comes from e^(-2|x|).
template <class Sigma>
struct ByDecay {
  template <class P>
  [[nodiscard]] static EIGEN_ALWAYS_INLINE ExpPair<P> start(P x) {
    return exp_pair(abs(x) * P(-2));
  }
  template <class P>
  [[nodiscard]] static EIGEN_ALWAYS_INLINE Jet<P> jet(P x) {
    return Sigma::finish(start(x), x);
  }
};

}  // namespace detail

/// σ(x) = x.
struct Identity {
  template <class P>
  [[nodiscard]] static EIGEN_ALWAYS_INLINE Jet<P> jet(P x) {
    return {x, P(1), P(0)};
  }
  template <class P>
  [[nodiscard]] static EIGEN_ALWAYS_INLINE P third(const Jet<P>& /*jet*/, P /*x*/) {
    return P(0);
  }
};

namespace detail {

/// What a static_assert has refused gives way to something that compiles, so that its line stays the only one.
template <class Sigma, class Scalar>
using UsableActivation = std::conditional_t<Activation<Sigma, Scalar>, Sigma, Identity>;

}  // namespace detail

/// tanh x. With e = exp(-2|x|): tanh |x| = (1 - e) / (1 + e), σ' = 4 e / (1 + e)², exact in relative terms where
/// 1 - tanh² is not; σ'' = -2 σ σ'.
struct Tanh : detail::ByDecay<Tanh> {
  template <class P>
  [[nodiscard]] static EIGEN_ALWAYS_INLINE Jet<P> finish(detail::ExpPair<P> e, P x) {
    const P inverse = detail::negated_inverse(e.expm1 + P(2)), twice = inverse + inverse;
    const P value = copysign(e.expm1 * inverse, x), first = e.exp * twice * twice;
    return {value, first, P(-2) * value * first};
  }
  /// σ' = 1 - y², exact beside 1; taken where y comes from a table (math/tanh_table.hpp).
  template <class P>
  [[nodiscard]] static EIGEN_ALWAYS_INLINE Jet<P> of_value(P y) {
    const P first = madd(-y, y, P(1));
    return {y, first, P(-2) * y * first};
  }
  template <class P>
  [[nodiscard]] static EIGEN_ALWAYS_INLINE P third(const Jet<P>& jet, P /*x*/) {
    return P(-2) * (jet.first * jet.first + jet.value * jet.second);
  }
};

/// log(e^x + e^-x) = |x| + log(1 + exp(-2|x|)), the activation of OT-Flow (Onken et al. 2021): σ' = tanh x.
struct LogTwoCosh : detail::ByDecay<LogTwoCosh> {
  template <class P>
  [[nodiscard]] static EIGEN_ALWAYS_INLINE Jet<P> finish(detail::ExpPair<P> e, P x) {
    const P inverse = P(1) / (e.expm1 + P(2)), twice = inverse + inverse;
    return {abs(x) + log1p_unit(e.exp), copysign(e.expm1 * inverse, x), e.exp * twice * twice};
  }
  template <class P>
  [[nodiscard]] static EIGEN_ALWAYS_INLINE P third(const Jet<P>& jet, P /*x*/) {
    return P(-2) * jet.first * jet.second;
  }
};

/// The logistic function s = 1 / (1 + e^-x): σ' = s (1 - s), σ'' = s (1 - s)(1 - 2 s), and 1 - 2 s = -tanh(x / 2).
struct Sigmoid {
  template <class P>
  [[nodiscard]] static EIGEN_ALWAYS_INLINE Jet<P> jet(P x) {
    const detail::ExpPair<P> e = detail::exp_pair(-abs(x));
    const P inverse = P(1) / (e.expm1 + P(2)), tail = e.exp * inverse;  // s and 1 - s for positive x
    const P first = tail * inverse;
    return {select(x < P(0), tail, inverse), first, flipsign(first * e.expm1 * inverse, x)};
  }
  template <class P>
  [[nodiscard]] static EIGEN_ALWAYS_INLINE P third(const Jet<P>& jet, P /*x*/) {
    return jet.second * (P(1) - P(2) * jet.value) - P(2) * jet.first * jet.first;
  }
};

/// log(1 + e^x) = max(x, 0) + log(1 + exp(-|x|)): σ' = s, σ'' = s (1 - s).
struct Softplus {
  template <class P>
  [[nodiscard]] static EIGEN_ALWAYS_INLINE Jet<P> jet(P x) {
    const P e = detail::exp_pair(-abs(x)).exp;
    const P inverse = P(1) / (e + P(1)), tail = e * inverse;
    return {max(x, P(0)) + log1p_unit(e), select(x < P(0), tail, inverse), tail * inverse};
  }
  template <class P>
  [[nodiscard]] static EIGEN_ALWAYS_INLINE P third(const Jet<P>& jet, P /*x*/) {
    return jet.second * (P(1) - P(2) * jet.first);
  }
};

/// x s(x) (also SiLU): σ' = s + x s (1 - s), σ'' = s (1 - s)(2 + x (1 - 2 s)).
struct Swish {
  template <class P>
  [[nodiscard]] static EIGEN_ALWAYS_INLINE Jet<P> jet(P x) {
    using Scalar = detail::Lane<P>;
    // Where e^-|x| has become zero, x must not be infinite: ∞ · 0 is not the limit.
    const P bound(-2 * detail::ExpConstants<Scalar>::flush);
    const P x_low = max(x, -bound), x_both = min(x_low, bound);
    const detail::ExpPair<P> e = detail::exp_pair(-abs(x));
    const P inverse = P(1) / (e.expm1 + P(2)), tail = e.exp * inverse;
    const P s = select(x < P(0), tail, inverse), slope = tail * inverse;
    const P one_minus_two_s = flipsign(e.expm1 * inverse, x);
    return {x_low * s, madd(x_both, slope, s), slope * madd(x_both, one_minus_two_s, P(2))};
  }
  template <class P>
  [[nodiscard]] static EIGEN_ALWAYS_INLINE P third(const Jet<P>& /*jet*/, P x) {
    const P bound(-2 * detail::ExpConstants<detail::Lane<P>>::flush);  // as above
    const P x_low = max(x, -bound);
    const Jet<P> s = Sigmoid::jet(x);
    return madd(min(x_low, bound), Sigmoid::third(s, x), P(3) * s.second);
  }
};

/// sin x: σ' = cos x, σ'' = -sin x.
struct Sine {
  template <class P>
  [[nodiscard]] static EIGEN_ALWAYS_INLINE Jet<P> jet(P x) {
    const SinCos<P> both = sin_cos(x);
    return {both.sin, both.cos, -both.sin};
  }
  template <class P>
  [[nodiscard]] static EIGEN_ALWAYS_INLINE P third(const Jet<P>& jet, P /*x*/) {
    return -jet.first;
  }
};

}  // namespace pathline
