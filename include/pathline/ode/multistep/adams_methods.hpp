/// \file
/// Adams' methods as data: the weights of the slopes that earlier steps have left. One evaluation a step
/// (Adams–Bashforth) or two (Adams–Bashforth–Moulton), whatever the order: for smooth problems that are not stiff, with
/// many equal steps and an expensive right-hand side. Run by the stepper of adams_stepper.hpp, which says when a
/// history starts anew. Hairer, Nørsett & Wanner I, section III.1; docs/maths.md, (3.2).
#pragma once

#include <pathline/ode/explicit/tableaux.hpp>
#include <pathline/ode/multistep/adams_stepper.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <type_traits>

namespace pathline {
namespace detail {

/// Weights of f at the nodes newest, newest - 1, … in units of the step, which is [0, 1]; newest is 0 or 1.
template <int K>
constexpr std::array<double, std::size_t(K)> adams_weights(int newest) {
  std::array<double, std::size_t(K)> weights{};
  double gamma[K]{};  // factors of the backward differences: the sum of γ_{m-i} / (i + 1) is 1, or 0 for implicit m > 0
  for (int m = 0; m < K; ++m) {
    gamma[m] = newest == 0 || m == 0 ? 1 : 0;
    for (int i = 1; i <= m; ++i) gamma[m] -= gamma[m - i] / (i + 1);
    double binomial = 1;
    for (int j = 0; j <= m; ++j) {
      weights[std::size_t(j)] += gamma[m] * binomial;
      binomial *= -double(m - j) / (j + 1);
    }
  }
  return weights;
}

/// Said by a constraint: a class whose own assertion fails is no method to clang any more, which is a second error.
template <int K>
concept OrderFromOneToFive = K >= 1 && K <= 5;

}  // namespace detail

/// y_next = y + h Σ w_j f_{n-j}, j < K: explicit, order K, one evaluation a step.
/// Bashforth & Adams, An attempt to test the theories of capillary action (1883).
template <int K>
requires detail::OrderFromOneToFive<K>
struct AdamsBashforth {
  static constexpr int order = K;
  static constexpr std::array<double, std::size_t(K)> predictor = detail::adams_weights<K>(0);
  /// Takes the first K - 1 steps. As it is of order K too, so is a solve that starts anew all the time.
  using Start = std::conditional_t<(K <= 4), Rk4, Dopri5>;
};

/// Adams–Bashforth predicts, f is evaluated there, Adams–Moulton of order K corrects, and f is evaluated anew as the
/// next step's first slope (PECE). Errors and region of stability are far better than those of Adams–Bashforth, for two
/// evaluations a step. Moulton, New methods in exterior ballistics (1926).
template <int K>
requires detail::OrderFromOneToFive<K>
struct AdamsBashforthMoulton : AdamsBashforth<K> {
  static constexpr std::array<double, std::size_t(K)> corrector = detail::adams_weights<K>(1);  ///< f_{n+1}'s first.
};

}  // namespace pathline
