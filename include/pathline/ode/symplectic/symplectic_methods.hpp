/// \file
/// Symplectic methods for separable systems, q' = v(t, p), p' = f(t, q): the step of Störmer and Verlet, and steps
/// composed of it. Each method is data, the lengths of the steps of Verlet that make one of its own.
///
/// For an autonomous Hamiltonian T(p) + V(q) they conserve a nearby Hamiltonian, so that the energy's error stays of
/// order h^p for times that grow exponentially with 1/h; docs/maths.md, (3.14) and (3.15). Hairer, Lubich & Wanner,
/// "Geometric Numerical Integration" (2006), sections VI.3, II.4 and V.3.
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

/// Order 2: half a kick, a drift, half a kick. One after another; in compositions that would so ask the force outside
/// of their step, half a drift, a kick, half a drift.
struct Verlet {
  static constexpr int order = 2;
  static constexpr std::array<double, 1> weights{1};
};

/// Order 4 by three steps, the middle one backwards; Yoshida, Physics Letters A 150 (1990), equation (2.11), and Forest
/// & Ruth (1990). The outer lengths are 1 / (2 - 2^(1/3)).
struct Yoshida4 {
  static constexpr int order = 4;
  static constexpr std::array<double, 3> weights{1.3512071919596578, -1.7024143839193153, 1.3512071919596578};
};

/// Order 6 by seven steps; Yoshida (1990), table 1, solution A, its digits completed by Newton's method on the
/// conditions of composition_order().
struct Yoshida6 {
  static constexpr int order = 6;
  static constexpr std::array<double, 7> weights{0.78451361047755726, 0.23557321335935813, -1.1776799841788710,
                                                 1.3151863206839112,  -1.1776799841788710, 0.23557321335935813,
                                                 0.78451361047755726};
};

}  // namespace pathline
