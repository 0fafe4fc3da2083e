/// \file
/// The continuous extension of a step as data, and its order, found while the program is compiled. docs/maths.md,
/// section 5; Hairer, Nørsett & Wanner I, section II.6.
///
/// Between its ends a step is the cubic Hermite polynomial of y and f there, plus θ² (1 - θ)² h Σ d_i K_i where the
/// method has an own extension:
/// ```
/// struct MyMethod {
///   static constexpr ExplicitTableau<7> tableau{...};
///   static constexpr std::array<double, 7> dense{...};  // d
///   static constexpr int dense_order = 4;
/// };
/// ```
/// All such extensions meet the values and the slopes of the step at both of its ends.
#pragma once

#include <pathline/ode/tableau_checks.hpp>

#include <array>
#include <cstddef>

namespace pathline {
namespace detail {

/// The weights of the Hermite polynomial and of the correction at θ.
struct HermiteWeights {
  double rise;        ///< Of y_1 - y_0.
  double first;       ///< Of h f_0.
  double last;        ///< Of h f_1.
  double correction;  ///< Of h Σ d_i K_i.
};

constexpr HermiteWeights hermite_weights(double theta) {
  const double rest = 1 - theta;
  return {.rise = theta * theta * (3 - 2 * theta),
          .first = theta * rest * rest,
          .last = -theta * theta * rest,
          .correction = theta * theta * rest * rest};
}

/// Their derivatives by θ.
constexpr HermiteWeights hermite_slopes(double theta) {
  const double rest = 1 - theta;
  return {.rise = 6 * theta * rest,
          .first = rest * (1 - 3 * theta),
          .last = theta * (3 * theta - 2),
          .correction = 2 * theta * rest * (1 - 2 * theta)};
}

}  // namespace detail

/// Highest order, at most 4, of the extension with these d: its error within a step is O(h^(order + 1)), uniformly in
/// θ. Assumes the tableau to be sound. All d = 0 is the Hermite polynomial, of order min(3, order of the method).
template <int S>
[[nodiscard]] constexpr int dense_order_reached(const ExplicitTableau<S>& tableau,
                                                const std::array<double, std::size_t(S)>& d = {}) {
  // Where the extension ends at θ, it is a step of length θ h with the stages at A/θ and c/θ and the weights b(θ)/θ;
  // f_1 is one more stage. Its conditions are polynomials of degree 4 that vanish at 0: four more zeros decide.
  int order = tableau.order < 4 ? tableau.order : 4;  // met at θ = 1, by construction
  for (const double theta : {0.5, 0.625, 0.75, 0.875}) {
    const detail::HermiteWeights at = detail::hermite_weights(theta);
    ExplicitTableau<S + 1> scaled{};
    for (std::size_t i = 0, k = 0; i < std::size_t(S); ++i) {
      for (std::size_t j = 0; j < i; ++j, ++k) scaled.a[k] = tableau.a[k] / theta;
      scaled.c[i] = tableau.c[i] / theta;
      scaled.a[tableau.a.size() + i] = tableau.b[i] / theta;
      scaled.b[i] = (at.rise * tableau.b[i] + at.correction * d[i]) / theta;
    }
    scaled.b[0] += at.first / theta;
    scaled.b[std::size_t(S)] = at.last / theta;
    scaled.c[std::size_t(S)] = 1 / theta;
    const int reached = order_reached(scaled, scaled.b);
    order = reached < order ? reached : order;
  }
  return order;
}

}  // namespace pathline
