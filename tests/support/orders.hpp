/// \file
/// Observed orders of a method and of its partners, on a problem that meets no order condition by accident.
#pragma once

#include <pathline/ode/integrate.hpp>

#include <support/ode_problems.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <type_traits>
#include <vector>

namespace pathline {

/// Errors at one point cancel now and then; the root mean square along the way does not.
struct MeanError {
  double sum = 0;
  void add(double t, const Eigen::Vector2d& y) { sum += (y - CoupledProblem::exact(t)).squaredNorm(); }
  [[nodiscard]] double root() const { return std::sqrt(sum); }
};

/// Adds up the errors at the outputs of a solve.
struct ErrorAtOutputs : NoObserver {
  std::span<const double> times;
  MeanError error{};
  explicit ErrorAtOutputs(std::span<const double> at) : times(at) {}
  void output(Index i, const Eigen::Vector2d& y) { error.add(times[std::size_t(i)], y); }
};

/// Error of `steps` steps to each of 20 outputs; `Rhs` is CoupledProblem or one that says more of it.
template <class Method, class Rhs = CoupledProblem>
double global_error(Index steps, double t0, double t1) {
  std::vector<double> times;
  for (int i = 0; i <= 20; ++i) times.push_back(t0 + (t1 - t0) * i / 20);
  std::conditional_t<std::is_same_v<Rhs, CoupledProblem>, AnyRhs<Eigen::Vector2d>, Rhs> rhs = Rhs{};
  Eigen::Vector2d y = CoupledProblem::exact(t0);
  Stepper<Method, Eigen::Vector2d> stepper;
  ErrorAtOutputs watch(times);
  integrate(Method{}, FixedSteps(steps), rhs, y, times, stepper, watch);
  return watch.error.root();
}

/// Errors of single steps of length h from the exact solution, with these weights for the stages.
template <class Method, std::size_t S>
double local_error(double h, const std::array<double, S>& weights) {
  AnyRhs<Eigen::Vector2d> rhs = CoupledProblem{};
  Stepper<Method, Eigen::Vector2d> stepper;
  MeanError error;
  for (int i = 0; i < 20; ++i) {
    const double t = 0.1 * i;
    stepper.init(rhs, t, CoupledProblem::exact(t));
    static_cast<void>(stepper.step(rhs, t, h));  // an implicit method says whether Newton's converged
    Eigen::Vector2d y = stepper.y();
    for (std::size_t j = 0; j < S; ++j) y += h * weights[j] * stepper.stage(int(j));
    error.add(t + h, y);
  }
  return error.root();
}

/// The power of h with which the error of one step falls between 2 h and h.
template <class Method, std::size_t S>
double local_order(double h, const std::array<double, S>& weights) {
  return std::log2(local_error<Method>(2 * h, weights) / local_error<Method>(h, weights));
}

}  // namespace pathline
