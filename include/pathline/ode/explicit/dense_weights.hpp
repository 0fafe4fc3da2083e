/// \file
/// The continuous extension of a step as data, and its order, found while the program is compiled. docs/maths.md,
/// (5.1) and (5.2); Hairer, Nørsett & Wanner I, section II.6.
///
/// Between its ends a step is the cubic Hermite polynomial of y and f there, plus θ² (1 - θ)² h Σ d_i K_i where the
/// method has its own extension:
/// ```
/// struct MyMethod {
///   static constexpr ExplicitTableau<7> tableau{...};
///   static constexpr std::array<double, 7> dense{...};  // d
///   static constexpr int dense_order = 4;
/// };
/// ```
/// or plus θ² (1 - θ)² Σ_k θ^k h Σ d_ki K_i where it has one of a higher order, with more stages, which are evaluated
/// only in steps that are looked into:
/// ```
///   static constexpr ExplicitTableau<16> dense_tableau = extended_stages(tableau, ...);
///   static constexpr std::array<std::array<double, 16>, 4> dense{...};  // a row d_k for each power of θ
/// ```
/// All such extensions meet the values and the slopes of the step at both of its ends.
#pragma once

#include <pathline/ode/explicit/explicit_tableau.hpp>
#include <pathline/ode/tableau/hermite_weights.hpp>
#include <pathline/ode/tableau/tableau_checks.hpp>

#include <array>
#include <cstddef>

namespace pathline {

/// The stages of an extension: those of a step, f at its end, and then stages with these rows of A, one after another,
/// and these nodes.
template <int S, std::size_t R, std::size_t N>
[[nodiscard]] constexpr ExplicitTableau<S + 1 + int(N)> extended_stages(const ExplicitTableau<S>& tableau,
                                                                        const std::array<double, R>& rows,
                                                                        const std::array<double, N>& nodes) {
  ExplicitTableau<S + 1 + int(N)> stages{};
  constexpr int E = S + 1 + int(N);
  static_assert(R == std::size_t((E * (E - 1) - S * (S + 1)) / 2), "extended_stages: a full row for each node");
  std::size_t k = 0;
  for (const double a : tableau.a) stages.a[k++] = a;
  for (const double b : tableau.b) stages.a[k++] = b;
  for (const double a : rows) stages.a[k++] = a;
  k = 0;
  for (const double c : tableau.c) stages.c[k++] = c;
  stages.c[k++] = 1;
  for (const double c : nodes) stages.c[k++] = c;
  return stages;
}

/// Highest order, at most 3 plus the number of rows of d, of the extension with these d and stages: its error within a
/// step is O(h^(order + 1)), uniformly in θ. Assumes the method's own tableau to be sound; 0 where the stages do not go
/// on from it by f at the end of the step.
template <int S, int E, std::size_t N>
[[nodiscard]] constexpr int dense_order_reached(const ExplicitTableau<S>& tableau, const ExplicitTableau<E>& stages,
                                                const std::array<std::array<double, std::size_t(E)>, N>& d) {
  static_assert(E > S, "dense_order_reached: f at the end of the step is a stage of the extension");
  for (int i = 0; i <= S; ++i) {
    if (stages.c[std::size_t(i)] != (i < S ? tableau.c[std::size_t(i % S)] : 1)) return 0;
    for (int j = 0; j < i; ++j)
      if (stages.A(i, j) != (i < S ? tableau.A(i, j) : tableau.b[std::size_t(j)])) return 0;
  }
  if (row_sum_defect(stages) > detail::tableau_tolerance) return 0;
  // The conditions are polynomials of degree 3 + N in θ that vanish at 0: as many more zeros decide.
  std::array<std::array<double, std::size_t(E)>, 3 + N> weights{};
  std::array<double, 3 + N> theta{};
  for (std::size_t n = 0; n < 3 + N; ++n) {
    theta[n] = double(n + 1) / double(4 + N);
    const detail::HermiteWeights at = detail::hermite_weights(theta[n]);
    double power = at.correction;
    for (std::size_t i = 0; i < std::size_t(S); ++i) weights[n][i] = at.rise * tableau.b[i];
    weights[n][0] += at.first;
    weights[n][std::size_t(S)] += at.last;
    for (std::size_t k = 0; k < N; ++k, power *= theta[n])
      for (std::size_t i = 0; i < std::size_t(E); ++i) weights[n][i] += power * d[k][i];
  }
  const int most = tableau.order < int(3 + N) ? tableau.order : int(3 + N);  // met at θ = 1, by construction
  const int reached = order_reached(stages, weights, theta);
  return reached < most ? reached : most;
}

/// The same of an extension by the stages of the step. All d = 0 is the Hermite polynomial, of order min(3, order of
/// the method).
template <int S>
[[nodiscard]] constexpr int dense_order_reached(const ExplicitTableau<S>& tableau,
                                                const std::array<double, std::size_t(S)>& d = {}) {
  std::array<std::array<double, std::size_t(S + 1)>, 1> rows{};
  for (std::size_t i = 0; i < std::size_t(S); ++i) rows[0][i] = d[i];
  return dense_order_reached(tableau, extended_stages(tableau, std::array<double, 0>{}, std::array<double, 0>{}), rows);
}

}  // namespace pathline
