/// \file
/// The Butcher tableau of a diagonally implicit method, and its stability for infinitely stiff problems, all known
/// while it is compiled. Row sums and order conditions are those of tableau_checks.hpp. docs/maths.md, section 3.
#pragma once

#include <pathline/ode/concepts.hpp>
#include <pathline/ode/tableau/tableau_checks.hpp>

#include <array>
#include <cstddef>
#include <limits>

namespace pathline {

/// Butcher tableau of a method whose stages are solved one after another. The diagonal holds one γ, so that all stages
/// of a step share the matrix I - hγJ; the first entry alone may be 0, an explicit first stage.
template <int Stages>
struct DiagonallyImplicitTableau {
  static constexpr int stages = Stages;
  static constexpr bool implicit = true;

  std::array<double, std::size_t(Stages*(Stages + 1) / 2)> a{};  ///< Rows of A up to the diagonal, one after another.
  std::array<double, std::size_t(Stages)> b{};                   ///< Weights of the solution.
  std::array<double, std::size_t(Stages)> b_embedded{};          ///< Weights of the partner, if there is one.
  std::array<double, std::size_t(Stages)> c{};                   ///< Nodes.
  int order = 0;
  int embedded_order = 0;  ///< 0: no partner, hence no error estimate.

  /// a_ij, counted from 0; 0 above the diagonal.
  [[nodiscard]] constexpr double A(int i, int j) const { return j <= i ? a[std::size_t(i * (i + 1) / 2 + j)] : 0; }
  [[nodiscard]] constexpr double gamma() const { return A(Stages - 1, Stages - 1); }
  [[nodiscard]] constexpr bool has_explicit_first_stage() const { return A(0, 0) == 0; }
  /// Whether the diagonal is (γ, …, γ) or (0, γ, …, γ), γ > 0.
  [[nodiscard]] constexpr bool has_one_diagonal() const {
    bool one = gamma() > 0 && (has_explicit_first_stage() || A(0, 0) == gamma());
    for (int i = 1; i < Stages; ++i) one = one && A(i, i) == gamma();
    return one;
  }
};

/// A struct with `static constexpr DiagonallyImplicitTableau<S> tableau`.
template <class M>
concept DiagonallyImplicitMethod = TableauMethod<M, DiagonallyImplicitTableau>;

/// R(∞) of the stability function R(ζ) = 1 + ζ wᵀ(I - ζA)⁻¹1 with these weights; infinite where R grows with ζ. An
/// A-stable method is L-stable where it is 0. Hairer & Wanner II, section IV.3; docs/maths.md, (3.5).
template <int S>
[[nodiscard]] constexpr double stability_at_infinity(const DiagonallyImplicitTableau<S>& tableau,
                                                     const std::array<double, std::size_t(S)>& weights) {
  // With an explicit first stage, A = [0 0; α Ã] and w = (w_1, w̃): the stages are -u - v / ζ + O(ζ⁻²) with Ãu = α and
  // Ãv = 1 + u. Without one, Ã = A, u = 0.
  const int first = tableau.has_explicit_first_stage() ? 1 : 0;
  double u[S]{}, v[S]{};
  double growth = first == 1 ? weights[0] : 0, limit = 1;
  for (int i = first; i < S; ++i) {
    u[i] = first == 1 ? tableau.A(i, 0) : 0;
    for (int j = first; j < i; ++j) u[i] -= tableau.A(i, j) * u[j];
    u[i] /= tableau.A(i, i);
    v[i] = 1 + u[i];
    for (int j = first; j < i; ++j) v[i] -= tableau.A(i, j) * v[j];
    v[i] /= tableau.A(i, i);
    growth -= weights[std::size_t(i)] * u[i];
    limit -= weights[std::size_t(i)] * v[i];
  }
  return detail::nearly(growth, 0) ? limit : std::numeric_limits<double>::infinity();
}

}  // namespace pathline
