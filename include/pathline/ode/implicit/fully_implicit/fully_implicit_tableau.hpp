/// \file
/// The Butcher tableau of a fully implicit method, whose stages depend on each other, and its stability for infinitely
/// stiff problems, all known while it is compiled. docs/maths.md, section 3.
#pragma once

#include <pathline/ode/concepts.hpp>
#include <pathline/ode/implicit/newton/matrix_spectrum.hpp>
#include <pathline/ode/tableau/tableau_checks.hpp>

#include <array>
#include <cstddef>

namespace pathline {

/// Butcher tableau with any A that has an inverse and eigenvalues that differ from each other.
template <int Stages>
struct FullyImplicitTableau {
  static constexpr int stages = Stages;
  static constexpr bool implicit = true;
  static constexpr bool full_rows = true;

  std::array<double, std::size_t(Stages* Stages)> a{};  ///< A, row by row.
  std::array<double, std::size_t(Stages)> b{};          ///< Weights of the solution.
  /// Weights of the partner, if there is one, and its weight of f(t, y) at the start of the step, which is no stage.
  std::array<double, std::size_t(Stages)> b_embedded{};
  double start_embedded = 0;
  std::array<double, std::size_t(Stages)> c{};  ///< Nodes, no two of them equal.
  int order = 0;
  int embedded_order = 0;  ///< 0: no partner, hence no error estimate.

  /// a_ij, counted from 0.
  [[nodiscard]] constexpr double A(int i, int j) const { return a[std::size_t(i * Stages + j)]; }
  [[nodiscard]] constexpr detail::RealMatrix<std::size_t(Stages)> matrix() const {
    detail::RealMatrix<std::size_t(Stages)> M{};
    for (int i = 0; i < Stages; ++i)
      for (int j = 0; j < Stages; ++j) M[std::size_t(i)][std::size_t(j)] = A(i, j);
    return M;
  }
  /// Whether no two nodes are equal, nor two eigenvalues of A, and none of these is 0.
  [[nodiscard]] constexpr bool has_separate_stages() const {
    for (int i = 0; i < Stages; ++i)
      for (int j = 0; j < i; ++j)
        if (c[std::size_t(i)] == c[std::size_t(j)]) return false;
    const auto spectrum = detail::spectrum(matrix());
    for (std::size_t k = 0; k < spectrum.real + spectrum.complex; ++k)
      if (detail::size_of(spectrum.pairs[k].value) < detail::tableau_tolerance) return false;
    return spectrum.defect(matrix()) < detail::tableau_tolerance;
  }
};

/// A struct with `static constexpr FullyImplicitTableau<S> tableau`.
template <class M>
concept FullyImplicitMethod = TableauMethod<M, FullyImplicitTableau>;

namespace detail {

/// The method with one more, explicit stage before the others: f(t, y).
template <int Stages>
struct WithStart {
  static constexpr int stages = Stages + 1;
  static constexpr bool full_rows = true;
  FullyImplicitTableau<Stages> tableau;
  std::array<double, std::size_t(Stages + 1)> c{};

  constexpr explicit WithStart(const FullyImplicitTableau<Stages>& T) : tableau(T) {
    for (std::size_t i = 0; i < std::size_t(Stages); ++i) c[i + 1] = T.c[i];
  }
  [[nodiscard]] constexpr double A(int i, int j) const { return i > 0 && j > 0 ? tableau.A(i - 1, j - 1) : 0; }
};

}  // namespace detail

/// Highest order, at most 8, whose conditions the partner meets.
template <int S>
[[nodiscard]] constexpr int embedded_order_reached(const FullyImplicitTableau<S>& tableau) {
  std::array<double, std::size_t(S + 1)> weights{tableau.start_embedded};
  for (std::size_t i = 0; i < std::size_t(S); ++i) weights[i + 1] = tableau.b_embedded[i];
  return order_reached(detail::WithStart<S>(tableau), weights);
}

/// R(∞) = 1 - wᵀA⁻¹1 of the stability function R(ζ) = 1 + ζ wᵀ(I - ζA)⁻¹1 with these weights.
template <int S>
[[nodiscard]] constexpr double stability_at_infinity(const FullyImplicitTableau<S>& tableau,
                                                     const std::array<double, std::size_t(S)>& weights) {
  const auto inverse = detail::inverse(tableau.matrix());
  double limit = 1;
  for (std::size_t i = 0; i < std::size_t(S); ++i)
    for (std::size_t j = 0; j < std::size_t(S); ++j) limit -= weights[i] * inverse[i][j];
  return limit;
}

}  // namespace pathline
