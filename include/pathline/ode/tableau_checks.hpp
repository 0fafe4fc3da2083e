/// \file
/// The Butcher tableau of an explicit method, and what can be proved of it while it is compiled: row sums, and the
/// order conditions of all rooted trees with at most five nodes. Hairer, Nørsett & Wanner I, section II.2, table 2.2.
#pragma once

#include <array>
#include <cstddef>

namespace pathline {

/// Butcher tableau of an explicit method with `Stages` stages; docs/maths.md, sections 2 and 3.
template <int Stages>
struct ExplicitTableau {
  static constexpr int stages = Stages;

  std::array<double, std::size_t(Stages*(Stages - 1) / 2)> a{};  ///< Rows of A below the first, one after another.
  std::array<double, std::size_t(Stages)> b{};                   ///< Weights of the solution.
  std::array<double, std::size_t(Stages)> b_embedded{};          ///< Weights of the partner, if there is one.
  std::array<double, std::size_t(Stages)> c{};                   ///< Nodes.
  int order = 0;
  int embedded_order = 0;  ///< 0: no partner, hence no error estimate.

  /// a_ij, counted from 0; 0 on and above the diagonal.
  [[nodiscard]] constexpr double A(int i, int j) const { return j < i ? a[std::size_t(i * (i - 1) / 2 + j)] : 0; }
};

/// The last stage of a step is the first of the next: the last row of A equals b.
template <int S>
[[nodiscard]] constexpr bool first_same_as_last(const ExplicitTableau<S>& tableau) {
  if (S == 1 || tableau.c[S - 1] != 1) return false;
  for (int j = 0; j < S; ++j)
    if (tableau.A(S - 1, j) != tableau.b[std::size_t(j)]) return false;
  return true;
}

namespace detail {

// Printed coefficients carry 16 digits and are as large as 13, which leaves about 1e-14 in the conditions.
inline constexpr double tableau_tolerance = 1e-13;

constexpr bool nearly(double x, double y) { return x - y < tableau_tolerance && y - x < tableau_tolerance; }

/// A column with one entry per stage, for the elementary weights.
template <int S>
struct StageColumn {
  std::array<double, std::size_t(S)> at{};

  /// Entry by entry.
  constexpr StageColumn operator*(const StageColumn& other) const {
    StageColumn result;
    for (std::size_t i = 0; i < std::size_t(S); ++i) result.at[i] = at[i] * other.at[i];
    return result;
  }
};

template <int S>
constexpr StageColumn<S> times_A(const ExplicitTableau<S>& tableau, const StageColumn<S>& x) {
  StageColumn<S> result;
  for (int i = 0; i < S; ++i)
    for (int j = 0; j < i; ++j) result.at[std::size_t(i)] += tableau.A(i, j) * x.at[std::size_t(j)];
  return result;
}

}  // namespace detail

/// Largest difference between c_i and the sum of row i of A.
template <int S>
[[nodiscard]] constexpr double row_sum_defect(const ExplicitTableau<S>& tableau) {
  double worst = 0;
  for (int i = 0; i < S; ++i) {
    double sum = 0;
    for (int j = 0; j < i; ++j) sum += tableau.A(i, j);
    const double defect = sum - tableau.c[std::size_t(i)];
    worst = defect > worst ? defect : -defect > worst ? -defect : worst;
  }
  return worst;
}

/// Highest order, at most 5, whose conditions the weights meet with this A and c. Assumes the row sums.
template <int S>
[[nodiscard]] constexpr int order_reached(const ExplicitTableau<S>& tableau,
                                          const std::array<double, std::size_t(S)>& weights) {
  using Column = detail::StageColumn<S>;
  const auto A = [&](const Column& x) { return detail::times_A(tableau, x); };
  const auto meets = [&](const Column& x, double reciprocal) {
    double sum = 0;
    for (std::size_t i = 0; i < std::size_t(S); ++i) sum += weights[i] * x.at[i];
    return detail::nearly(sum, 1 / reciprocal);
  };
  Column one;
  for (double& entry : one.at) entry = 1;
  const Column c{tableau.c};
  const Column Ac = A(c), AAc = A(Ac), Acc = A(c * c);

  if (!meets(one, 1)) return 0;
  if (!meets(c, 2)) return 1;
  if (!(meets(c * c, 3) && meets(Ac, 6))) return 2;
  if (!(meets(c * c * c, 4) && meets(c * Ac, 8) && meets(Acc, 12) && meets(AAc, 24))) return 3;
  if (!(meets(c * c * c * c, 5) && meets(c * c * Ac, 10) && meets(c * Acc, 15) && meets(c * AAc, 30) &&
        meets(Ac * Ac, 20) && meets(A(c * c * c), 20) && meets(A(c * Ac), 40) && meets(A(Acc), 60) &&
        meets(A(AAc), 120)))
    return 4;
  return 5;
}

/// What is wrong with a tableau, if anything.
enum class TableauDefect {
  none,
  row_sum,         ///< Some c_i is not the sum of row i of A.
  order,           ///< The conditions of the declared order do not hold, or those of a higher order do.
  embedded_order,  ///< The same for the embedded weights.
  empty_row        ///< A stage that uses no earlier stage, or no weights at all.
};

/// Row sums and order conditions; orders above 5 are taken on trust beyond the fifth.
template <int S>
[[nodiscard]] constexpr TableauDefect tableau_defect(const ExplicitTableau<S>& tableau) {
  for (int i = 1; i < S; ++i) {
    bool empty = true;
    for (int j = 0; j < i; ++j) empty = empty && tableau.A(i, j) == 0;
    if (empty) return TableauDefect::empty_row;
  }
  if (row_sum_defect(tableau) > detail::tableau_tolerance) return TableauDefect::row_sum;
  const auto capped = [](int order) { return order < 5 ? order : 5; };
  if (tableau.order < 1 || order_reached(tableau, tableau.b) != capped(tableau.order)) return TableauDefect::order;
  if (tableau.embedded_order > 0 && order_reached(tableau, tableau.b_embedded) != capped(tableau.embedded_order))
    return TableauDefect::embedded_order;
  return TableauDefect::none;
}

}  // namespace pathline
