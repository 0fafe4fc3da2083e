/// \file
/// The coefficients of a Rosenbrock method, and what can be proved of them while they are compiled: the order
/// conditions of all rooted trees, and the stability for infinitely stiff problems. Hairer & Wanner II, section IV.7;
/// docs/maths.md, (3.10).
#pragma once

#include <pathline/ode/concepts.hpp>
#include <pathline/ode/tableau/tableau_checks.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>

namespace pathline {

/// A Rosenbrock method with `Stages` stages, by its definition (Hairer & Wanner II, equation IV.7.4): with J = ∂f/∂y
/// at the start of the step, k_i = h f(y + Σ α_ij k_j) + h J Σ γ_ij k_j and y_next = y + Σ b_i k_i. Γ = (γ_ij) has one
/// γ on its diagonal, so that all stages of a step share the matrix I - hγJ.
template <int Stages>
struct RosenbrockTableau {
  static constexpr int stages = Stages;
  static constexpr bool implicit = true;

  double gamma = 0;                                                   ///< The diagonal of Γ.
  std::array<double, std::size_t(Stages*(Stages - 1) / 2)> alphas{};  ///< Rows of α below the first, one after another.
  std::array<double, std::size_t(Stages*(Stages - 1) / 2)> gammas{};  ///< Rows of Γ left of its diagonal.
  std::array<double, std::size_t(Stages)> b{};                        ///< Weights of the solution.
  std::array<double, std::size_t(Stages)> b_embedded{};               ///< Weights of the partner, if there is one.
  int order = 0;
  int embedded_order = 0;  ///< 0: no partner, hence no error estimate.

  /// α_ij, counted from 0; 0 on and above the diagonal.
  [[nodiscard]] constexpr double alpha(int i, int j) const {
    return j < i ? alphas[std::size_t(i * (i - 1) / 2 + j)] : 0;
  }
  /// γ_ij; 0 above the diagonal.
  [[nodiscard]] constexpr double Gamma(int i, int j) const {
    return j < i ? gammas[std::size_t(i * (i - 1) / 2 + j)] : j == i ? gamma : 0;
  }
  /// β_ij = α_ij + γ_ij.
  [[nodiscard]] constexpr double beta(int i, int j) const { return alpha(i, j) + Gamma(i, j); }
};

/// A struct with `static constexpr RosenbrockTableau<S> tableau`.
template <class M>
concept RosenbrockMethod = TableauMethod<M, RosenbrockTableau>;

/// A Rosenbrock method that knows the slopes at the ends of a step as Σ w_i k_i / h, for the cubic between them: where
/// the problem is stiff f(y) would multiply the error of y by a large Jacobian.
template <class M>
concept SlopedRosenbrockMethod = RosenbrockMethod<M> && requires {
  { M::start_slope[0] } -> std::convertible_to<double>;
  { M::end_slope[0] } -> std::convertible_to<double>;
  requires M::start_slope.size() == M::tableau.b.size();
  requires M::end_slope.size() == M::tableau.b.size();
};

namespace detail {

/// A number as it was meant, where rounding has left a little of 0 or has missed 1.
constexpr double without_rounding(double x) { return nearly(x, 0) ? 0 : nearly(x, 1) ? 1 : x; }

/// Σ_j of row i of α, the node of stage i, or of Γ, the weight of its time derivative.
template <int S>
constexpr double row_sum_of_alpha(const RosenbrockTableau<S>& tableau, int i) {
  double sum = 0;
  for (int j = 0; j < i; ++j) sum += tableau.alpha(i, j);
  return without_rounding(sum);
}
template <int S>
constexpr double row_sum_of_gamma(const RosenbrockTableau<S>& tableau, int i) {
  double sum = 0;
  for (int j = 0; j <= i; ++j) sum += tableau.Gamma(i, j);
  return without_rounding(sum);
}

}  // namespace detail

/// The weights x of the k_j as weights xΓ⁻¹ of u_i = Σ γ_ij k_j, in which a step needs no product with J. Hairer &
/// Wanner II, equations IV.7.24 to IV.7.26.
template <int S>
[[nodiscard]] constexpr std::array<double, std::size_t(S)> in_increments(const RosenbrockTableau<S>& tableau,
                                                                         std::array<double, std::size_t(S)> x) {
  for (int j = S - 1; j >= 0; --j) {
    for (int k = j + 1; k < S; ++k) x[std::size_t(j)] -= x[std::size_t(k)] * tableau.Gamma(k, j);
    x[std::size_t(j)] /= tableau.gamma;
  }
  for (double& weight : x) weight = detail::without_rounding(weight);
  return x;
}

/// The last stage's input is the solution, so that its f is that of the next step's first stage.
template <int S>
[[nodiscard]] constexpr bool first_same_as_last(const RosenbrockTableau<S>& tableau) {
  if (S == 1 || detail::row_sum_of_alpha(tableau, S - 1) != 1) return false;
  for (int j = 0; j < S; ++j)
    if (tableau.alpha(S - 1, j) != tableau.b[std::size_t(j)]) return false;
  return true;
}

namespace detail {

/// Highest order, at most 8, up to which Σ w_i φ_i(τ) is expected(order, density) for all trees.
template <int S, class Expected>
constexpr int order_as_expected(const RosenbrockTableau<S>& tableau, const std::array<double, std::size_t(S)>& weights,
                                const Expected& expected) {
  constexpr std::size_t trees = std::tuple_size_v<RootedTrees>;
  // φ of every tree, α φ, β φ, and the product of the α φ of its branches. Plain arrays as in tableau_checks.hpp.
  double alpha_phi[trees][S]{}, beta_phi[trees][S]{}, product[trees][S]{};
  for (std::size_t k = 0; k < trees; ++k) {
    const auto [trunk, branch, order, density] = rooted_trees<>[k];
    double phi[S]{}, sum = 0, size = 0;
    for (int i = 0; i < S; ++i) {
      product[k][i] = k == 0 ? 1 : product[trunk][i] * alpha_phi[branch][i];
      phi[i] = k > 0 && trunk == 0 ? beta_phi[branch][i] : product[k][i];
      const double term = weights[std::size_t(i)] * phi[i];
      sum += term;
      size += magnitude(term);
    }
    if (!nearly(sum, expected(order, density), size)) return order - 1;
    if (order == largest_tree) continue;
    for (int i = 0; i < S; ++i)
      for (int j = 0; j <= i; ++j) {
        alpha_phi[k][i] += tableau.alpha(i, j) * phi[j];
        beta_phi[k][i] += tableau.beta(i, j) * phi[j];
      }
  }
  return largest_tree;
}

}  // namespace detail

/// Highest order, at most 8, whose conditions the weights meet: those of a Runge–Kutta method, but a node with a single
/// branch reads it through β, one with several through α. Hairer & Wanner II, theorem IV.7.3.
template <int S>
[[nodiscard]] constexpr int order_reached(const RosenbrockTableau<S>& tableau,
                                          const std::array<double, std::size_t(S)>& weights) {
  return detail::order_as_expected(tableau, weights, [](int, int density) { return 1. / density; });
}

/// Highest order of the cubic through the ends of a step with the slopes Σ w_i k_i / h there: their conditions are the
/// derivatives of those at θ, θ^|τ| / γ(τ). At most 3, and the order of the method.
template <int S>
[[nodiscard]] constexpr int cubic_order_reached(const RosenbrockTableau<S>& tableau,
                                                const std::array<double, std::size_t(S)>& start_slope,
                                                const std::array<double, std::size_t(S)>& end_slope) {
  const int at_start =
      detail::order_as_expected(tableau, start_slope, [](int order, int) { return order == 1 ? 1. : 0.; });
  const int at_end =
      detail::order_as_expected(tableau, end_slope, [](int order, int density) { return double(order) / density; });
  return std::min({at_start, at_end, tableau.order, 3});
}

/// Whether all stages lie within the step: nodes from 0 to 1.
template <int S>
[[nodiscard]] constexpr bool nodes_in_step(const RosenbrockTableau<S>& tableau) {
  for (int i = 0; i < S; ++i) {
    const double alpha = detail::row_sum_of_alpha(tableau, i);
    if (!(alpha >= 0 && alpha <= 1)) return false;
  }
  return true;
}

/// Order conditions; orders above 8 are taken on trust beyond the eighth. Nodes are sums and cannot be wrong.
template <int S>
[[nodiscard]] constexpr TableauDefect tableau_defect(const RosenbrockTableau<S>& tableau) {
  if (!(tableau.gamma > 0)) return TableauDefect::diagonal;
  if (tableau.order < 1 || order_reached(tableau, tableau.b) != detail::capped(tableau.order))
    return TableauDefect::order;
  if (tableau.embedded_order > 0 &&
      order_reached(tableau, tableau.b_embedded) != detail::capped(tableau.embedded_order))
    return TableauDefect::embedded_order;
  return TableauDefect::none;
}

/// R(∞) = 1 - wᵀβ⁻¹1 of the stability function R(ζ) = 1 + ζ wᵀ(I - ζβ)⁻¹1 with these weights.
template <int S>
[[nodiscard]] constexpr double stability_at_infinity(const RosenbrockTableau<S>& tableau,
                                                     const std::array<double, std::size_t(S)>& weights) {
  double u[S]{}, limit = 1;
  for (int i = 0; i < S; ++i) {
    u[i] = 1;
    for (int j = 0; j < i; ++j) u[i] -= tableau.beta(i, j) * u[j];
    u[i] /= tableau.gamma;
    limit -= weights[std::size_t(i)] * u[i];
  }
  return limit;
}

}  // namespace pathline
