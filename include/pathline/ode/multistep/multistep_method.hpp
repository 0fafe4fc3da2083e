/// \file
/// What a multistep method is, and its order, found while the program is compiled. docs/maths.md, (3.2); Hairer,
/// Nørsett & Wanner I, section III.1.
#pragma once

#include <pathline/ode/explicit/explicit_tableau.hpp>
#include <pathline/ode/tableau/tableau_checks.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>

namespace pathline {

/// A method that remembers slopes of earlier steps: weights of f_n, f_{n-1}, … in `predictor`, an explicit method
/// `Start` for the first steps, and its `order`; adams_methods.hpp.
template <class M>
concept MultistepMethod = requires {
  { M::order } -> std::convertible_to<int>;
  { M::predictor[0] } -> std::convertible_to<double>;
  requires M::predictor.size() > 0;
  requires ExplicitMethod<typename M::Start>;
};

/// A multistep method that predicts y by `predictor`, evaluates f_{n+1} there, and weighs it with f_n, … by
/// `corrector`.
template <class M>
concept CorrectedMethod = MultistepMethod<M> && requires {
  { M::corrector[0] } -> std::convertible_to<double>;
  requires M::corrector.size() > 0;
};

/// The lowest degree of a polynomial p that is not integrated exactly over [0, 1] by Σ w_j p(newest - j): the order of
/// the multistep method with these weights. At most K + 1 of K weights.
template <std::size_t K>
[[nodiscard]] constexpr int quadrature_order(const std::array<double, K>& weights, int newest) {
  for (int degree = 0; degree <= int(K); ++degree) {
    double sum = 0, scale = 1;  // of (s / K)^degree: of size 1, so that rounding is too
    for (int i = 0; i < degree; ++i) scale /= double(K);
    for (std::size_t j = 0; j < K; ++j) {
      double power = scale;
      for (int i = 0; i < degree; ++i) power *= newest - int(j);
      sum += weights[j] * power;
    }
    if (!detail::nearly(sum, scale / (degree + 1))) return degree;
  }
  return int(K) + 1;
}

/// The order of a multistep method. A corrector whose step is the predictor's, once, gains one order on it at most.
template <MultistepMethod M>
[[nodiscard]] constexpr int multistep_order() {
  const int predicted = quadrature_order(M::predictor, 0);
  if constexpr (CorrectedMethod<M>)
    return std::min(quadrature_order(M::corrector, 1), predicted + 1);
  else
    return predicted;
}

}  // namespace pathline
