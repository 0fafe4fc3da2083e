/// \file
/// The Butcher tableau of an explicit method, and what a method with one may say beside it.
#pragma once

#include <pathline/ode/concepts.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <type_traits>

namespace pathline {

/// Butcher tableau of an explicit method with `Stages` stages; docs/maths.md, (2.2).
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

/// A struct with `static constexpr ExplicitTableau<S> tableau`.
template <class M>
concept ExplicitMethod = TableauMethod<M, ExplicitTableau>;

/// An embedded method with a second, coarser partner: weights `b_coarse` of order `coarse_order` for the same stages.
template <class M>
concept DoublyEmbeddedMethod = ExplicitMethod<M> && EmbeddedMethod<M> && requires {
  { M::coarse_order } -> std::convertible_to<int>;
  { M::b_coarse[0] } -> std::convertible_to<double>;
  requires M::b_coarse.size() == M::tableau.b.size();
};

/// A method with its own continuous extension: a d for each stage in `dense`, and its order; see dense_weights.hpp.
template <class M>
concept DenselyExtendedMethod = ExplicitMethod<M> && requires {
  { M::dense_order } -> std::convertible_to<int>;
  { M::dense[0] } -> std::convertible_to<double>;
  requires M::dense.size() == M::tableau.b.size();
};

/// A method whose own continuous extension has more stages than a step: `dense_tableau` goes on where `tableau` ends,
/// first by f at the end of the step, and `dense` has a row for each power of θ; see dense_weights.hpp.
template <class M>
concept DenselyStagedMethod = ExplicitMethod<M> && requires {
  { M::dense_order } -> std::convertible_to<int>;
  { M::dense[0][0] } -> std::convertible_to<double>;
  requires detail::is_tableau<std::remove_cvref_t<decltype(M::dense_tableau)>, ExplicitTableau>;
  requires M::dense[0].size() == M::dense_tableau.b.size();
};

}  // namespace pathline
