/// \file
/// The two Butcher tableaux of an additive Runge–Kutta method, and the order conditions that couple them: those of all
/// rooted trees whose branches are explicit or implicit. Kennedy & Carpenter, Appl. Numer. Math. 44 (2003) 139–181,
/// section 2; docs/maths.md, (3.13).
#pragma once

#include <pathline/ode/concepts.hpp>
#include <pathline/ode/explicit/explicit_tableau.hpp>
#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_tableau.hpp>

#include <array>
#include <cstddef>

namespace pathline {

/// An explicit and a diagonally implicit method with the same nodes and weights, for y' = f(t, y) + g(t, y): f is
/// weighted by the first, g by the second. The first stage is explicit in both.
template <int Stages>
struct AdditiveTableau {
  static constexpr int stages = Stages;
  static constexpr bool implicit = true;
  static constexpr bool two_parts = true;

  std::array<double, std::size_t(Stages*(Stages - 1) / 2)> explicit_a{};  ///< Rows below the first, one after another.
  std::array<double, std::size_t(Stages*(Stages + 1) / 2)> implicit_a{};  ///< Rows up to the diagonal.
  std::array<double, std::size_t(Stages)> b{};                            ///< Weights of the solution.
  std::array<double, std::size_t(Stages)> b_embedded{};                   ///< Weights of the partner, if there is one.
  std::array<double, std::size_t(Stages)> c{};                            ///< Nodes.
  int order = 0;
  int embedded_order = 0;  ///< 0: no partner, hence no error estimate.

  [[nodiscard]] constexpr ExplicitTableau<Stages> explicit_part() const {
    return {
        .a = explicit_a, .b = b, .b_embedded = b_embedded, .c = c, .order = order, .embedded_order = embedded_order};
  }
  [[nodiscard]] constexpr DiagonallyImplicitTableau<Stages> implicit_part() const {
    return {
        .a = implicit_a, .b = b, .b_embedded = b_embedded, .c = c, .order = order, .embedded_order = embedded_order};
  }
};

/// A struct with `static constexpr AdditiveTableau<S> tableau`.
template <class M>
concept AdditiveMethod = TableauMethod<M, AdditiveTableau>;

namespace detail {

/// A rooted tree each branch of which is explicit or implicit, by its last branch as in rooted_trees.hpp.
struct ColouredTree {
  int trunk = -1;
  int branch = -1;  ///< Twice the index of a tree, and 1 more where the branch is implicit.
  int order = 1;
  int density = 1;
};

inline constexpr int largest_coloured_tree = 5;

/// The number of those with at most n nodes; 1, 2, 7, 26, 107 of them.
inline constexpr std::array<int, largest_coloured_tree + 1> coloured_trees_up_to{0, 1, 3, 10, 36, 143};

using ColouredTrees = std::array<ColouredTree, std::size_t(coloured_trees_up_to[largest_coloured_tree])>;

template <class>
constexpr ColouredTrees make_coloured_trees() {
  ColouredTrees trees{};
  std::size_t next = 1;  // trees[0] is the single node
  for (int n = 2; n <= largest_coloured_tree; ++n)
    for (int branch = 0; branch < 2 * coloured_trees_up_to[std::size_t(n - 1)]; ++branch) {
      const ColouredTree twig = trees[std::size_t(branch / 2)];
      const std::size_t rest = std::size_t(n - twig.order);
      for (int trunk = coloured_trees_up_to[rest - 1]; trunk < coloured_trees_up_to[rest]; ++trunk) {
        const ColouredTree stem = trees[std::size_t(trunk)];
        if (branch < stem.branch) continue;
        trees[next++] = {trunk, branch, n, stem.density / stem.order * twig.density * n};
      }
    }
  return trees;
}

/// A template, so that only who takes them computes them.
template <class T = void>
inline constexpr ColouredTrees coloured_trees = make_coloured_trees<T>();

}  // namespace detail

/// Highest order, at most 5, whose conditions the weights meet for every split of the right-hand side.
template <int S>
[[nodiscard]] constexpr int order_reached(const AdditiveTableau<S>& tableau,
                                          const std::array<double, std::size_t(S)>& weights) {
  constexpr std::size_t trees = std::tuple_size_v<detail::ColouredTrees>;
  const auto explicit_part = tableau.explicit_part();
  const auto implicit_part = tableau.implicit_part();
  // φ of every tree, and A φ by both: branch_phi[2 k + colour]. Plain arrays as in tableau_checks.hpp.
  double phi[trees][S]{}, branch_phi[2 * trees][S]{};
  for (std::size_t k = 0; k < trees; ++k) {
    const auto [trunk, branch, order, density] = detail::coloured_trees<>[k];
    double sum = 0, size = 0;
    for (int i = 0; i < S; ++i) {
      phi[k][i] = k == 0 ? 1 : phi[trunk][i] * branch_phi[branch][i];
      const double term = weights[std::size_t(i)] * phi[k][i];
      sum += term;
      size += detail::magnitude(term);
    }
    if (!detail::nearly(sum, 1. / density, size)) return order - 1;
    if (order == detail::largest_coloured_tree) continue;
    for (int i = 0; i < S; ++i)
      for (int j = 0; j <= i; ++j) {
        branch_phi[2 * k][i] += explicit_part.A(i, j) * phi[k][j];
        branch_phi[2 * k + 1][i] += implicit_part.A(i, j) * phi[k][j];
      }
  }
  return detail::largest_coloured_tree;
}

/// Row sums of both, one diagonal, and order conditions; orders above 5 are taken on trust beyond the fifth.
template <int S>
[[nodiscard]] constexpr TableauDefect tableau_defect(const AdditiveTableau<S>& tableau) {
  const auto implicit_part = tableau.implicit_part();
  if (!implicit_part.has_one_diagonal() || !implicit_part.has_explicit_first_stage()) return TableauDefect::diagonal;
  if (row_sum_defect(implicit_part) > detail::tableau_tolerance ||
      row_sum_defect(tableau.explicit_part()) > detail::tableau_tolerance)
    return TableauDefect::row_sum;
  constexpr int largest = detail::largest_coloured_tree;
  if (tableau.order < 1 || order_reached(tableau, tableau.b) != detail::capped(tableau.order, largest))
    return TableauDefect::order;
  if (tableau.embedded_order > 0 &&
      order_reached(tableau, tableau.b_embedded) != detail::capped(tableau.embedded_order, largest))
    return TableauDefect::embedded_order;
  return TableauDefect::none;
}

/// R(∞) of the implicit part alone.
template <int S>
[[nodiscard]] constexpr double stability_at_infinity(const AdditiveTableau<S>& tableau,
                                                     const std::array<double, std::size_t(S)>& weights) {
  return stability_at_infinity(tableau.implicit_part(), weights);
}

}  // namespace pathline
