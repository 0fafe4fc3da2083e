/// \file
/// A plain explicit Runge–Kutta loop over given steps: what an adaptive solve computed, as a smooth function of its
/// parameters. The gradient of a solve is that of the steps it took; differences of the solve itself would move them.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/dynamics.hpp>

#include <vector>

namespace pathline::test {

/// y after each of `steps` of a recording, y0 first.
template <class Method, Dynamics G, class Steps>
[[nodiscard]] std::vector<Batch<typename G::Scalar>> replay(const G& dynamics, const Batch<typename G::Scalar>& y0,
                                                            const Steps& steps) {
  using Scalar = typename G::Scalar;
  constexpr auto tableau = Method::tableau;
  Workspace<Scalar> workspace;
  std::vector<Batch<Scalar>> states{y0};
  Vector<Scalar> tape(dynamics.tape_size());
  for (const auto& step : steps) {
    std::vector<Batch<Scalar>> K;
    for (int i = 0; i < tableau.stages; ++i) {
      Batch<Scalar> y = states.back();
      for (int j = 0; j < i; ++j) y += Scalar(step.h * tableau.A(i, j)) * K[std::size_t(j)];
      K.emplace_back(y0.rows(), y0.cols());
      dynamics.evaluate(step.time(tableau.c[std::size_t(i)]), y, K.back(),
                        std::span<Scalar>(tape.data(), std::size_t(tape.size())), workspace);
    }
    states.push_back(states.back());
    for (int i = 0; i < tableau.stages; ++i)
      states.back() += Scalar(step.h * tableau.b[std::size_t(i)]) * K[std::size_t(i)];
  }
  return states;
}

}  // namespace pathline::test
