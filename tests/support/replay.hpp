/// \file
/// A plain explicit Runge–Kutta loop over given steps: what an adaptive solve computed, as a smooth function of its
/// parameters. The gradient of a solve is that of the steps it took; differences of the solve itself would move them.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/implicit/stage_recording.hpp>
#include <pathline/gradient/parts/part_dynamics.hpp>
#include <pathline/ode/implicit/rosenbrock/rosenbrock_tableau.hpp>

#include <Eigen/LU>

#include <algorithm>
#include <cstddef>
#include <span>
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

/// The same of a Rosenbrock method, by its definition (Hairer & Wanner II, equation IV.7.4).
template <class Method, Dynamics G, class Steps>
[[nodiscard]] std::vector<Batch<double>> replay_rosenbrock(const G& dynamics, const Batch<double>& y0,
                                                           const Steps& steps) {
  constexpr auto tableau = Method::tableau;
  const Index d = y0.rows(), n = y0.cols();
  Workspace<double> workspace;
  Vector<double> tape(dynamics.tape_size());
  std::vector<Batch<double>> states{y0};
  Batch<double> J(d, d * n), slope(d, n), by_time(d, n);
  for (const auto& step : steps) {
    const Batch<double> y = states.back();
    dynamics.jacobian(step.t, y, J, workspace);
    dynamics.time_derivative(step.t, y, by_time, workspace);
    std::vector<Batch<double>> K;
    for (int i = 0; i < tableau.stages; ++i) {
      Batch<double> input = y, coupled = Batch<double>::Zero(d, n);
      double node = 0, weight = tableau.gamma;
      for (int j = 0; j < i; ++j) {
        input += tableau.alpha(i, j) * K[std::size_t(j)];
        coupled += tableau.Gamma(i, j) * K[std::size_t(j)];
        node += tableau.alpha(i, j);
        weight += tableau.Gamma(i, j);
      }
      dynamics.evaluate(step.t + node * step.h, input, slope, std::span<double>(tape.data(), std::size_t(tape.size())),
                        workspace);
      K.emplace_back(d, n);
      for (Index j = 0; j < n; ++j) {
        const Batch<double> hJ = step.h * J.middleCols(j * d, d);
        const Vector<double> right =
            step.h * slope.col(j) + hJ * coupled.col(j) + step.h * step.h * weight * by_time.col(j);
        K.back().col(j) = (Batch<double>::Identity(d, d) - tableau.gamma * hJ).partialPivLu().solve(right);
      }
    }
    states.push_back(y);
    for (int i = 0; i < tableau.stages; ++i) states.back() += tableau.b[std::size_t(i)] * K[std::size_t(i)];
  }
  return states;
}

/// The same of an additive method, by Newton's method to rounding.
template <class Method, TwoPartDynamics G, class Steps>
[[nodiscard]] std::vector<Batch<double>> replay_additive(const G& dynamics, const Batch<double>& y0,
                                                         const Steps& steps) {
  constexpr auto tableau = Method::tableau;
  const auto f = detail::ExplicitPart::of(dynamics);
  const auto g = detail::ImplicitPart::of(dynamics);
  const Index d = y0.rows(), n = y0.cols();
  Workspace<double> workspace;
  Vector<double> tape(std::max(f.tape_size(), g.tape_size()));
  const std::span<double> scratch(tape.data(), std::size_t(tape.size()));
  std::vector<Batch<double>> states{y0};
  Batch<double> J(d, d * n);
  for (const auto& step : steps) {
    std::vector<Batch<double>> F, G_;
    for (int i = 0; i < tableau.stages; ++i) {
      const double t = step.time(tableau.c[std::size_t(i)]);
      Batch<double> base = states.back();
      for (int j = 0; j < i; ++j)
        base += step.h * (tableau.explicit_part().A(i, j) * F[std::size_t(j)] +
                          tableau.implicit_part().A(i, j) * G_[std::size_t(j)]);
      Batch<double> Y = base;
      F.emplace_back(d, n);
      G_.emplace_back(d, n);
      const double h_gamma = step.h * tableau.implicit_part().A(i, i);
      for (int iteration = 0; iteration < 5 && h_gamma != 0; ++iteration) {  // quadratic
        g.evaluate(t, Y, G_.back(), scratch, workspace);
        g.jacobian(t, Y, J, workspace);
        for (Index j = 0; j < n; ++j) {
          const Batch<double> M = Batch<double>::Identity(d, d) - h_gamma * J.middleCols(j * d, d);
          Y.col(j) -= M.partialPivLu().solve(Y.col(j) - base.col(j) - h_gamma * G_.back().col(j));
        }
      }
      f.evaluate(t, Y, F.back(), scratch, workspace);
      if (h_gamma == 0)
        g.evaluate(t, Y, G_.back(), scratch, workspace);
      else
        G_.back() = (Y - base) / h_gamma;
    }
    states.push_back(states.back());
    for (std::size_t i = 0; i < F.size(); ++i) states.back() += step.h * tableau.b[i] * (F[i] + G_[i]);
  }
  return states;
}

/// The steps of any of these families.
template <class Method, Dynamics G, class Steps>
[[nodiscard]] std::vector<Batch<typename G::Scalar>> replay_any(const G& dynamics, const Batch<typename G::Scalar>& y0,
                                                                const Steps& steps) {
  if constexpr (RosenbrockMethod<Method>)
    return replay_rosenbrock<Method>(dynamics, y0, steps);
  else if constexpr (TwoPartMethod<Method>)
    return replay_additive<Method>(dynamics, y0, steps);
  else if constexpr (ImplicitMethod<Method>)
    return replay_implicit<Method>(dynamics, y0, steps);
  else
    return replay<Method>(dynamics, y0, steps);
}

}  // namespace pathline::test
