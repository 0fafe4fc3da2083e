/// \file
/// Composite Gauss–Legendre quadrature: integrals of one variable to many digits.
#pragma once

#include <pathline/core/types.hpp>

#include <array>
#include <cstddef>

namespace pathline::detail {

/// Calls visit(t, weight) for each node of the 5-point Gauss–Legendre rule on `panels` equal panels of [from, to], so
/// that Σ weight · f(t) ≈ ∫ f dt. Exact for polynomials of degree 9; the error of a panel of width h is
/// 4e-13 h¹¹ f⁽¹⁰⁾ (Abramowitz & Stegun 25.4.30).
template <class Visit>
void for_each_node(double from, double to, Index panels, Visit&& visit) {
  // ⅓ √(5 ∓ 2 √(10/7)) with weights (322 ± 13 √70) / 900, and 0 with 128 / 225: A & S table 25.4.
  static constexpr std::array<double, 5> nodes{-0.906179845938663993, -0.538469310105683091, 0, 0.538469310105683091,
                                               0.906179845938663993};
  static constexpr std::array<double, 5> weights{0.236926885056189088, 0.478628670499366468, 128. / 225,
                                                 0.478628670499366468, 0.236926885056189088};
  const double half = (to - from) / (2 * double(panels));
  for (Index panel = 0; panel < panels; ++panel)
    for (std::size_t i = 0; i < nodes.size(); ++i)
      visit(from + half * (double(2 * panel + 1) + nodes[i]), half * weights[i]);
}

}  // namespace pathline::detail
