/// \file
/// What methods whose stages are solved one after another have in common: first guesses of a stage, and whether the
/// error estimate is to be filtered. docs/maths.md, section 3.
#pragma once

#include <array>
#include <cstddef>

namespace pathline::detail {

/// Weights of stages First … I - 1 that extrapolate the derivative to `target`: those of the polynomial through the up
/// to three whose nodes are nearest. All 0 where there is none.
template <class Method, int I, int First>
constexpr std::array<double, std::size_t(I + 1)> extrapolation_weights(double target) {
  constexpr auto c = Method::tableau.c;
  const auto node = [&](int j) { return c[std::size_t(j)]; };
  const auto distance = [&](int j) { return node(j) < target ? target - node(j) : node(j) - target; };
  std::array<int, 3> chosen{};
  int n = 0;
  for (; n < 3; ++n) {
    int nearest = -1;
    for (int j = I - 1; j >= First; --j) {
      bool taken = false;  // of stages with one node only the last counts
      for (int k = 0; k < n; ++k) taken = taken || node(chosen[std::size_t(k)]) == node(j);
      if (!taken && (nearest < 0 || distance(j) < distance(nearest))) nearest = j;
    }
    if (nearest < 0) break;
    chosen[std::size_t(n)] = nearest;
  }
  std::array<double, std::size_t(I + 1)> result{};
  for (int k = 0; k < n; ++k) {
    double lagrange = 1;
    for (int m = 0; m < n; ++m)
      if (m != k)
        lagrange *=
            (target - node(chosen[std::size_t(m)])) / (node(chosen[std::size_t(k)]) - node(chosen[std::size_t(m)]));
    result[std::size_t(chosen[std::size_t(k)])] = lagrange;
  }
  return result;
}

/// The weights for stage I, from the stages before it from `First` on.
template <class Method, int I, int First>
struct PredictorWeights {
  static constexpr int count = I;
  static constexpr auto weights = extrapolation_weights<Method, I, First>(Method::tableau.c[std::size_t(I)]);
  static constexpr double weight(int j) { return weights[std::size_t(j)]; }
};

/// The weights for f at the start of the step, from all stages.
template <class Method>
struct StartWeights {
  static constexpr int count = Method::tableau.stages;
  static constexpr auto weights = extrapolation_weights<Method, count, 0>(0);
  static constexpr double weight(int j) { return weights[std::size_t(j)]; }
};

/// Whether |R(∞)| of the embedded partner is above 1.
template <class Method>
constexpr bool partner_amplifies() {
  if (Method::tableau.embedded_order == 0) return false;
  const double limit = stability_at_infinity(Method::tableau, Method::tableau.b_embedded);
  return !(limit <= 1 && limit >= -1);
}

}  // namespace pathline::detail
