/// \file
/// The polynomial through the samples of one step, whose extrema show where a function may go through 0 unseen between
/// them: for sign_changes.hpp.
#pragma once

#include <pathline/ode/output/bracketed_root.hpp>

#include <array>
#include <cstddef>

namespace pathline::detail {

/// Parts of a step where g is always evaluated. Those near the ends show which way it goes there.
inline constexpr std::array<double, 7> search_places{0, 1. / 1024, 0.25, 0.5, 0.75, 1023. / 1024, 1};
using PlaceValues = std::array<double, search_places.size()>;

/// Coefficients, the constant first, of the polynomial of degree 6 with these values at search_places.
[[nodiscard]] inline PlaceValues polynomial_through(const PlaceValues& values) {
  PlaceValues c = values;
  constexpr std::size_t n = search_places.size();
  for (std::size_t k = 1; k < n; ++k)  // Newton's divided differences
    for (std::size_t j = n - 1; j >= k; --j) c[j] = (c[j] - c[j - 1]) / (search_places[j] - search_places[j - k]);
  for (std::size_t k = n - 1; k-- > 0;)
    for (std::size_t j = k; j + 1 < n; ++j) c[j] -= search_places[k] * c[j + 1];
  return c;
}

/// The extrema in (0, 1) of that polynomial, ascending, at most five: between two zeros of a derivative the one below
/// it is monotone, and so on up from the linear one.
/// \return  Their number.
[[nodiscard]] inline std::size_t extrema_of_polynomial(const PlaceValues& c, std::array<double, 5>& extrema) {
  constexpr std::size_t degree = search_places.size() - 1;
  std::array<double, degree + 1> bounds{0, 1}, zeros{};  // of the pieces; the ends of [0, 1] among them
  std::size_t last = 1;
  for (std::size_t order = degree - 1; order > 0; --order) {
    PlaceValues q{};  // the derivative of this order
    for (std::size_t i = 0; i + order <= degree; ++i) {
      q[i] = c[i + order];
      for (std::size_t k = 0; k < order; ++k) q[i] *= double(i + order - k);
    }
    const auto value = [&q, top = degree - order](double x) {
      double sum = q[top];
      for (std::size_t i = top; i-- > 0;) sum = sum * x + q[i];
      return sum;
    };
    std::size_t found = 0;
    Sample from{0, value(0)};
    for (std::size_t k = 1; k <= last; ++k) {
      const Sample to{bounds[k], value(bounds[k])};
      if (from.g != 0 && to.g != 0 && signs_differ(from, to)) zeros[++found] = bracketed_root(value, from, to);
      if (to.g == 0 && k < last) zeros[++found] = to.t;
      from = to;
    }
    zeros[++found] = 1;
    bounds = zeros;
    last = found;
  }
  for (std::size_t k = 1; k < last; ++k) extrema[k - 1] = bounds[k];
  return last - 1;
}

}  // namespace pathline::detail
