/// \file
/// What can be proved of a Butcher tableau while it is compiled: row sums, and the order conditions of all rooted trees
/// with at most eight nodes. Hairer, Nørsett & Wanner I, section II.2. The checks read any tableau by its A(i, j),
/// which is 0 above the diagonal unless the tableau says `full_rows`.
#pragma once

#include <pathline/ode/tableau/rooted_trees.hpp>

#include <array>
#include <cstddef>

namespace pathline {

/// The last stage's input is the solution: the last row of A equals b.
template <class Tableau>
[[nodiscard]] constexpr bool stiffly_accurate(const Tableau& tableau) {
  constexpr int last = Tableau::stages - 1;
  if (tableau.c[std::size_t(last)] != 1) return false;
  for (int j = 0; j <= last; ++j)
    if (tableau.A(last, j) != tableau.b[std::size_t(j)]) return false;
  return true;
}

/// The last stage of a step is the first of the next: stiffly accurate, with an explicit first stage.
template <class Tableau>
[[nodiscard]] constexpr bool first_same_as_last(const Tableau& tableau) {
  return Tableau::stages > 1 && tableau.A(0, 0) == 0 && stiffly_accurate(tableau);
}

/// Whether all stages lie within the step: nodes from 0 to 1.
template <class Tableau>
requires requires(const Tableau& tableau) { tableau.c; }
[[nodiscard]] constexpr bool nodes_in_step(const Tableau& tableau) {
  for (const double c : tableau.c)
    if (!(c >= 0 && c <= 1)) return false;
  return true;
}

namespace detail {

inline constexpr double tableau_tolerance = 1e-14;

constexpr double magnitude(double x) { return x < 0 ? -x : x; }

/// Whether a sum whose terms have this size in all is y to rounding: 1e-14 of the size, or of 1 if it is smaller. A
/// wrong coefficient is far above this.
constexpr bool nearly(double sum, double y, double size = 1) {
  return magnitude(sum - y) < tableau_tolerance * (size > 1 ? size : 1);
}

/// One more than the last column of row i of A that may differ from 0.
template <class Tableau>
constexpr int row_end(int i) {
  if constexpr (requires { Tableau::full_rows; })
    return Tableau::stages;
  else
    return i + 1;
}

}  // namespace detail

/// Largest difference between c_i and the sum of row i of A.
template <class Tableau>
[[nodiscard]] constexpr double row_sum_defect(const Tableau& tableau) {
  double worst = 0;
  for (int i = 0; i < Tableau::stages; ++i) {
    double sum = 0;
    for (int j = 0; j < detail::row_end<Tableau>(i); ++j) sum += tableau.A(i, j);
    const double defect = sum - tableau.c[std::size_t(i)];
    worst = defect > worst ? defect : -defect > worst ? -defect : worst;
  }
  return worst;
}

/// Highest order, at most 8, whose conditions all of the weights meet with this A and c, where weights[n] take a step
/// to θ_n h: Σ b_i φ_i = θ^|τ| / γ. Assumes the row sums.
template <class Tableau, std::size_t N>
[[nodiscard]] constexpr int order_reached(
    const Tableau& tableau, const std::array<std::array<double, std::size_t(Tableau::stages)>, N>& weights,
    const std::array<double, N>& theta) {
  constexpr int S = Tableau::stages;
  // φ and A φ of every tree (docs/maths.md, (3.1)), where A φ of the single node is c. In plain arrays: the
  // compiler interprets this, and every call of an operator[] costs it more than a product.
  constexpr std::size_t trees = std::tuple_size_v<detail::RootedTrees>;
  double A[S][S]{}, phi[trees][S]{}, A_phi[trees][S]{};
  for (int i = 0; i < S; ++i)
    for (int j = 0; j < detail::row_end<Tableau>(i); ++j) A[i][j] = tableau.A(i, j);
  for (int i = 0; i < S; ++i) {
    phi[0][i] = 1;
    A_phi[0][i] = tableau.c[std::size_t(i)];
  }
  for (std::size_t k = 0; k < trees; ++k) {
    const auto [trunk, branch, order, density] = detail::rooted_trees<>[k];
    for (int i = 0; k > 0 && i < S; ++i) phi[k][i] = phi[trunk][i] * A_phi[branch][i];
    for (std::size_t n = 0; n < N; ++n) {
      double sum = 0, size = 0, expected = 1. / density;
      for (int i = 0; i < order; ++i) expected *= theta[n];
      for (int i = 0; i < S; ++i) {
        const double term = weights[n][std::size_t(i)] * phi[k][i];
        sum += term;
        size += detail::magnitude(term);
      }
      if (!detail::nearly(sum, expected, size)) return order - 1;
    }
    if (k == 0 || order == detail::largest_tree) continue;
    for (int i = 0; i < S; ++i)
      for (int j = 0; j < detail::row_end<Tableau>(i); ++j) A_phi[k][i] += A[i][j] * phi[k][j];
  }
  return detail::largest_tree;
}

/// The same of one set of weights, for a whole step.
template <class Tableau>
[[nodiscard]] constexpr int order_reached(const Tableau& tableau,
                                          const std::array<double, std::size_t(Tableau::stages)>& weights) {
  constexpr std::size_t S = std::size_t(Tableau::stages);
  return order_reached(tableau, std::array<std::array<double, S>, 1>{weights}, std::array<double, 1>{1});
}

/// What is wrong with a tableau, if anything.
enum class TableauDefect {
  none,
  row_sum,         ///< Some c_i is not the sum of row i of A.
  order,           ///< The conditions of the declared order do not hold, or those of a higher order do.
  embedded_order,  ///< The same for the embedded weights.
  empty_row,       ///< A stage other than the first that uses none, or no weights at all.
  diagonal,        ///< Of a diagonally implicit method: not one positive γ for all stages but an explicit first one.
  stages           ///< Of a fully implicit method: two equal nodes or eigenvalues of A, or an eigenvalue of 0.
};

/// The same for its partner.
template <class Tableau>
[[nodiscard]] constexpr int embedded_order_reached(const Tableau& tableau) {
  return order_reached(tableau, tableau.b_embedded);
}

namespace detail {

/// An order as far as the conditions can tell.
constexpr int capped(int order, int largest = largest_tree) { return order < largest ? order : largest; }

}  // namespace detail

/// Row sums and order conditions; orders above 8 are taken on trust beyond the eighth.
template <class Tableau>
[[nodiscard]] constexpr TableauDefect tableau_defect(const Tableau& tableau) {
  for (int i = 1; i < Tableau::stages; ++i) {
    bool empty = true;
    for (int j = 0; j < detail::row_end<Tableau>(i); ++j) empty = empty && tableau.A(i, j) == 0;
    if (empty) return TableauDefect::empty_row;
  }
  if constexpr (requires { tableau.has_one_diagonal(); })
    if (!tableau.has_one_diagonal()) return TableauDefect::diagonal;
  if constexpr (requires { tableau.has_separate_stages(); })
    if (!tableau.has_separate_stages()) return TableauDefect::stages;
  if (row_sum_defect(tableau) > detail::tableau_tolerance) return TableauDefect::row_sum;
  if (tableau.order < 1 || order_reached(tableau, tableau.b) != detail::capped(tableau.order))
    return TableauDefect::order;
  if (tableau.embedded_order > 0 && embedded_order_reached(tableau) != detail::capped(tableau.embedded_order))
    return TableauDefect::embedded_order;
  return TableauDefect::none;
}

}  // namespace pathline
