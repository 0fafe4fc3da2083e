/// \file
/// Central differences, and how far two results lie apart.
#pragma once

#include <pathline/core/types.hpp>

namespace pathline::test {

/// dF/dx by (F(x + h e_i) - F(x - h e_i)) / 2h, of a scalar function F(x) of a vector. With h = 1e-6 truncation h² and
/// rounding ε/h are both below 1e-9 where F and its third derivatives are of order 1.
template <class Function>
[[nodiscard]] Vector<double> central_differences(Function&& F, Vector<double> x, double h = 1e-6) {
  Vector<double> result(x.size());
  for (Index i = 0; i < x.size(); ++i) {
    const double centre = x(i);
    x(i) = centre + h;
    const double above = F(x);
    x(i) = centre - h;
    const double below = F(x);
    x(i) = centre;
    result(i) = (above - below) / (2 * h);
  }
  return result;
}

/// Largest difference over largest magnitude of the expected.
template <class A, class B>
[[nodiscard]] double max_difference(const A& got, const B& expected) {
  return double((got - expected).cwiseAbs().maxCoeff()) / double(expected.cwiseAbs().maxCoeff());
}

}  // namespace pathline::test
