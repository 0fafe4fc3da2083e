/// \file
/// Numbers that carry derivatives: a value with N directional derivatives (forward), and the functions of <cmath> for
/// them and for the variables of reverse_tape.hpp. A formula written for any number type works for all of them:
/// ```
/// template <class T>
/// T energy(const T& angle, const T& speed) {
///   using std::cos;  // of plain numbers; those of the others are found by their arguments
///   return speed * speed / 2 - 9.81 * cos(angle);
/// }
/// ```
/// Griewank & Walther, "Evaluating Derivatives" (2008), sections 3.1 and 3.2.
#pragma once

#include <pathline/math/slope_vectors.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <type_traits>

namespace pathline {

/// A number with derivatives: `value`, and functions `chain(x, v, s)` and `chain(x, y, v, s, r)` that make a number of
/// value v whose derivative is s times that of x (plus r times that of y).
template <class X>
concept DifferentiableNumber = requires {
  typename X::differentiable_number;
};

namespace detail {

/// Whether a number and all the derivatives that it carries are.
template <class X>
[[nodiscard]] bool finite_throughout(const X& x) {
  if constexpr (DifferentiableNumber<X>) {
    bool finite = finite_throughout(x.value);
    if constexpr (requires { x.slope; })
      for (const auto& slope : x.slope) finite = finite && finite_throughout(slope);
    return finite;
  } else {
    return std::isfinite(x);
  }
}
template <class X>
[[nodiscard]] bool zero_throughout(const X& x) {
  if constexpr (DifferentiableNumber<X>) {
    bool zero = zero_throughout(x.value);
    if constexpr (requires { x.slope; })
      for (const auto& slope : x.slope) zero = zero && zero_throughout(slope);
    else
      zero = zero && x.tape == nullptr;  // a variable that is 0 has derivatives nevertheless
    return zero;
  } else {
    return x == 0;
  }
}
/// s · x where s may be infinite, as the slope of a root at 0: what does not depend on a number has derivative 0.
/// \tparam X  T, or a vector of such numbers.
template <class T, class X>
[[nodiscard]] X product_or_zero(const T& s, const X& x) {
  if constexpr (DifferentiableNumber<X>)
    return zero_throughout(x) ? X(0) : s * x;
  else
    return x == 0 ? X{} : s * x;
}
/// z = s x. Where s is not finite, what does not depend on a number has derivative 0 nevertheless.
template <class T, std::size_t N>
inline void combine(std::array<T, N>& z, const std::array<T, N>& x, const T& s) {
  if (finite_throughout(s)) [[likely]]
    for_slopes(
        z, [&](const auto& a) { return s * a; }, x);
  else
    for_slopes(
        z, [&](const auto& a) { return product_or_zero(s, a); }, x);
}
/// z = s x + r y.
template <class T, std::size_t N>
inline void combine(std::array<T, N>& z, const std::array<T, N>& x, const T& s, const std::array<T, N>& y, const T& r) {
  if (finite_throughout(s) && finite_throughout(r)) [[likely]]
    for_slopes(
        z, [&](const auto& a, const auto& b) { return s * a + r * b; }, x, y);
  else
    for_slopes(
        z, [&](const auto& a, const auto& b) { return product_or_zero(s, a) + product_or_zero(r, b); }, x, y);
}

}  // namespace detail

/// v + Σ d_i ε_i with ε_i ε_j = 0. T: a float, a double, or a Dual again, for second derivatives. Size and alignment
/// follow from the vectors of the target, as those of Eigen's matrices of fixed size do: translation units that
/// exchange such numbers need the same `-march`.
template <class T, int N>
struct Dual {
  using differentiable_number = void;
  using Value = T;

  T value{};
  alignas(detail::slope_alignment<T, N>()) std::array<T, std::size_t(N)> slope{};

  Dual() = default;
  /// A copy reads its slopes in the same pieces in which they were written. A load of other pieces waits until the
  /// stores that it overlaps have reached the cache.
  Dual(const Dual& other) : value(other.value) { detail::copy_slopes(slope, other.slope); }
  Dual& operator=(const Dual& other) {
    value = other.value;
    detail::copy_slopes(slope, other.slope);
    return *this;
  }
  ~Dual() = default;
  /// A constant.
  template <class Number>
  requires(std::is_arithmetic_v<Number>) Dual(Number number)  // NOLINT(google-explicit-constructor)
      : value(static_cast<T>(number)) {}
  explicit Dual(const T& v) requires(!std::is_arithmetic_v<T>) : value(v) {}

  friend Dual chain(const Dual& x, const T& v, const T& s) {
    Dual result;
    result.value = v;
    detail::combine(result.slope, x.slope, s);
    return result;
  }
  friend Dual chain(const Dual& x, const Dual& y, const T& v, const T& s, const T& r) {
    Dual result;
    result.value = v;
    detail::combine(result.slope, x.slope, s, y.slope, r);
    return result;
  }
};

namespace detail {

template <class X>
using ValueOf = typename X::Value;

/// A number as the value that X has.
template <DifferentiableNumber X, class Number>
[[nodiscard]] ValueOf<X> as_value(Number number) {
  return ValueOf<X>(static_cast<std::conditional_t<std::is_arithmetic_v<ValueOf<X>>, ValueOf<X>, Number>>(number));
}

/// The number under all derivatives.
template <class X>
[[nodiscard]] auto plain_value(const X& x) {
  if constexpr (DifferentiableNumber<X>)
    return plain_value(x.value);
  else
    return x;
}

template <class Number>
concept Arithmetic = std::is_arithmetic_v<Number>;

}  // namespace detail

// --- arithmetic ----------------------------------------------------------------------------------------------------

template <DifferentiableNumber X>
[[nodiscard]] inline X operator+(const X& x) {
  return x;
}
template <DifferentiableNumber X>
[[nodiscard]] inline X operator-(const X& x) {
  return chain(x, -x.value, detail::as_value<X>(-1));
}
template <DifferentiableNumber X>
[[nodiscard]] inline X operator+(const X& x, const X& y) {
  return chain(x, y, x.value + y.value, detail::as_value<X>(1), detail::as_value<X>(1));
}
template <DifferentiableNumber X>
[[nodiscard]] inline X operator-(const X& x, const X& y) {
  return chain(x, y, x.value - y.value, detail::as_value<X>(1), detail::as_value<X>(-1));
}
template <DifferentiableNumber X>
[[nodiscard]] inline X operator*(const X& x, const X& y) {
  return chain(x, y, x.value * y.value, y.value, x.value);
}
template <DifferentiableNumber X>
[[nodiscard]] inline X operator/(const X& x, const X& y) {
  const auto inverse = detail::as_value<X>(1) / y.value;
  const auto quotient = x.value / y.value;
  return chain(x, y, quotient, inverse, -quotient * inverse);
}
template <DifferentiableNumber X, detail::Arithmetic Number>
[[nodiscard]] inline X operator+(const X& x, Number a) {
  return chain(x, x.value + detail::as_value<X>(a), detail::as_value<X>(1));
}
template <DifferentiableNumber X, detail::Arithmetic Number>
[[nodiscard]] inline X operator+(Number a, const X& x) {
  return x + a;
}
template <DifferentiableNumber X, detail::Arithmetic Number>
[[nodiscard]] inline X operator-(const X& x, Number a) {
  return chain(x, x.value - detail::as_value<X>(a), detail::as_value<X>(1));
}
template <DifferentiableNumber X, detail::Arithmetic Number>
[[nodiscard]] inline X operator-(Number a, const X& x) {
  return chain(x, detail::as_value<X>(a) - x.value, detail::as_value<X>(-1));
}
template <DifferentiableNumber X, detail::Arithmetic Number>
[[nodiscard]] inline X operator*(const X& x, Number a) {
  return chain(x, x.value * detail::as_value<X>(a), detail::as_value<X>(a));
}
template <DifferentiableNumber X, detail::Arithmetic Number>
[[nodiscard]] inline X operator*(Number a, const X& x) {
  return x * a;
}
template <DifferentiableNumber X, detail::Arithmetic Number>
[[nodiscard]] inline X operator/(const X& x, Number a) {
  return chain(x, x.value / detail::as_value<X>(a), detail::as_value<X>(1) / detail::as_value<X>(a));
}
template <DifferentiableNumber X, detail::Arithmetic Number>
[[nodiscard]] inline X operator/(Number a, const X& x) {
  const auto quotient = detail::as_value<X>(a) / x.value;
  return chain(x, quotient, -quotient / x.value);
}
template <DifferentiableNumber X, class Other>
inline X& operator+=(X& x, const Other& y) {
  return x = x + y;
}
template <DifferentiableNumber X, class Other>
inline X& operator-=(X& x, const Other& y) {
  return x = x - y;
}
template <DifferentiableNumber X, class Other>
inline X& operator*=(X& x, const Other& y) {
  return x = x * y;
}
template <DifferentiableNumber X, class Other>
inline X& operator/=(X& x, const Other& y) {
  return x = x / y;
}

// --- comparisons: of values alone ------------------------------------------------------------------------------------

template <DifferentiableNumber X>
[[nodiscard]] bool operator==(const X& x, const X& y) {
  return detail::plain_value(x) == detail::plain_value(y);
}
template <DifferentiableNumber X>
[[nodiscard]] auto operator<=>(const X& x, const X& y) {
  return detail::plain_value(x) <=> detail::plain_value(y);
}
template <DifferentiableNumber X, detail::Arithmetic Number>
[[nodiscard]] bool operator==(const X& x, Number a) {
  return detail::plain_value(x) == decltype(detail::plain_value(x))(a);
}
template <DifferentiableNumber X, detail::Arithmetic Number>
[[nodiscard]] auto operator<=>(const X& x, Number a) {
  return detail::plain_value(x) <=> decltype(detail::plain_value(x))(a);
}

// --- functions -------------------------------------------------------------------------------------------------------

template <DifferentiableNumber X>
[[nodiscard]] X sin(const X& x) {
  using std::cos, std::sin;
  return chain(x, sin(x.value), cos(x.value));
}
template <DifferentiableNumber X>
[[nodiscard]] X cos(const X& x) {
  using std::cos, std::sin;
  return chain(x, cos(x.value), -sin(x.value));
}
template <DifferentiableNumber X>
[[nodiscard]] X tan(const X& x) {
  using std::tan;
  const auto t = tan(x.value);
  return chain(x, t, detail::as_value<X>(1) + t * t);
}
template <DifferentiableNumber X>
[[nodiscard]] X asin(const X& x) {
  using std::asin, std::sqrt;
  return chain(x, asin(x.value), detail::as_value<X>(1) / sqrt(detail::as_value<X>(1) - x.value * x.value));
}
template <DifferentiableNumber X>
[[nodiscard]] X acos(const X& x) {
  using std::acos, std::sqrt;
  return chain(x, acos(x.value), detail::as_value<X>(-1) / sqrt(detail::as_value<X>(1) - x.value * x.value));
}
template <DifferentiableNumber X>
[[nodiscard]] X atan(const X& x) {
  using std::atan;
  return chain(x, atan(x.value), detail::as_value<X>(1) / (detail::as_value<X>(1) + x.value * x.value));
}
template <DifferentiableNumber X>
[[nodiscard]] X atan2(const X& y, const X& x) {
  using std::atan2;
  const auto square = x.value * x.value + y.value * y.value;
  return chain(y, x, atan2(y.value, x.value), x.value / square, -y.value / square);
}
template <DifferentiableNumber X>
[[nodiscard]] X sinh(const X& x) {
  using std::cosh, std::sinh;
  return chain(x, sinh(x.value), cosh(x.value));
}
template <DifferentiableNumber X>
[[nodiscard]] X cosh(const X& x) {
  using std::cosh, std::sinh;
  return chain(x, cosh(x.value), sinh(x.value));
}
template <DifferentiableNumber X>
[[nodiscard]] X tanh(const X& x) {
  using std::tanh;
  const auto t = tanh(x.value);
  return chain(x, t, detail::as_value<X>(1) - t * t);
}
template <DifferentiableNumber X>
[[nodiscard]] X exp(const X& x) {
  using std::exp;
  const auto e = exp(x.value);
  return chain(x, e, e);
}
template <DifferentiableNumber X>
[[nodiscard]] X expm1(const X& x) {
  using std::exp, std::expm1;
  return chain(x, expm1(x.value), exp(x.value));
}
template <DifferentiableNumber X>
[[nodiscard]] X log(const X& x) {
  using std::log;
  return chain(x, log(x.value), detail::as_value<X>(1) / x.value);
}
template <DifferentiableNumber X>
[[nodiscard]] X log1p(const X& x) {
  using std::log1p;
  return chain(x, log1p(x.value), detail::as_value<X>(1) / (detail::as_value<X>(1) + x.value));
}
template <DifferentiableNumber X>
[[nodiscard]] X sqrt(const X& x) {
  using std::sqrt;
  const auto root = sqrt(x.value);
  return chain(x, root, detail::as_value<X>(0.5) / root);
}
template <DifferentiableNumber X>
[[nodiscard]] X cbrt(const X& x) {
  using std::cbrt;
  const auto root = cbrt(x.value);
  return chain(x, root, detail::as_value<X>(1) / (detail::as_value<X>(3) * root * root));
}
template <DifferentiableNumber X>
[[nodiscard]] X erf(const X& x) {
  using std::erf, std::exp;
  constexpr double two_over_root_pi = 1.1283791670955126;
  return chain(x, erf(x.value), detail::as_value<X>(two_over_root_pi) * exp(-x.value * x.value));
}
/// Its derivative at 0 is 0.
template <DifferentiableNumber X>
[[nodiscard]] X abs(const X& x) {
  using std::abs;
  const auto v = detail::plain_value(x);
  return chain(x, abs(x.value), detail::as_value<X>(v > 0 ? 1 : v < 0 ? -1 : 0));
}
template <DifferentiableNumber X>
[[nodiscard]] X fabs(const X& x) {
  return abs(x);
}
/// Its derivatives at (0, 0) are 0.
template <DifferentiableNumber X>
[[nodiscard]] X hypot(const X& x, const X& y) {
  using std::hypot;
  const auto h = hypot(x.value, y.value);
  if (detail::plain_value(h) == 0) return chain(x, y, h, detail::as_value<X>(0), detail::as_value<X>(0));
  return chain(x, y, h, x.value / h, y.value / h);
}
/// x^a of a constant a; for a = 0 and 1 also at x = 0.
template <DifferentiableNumber X, detail::Arithmetic Number>
[[nodiscard]] X pow(const X& x, Number a) {
  using std::pow;
  if (a == 0) return X(1);
  return chain(x, pow(x.value, a), detail::as_value<X>(a) * pow(x.value, a - 1));
}
template <DifferentiableNumber X, detail::Arithmetic Number>
[[nodiscard]] X pow(Number a, const X& y) {
  using std::log, std::pow;
  const auto power = pow(detail::as_value<X>(a), y.value);
  return chain(y, power, a == 0 ? detail::as_value<X>(0) : power * detail::as_value<X>(std::log(double(a))));
}
/// The derivative by y is 0 at x = 0.
template <DifferentiableNumber X>
[[nodiscard]] X pow(const X& x, const X& y) {
  using std::log, std::pow;
  const auto power = pow(x.value, y.value);
  const auto zero = detail::as_value<X>(0), one = detail::as_value<X>(1);
  const auto by_x = detail::plain_value(y) == 0 ? zero : y.value * pow(x.value, y.value - one);
  const auto by_y = detail::plain_value(x) == 0 ? zero : power * log(x.value);
  return chain(x, y, power, by_x, by_y);
}
template <DifferentiableNumber X>
[[nodiscard]] X max(const X& x, const X& y) {
  return x < y ? y : x;
}
template <DifferentiableNumber X>
[[nodiscard]] X min(const X& x, const X& y) {
  return y < x ? y : x;
}
template <DifferentiableNumber X, detail::Arithmetic Number>
[[nodiscard]] X max(const X& x, Number a) {
  return x < a ? X(a) : x;
}
template <DifferentiableNumber X, detail::Arithmetic Number>
[[nodiscard]] X max(Number a, const X& x) {
  return max(x, a);
}
template <DifferentiableNumber X, detail::Arithmetic Number>
[[nodiscard]] X min(const X& x, Number a) {
  return x > a ? X(a) : x;
}
template <DifferentiableNumber X, detail::Arithmetic Number>
[[nodiscard]] X min(Number a, const X& x) {
  return min(x, a);
}

}  // namespace pathline
