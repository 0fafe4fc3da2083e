/// \file
/// What a symplectic method is: the lengths of the steps of Verlet that make one of its own, and the order that they
/// have. docs/maths.md, (3.14) and (3.15).
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <type_traits>

namespace pathline {

namespace detail {

constexpr double power_sum(const auto& weights, int exponent) {
  double sum = 0;
  for (const double w : weights) {
    double power = 1;
    for (int i = 0; i < exponent; ++i) power *= w;
    sum += power;
  }
  return sum;
}

/// Σ_k w_k³ (w_1 + … + w_{k-1} + w_k / 2)².
constexpr double cubes_times_squares(const auto& weights) {
  double sum = 0, before = 0;
  for (const double w : weights) {
    const double centre = before + w / 2;
    sum += w * w * w * centre * centre;
    before += w;
  }
  return sum;
}

constexpr bool vanishes(double x) { return x < 1e-13 && x > -1e-13; }

}  // namespace detail

/// The order of a palindrome of Verlet steps, up to 6: Σ w = 1, of order 4 Σ w³ = 0, and of order 6 Σ w⁵ = 0 and the
/// condition of cubes_times_squares too (Hairer, Lubich & Wanner, section V.3.2). 0 where the weights are no palindrome
/// or their sum is not 1.
template <std::size_t S>
[[nodiscard]] constexpr int composition_order(const std::array<double, S>& weights) {
  for (std::size_t i = 0; i < S; ++i)
    if (weights[i] != weights[S - 1 - i]) return 0;
  if (!detail::vanishes(detail::power_sum(weights, 1) - 1)) return 0;
  if (!detail::vanishes(detail::power_sum(weights, 3))) return 2;
  if (!detail::vanishes(detail::power_sum(weights, 5)) || !detail::vanishes(detail::cubes_times_squares(weights)))
    return 4;
  return 6;
}

/// A struct with `static constexpr std::array<double, S> weights`, the lengths of its Verlet steps in units of its own,
/// and their `order`.
template <class M>
concept SymplecticMethod = requires {
  { M::order } -> std::convertible_to<int>;
  { M::weights[0] } -> std::convertible_to<double>;
  requires M::weights.size() > 0;
};

namespace detail {

/// Whether a step of Verlet is half a kick, a drift and half a kick. Where that evaluates the force outside of a step,
/// as Yoshida's methods would, which go back in between, it is half a drift, a kick and half a drift: the force of
/// these is then evaluated within the step, and the velocity outside of it.
template <SymplecticMethod Method>
inline constexpr bool kicks_first = [] {
  double t = 0;
  for (const double w : Method::weights)
    if (t += w; t < 0 || t > 1 + 1e-13) return false;
  return true;
}();

}  // namespace detail
}  // namespace pathline
