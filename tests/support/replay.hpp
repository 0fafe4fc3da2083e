/// \file
/// A plain explicit Runge–Kutta loop over given steps: what an adaptive solve computed, as a smooth function of its
/// parameters. The gradient of a solve is that of the steps it took; differences of the solve itself would move them.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/implicit/stage_recording.hpp>

#include <Eigen/LU>

#include <algorithm>
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

/// The same of a method whose stages are solutions of equations: Newton's method for all stages of a step at once, to
/// rounding, with Jacobians from differences.
template <class Method, Dynamics G, class Steps>
[[nodiscard]] std::vector<Batch<double>> replay_implicit(const G& dynamics, const Batch<double>& y0,
                                                         const Steps& steps) {
  constexpr int s = detail::StageTableau<Method>::value.stages;
  const Index rows = y0.rows(), n = y0.cols(), m = rows * s;
  Workspace<double> workspace;
  Vector<double> tape(dynamics.tape_size());
  std::vector<Batch<double>> states{y0};
  Batch<double> input(rows, n), slope(rows, n);
  for (const auto& step : steps) {
    const auto& tableau = detail::stage_tableau<Method>(step.closing);
    // The slopes at all stages, as a column of stages below each other for each sample, from those that are guessed.
    const auto slopes = [&](const Batch<double>& K) {
      Batch<double> result(m, n);
      for (int i = 0; i < s; ++i) {
        input = states.back();
        for (int j = 0; j < s; ++j) input += step.h * tableau.A(i, j) * K.middleRows(j * rows, rows);
        dynamics.evaluate(step.time(tableau.c[std::size_t(i)]), input, slope,
                          std::span<double>(tape.data(), std::size_t(tape.size())), workspace);
        result.middleRows(i * rows, rows) = slope;
      }
      return result;
    };
    Batch<double> K = Batch<double>::Zero(m, n), centre = slopes(K);
    std::vector<Eigen::PartialPivLU<Batch<double>>> factors{std::size_t(n)};
    double size = 1, last = 2;
    for (int iteration = 0; iteration < 60 && (iteration < 4 || size < last); ++iteration) {  // until rounding stops it
      if (iteration < 3) {
        std::vector<Batch<double>> J(std::size_t(n), Batch<double>::Identity(m, m));
        for (Index k = 0; k < m; ++k) {
          Batch<double> moved = K;
          moved.row(k).array() += 1e-7;
          const Batch<double> column = (slopes(moved) - centre) / 1e-7;
          for (Index j = 0; j < n; ++j) J[std::size_t(j)].col(k) -= column.col(j);
        }
        for (Index j = 0; j < n; ++j) factors[std::size_t(j)].compute(J[std::size_t(j)]);
      }
      last = size;
      size = 0;
      for (Index j = 0; j < n; ++j) {
        const Vector<double> correction = factors[std::size_t(j)].solve(K.col(j) - centre.col(j));
        K.col(j) -= correction;
        size = std::max(size, correction.cwiseAbs().maxCoeff());
      }
      centre = slopes(K);
    }
    states.push_back(states.back());
    for (int i = 0; i < s; ++i) states.back() += step.h * tableau.b[std::size_t(i)] * K.middleRows(i * rows, rows);
  }
  return states;
}

}  // namespace pathline::test
